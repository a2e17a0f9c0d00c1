"""What this user's other llmswitch processes may ask a running gateway, on a socket that only this user can open."""

from __future__ import annotations

import os
import time

from aiohttp import web

from llmswitch import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.gateway.counts import Counts
    from llmswitch.gateway.guard import Guard
    from llmswitch.gateway.route_files import RouteFiles
    from llmswitch.gateway.vault import Vault


def runner(guard: Guard, vault: Vault, files: RouteFiles, port: int, counts: Counts) -> web.AppRunner:
    """Return what serves the control socket: `/status`, `/token/ID` (`/PLACE`), `/renew/KEY` and `/lock`."""
    started, parent = time.time(), os.getppid()

    async def status(request: web.Request) -> web.Response:
        about = {"pid": os.getpid(), "port": port, "version": __version__, "started": started}
        keeper = parent if os.getppid() == parent else None
        about |= {"keeper": keeper, "active": counts.active, "pins": counts.data()}
        return web.json_response({**about, "keys": vault.names, "routes": files.names()})

    async def token(request: web.Request) -> web.Response:
        return web.json_response({"token": guard.token(request.match_info["id"], request.match_info.get("place", ""))})

    async def renew(request: web.Request) -> web.Response:
        return web.json_response({"dropped": vault.renew(request.match_info["name"])})

    async def lock(request: web.Request) -> web.Response:
        return web.json_response({"dropped": vault.lock()})

    app = web.Application()
    app.add_routes([web.get("/status", status), web.get("/token/{id:[0-9a-f]{16}}", token)])
    app.add_routes([web.get("/token/{id:[0-9a-f]{16}}/{place:[0-9a-f]{16}}", token)])
    app.add_routes([web.get("/renew/{name:[a-z0-9._-]+}", renew), web.get("/lock", lock)])
    return web.AppRunner(app, access_log=None)
