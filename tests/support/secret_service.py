"""A real Secret Service (gnome-keyring) on a private D-Bus, and one that never answers."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote
from xml.sax.saxutils import escape

from support.programs import absent
from support.tree import SOURCE

# Program -> Debian package.
PROGRAMS = ("dbus-daemon", "gdbus", "gnome-keyring-daemon", "secret-tool", "setpriv")
FOLDERS = (
    "HOME",
    "TMPDIR",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "XDG_DATA_DIRS",
    "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
)
LIMIT = 30.0  # seconds, for every wait; a loaded CI machine needs far more than the usual 0.2
CALL_LIMIT = 10.0  # seconds, for one call of gdbus or secret-tool
SOCKET_PATH_LIMIT = 107  # sun_path of unix(7), less its final NUL

BUS_NAME = "org.freedesktop.secrets"
SERVICE_PATH = "/org/freedesktop/secrets"
LOGIN_PATH = "/org/freedesktop/secrets/collection/login"

# No <standard_session_servicedirs/>: with activation the bus would start a new, locked daemon
# in place of a killed one, and programs that put up a prompt.
BUS_CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

SILENT_PROGRAM = f"""
from jeepney import message_bus
from jeepney.io.blocking import open_dbus_connection
connection = open_dbus_connection()
connection.send_and_get_reply(message_bus.RequestName({BUS_NAME!r}))
while True:
    connection.receive()
"""


def missing() -> str | None:
    """Name the programs that are not installed and the command that installs them."""
    return absent(*PROGRAMS)


def state(pid: int) -> str | None:
    """Return the state letter of a process, or None if it has ended (a zombie has)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    letter = stat.rpartition(")")[2].split()[0]
    return None if letter in "ZX" else letter


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition holds, and raise TimeoutError if it does not in time."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {LIMIT:.0f} s: {what}")
        time.sleep(0.01)


class PrivateBus:
    """A D-Bus session bus and a home of its own, both inside one empty folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._processes: list[subprocess.Popen[bytes]] = []
        self.bus_pid = 0
        self.daemon_pid = 0
        self.environ = self._make_environ()

    def __enter__(self) -> Self:
        try:
            self._start_bus()
            self._start_daemon()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def stop_daemon(self) -> None:
        """Suspend the daemon, so that it owns its name but does not answer."""
        os.kill(self.daemon_pid, signal.SIGSTOP)
        wait_until(lambda: state(self.daemon_pid) == "T", "the daemon is suspended")

    def resume_daemon(self) -> None:
        """Let a suspended daemon go on."""
        os.kill(self.daemon_pid, signal.SIGCONT)
        wait_until(lambda: state(self.daemon_pid) != "T", "the daemon goes on")

    def kill_daemon(self) -> None:
        """Kill the daemon and wait until the bus knows it."""
        self._kill(self.daemon_pid)
        wait_until(lambda: not self._has_owner(), f"{BUS_NAME} has no owner")

    def kill_bus(self) -> None:
        """Kill the bus; its socket stays behind and refuses connections."""
        self._kill(self.bus_pid)

    def _make_environ(self) -> dict[str, str]:
        """Return a complete environment, and make the folders that it names."""
        environ = {name: str(self._make_folder(name)) for name in FOLDERS}
        environ["DBUS_SESSION_BUS_ADDRESS"] = self._address()
        environ["PATH"] = os.environ.get("PATH", os.defpath)
        environ["LANG"] = "C.UTF-8"
        environ["PYTHONPATH"] = SOURCE
        return environ

    def _make_folder(self, name: str) -> Path:
        """Make the private folder for one variable; the one with the sockets has a short name."""
        path = self.folder / ("run" if name == "XDG_RUNTIME_DIR" else name.lower())
        path.mkdir(mode=0o700, parents=True)
        return path

    def _address(self) -> str:
        """Return the address of the bus, escaped as D-Bus wants it."""
        path = os.fsencode(self.folder / "run" / "bus")
        # gnome-keyring adds a longer name than ours to the same folder.
        if len(path) + len("/keyring/control") - len("/bus") > SOCKET_PATH_LIMIT:
            raise ValueError(f"{self.folder} is too long a path for a socket: set a shorter TMPDIR")
        return "unix:path=" + quote(path, safe="/").replace("~", "%7E")

    def _start_bus(self) -> None:
        """Start the bus and wait until it answers."""
        config = self.folder / "bus.conf"
        config.write_text(BUS_CONFIG.format(address=escape(self._address())), encoding="utf-8")
        command = ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", "--nosyslog"]
        self.bus_pid = self._spawn(command)
        self._wait_ready(lambda: self._bus_call("GetId") is not None, "the bus answers")

    def _start_daemon(self) -> None:
        """Start the program that owns the name of the Secret Service."""
        raise NotImplementedError

    def _spawn(self, command: Sequence[str], stdin: bytes = b"") -> int:
        """Start a program that ends with us, give it its standard input, and return its pid."""
        # setpriv rather than preexec_fn, which warns in a process with threads (pytest-xdist).
        # The signal comes when the *thread* that started the program ends, so enter these classes
        # in the main thread.
        wrapper = ["setpriv", "--pdeathsig", "KILL", "--"]
        with (self.folder / f"{Path(command[0]).name}.log").open("ab") as log:
            process = subprocess.Popen(
                [*wrapper, *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=self.environ,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C in the terminal is for the tests, not for the daemons
            )
        self._processes.append(process)
        _feed(process, stdin)
        return process.pid

    def _wait_ready(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for the condition, but no longer than the programs started so far live."""
        try:
            wait_until(lambda: self._all_run() and condition(), what)
        except (RuntimeError, TimeoutError) as error:
            error.add_note(f"waited for: {what}\n{self._logs()}")
            raise

    def _all_run(self) -> bool:
        """Return True, or raise RuntimeError if a program that was started has ended."""
        for process in self._processes:
            if process.poll() is not None:
                raise RuntimeError(f"ended early with code {process.returncode}: {process.args!r}")
        return True

    def _logs(self) -> str:
        """Return what the programs wrote, for an error message."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')}" for log in logs)

    def _kill(self, pid: int) -> None:
        """Kill one program of ours and collect it, so that its pid is free only afterwards."""
        process = next(process for process in self._processes if process.pid == pid)
        process.kill()
        process.wait(LIMIT)

    def _end(self) -> None:
        """Kill all that was started, last first, suspended or not."""
        for process in reversed(self._processes):
            process.kill()
        for process in self._processes:
            process.wait(LIMIT)

    def _run(self, command: Sequence[str], stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a program to its end in our environment, bounded in time."""
        return subprocess.run(
            command, input=stdin, capture_output=True, env=self.environ, timeout=CALL_LIMIT, check=False
        )

    def _call(self, name: str, path: str, method: str, *arguments: str) -> str | None:
        """Call a D-Bus method and return gdbus's text of the answer, None on an error."""
        target = ["--session", "--dest", name, "--object-path", path, "--method", method]
        result = self._run(["gdbus", "call", *target, "--timeout", "5", *arguments])
        return result.stdout.decode().strip() if result.returncode == 0 else None

    def _bus_call(self, member: str, *arguments: str) -> str | None:
        """Call a method of the bus itself."""
        name = "org.freedesktop.DBus"
        return self._call(name, "/org/freedesktop/DBus", f"{name}.{member}", *arguments)

    def _has_owner(self) -> bool:
        """Tell whether somebody owns the name of the Secret Service."""
        return self._bus_call("NameHasOwner", BUS_NAME) == "(true,)"


