"""The gateway lives on: killed, stopped, replaced, or with its port taken, each is what it is said to be."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from conftest import require
from support.gateway import LIMIT, RunningGateway, Upstream, error, replying, route
from support.messages_server import Handler, Request
from support.openai_server import OpenAiUpstream
from support.packages import installed
from support.programs import absent
from support.tree import ROOT, SOURCE

from llmswitch import __version__
from llmswitch.base.errors import LlmswitchError
from llmswitch.gateway import incoming
from llmswitch.gateway.port import holder
from llmswitch.gateway.server import Server
from llmswitch.gateway.through import through

KEYS = {"haiku": "sk-test-haiku-0123456789abcdef0123456789"}
BODY = {"model": "haiku-model", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway of its own."""
    with RunningGateway(tmp_path / "g", KEYS) as running:
        yield running


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A fake provider."""
    with Upstream() as running:
        yield running


def until(true: Callable[[], object], what: str) -> None:
    """Wait until something is true."""
    end = time.monotonic() + LIMIT
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.01)


def test_a_killed_gateway_answers_the_next_request_with_the_same_token(
    gateway: RunningGateway, upstream: Upstream
) -> None:
    """No connection is refused meanwhile, and the exported key is still known."""
    pin = gateway.routes(**{"haiku-model": route(upstream)})
    assert pin.post(BODY).status == 200
    for _ in range(3):
        before = gateway.pid
        os.kill(before, signal.SIGKILL)
        assert pin.post(BODY).status == 200
        assert gateway.pid != before
    os.kill(gateway.pid, signal.SIGKILL)
    assert gateway.local.look()[0], "it was started again, and is not said to be down"
    assert {one.bearer for one in upstream.requests} == {KEYS["haiku"]}


def test_it_serves_on_where_its_keeper_was_killed(gateway: RunningGateway, upstream: Upstream) -> None:
    """And can still be stopped."""
    pin = gateway.routes(**{"haiku-model": route(upstream)})
    gateway.process.kill()
    gateway.process.wait(LIMIT)
    assert pin.post(BODY).status == 200
    assert gateway.local.stop()
    until(lambda: holder(gateway.port) is None, "the port is held")


def test_one_that_cannot_serve_ends_and_says_why(tmp_path: Path) -> None:
    """It is not started over and over; a folder that is a link is one such reason."""
    made = RunningGateway(tmp_path / "g", KEYS)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "g" / "state").mkdir()
    (tmp_path / "g" / "state" / "gateway").symlink_to(tmp_path / "elsewhere")
    done = subprocess.run(
        [sys.executable, "-m", "llmswitch", "gateway", "run"], env=made.environ, capture_output=True, text=True,
        timeout=LIMIT,
    )  # fmt: skip
    assert done.returncode == 1
    assert "is a link or another user's" in done.stderr
    assert done.stderr.count("llmswitch:") == 1


def test_a_stopped_gateway_is_called_that(gateway: RunningGateway) -> None:
    """With the command that lets it go on."""
    pid = gateway.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert gateway.local.trouble() == (
            f"The gateway (process {pid}) is stopped, by SIGSTOP or Ctrl-Z.", f"kill -CONT {pid}",
        )  # fmt: skip
        with pytest.raises(LlmswitchError, match="is stopped"):
            gateway.local.start()
        for word in ("lock", "stop"):  # it has its keys, and is there
            argv = [sys.executable, "-m", "llmswitch", "gateway", word]
            done = subprocess.run(argv, env=gateway.environ, capture_output=True, text=True, timeout=LIMIT)
            assert (done.returncode, done.stdout) == (1, "")
            assert f"(process {pid}) is stopped, by SIGSTOP or Ctrl-Z." in done.stderr
            assert done.stderr.rstrip().endswith(f"kill -CONT {pid}")
        argv = [sys.executable, "-m", "llmswitch", "keys", "delete", "haiku"]
        path = f"{SOURCE}:{ROOT / 'tests' / 'support'}"
        environ = {**gateway.environ, "PYTHON_KEYRING_BACKEND": "file_keyring.Keyring", "PYTHONPATH": path}
        done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=LIMIT)
        assert "It may use the old key until it forgets it." in done.stderr
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_gateway_without_a_free_descriptor_is_called_that(gateway: RunningGateway) -> None:
    """And not another program on its port."""
    pid = gateway.pid
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (len(os.listdir(f"/proc/{pid}/fd")) - 4, hard))
    trouble = gateway.local.look()[1]
    assert trouble
    assert trouble[0].startswith(f"The gateway (process {pid}) has no file descriptor left")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
    until(lambda: gateway.local.status(), "it does not answer again")


def test_a_port_that_somebody_else_has_is_never_taken_for_the_gateway(tmp_path: Path) -> None:
    """Who would start Claude Code is told, and whose it is."""
    made = RunningGateway(tmp_path / "g", KEYS)
    with socket.create_server(("127.0.0.1", made.port)):
        with pytest.raises(LlmswitchError, match=f"Port {made.port} is held by another program of yours"):
            made.local.start()
        done = subprocess.run(
            [sys.executable, "-m", "llmswitch", "gateway", "run"], env=made.environ, capture_output=True, text=True,
            timeout=LIMIT,
        )  # fmt: skip
    assert f"Port {made.port} cannot be used" in done.stderr
    assert "another program of yours" in done.stderr


def test_another_users_port_is_called_that(tmp_path: Path) -> None:
    """With the user's number; nothing is sent there."""
    require(None if os.getuid() == 0 else "only root can become another user")
    require(absent("setpriv"))
    made = RunningGateway(tmp_path / "g", KEYS)
    code = (
        "import socket, sys, time\n"
        "with socket.create_server(('127.0.0.1', int(sys.argv[1]))) as s: print('up', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        ["setpriv", "--reuid", "65534", "--clear-groups", "/usr/bin/env", "python3", "-c", code, str(made.port)],
        stdout=subprocess.PIPE, cwd="/",
    ) as other:  # fmt: skip
        try:
            assert other.stdout
            if other.stdout.readline() != b"up\n":
                require("no Python that another user may run")
            with pytest.raises(LlmswitchError, match=f"Port {made.port} is held by user 65534"):
                made.local.start()
        finally:
            other.kill()


