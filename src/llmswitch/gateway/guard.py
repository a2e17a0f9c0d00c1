"""Who may ask: a program of this user that has the pin's token, never a web page, never under another name."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from functools import lru_cache

from llmswitch.base.urls import ID_DIGITS
from llmswitch.gateway.incoming import Rejected

TOKEN_DIGITS = 64
_PATH = re.compile(r"/w/([0-9a-f]{16})(/v1/messages(?:/count_tokens)?)")


class Guard:
    """Knows the tokens: each is derived from a secret that lives only in this process's memory."""

    def __init__(self, secret: bytes, port: int) -> None:
        self._secret = secret
        self._token = lru_cache(maxsize=256)(self._made)
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}

    def token(self, routes: str, place: str = "") -> str:
        """Return the token for the routes of that id: 256 bits in hexadecimal, behind the place that asks with it.

        A place is a worktree's `place_id`, "" where it is not known.
        """
        return self._token(routes, place)

    def _made(self, routes: str, place: str) -> str:
        return (
            place + hmac.new(self._secret, f"{routes}{place}".encode("utf-8", "surrogateescape"), "sha256").hexdigest()
        )

    def check(self, method: str, path: str, headers: Mapping[str, str]) -> tuple[str, str, str]:
        """Return the id of the routes, the API path and the place of an allowed request; raises Rejected.

        `headers` have their names in small letters. The one in Host defeats DNS rebinding; browsers send Origin or
        Sec-Fetch-Site with what a page asks for.
        """
        if headers.get("host") not in self._hosts:
            raise Rejected(403, "permission_error", "This gateway answers to 127.0.0.1 only.")
        if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
            raise Rejected(403, "permission_error", "This gateway does not answer web pages.")
        match = _PATH.fullmatch(path)
        if match is None:
            raise Rejected(404, "not_found_error", "This gateway serves /v1/messages below a pin's path only.")
        place = self._place(match[1], headers)
        if place is None:
            raise Rejected(
                401, "authentication_error", "This is not the gateway's token. Restart the session, or switch again."
            )
        if method != "POST":
            raise Rejected(405, "invalid_request_error", "Messages are POSTed.")
        return match[1], match[2], place

    def _place(self, routes: str, headers: Mapping[str, str]) -> str | None:
        """Return the place whose token came; None where none did."""
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        # Both are always compared, so that time tells nothing.
        found = [self._checked(routes, headers.get("x-api-key", "")),
                 self._checked(routes, bearer if scheme.lower() == "bearer" else "")]  # fmt: skip
        return found[0] if found[1] is None else found[1]

    def _checked(self, routes: str, given: str) -> str | None:
        place = given[:-TOKEN_DIGITS] if len(given) == ID_DIGITS + TOKEN_DIGITS else ""
        expected = self.token(routes, place).encode("utf-8", "surrogateescape")
        return place if hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected) else None
