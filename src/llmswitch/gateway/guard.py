"""Who may ask: a program of this user that has the pin's token, never a web page, never under another name."""

from __future__ import annotations

import hmac
import re
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH = re.compile(r"/w/([0-9a-f]{16})(/v1/messages(?:/count_tokens)?)")


class Forbidden(Exception):
    """The request is refused with this HTTP status; the message never quotes the request."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


class Guard:
    """Knows the tokens: each is derived from a secret that lives only in this process's memory."""

    def __init__(self, secret: bytes, port: int) -> None:
        self._secret = secret
        self._token = lru_cache(maxsize=256)(self._made)
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    def token(self, routes: str) -> str:
        """Return the token for the routes of that id: 256 bits in hexadecimal."""
        return self._token(routes)

    def _made(self, routes: str) -> str:
        return hmac.new(self._secret, routes.encode(), "sha256").hexdigest()

    def check(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[str, str]:
        """Return the id of the routes and the API path of an allowed request; raises Forbidden.

        The name in Host defeats DNS rebinding; browsers send Origin or Sec-Fetch-Site with what a page asks for.
        """
        if headers.get("Host") not in self._hosts:
            raise Forbidden(403, "permission_error", "This gateway answers to 127.0.0.1 only.")
        if "Origin" in headers or headers.get("Sec-Fetch-Site", "none") != "none":
            raise Forbidden(403, "permission_error", "This gateway does not answer web pages.")
        match = _PATH.fullmatch(path)
        if match is None:
            raise Forbidden(404, "not_found_error", "This gateway serves /v1/messages below a pin's path only.")
        if not self._knows(match[1], headers):
            raise Forbidden(
                401, "authentication_error", "This is not the gateway's token. Restart the session, or switch again."
            )
        if method != "POST":
            raise Forbidden(405, "invalid_request_error", "Messages are POSTed.")
        return match[1], match[2]

    def _knows(self, routes: str, headers: Mapping[str, str]) -> bool:
        scheme, _, bearer = headers.get("Authorization", "").partition(" ")
        given = [headers.get("x-api-key", ""), bearer if scheme.lower() == "bearer" else ""]
        expected = self.token(routes).encode()
        # Both are always compared, so that time tells nothing.
        first, second = (hmac.compare_digest(text.encode("utf-8", "surrogateescape"), expected) for text in given)
        return first or second
