"""One request to one upstream and its answer back, byte for byte: no retry, no redirect, no second try elsewhere."""

from __future__ import annotations

import time

from aiohttp import web
from multidict import CIMultiDict

from llmswitch.gateway import bodies, wire
from llmswitch.gateway.counts import NOTE
from llmswitch.gateway.outgoing import BrokenOff, Outgoing, Unreachable, place_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from llmswitch.base.secret import Secret
    from llmswitch.gateway.outgoing import Answer
    from llmswitch.presets.routes import Route

# A key that an upstream refused is not shown to it again for so long: with an apiKeyHelper, Claude Code 2.1.329
# asks three to twelve times again after a 401.
REFUSED_SECONDS = 10.0
LARGEST_AT_ONCE = 65536


def error(status: int, kind: str, message: str, retry: bool = True) -> web.Response:
    """Return an error in the shape of the Messages API; with `retry` False the client does not ask again."""
    headers = {} if retry else {"x-should-retry": "false"}
    return web.Response(status=status, body=wire.error(kind, message), content_type="application/json", headers=headers)


class Upstreams:
    """The connections to all upstreams; `with` opens and closes them."""

    def __init__(self) -> None:
        self._refused: dict[tuple[str, Secret], tuple[float, web.Response]] = {}
        self._outgoing = Outgoing()

    def __enter__(self) -> Upstreams:
        return self

    def __exit__(self, *trouble: object) -> None:
        self._outgoing.close()

    async def relay(
        self, request: web.BaseRequest, route: Route, secret: Secret | None, path: str, body: bytes
    ) -> web.StreamResponse:
        """Return the upstream's answer, sent to the client as it comes in."""
        query = request.rel_url.raw_query_string

        async def answered(answer: Answer) -> web.StreamResponse:
            return await _passed(request, route, secret, answer)

        headers = wire.kept_headers(request.headers.items())
        return await self.ask(route, secret, f"{path}{'?' if query else ''}{query}", headers, body, answered)

    async def ask(
        self,
        route: Route,
        secret: Secret | None,
        path: str,
        headers: wire.Headers,
        body: bytes,
        answered: Callable[[Answer], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        """Ask an upstream once, at a path below its base URL, and return what `answered` makes of an answer that can
        be used, or an error."""
        if secret and (known := self.known_refusal(route, secret)):
            return known
        sent = [*headers, *wire.credential(route.auth, secret.reveal() if secret else None)]
        try:
            place, root = place_of(route.base_url)
            answer = await self._outgoing.post(place, root.rstrip("/") + path, sent, body)
        except ValueError:
            return error(502, "api_error", f"{named(route)}: its base URL or its key cannot be sent.", retry=False)
        except (Unreachable, TimeoutError) as trouble:
            return unreachable(route, trouble)
        try:
            return await self._screened(route, secret, answer) or await answered(answer)
        except (BrokenOff, TimeoutError) as trouble:
            return unreachable(route, trouble)
        finally:
            answer.close()

    async def _screened(self, route: Route, secret: Secret | None, answer: Answer) -> web.Response | None:
        """Return the error for an answer that is none, and a refusal in words that the client understands."""
        if 300 <= answer.status < 400:
            return error(502, "api_error", f"{named(route)} redirects elsewhere; that is not followed.", retry=False)
        if answer.status in (401, 403):
            body = (await bodies.of_error(answer))[1]
            return self.refused(route, secret, answer.status, body, answer.headers)
        if answer.status < 200 or answer.status in (204, 205) or answer.content_type == "text/html":
            what = "with a web page" if answer.content_type == "text/html" else "without a message"
            return error(502, "api_error", f"{named(route)} answered {answer.status} {what}; is its base URL right?")
        return None

    def known_refusal(self, route: Route, secret: Secret) -> web.Response | None:
        """Return the answer to a key that was refused just now, None for any other."""
        since, body = self._refused.get((route.base_url, secret), (0.0, None))
        if body is None or time.monotonic() - since > REFUSED_SECONDS:
            self._refused.pop((route.base_url, secret), None)
            return None
        return web.Response(status=body.status, body=body.body, headers=body.headers)

    def refused(
        self, route: Route, secret: Secret | None, status: int, body: bytes, headers: Iterable[tuple[str, str]]
    ) -> web.Response:
        """Return a 401 or 403 that names the upstream and the key, in words the client does not misread."""
        dropped = ("content-length", "content-encoding", "content-type", "x-should-retry")
        kept = [
            (name, wire.quoted(secret, text))
            for name, text in wire.client_headers(headers)
            if name.lower() not in dropped
        ]
        whose = f"the {route.key} key" if route.key else "a request without a key"
        response = web.Response(
            status=status,
            body=wire.refusal(status, f"{named(route)} refused {whose}", wire.without(secret, body)),
            headers=CIMultiDict(
                [
                    *((name, wire.quoted(secret, text)) for name, text in kept),
                    ("Content-Type", "application/json"),
                    ("x-should-retry", "false"),
                ]
            ),
        )
        if secret:
            self._refused[route.base_url, secret] = (time.monotonic(), response)
        return response


def cut(request: web.BaseRequest) -> None:
    """End an answer that has begun as its upstream did: without an end, so that the client knows."""
    NOTE.get().broke = True
    if request.transport:
        request.transport.close()


def unreachable(route: Route, trouble: BaseException) -> web.Response:
    """Return the error for an upstream that cannot be reached or breaks off before it answers."""
    if isinstance(trouble, TimeoutError):
        return error(504, "api_error", f"{named(route)} did not answer in time.")
    what = f"cannot be reached: {trouble}" if isinstance(trouble, Unreachable) else "broke off its answer"
    return error(502, "api_error", f"{named(route)} {what}.")


def named(route: Route) -> str:
    """Return how messages call a route."""
    return f"{route.host} (slot {route.slot})"


async def _passed(request: web.BaseRequest, route: Route, secret: Secret | None, answer: Answer) -> web.StreamResponse:
    """Return an answer as it came, byte for byte."""
    if secret and answer.status >= 400:
        return await _passed_error(secret, answer)
    headers = CIMultiDict(wire.client_headers(answer.headers))
    if (answer.length or LARGEST_AT_ONCE + 1) <= LARGEST_AT_ONCE:
        # Head and body in one packet: a quarter of what a small request costs here.
        whole = b"".join([piece async for piece in answer])
        NOTE.get().model = wire.served_model(whole)
        return web.Response(status=answer.status, reason=answer.reason, headers=headers, body=whole)
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    try:
        async for chunk in answer:
            if not response.body_length:
                NOTE.get().model = wire.served_model(chunk)
            await response.write(chunk)
    except (BrokenOff, TimeoutError):
        cut(request)
        return response
    await response.write_eof()
    return response


async def _passed_error(secret: Secret, answer: Answer) -> web.Response:
    """Return an error as it came, but for a key that it repeats."""
    raw, plain = await bodies.of_error(answer)
    clean = wire.without(secret, plain)
    dropped = ("content-length", *(("content-encoding",) if clean != plain else ()))
    headers = [
        (name, wire.quoted(secret, text))
        for name, text in wire.client_headers(answer.headers)
        if name.lower() not in dropped
    ]
    body = raw if clean == plain else clean
    return web.Response(status=answer.status, reason=answer.reason, headers=CIMultiDict(headers), body=body)
