"""One request to one upstream and its answer back, byte for byte: no retry, no redirect, no second try elsewhere."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable

from llmswitch.base.secret import Secret
from llmswitch.gateway import bodies, wire
from llmswitch.gateway.counts import NOTE
from llmswitch.gateway.incoming import Request, Response, error
from llmswitch.gateway.outgoing import Answer, BrokenOff, Outgoing, Unreachable, place_of
from llmswitch.presets.routes import Route

# A key that an upstream refused is not shown to it again for so long: with an apiKeyHelper, Claude Code 2.1.329
# asks three to twelve times again after a 401.
REFUSED_SECONDS = 10.0
LARGEST_AT_ONCE = 65536


class Upstreams:
    """The connections to all upstreams; `with` opens and closes them."""

    def __init__(self) -> None:
        self._refused: dict[tuple[str, Secret], tuple[float, Response]] = {}
        self._outgoing = Outgoing()

    def __enter__(self) -> Upstreams:
        return self

    def __exit__(self, *trouble: object) -> None:
        self._outgoing.close()

    async def relay(self, request: Request, route: Route, secret: Secret | None, path: str, body: bytes) -> Response:
        """Return the upstream's answer, sent to the client as it comes in."""

        async def answered(answer: Answer) -> Response:
            return await _passed(request, route, secret, answer)

        path += f"?{request.query}" if request.query else ""
        return await self.ask(route, secret, path, wire.kept_headers(request.headers), body, answered)

    async def ask(
        self,
        route: Route,
        secret: Secret | None,
        path: str,
        headers: wire.Headers,
        body: bytes,
        answered: Callable[[Answer], Awaitable[Response]],
    ) -> Response:
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

    async def _screened(self, route: Route, secret: Secret | None, answer: Answer) -> Response | None:
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

    def known_refusal(self, route: Route, secret: Secret) -> Response | None:
        """Return the answer to a key that was refused just now, None for any other."""
        since, refusal = self._refused.get((route.base_url, secret), (0.0, None))
        if time.monotonic() - since > REFUSED_SECONDS:
            self._refused.pop((route.base_url, secret), None)
            return None
        return refusal

    def refused(
        self, route: Route, secret: Secret | None, status: int, body: bytes, headers: Iterable[tuple[str, str]]
    ) -> Response:
        """Return a 401 or 403 that names the upstream and the key, in words the client does not misread."""
        dropped = ("content-length", "content-encoding", "content-type", "x-should-retry")
        kept = [
            (name, wire.quoted(secret, text))
            for name, text in wire.client_headers(headers)
            if name.lower() not in dropped
        ]
        whose = f"the {route.key} key" if route.key else "a request without a key"
        said = wire.refusal(status, f"{named(route)} refused {whose}", wire.without(secret, body))
        response = Response(status, [*kept, ("Content-Type", "application/json"), ("x-should-retry", "false")], said)
        if secret:
            self._refused[route.base_url, secret] = (time.monotonic(), response)
        return response


def cut(request: Request) -> None:
    """End an answer that has begun as its upstream did: without an end, so that the client knows."""
    NOTE.get().broke = True
    request.client.cut()


def unreachable(route: Route, trouble: BaseException) -> Response:
    """Return the error for an upstream that cannot be reached or breaks off before it answers."""
    if isinstance(trouble, TimeoutError):
        return error(504, "api_error", f"{named(route)} did not answer in time.")
    what = f"cannot be reached: {trouble}" if isinstance(trouble, Unreachable) else "broke off its answer"
    return error(502, "api_error", f"{named(route)} {what}.")


def named(route: Route) -> str:
    """Return how messages call a route."""
    return f"{route.host} (slot {route.slot})"


async def _passed(request: Request, route: Route, secret: Secret | None, answer: Answer) -> Response:
    """Return an answer as it came, byte for byte."""
    if secret and answer.status >= 400:
        return await _passed_error(secret, answer)
    head = Response(answer.status, wire.client_headers(answer.headers), reason=answer.reason)
    if (answer.length or LARGEST_AT_ONCE + 1) <= LARGEST_AT_ONCE:
        # Head and body in one packet: a quarter of what a small request costs here.
        whole = b"".join([piece async for piece in answer])
        NOTE.get().model = wire.served_model(whole)
        return head._replace(body=whole)
    client, begun = request.client, False
    client.begin(head)
    try:
        async for chunk in answer:
            if not begun:
                NOTE.get().model = wire.served_model(chunk)
            begun = True
            await client.send(chunk)
    except (BrokenOff, TimeoutError):
        cut(request)
        return head
    client.end()
    return head


async def _passed_error(secret: Secret, answer: Answer) -> Response:
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
    return Response(answer.status, headers, body, answer.reason)
