"""The gateway as a process: from the first bind to a graceful end."""

from __future__ import annotations

import asyncio
import gc
import os
import secrets
import signal
import socket
from contextlib import AsyncExitStack

from aiohttp import web

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.secret import no_core_dumps
from llmswitch.gateway import control
from llmswitch.gateway.guard import TOKEN_BYTES, Guard
from llmswitch.gateway.server import Server
from llmswitch.gateway.upstream import Upstreams
from llmswitch.gateway.vault import Vault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmswitch.gateway.route_files import RouteFiles
    from llmswitch.gateway.vault import Find

HOST = "127.0.0.1"


def run(port: int, control_path: str, files: RouteFiles, find_key: Find, tell: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C, and then let running answers end; LlmswitchError where it cannot start."""
    os.umask(0o077)
    no_core_dumps(for_good=True)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(port, control_path, files, find_key, tell))


async def _serve(port: int, control_path: str, files: RouteFiles, find_key: Find, tell: Callable[[str], None]) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with AsyncExitStack() as stack:
        listening = _bind(port)
        port = listening.getsockname()[1]
        vault, guard = Vault(find_key), Guard(secrets.token_bytes(TOKEN_BYTES), port)
        upstreams = await stack.enter_async_context(Upstreams())
        runner = Server(files, vault, guard, upstreams).runner()
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listening, backlog=1024).start()
        inner = control.runner(guard, vault, files, port)
        await inner.setup()
        stack.push_async_callback(inner.cleanup)
        await _control_site(inner, control_path)
        stack.callback(_unlink, control_path)
        gc.freeze()  # what was imported stays; it need not be looked through again
        tell(f"The gateway listens on http://{HOST}:{port}.")
        await ended.wait()


def _bind(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
    except OSError as error:
        listening.close()
        raise LlmswitchError(
            f"Port {port} cannot be used ({error.strerror}); another program may have it.",
            hint='Choose another in config.json5, for example {"gateway_port": 28888}, and switch again.',
        ) from None
    return listening


async def _control_site(runner: web.AppRunner, path: str) -> None:
    """Open the control socket; whoever holds the port is the only gateway, so one that lies there is stale."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        os.chmod(os.path.dirname(path), 0o700)  # it may have been there before
        _unlink(path)
        await web.UnixSite(runner, path).start()
        os.chmod(path, 0o600)
    except OSError as error:
        raise LlmswitchError(f"{path}: cannot make the gateway's socket: {error.strerror or error}.") from None


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes an event loop: uvloop's where it is installed, which halves the cost of a request."""
    try:
        import uvloop
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
