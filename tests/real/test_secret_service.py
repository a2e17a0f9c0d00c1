"""Self-tests of the private Secret Service."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest
from support import secret_service
from support.secret_service import PrivateBus, SecretService, SilentSecretService, missing, state, wait_until
from support.tree import ROOT

GET = "import keyring, sys; print(ascii(keyring.get_password(*sys.argv[1:])))"
SET = "import keyring, sys; keyring.set_password(*sys.argv[1:])"
GET_AFTER_A_SIGN = f"import keyring; print(keyring.get_keyring(), flush=True); {GET}"
HOLD = """
import signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from support.secret_service import SecretService
with SecretService(Path(sys.argv[2])) as service:
    if sys.argv[3] == "True":
        service.stop_daemon()
    print(service.bus_pid, service.daemon_pid, flush=True)
    signal.pause()
"""
KEY = "sk-\u00e4\u20ac\U0001f511 two words\nsecond line"


@pytest.fixture(autouse=True)
def _programs() -> None:
    """Skip where the programs are missing, but never in CI."""
    reason = missing()
    if reason and os.environ.get("CI"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[SecretService]:
    """Give a Secret Service of the test's own."""
    with SecretService(tmp_path / "service") as service:
        yield service


def python(bus: PrivateBus, program: str, *words: str, timeout: float = 60) -> tuple[str, str]:
    """Run a Python program in the environment of the bus and nothing else; return output and errors."""
    command = [sys.executable, "-c", program, *words]
    result = subprocess.run(command, env=bus.environ, capture_output=True, timeout=timeout, check=False)
    return result.stdout.decode(), result.stderr.decode()


def left_over(bus: PrivateBus) -> list[str]:
    """Return the command lines of all processes that have the address of the bus."""
    mark = os.fsencode(bus.environ["DBUS_SESSION_BUS_ADDRESS"])
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes():
                found.append((folder / "cmdline").read_text())
        except OSError:  # ended, or somebody else's
            continue
    return found


def assert_hangs(bus: PrivateBus) -> None:
    """Check that a look-up reaches the Secret Service and gets no answer."""
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        python(bus, GET_AFTER_A_SIGN, "svc", "user", timeout=3)
    assert b"SecretService" in (caught.value.stdout or b"")


def test_keyring_reads_what_secret_tool_stored(service: SecretService) -> None:
    """An item of the real secret-tool is found by python-keyring."""
    service.secret_tool_store("svc", "user", KEY)
    assert python(service, GET, "svc", "user") == (f"{KEY!a}\n", "")


def test_secret_tool_reads_what_keyring_stored(service: SecretService) -> None:
    """An item of python-keyring is found by the real secret-tool, and no other."""
    assert service.secret_tool_lookup("svc", "user") is None
    assert python(service, SET, "svc", "user", KEY) == ("", "")
    assert service.secret_tool_lookup("svc", "user") == KEY
    assert service.secret_tool_lookup("svc", "other") is None


def test_locked(service: SecretService) -> None:
    """A locked collection gives KeyringLocked, for nobody can answer a prompt."""
    service.secret_tool_store("svc", "user", KEY)
    service.lock()
    assert "keyring.errors.KeyringLocked" in python(service, GET, "svc", "user")[1]


def test_stopped_daemon_hangs_and_comes_back(service: SecretService) -> None:
    """A suspended daemon answers nothing until it is resumed."""
    service.secret_tool_store("svc", "user", KEY)
    service.stop_daemon()
    assert_hangs(service)
    service.resume_daemon()
    assert service.secret_tool_lookup("svc", "user") == KEY


def test_killed_daemon(service: SecretService) -> None:
    """Without its daemon the bus offers no backend, and starts no new daemon."""
    service.kill_daemon()
    assert state(service.daemon_pid) is None
    assert state(service.bus_pid) is not None
    assert "keyring.errors.NoKeyringError" in python(service, GET, "svc", "user")[1]


def test_killed_bus(service: SecretService) -> None:
    """Without its bus there is no backend."""
    service.kill_bus()
    assert state(service.bus_pid) is None
    assert "keyring.errors.NoKeyringError" in python(service, GET, "svc", "user")[1]


def test_silent_service_does_not_answer(tmp_path: Path) -> None:
    """The silent service looks available and never answers."""
    with SilentSecretService(tmp_path / "silent") as silent:
        assert_hangs(silent)
    assert left_over(silent) == []


@pytest.mark.parametrize("stopped", [False, True])
def test_no_process_left_after_exit(tmp_path: Path, stopped: bool) -> None:
    """Leaving by an exception ends everything, a suspended daemon too."""
    service = SecretService(tmp_path / "service")
    with contextlib.suppress(KeyError), service:
        assert len(left_over(service)) == 2
        if stopped:
            service.stop_daemon()
        raise KeyError
    assert left_over(service) == []


def test_no_process_left_after_a_failed_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that fails ends the bus and shows what the program wrote."""
    monkeypatch.setattr(secret_service, "SILENT_PROGRAM", "raise SystemExit('no luck')")
    silent = SilentSecretService(tmp_path / "silent")
    with pytest.raises(RuntimeError) as caught, silent:
        pass
    assert "no luck" in caught.value.__notes__[0]
    assert left_over(silent) == []


@pytest.mark.parametrize("stopped", [False, True])
def test_no_process_left_after_kill_9(tmp_path: Path, stopped: bool) -> None:
    """Bus and daemon end with a test run that is killed, a suspended daemon too."""
    arguments = [str(ROOT / "tests"), str(tmp_path / "service"), str(stopped)]
    command = [sys.executable, "-c", HOLD, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        pids = [int(pid) for pid in holder.stdout.readline().split()]
        alive = [state(pid) is not None for pid in pids]
        os.kill(holder.pid, signal.SIGKILL)
    assert alive == [True, True]
    wait_until(lambda: all(state(pid) is None for pid in pids), "bus and daemon have ended")


def test_two_at_once(tmp_path: Path) -> None:
    """Two services share neither items nor fate."""
    with SecretService(tmp_path / "one") as one, SecretService(tmp_path / "two words~") as two:
        one.secret_tool_store("svc", "user", "first")
        assert two.secret_tool_lookup("svc", "user") is None
        python(two, SET, "svc", "user", "second")
        one.kill_daemon()
        assert two.secret_tool_lookup("svc", "user") == "second"


def test_environ_is_complete_and_private(service: SecretService, tmp_path: Path) -> None:
    """Each variable but three names a place inside the service's own folder."""
    inside = {name for name, value in service.environ.items() if str(tmp_path) in unquote(value)}
    assert set(service.environ) - inside == {"LANG", "PATH", "PYTHONPATH"}
    assert {"HOME", "TMPDIR", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"} <= inside
    assert (tmp_path / "service" / "xdg_data_home" / "keyrings").is_dir()


def test_missing_names_the_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message names the programs and the command that installs them."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "secret-tool" in (missing() or "")
    assert "apt-get install dbus gnome-keyring libglib2.0-bin libsecret-tools" in (missing() or "")
