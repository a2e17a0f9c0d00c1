"""The process that serves: from the port that its keeper holds to a graceful end."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import signal
import socket
import stat
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment, unused-ignore]  # with and without its types

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.secret import Secret, no_core_dumps
from llmswitch.gateway.control import Control
from llmswitch.gateway.guard import Guard
from llmswitch.gateway.incoming import Incoming
from llmswitch.gateway.port import HOST
from llmswitch.gateway.route_files import RouteFiles
from llmswitch.gateway.server import Server
from llmswitch.gateway.supervise import PORT_FD
from llmswitch.gateway.upstream import Upstreams
from llmswitch.gateway.vault import Vault
from llmswitch.presets.routes import Route

FindWith = Callable[[Route, Mapping[str, str]], Secret]

MOST_CONNECTIONS, OWN_DESCRIPTORS = 1000, 48


def run(
    control_path: str, files: RouteFiles, find_key: FindWith, tell: Callable[[str], None], forget_seconds: float
) -> None:
    """Serve the port that the keeper passed, until SIGTERM or Ctrl-C, and then let running answers end.

    Raises LlmswitchError where there is no keeper or the control socket cannot be made.
    """
    os.umask(0o077)
    no_core_dumps(for_good=True)
    try:
        listening = socket.socket(fileno=int(os.environ.pop(PORT_FD)))
        given = json.loads(sys.stdin.buffer.readline())
    except (KeyError, OSError, ValueError):
        raise LlmswitchError("This serves a gateway that holds the port.", hint="Type: llmswitch gateway run") from None
    secret, keys = bytes.fromhex(given["secret"]), given["keys"]

    def find(route: Route) -> Secret:
        return find_key(route, keys)

    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(listening, secret, control_path, files, Vault(find, forget_seconds), tell))


async def _serve(
    listening: socket.socket, secret: bytes, control_path: str, files: RouteFiles, vault: Vault,
    tell: Callable[[str], None],
) -> None:  # fmt: skip
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    # What asyncio would print has tracebacks, and in them what was sent.
    loop.set_exception_handler(lambda loop, context: tell(f"The gateway: {type(context.get('exception')).__name__}."))
    async with AsyncExitStack() as stack:
        port = listening.getsockname()[1]
        guard = Guard(secret, port)
        upstreams = stack.enter_context(Upstreams())
        server = Server(files, vault, guard, upstreams)
        control = Control(guard, vault, files, port, server.counts)
        room = _room()
        for handle, at in ((server.handle, listening), (control.handle, _control_socket(control_path))):
            incoming = Incoming(handle, room)
            await incoming.listen(at)
            stack.push_async_callback(incoming.close)
        stack.callback(_unlink, control_path)
        gc.freeze()  # what was imported stays; it need not be looked through again
        tell(f"The gateway listens on http://{HOST}:{port}.")
        await ended.wait()


def _room() -> int:
    """Return how many connections there may be: each takes memory and a descriptor, and its upstream's another one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptors = max(soft, min(hard, 2 * MOST_CONNECTIONS + OWN_DESCRIPTORS))
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
    return max(1, min(MOST_CONNECTIONS, (descriptors - OWN_DESCRIPTORS) // 2))


def _control_socket(path: str) -> socket.socket:
    """Open the control socket; whoever holds the port is the only gateway, so one that lies there is stale."""
    folder = os.path.dirname(path)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        about = os.lstat(folder)
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
            raise LlmswitchError(f"{folder} is a link or another user's; the gateway's socket must not lie there.")
        os.chmod(folder, 0o700)  # it may have been there before
        _unlink(path)
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listening.bind(path)
        os.chmod(path, 0o600)
    except OSError as error:
        raise LlmswitchError(f"{path}: cannot make the gateway's socket: {error.strerror or error}.") from None
    return listening


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes an event loop: uvloop's where it is installed, which halves the cost of a request."""
    if uvloop is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
