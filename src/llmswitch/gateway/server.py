"""The gateway's server: a request that is allowed goes to the one upstream of its pin and model id."""

from __future__ import annotations

import asyncio
import logging
import resource
from functools import lru_cache

from aiohttp import web

from llmswitch.base.addresses import address_problem
from llmswitch.base.errors import LlmswitchError
from llmswitch.gateway import wire
from llmswitch.gateway.counts import NOTE, Counts
from llmswitch.gateway.guard import Forbidden, Guard
from llmswitch.gateway.translate import Translator
from llmswitch.gateway.upstream import Upstreams, error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from aiohttp.web_protocol import RequestHandler

    from llmswitch.base.secret import Secret
    from llmswitch.gateway.route_files import RouteFiles
    from llmswitch.gateway.vault import Vault
    from llmswitch.presets.routes import Route

_problem = lru_cache(maxsize=256)(address_problem)
LARGEST = 64 * 1024 * 1024
SHUTDOWN_SECONDS = 20.0
# For a request to come: of a connection that says nothing or half a head, and of a body.
IDLE_SECONDS, BODY_SECONDS = 75.0, 120.0
MOST_CONNECTIONS = 1000
OWN_DESCRIPTORS = 48


class _Limited(web.Server):
    """aiohttp's server, with an end to how many may ask at once, and to how long the first head may take.

    Each connection takes a descriptor and memory, and each that is answered another one to its upstream.
    """

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        left = (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - OWN_DESCRIPTORS) // 2
        self._most = max(1, min(MOST_CONNECTIONS, left))
        self._timers: dict[object, asyncio.TimerHandle] = {}

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Take a connection, or close it at once."""
        super().connection_made(handler, transport)
        if len(self.connections) > self._most:
            transport.abort()
        else:
            self._timers[handler] = asyncio.get_running_loop().call_later(IDLE_SECONDS, transport.abort)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget a connection."""
        self.asked(handler)
        super().connection_lost(handler, exc)

    def asked(self, handler: object) -> None:
        """Take note that a head came whole: from now on aiohttp keeps the time between two requests."""
        if timer := self._timers.pop(handler, None):
            timer.cancel()


class Server:
    """Answers requests; it holds routes and keys, and no state of any conversation."""

    def __init__(self, files: RouteFiles, vault: Vault, guard: Guard, upstreams: Upstreams) -> None:
        self._files, self._vault, self._guard, self._upstreams = files, vault, guard, upstreams
        self._translator = Translator(upstreams)
        self.counts = Counts()

    def runner(self) -> web.ServerRunner:
        """Return what serves it: no access log, no other log, and a request ends when its client goes."""
        loop = asyncio.get_running_loop()

        def make(message, payload, protocol, writer, task):  # type: ignore[no-untyped-def]
            server.asked(protocol)
            return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST)

        silent = logging.Logger("silent")  # headers, which would stand in it, may hold a token
        silent.addHandler(logging.NullHandler())
        server = _Limited(
            self.handle, request_factory=make, access_log=None, logger=silent, handler_cancellation=True,
            auto_decompress=False, keepalive_timeout=IDLE_SECONDS,
        )  # fmt: skip
        return web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        self.counts.begin()
        try:
            return await self._answer(request)
        except Forbidden as refused:
            return error(refused.status, refused.kind, str(refused))
        except web.HTTPRequestEntityTooLarge:
            return error(413, "request_too_large", f"The request is larger than {LARGEST // 1024**2} MiB.")
        except LlmswitchError as problem:
            # 424: Claude Code 2.1.329 shows the text of it as it is, and does not ask again.
            return error(424, "invalid_request_error", f"llmswitch: {problem.args[0]} {problem.hint}", retry=False)
        except ConnectionError:
            raise  # the client has gone
        except Exception as bug:
            text = f"llmswitch gateway: this is a bug in llmswitch ({type(bug).__name__})."
            return error(500, "api_error", text, retry=False)
        finally:
            self.counts.end()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        name, path, place = self._guard.check(request.method, request.path, request.headers)
        if (request.content_length or 0) > LARGEST:
            raise web.HTTPRequestEntityTooLarge(LARGEST, request.content_length or 0)
        try:
            # Nearly always all of it is there already, and a timer would be one for nothing.
            there = request.content.is_eof()
            body = await (request.read() if there else asyncio.wait_for(request.read(), BODY_SECONDS))
        except TimeoutError:
            return error(408, "invalid_request_error", "The request did not come to its end.", retry=False)
        answer = await self._forward(request, name, path, body)
        self.counts.add(name, place, answer.status)
        return answer

    async def _forward(self, request: web.BaseRequest, name: str, path: str, body: bytes) -> web.StreamResponse:
        routes = self._files.load(name)
        if routes is None:
            raise LlmswitchError("These routes are gone.", hint="Switch again: llmswitch PRESET")
        try:
            model = wire.model_of(body)
        except wire.Unroutable as problem:
            return error(400, "invalid_request_error", f"llmswitch gateway: {problem}.", retry=False)
        route = routes.find(model.name)
        if route is None:
            text = f"model: {model.name} is in no slot of {routes.preset}."
            return error(404, "not_found_error", text, retry=False)
        NOTE.get().route = route
        secret = await self._key(route)
        body = wire.with_model(body, model, route.model)
        relay = self._translator if route.protocol == "openai" else self._upstreams
        answer = await relay.relay(request, route, secret, path, body)
        if answer.status == 401:
            self._vault.forget(route)
        return answer

    async def _key(self, route: Route) -> Secret | None:
        if problem := _problem(route.base_url):
            raise LlmswitchError(f"The base URL of slot {route.slot} {problem}.", hint="Switch again: llmswitch PRESET")
        return await self._vault.get(route)