def test_after_a_sleep_of_the_machine_what_was_asked_is_answered(gateway: RunningGateway, upstream: Upstream) -> None:
    """Both processes stand still, and what they kept open to the provider was closed meanwhile."""
    pin = gateway.routes(**{"haiku-model": route(upstream)})
    assert pin.post(BODY).status == 200
    pids = (gateway.process.pid, gateway.pid)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(pin.post(BODY).status))
    asking.start()
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    asking.join(LIMIT)
    assert answers == [200]
    assert gateway.pid == pids[1]


def test_systemd_may_hold_the_port(tmp_path: Path, upstream: Upstream) -> None:
    """A socket that was passed is served, and nobody else can take the port before or after."""
    made = RunningGateway(tmp_path / "g", KEYS)
    with socket.create_server(("127.0.0.1", made.port)) as passed, (tmp_path / "log").open("wb") as log:
        shell = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" -m llmswitch gateway run'
        with subprocess.Popen(
            ["sh", "-c", shell, sys.executable], env=made.environ, stdout=log, stderr=log, pass_fds=[3],
            preexec_fn=lambda: os.dup2(passed.fileno(), 3),
        ) as process:  # fmt: skip
            until(lambda: made.local.status() or process.poll() is not None, "it does not answer")
            pin = made.routes(**{"haiku-model": route(upstream)})
            assert pin.post(BODY).status == 200
            assert made.local.stop()
            assert process.wait(LIMIT) == 0


