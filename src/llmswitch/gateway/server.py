"""The gateway's server: a request that is allowed goes to the one upstream of its pin and model id."""

from __future__ import annotations

from functools import lru_cache

from llmswitch.base.addresses import address_problem
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.secret import Secret
from llmswitch.gateway import wire
from llmswitch.gateway.counts import NOTE, Counts
from llmswitch.gateway.guard import Guard
from llmswitch.gateway.incoming import Rejected, Request, Response, error
from llmswitch.gateway.route_files import RouteFiles
from llmswitch.gateway.translate import Translator
from llmswitch.gateway.upstream import Upstreams
from llmswitch.gateway.vault import Vault
from llmswitch.presets.routes import Route

_problem = lru_cache(maxsize=256)(address_problem)


class Server:
    """Answers requests; it holds routes and keys, and no state of any conversation."""

    def __init__(self, files: RouteFiles, vault: Vault, guard: Guard, upstreams: Upstreams) -> None:
        self._files, self._vault, self._guard, self._upstreams = files, vault, guard, upstreams
        self._translator = Translator(upstreams)
        self.counts = Counts()

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        self.counts.begin()
        try:
            return await self._answer(request)
        except Rejected as refused:
            return refused.response
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

    async def _answer(self, request: Request) -> Response:
        name, path, place = self._guard.check(request.method, request.path, request.named)
        answer = await self._forward(request, name, path, await request.body())
        self.counts.add(name, place, answer.status)
        return answer

    async def _forward(self, request: Request, name: str, path: str, body: bytes) -> Response:
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
