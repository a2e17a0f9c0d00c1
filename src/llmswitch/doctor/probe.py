"""Sends requests to providers, in parallel, each within a time limit.

urllib of the standard library: it honours HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE and SSL_CERT_DIR, it reads no
.netrc (requests does, and would put its login in the place of the key), and it can be told not to follow a
redirect. httpx and urllib3 would do as well, at the price of a dependency and no gain for a dozen requests.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from llmswitch.base.secret import STARS
from llmswitch.base.urls import is_loopback
from llmswitch.doctor.probe_request import Request
from llmswitch.doctor.replies import Reply

SECONDS = 10.0
LARGEST = 8 * 1024 * 1024  # OpenRouter's list of models is 1 MB
ENOUGH = 64 * 1024  # of an answer to a message


class _AsItIs(urllib.request.HTTPErrorProcessor):
    """Hands every answer back: what urllib does by itself begins here, redirects among it."""

    def http_response(self, request: Any, response: Any) -> Any:
        return response

    https_response = http_response


def send_all(
    requests: Sequence[Request], progress: Callable[[int, int], None] = lambda done, of: None, seconds: float = SECONDS
) -> list[Reply]:
    """Return a reply to each request; `progress` is told how many are there. None takes longer than `seconds`."""
    replies = [Reply(None, failure="timeout") for _ in requests]
    deadline = time.monotonic() + seconds
    context = _context()
    outside, here = _opener(context), _opener(context, urllib.request.ProxyHandler({}))

    def work(index: int) -> None:
        request = requests[index]
        # A key for this machine is no business of a proxy, and would pass it in clear.
        replies[index] = _send(here if is_loopback(request.url.partition("?")[0]) else outside, request, deadline)

    # Daemon threads: a name server that is silent would keep the process alive.
    threads = [threading.Thread(target=work, args=(index,), daemon=True) for index in range(len(requests))]
    for thread in threads:
        thread.start()
    progress(0, len(threads))
    for done, thread in enumerate(threads, 1):
        thread.join(max(0.0, deadline - time.monotonic()))
        progress(done, len(threads))
    return list(replies)


def _context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if extra := os.environ.get("NODE_EXTRA_CA_CERTS"):  # as Claude Code does
            context.load_verify_locations(extra)
    except (OSError, ssl.SSLError):
        pass
    return context


def _opener(context: ssl.SSLContext, *handlers: urllib.request.BaseHandler) -> Any:
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _AsItIs, *handlers)


def _send(opener: Any, request: Request, deadline: float) -> Reply:
    start = time.monotonic()
    wire = urllib.request.Request(request.url, request.body, dict(request.headers), method=request.method)  # noqa: S310
    try:
        with opener.open(wire, timeout=max(0.1, deadline - start)) as response:
            first = response.read1(ENOUGH)
            milliseconds = round((time.monotonic() - start) * 1000)
            most = ENOUGH if request.body else LARGEST
            data = _rest(response, first, deadline, most)
            if len(data) < min(most, int(response.headers.get("content-length") or 0)):
                return Reply(None, failure="cut")
            text = data.decode(errors="replace").replace(request.secret or STARS, STARS)
            location = response.headers.get("location") or ""
            return Reply(response.status, text, milliseconds, location.partition("?")[0])
    except (OSError, HTTPException, ValueError) as error:
        return Reply(None, failure=_failure(error))


def _rest(response: Any, first: bytes, deadline: float, most: int) -> bytes:
    """Read on until a whole event, the end, the limit or the deadline; what is there by then must do."""
    parts = [first]
    streams = "event-stream" in (response.headers.get("content-type") or "")
    while parts[-1] and sum(map(len, parts)) < most and time.monotonic() < deadline:
        if streams and b"message_start" in b"".join(parts):
            break
        parts.append(response.read1(ENOUGH))
    return b"".join(parts)


def _failure(error: BaseException) -> str:
    """Return the word of replies.FAILURES for what stood in the way."""
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        error = error.reason
    kinds = {ssl.SSLError: "tls", socket.gaierror: "dns", ConnectionRefusedError: "refused", TimeoutError: "timeout"}
    for kind, word in kinds.items():
        if isinstance(error, kind):
            return word
    if "Tunnel connection failed" in str(error):
        return "proxy"
    return "cut" if isinstance(error, (HTTPException, ConnectionError)) else "unreachable"