def test_a_gateway_of_another_version_is_replaced_when_it_is_idle(gateway: RunningGateway, tmp_path: Path) -> None:
    """By the next start."""
    until(lambda: gateway.local.status(), "it answers")
    status = gateway.local.status()
    assert status
    assert status["version"] == __version__
    assert not gateway.local.start()
    code = (
        "import sys, llmswitch; llmswitch.__version__ = '99.0'\n"
        "from llmswitch.gateway.client import LocalGateway\n"
        "from llmswitch.keys.names import KeyNames\n"
        "import os\n"
        "folder, port = sys.argv[1], int(sys.argv[2])\n"
        "print(LocalGateway(folder, os.environ, lambda: KeyNames(folder), lambda: port).start())\n"
    )
    folder = str(gateway.home / "state" / "gateway")
    done = subprocess.run(
        [sys.executable, "-c", code, folder, str(gateway.port)], env=gateway.environ, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.stdout == "True\n", done.stderr
    after = gateway.local.status()
    assert after
    assert after["pid"] != status["pid"]
    assert gateway.process.wait(LIMIT) == 0
    assert gateway.local.stop()


@pytest.mark.parametrize("killed", [False, True], ids=["idle", "killed"])
def test_a_package_that_was_replaced_under_a_running_gateway_costs_no_turn(
    tmp_path: Path, upstream: Upstream, killed: bool
) -> None:
    """It serves on, and says which version it is; killed, the new one answers with the same token and keys.

    Idle, it is replaced by the next helper of a session.
    """
    site = tmp_path / "site"
    installed(site, __version__)
    with RunningGateway(tmp_path / "g", KEYS, {"PYTHONPATH": str(site)}) as gateway, OpenAiUpstream() as other:
        (gateway.home / "presets").mkdir()
        fields = {"base_url": upstream.url, "key": "haiku", "default_model": "a/b"}
        (gateway.home / "presets" / "mine.json5").write_text(json.dumps(fields))
        openai = route(f"{other.url}/v1", model="m", protocol="openai")
        pin = gateway.routes(**{"haiku-model": route(upstream, preset="mine"), "translated": openai})
        shutil.rmtree(site / "llmswitch")
        (site / "llmswitch").mkdir()
        (site / "llmswitch" / "__init__.py").touch()  # an installer in the middle of its work
        turns = [BODY, {**BODY, "model": "translated"}, {**BODY, "model": "nobody"}]
        assert [pin.post(body).status for body in turns] == [200, 200, 404]
        if killed:
            os.kill(gateway.pid, signal.SIGKILL)
            time.sleep(1.5)  # it was tried to start it, in vain, more than once
        installed(site, "99.0")
        assert [pin.post(body).status for body in turns] == [200, 200, 404]
        status = gateway.local.status() or {}
        assert status["version"] == ("99.0" if killed else __version__)
        if not killed:
            argv = [sys.executable, "-m", "llmswitch", "gateway"]
            said = subprocess.run([*argv, "status"], env=gateway.environ, capture_output=True, text=True, cwd=tmp_path)
            assert f"version {__version__}" in said.stdout
            code = (
                "import os, sys\n"
                "from llmswitch.gateway.client import LocalGateway\n"
                "from llmswitch.gateway.through import through\n"
                "from llmswitch.keys.names import KeyNames\n"
                "folder, name = sys.argv[1:]\n"
                "gateway = LocalGateway(folder, os.environ, lambda: KeyNames(folder), lambda: 0)\n"
                "print(*(each.message for each in through(name, {}, gateway).problems))\n"
            )
            argv_of_status = [sys.executable, "-c", code, gateway.local.folder, pin.name]
            said = subprocess.run(argv_of_status, env=gateway.environ, capture_output=True, text=True, cwd=tmp_path)
            assert f"The gateway that runs is version {__version__}; the next session replaces it" in said.stdout
            token = subprocess.run(
                [*argv, "token", pin.name], env=gateway.environ, capture_output=True, text=True, cwd=tmp_path
            ).stdout.strip()
            assert gateway.process.wait(LIMIT) == 0
            pin.token = token
            assert [pin.post(body).status for body in turns] == [200, 200, 404]
            assert (gateway.local.status() or {})["version"] == "99.0"
            assert gateway.local.stop()
    assert {one.bearer for one in upstream.requests} == {KEYS["haiku"]}


def test_a_running_gateway_imports_nothing_more_of_ours(tmp_path: Path, upstream: Upstream) -> None:
    """After an update there may be another version of it, or none."""
    gateway = RunningGateway(tmp_path / "g", KEYS, {"PYTHONPROFILEIMPORTTIME": "1"})
    with gateway, OpenAiUpstream() as other:
        (gateway.home / "presets").mkdir()
        fields = {"base_url": upstream.url, "key": "haiku", "default_model": "a/b"}
        (gateway.home / "presets" / "mine.json5").write_text(json.dumps(fields))
        (gateway.home / "presets" / "on-top.json5").write_text('{extends: "mine", key: "absent"}')
        places = {
            "haiku-model": route(upstream, preset="mine"),
            "on-top": route(upstream, preset="on-top", key="absent"),
            "bare": route(upstream, key="absent"),
            "translated": route(f"{other.url}/v1", model="m", protocol="openai"),
        }
        pin = gateway.routes(**places)
        for model, streamed in itertools.product(places, (False, True)):
            pin.post({**BODY, "model": model, "stream": streamed})
        upstream.behaviour = replying(401, error("authentication_error", "no"))
        assert pin.post(BODY).status == 401
        gateway.local.lock()
        gateway.local.renew("haiku")
        pin.post(BODY)
    late = gateway.log.read_text().partition("The gateway listens on")[2]
    assert "import time" in gateway.log.read_text()
    assert [line for line in late.splitlines() if " llmswitch" in line.rpartition("|")[2]] == []


def test_a_gateway_that_is_answering_is_not_replaced(gateway: RunningGateway, upstream: Upstream) -> None:
    """Whatever its version: `start` leaves it, and it is told by `status`."""
    inside, over = threading.Event(), threading.Event()

    def wait(handler: Handler, request: Request) -> bool:
        inside.set()
        assert over.wait(LIMIT)
        return False

    upstream.behaviour = wait
    pin = gateway.routes(**{"haiku-model": route(upstream)})
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(pin.post(BODY).status))
    asking.start()
    assert inside.wait(LIMIT)
    try:
        status = gateway.local.status()
        assert status
        assert gateway.local.is_current({**status, "version": "0.0"})
        assert not gateway.local.is_current({**status, "version": "0.0", "active": 0})
    finally:
        over.set()
        asking.join(LIMIT)
    assert answers == [200]


