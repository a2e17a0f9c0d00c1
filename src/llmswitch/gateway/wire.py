"""What changes on the way through, and nothing else: the model id in the body, the credential in the headers."""

from __future__ import annotations

import json
import re
from functools import lru_cache

from llmswitch.base.secret import STARS, redacted
from llmswitch.settings.text import SpliceError, document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from llmswitch.base.secret import Secret

Headers = list[tuple[str, str]]

# RFC 9110, section 7.6.1, and what only concerns one connection.
_HOP = {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host"}
_CLIENT = {"authorization", "x-api-key", "cookie", "proxy-authorization", "forwarded", "via", "x-real-ip", "origin",
           "referer", "content-length", "expect"}  # fmt: skip
_UPSTREAM = {"set-cookie", "set-cookie2", "proxy-authenticate", "www-authenticate", "alt-svc"}
# What Claude Code 2.1.329 sends: the model is the first member, so that the body need not be parsed.
_FIRST_MODEL = re.compile(rb'\s*\{\s*"model"\s*:\s*("(?:[^"\\\x00-\x1f]|\\.)*")')
# Words in the text of a 401 or 403 that Claude Code 2.1.329 takes for its own login ("Please run /login").
_LOGIN_WORDS = re.compile(r"x-api-key|oauth|/login|log ?in|logged in", re.IGNORECASE)
_LONGEST_QUOTE = 500


_SERVED = re.compile(rb'"model"\s*:\s*"([^"\\\x00-\x1f]{1,200})"')
_LOOKED_AT = 2048


class Unroutable(ValueError):
    """The body names no model."""


class BadAnswer(Exception):
    """What an upstream sent is no answer, or not a whole one; the text says what it did, without a subject."""


class Model:
    """The model id in a body, and where its JSON string stands."""

    def __init__(self, name: str, start: int, end: int) -> None:
        self.name, self.start, self.end = name, start, end


def model_of(body: bytes) -> Model:
    """Return the model id of a request body; raises Unroutable."""
    if match := _FIRST_MODEL.match(body):
        start, end = match.span(1)
    else:
        start, end = _searched(body)
    try:
        name = json.loads(body[start:end].decode())  # of bytes it would look for their encoding first
    except ValueError:
        raise Unroutable("the model id is no JSON string") from None
    if not isinstance(name, str) or not name:
        raise Unroutable("the model id is no text")
    return Model(name, start, end)


def _searched(body: bytes) -> tuple[int, int]:
    try:
        text = body.decode()
        member = document(text).get("model")
    except (UnicodeDecodeError, SpliceError) as error:
        raise Unroutable(f"the body is not a JSON object ({type(error).__name__})") from None
    if member is None:
        raise Unroutable("the body names no model")
    return len(text[: member.value_start].encode()), len(text[: member.end].encode())


def with_model(body: bytes, model: Model, name: str) -> bytes:
    """Return the body with another model id, every other byte as it was."""
    return body if name == model.name else body[: model.start] + json.dumps(name).encode() + body[model.end :]


def kept_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the client's headers as an upstream may see them, without any credential."""
    return _without(headers, 0)


def credential(auth: str, secret: str | None) -> Headers:
    """Return the one credential of an upstream."""
    if secret is None:
        return []
    return [("x-api-key", secret) if auth == "api-key" else ("Authorization", f"Bearer {secret}")]


def client_headers(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return an upstream's headers as the client may see them; the body keeps its encoding and its length."""
    return _without(headers, 1)


def _without(headers: Iterable[tuple[str, str]], side: int) -> Headers:
    pairs = list(headers)
    named = {word.strip().lower() for name, value in pairs if len(name) == 10 and name.lower() == "connection"
             for word in value.split(",")}  # fmt: skip
    kept = [pair for pair in pairs if not _dropped(pair[0])[side]]
    return [pair for pair in kept if pair[0].lower() not in named] if named else kept


@lru_cache(maxsize=512)
def _dropped(name: str) -> tuple[bool, bool]:
    """Say whether a header goes to no upstream, and whether it goes to no client."""
    low = name.lower()
    never = low in _HOP or low.startswith(("sec-fetch-", "x-forwarded-"))
    return never or low in _CLIENT, never or low in _UPSTREAM


def without(secret: Secret | None, data: bytes) -> bytes:
    """Return what an upstream said with stars for the key that it was shown."""
    return data.replace(secret.reveal().encode("utf-8", "surrogateescape"), STARS.encode()) if secret else data


def quoted(secret: Secret | None, text: str) -> str:
    """Return a text of an upstream's with stars for the key that it was shown."""
    return text.replace(secret.reveal(), STARS) if secret else text


def served_model(begin: bytes) -> str:
    """Return the model that the beginning of an answer names, "" where it names none or is packed."""
    match = _SERVED.search(begin, 0, _LOOKED_AT)
    return match[1].decode("utf-8", "replace") if match else ""


def error(kind: str, message: str) -> bytes:
    """Return an error in the shape of the Messages API, which Claude Code shows."""
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()


def refusal(status: int, subject: str, body: bytes) -> bytes:
    """Return the body for an upstream's 401 or 403: who refused what, and the upstream's words where harmless.

    Words that Claude Code takes for its own login are left out, and so is anything that may be part of a key.
    """
    kind, words = said(body)
    message = f"{subject} ({status})."
    if words and not _LOGIN_WORDS.search(words):
        message += f" It says: {redacted(words)[:_LONGEST_QUOTE]}"
    if status == 401:
        message += f"{'' if message.endswith('.') else '.'} What to do: llmswitch gateway status"
    fallback = "authentication_error" if status == 401 else "permission_error"
    return json.dumps({"type": "error", "error": {"type": kind or fallback, "message": message}}).encode()


def said(body: bytes) -> tuple[str | None, str]:
    """Return type and text of an error body, in the Messages API's shape or OpenAI's."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None, ""
    inner = data.get("error") if isinstance(data, dict) else None
    fields = inner if isinstance(inner, dict) else {"message": inner}
    kind, text = fields.get("type"), fields.get("message")
    return kind if isinstance(kind, str) else None, text if isinstance(text, str) else ""