class SecretService(PrivateBus):
    """A gnome-keyring with an empty, unlocked login collection."""

    def lock(self) -> None:
        """Lock the login collection; nothing here can answer a prompt to unlock it."""
        self._call(BUS_NAME, SERVICE_PATH, "org.freedesktop.Secret.Service.Lock", f"['{LOGIN_PATH}']")
        wait_until(lambda: self._locked() == "(<true>,)", "the login collection is locked")

    def secret_tool_lookup(self, service: str, username: str) -> str | None:
        """Return what the real secret-tool finds, None if it finds nothing."""
        result = self._run(["secret-tool", "lookup", "service", service, "username", username])
        if result.returncode == 0:
            return result.stdout.decode()
        if result.stderr:
            raise RuntimeError(f"secret-tool: {result.stderr.decode(errors='replace').strip()}")
        return None

    def secret_tool_store(self, service: str, username: str, value: str) -> None:
        """Store a value with the real secret-tool, under the attributes that python-keyring looks for."""
        # Without the attribute application=... of python-keyring: like an item of another
        # program, it stays beside python-keyring's own item instead of replacing it.
        attributes = ["service", service, "username", username]
        result = self._run(["secret-tool", "store", "--label", service, *attributes], value.encode())
        if result.returncode != 0:
            raise RuntimeError(f"secret-tool: {result.stderr.decode(errors='replace').strip()}")

    def _start_daemon(self) -> None:
        """Start gnome-keyring and wait until its login collection is unlocked and the default."""
        control = f"--control-directory={self.folder / 'run' / 'keyring'}"
        command = [self._copy_daemon(), "--foreground", "--components=secrets", control, "--unlock"]
        self.daemon_pid = self._spawn(command, b"password of the test keyring")
        self._wait_ready(self._unlocked, "the login collection is unlocked")

    def _copy_daemon(self) -> str:
        """Copy the installed daemon into our folder, and return its path."""
        # Some distributions give the program a file capability, and the kernel then forgets the death
        # signal, whatever setpriv says; a copy has none. The memory lock it is for is no loss in a test.
        name = "gnome-keyring-daemon"
        return str(shutil.copy(shutil.which(name) or name, self.folder / name))

    def _unlocked(self) -> bool:
        """Tell whether the default collection is the login collection and unlocked."""
        alias = self._call(BUS_NAME, SERVICE_PATH, "org.freedesktop.Secret.Service.ReadAlias", "default")
        return alias == f"(objectpath '{LOGIN_PATH}',)" and self._locked() == "(<false>,)"

    def _locked(self) -> str | None:
        """Return gdbus's text of the collection's property Locked."""
        get = ("org.freedesktop.DBus.Properties.Get", "org.freedesktop.Secret.Collection", "Locked")
        return self._call(BUS_NAME, LOGIN_PATH, *get)


class SilentSecretService(PrivateBus):
    """A Secret Service that owns its name and never answers a call."""

    def _start_daemon(self) -> None:
        """Start the silent program and wait until it owns the name."""
        self.daemon_pid = self._spawn([sys.executable, "-c", SILENT_PROGRAM])
        self._wait_ready(self._has_owner, f"{BUS_NAME} has an owner")


def _feed(process: subprocess.Popen[bytes], stdin: bytes) -> None:
    """Write to a program's standard input and close it; a program that has ended is found later."""
    assert process.stdin is not None
    try:
        process.stdin.write(stdin)
        process.stdin.close()
    except BrokenPipeError:
        pass
