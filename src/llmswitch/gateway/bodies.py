"""Bodies of answers, unpacked in pieces and never longer than there is room for."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from llmswitch.gateway.outgoing import Answer
from llmswitch.gateway.wire import BadAnswer

LARGEST_ANSWER = 64 * 1024 * 1024
LARGEST_ERROR = 1024 * 1024
_PIECE = 1024 * 1024
_PACKED = ("gzip", "x-gzip", "deflate")


def decoded(answer: Answer) -> AsyncIterator[bytes]:
    """Return what a body says, in small pieces whatever it was packed to; BadAnswer where it cannot be unpacked."""
    coding = (answer.header("content-encoding") or "identity").lower()
    if coding == "identity":
        return answer
    if coding not in _PACKED:
        raise BadAnswer(f"answered in {coding[:20]}, which was not asked for")
    return _unpacked(answer, coding)


async def _unpacked(answer: Answer, coding: str) -> AsyncIterator[bytes]:
    unpack = zlib.decompressobj(wbits=47)  # gzip or zlib
    async for data in answer:
        rest = data
        while rest:
            try:
                made = unpack.decompress(rest, _PIECE)
            except zlib.error:
                raise BadAnswer(f"answered in {coding} that cannot be unpacked") from None
            if made:
                yield made
            rest = unpack.unconsumed_tail


async def whole(answer: Answer) -> bytes:
    """Return what a body says; BadAnswer where it is longer than any answer."""
    parts, length = [], 0
    async for data in decoded(answer):
        parts.append(data)
        length += len(data)
        if length > LARGEST_ANSWER:
            raise BadAnswer(f"answered with more than {LARGEST_ANSWER // 1024**2} MiB")
    return b"".join(parts)


async def of_error(answer: Answer) -> tuple[bytes, bytes]:
    """Return an error's body as it came and what it says; the rest of a long one is not read."""
    parts, length = [], 0
    async for data in answer:
        parts.append(data)
        length += len(data)
        if length > LARGEST_ERROR:
            break
    raw = b"".join(parts)[:LARGEST_ERROR]
    coding = (answer.header("content-encoding") or "identity").lower()
    if coding == "identity":
        return raw, raw
    try:
        return raw, zlib.decompressobj(wbits=47).decompress(raw, LARGEST_ERROR) if coding in _PACKED else b""
    except zlib.error:
        return raw, b""