def test_it_counts_what_it_did_without_a_word_of_it(gateway: RunningGateway, upstream: Upstream) -> None:
    """Requests, errors and the model by its own name, for each pin."""
    pin = gateway.routes(**{"haiku-model": route(upstream)})
    pin.post(BODY)
    upstream.behaviour = replying(500, error("api_error", "no"))
    pin.post(BODY)
    upstream.behaviour = replying(200, {"type": "message", "model": "vendor/real-1"})
    pin.post(BODY)
    status = gateway.local.status()
    assert status
    row = {"requests": 3, "errors": 1, "model": "vendor/real-1"}
    assert status["pins"] == {pin.name: {**row, "worktrees": {"": row}}}
    assert status["active"] == 0


@pytest.mark.parametrize(
    ("status", "says"), [(401, "llmswitch save-key haiku"), (402, "Look at your account"), (429, "try again later")]
)
def test_a_refusal_is_told_with_the_next_thing_to_type_until_the_host_answers(
    gateway: RunningGateway, upstream: Upstream, tmp_path: Path, status: int, says: str
) -> None:
    """With the page and the presets whose key is known, by `gateway status`; and `status` of the pin names it."""
    folder = gateway.home / "presets"
    folder.mkdir()
    fields = {"base_url": upstream.url, "key": "haiku", "key_url": "https://example.com/keys", "default_model": "a/b"}
    (folder / "mine.json5").write_text(json.dumps(fields))
    (folder / "other.json5").write_text(json.dumps(fields | {"key": "other"}))
    pin = gateway.routes(**{"haiku-model": route(upstream, preset="mine")})
    upstream.behaviour = replying(status, error("some_error", "no"))
    assert pin.post(BODY).status == status
    environ = {**gateway.environ, "LLMSWITCH_KEY_OTHER": "k" * 20}
    argv = [sys.executable, "-m", "llmswitch", "gateway", "status"]
    done = subprocess.run(argv, env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT)
    for expected in (says, "https://example.com/keys", "Or switch: llmswitch other.", f"({status} at "):
        assert expected in done.stdout, done
    found = through(pin.name, {"ANTHROPIC_DEFAULT_HAIKU_MODEL": "haiku-model"}, gateway.local)
    assert "gateway-refused" in [problem.code for problem in found.problems]
    whole = json.loads(subprocess.run([*argv, "--json"], env=environ, cwd=tmp_path, capture_output=True).stdout)
    assert whole["pins"][pin.name]["refused"][0]["fix"] in done.stdout


def test_a_host_that_answers_again_is_no_longer_named(gateway: RunningGateway, upstream: Upstream) -> None:
    """The refusal of another host stays."""
    pin = gateway.routes(**{"haiku-model": route(upstream)})
    upstream.behaviour = replying(429, error("rate_limit_error", "slow down"))
    pin.post(BODY)
    assert [each["status"] for each in counted(gateway, pin.name)["refused"]] == [429]
    upstream.behaviour = replying(200, {"type": "message", "model": "m"})
    pin.post(BODY)
    assert "refused" not in counted(gateway, pin.name)


def test_a_refusal_is_of_one_key_and_says_nothing_that_other_answers_make_false(
    gateway: RunningGateway, upstream: Upstream
) -> None:
    """Another key at the same host is answered, and the refused one with another error: it still has no success."""
    upstream.behaviour = replying(402, error("billing_error", "pay"))
    pin = gateway.routes(**{"haiku-model": route(upstream), "free": route(upstream, key=None)})
    pin.post(BODY)
    upstream.behaviour = replying(200, {"type": "message", "model": "m"})
    assert pin.post({**BODY, "model": "free"}).status == 200
    upstream.behaviour = replying(500, error("api_error", "broken"))
    pin.post(BODY)
    host = upstream.url.partition("//")[2]
    found = through(pin.name, {"ANTHROPIC_DEFAULT_HAIKU_MODEL": "haiku-model"}, gateway.local)
    assert [each.message for each in found.problems if each.code == "gateway-refused"] == [
        f"{host} answered 402 to the haiku key; no such request of this pin succeeded since."
    ]


def test_a_pin_that_asks_another_port_than_the_gateways_is_an_error(
    gateway: RunningGateway, upstream: Upstream
) -> None:
    """The port was changed after the switch: what listens there by now is not known."""
    pin = gateway.routes(**{"haiku-model": route(upstream)})

    def codes(port: int) -> list[str]:
        url = f"http://127.0.0.1:{port}/w/{pin.name}"
        return [each.code for each in through(pin.name, {"ANTHROPIC_BASE_URL": url}, gateway.local).problems]

    assert codes(gateway.port) == []
    assert codes(gateway.port + 1) == ["gateway-elsewhere"]
    gateway.local.stop()
    assert codes(gateway.port) == ["gateway-down"]
    assert codes(gateway.port + 1) == ["gateway-elsewhere"]


def counted(gateway: RunningGateway, pin: str) -> dict[str, Any]:
    """Return what the gateway counts for a pin."""
    status = gateway.local.status() or {}
    return cast("dict[str, dict[str, Any]]", status["pins"])[pin]


def test_it_forgets_all_keys_when_told_to(gateway: RunningGateway, upstream: Upstream) -> None:
    """And reads one again when the next request needs it."""
    pin = gateway.routes(**{"haiku-model": route(upstream)})
    pin.post(BODY)
    assert gateway.local.lock() == 1
    status = gateway.local.status()
    assert status
    assert status["keys"] == []
    assert pin.post(BODY).status == 200


def test_a_bug_of_ours_is_an_error_with_our_name() -> None:
    """In the shape that the client shows, not a stack trace."""

    class Broken:
        def check(self, *given: object) -> tuple[str, str]:
            raise ZeroDivisionError

    server = Server(cast(Any, None), cast(Any, None), cast(Any, Broken()), cast(Any, None))
    answer = asyncio.run(server.handle(incoming.Request(cast(Any, None), "POST", "/w/0/v1/messages", [])))
    assert json.loads(answer.body)["error"]["message"] == (
        "llmswitch gateway: this is a bug in llmswitch (ZeroDivisionError)."
    )
    assert (answer.status, server.counts.active) == (500, 0)
