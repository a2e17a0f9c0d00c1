"""The transcripts of Claude Code's sessions, as far as they say what was asked, what answered and how many tokens.

One JSON object a line, in `projects/<the start folder, every other sign a dash>/<session>.jsonl`; those of sub-agents
below `<session>/subagents` (measured on Claude Code 2.1.330 and 2.1.332). Of a line's content nothing is read: no
prompt, no answer, no tool's input or output.

What identifies a message: `requestRef`, the id of the request's own line, with `message.id` (2.1.332); else
`message.id` with `requestId`; a server that sends no `request-id` leaves that null, and then it is the first of the
lines that follow each other by `parentUuid`. A copy by a fork keeps all of these, and names the session that asked in
`requestSessionId`.
"""

from __future__ import annotations

import os
from _blake2 import blake2b

from llmswitch.base.days import milliseconds
from llmswitch.base.fastjson import scanner
from llmswitch.claude.variables import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

CHUNK = 1024 * 1024
KEPT = 64 * 1024  # of each end of a line that is longer than a chunk
LONGEST_NAME = 200  # a project's folder has no longer name but for a hash at its end (2.1.330)
SYNTHETIC = "<synthetic>"  # the model of a line by which the client reports a failure
_CONTENT, _STOP = b'"content":[', b'],"stop_reason":'
_TIME = b'"timestamp":"'
# Lines that say their type first; of these only the general ones can hold anything else of interest.
_TYPED = b'{"type":"'
_GENERAL = (b'{"type":"assistant"', b'{"type":"user"', b'{"type":"system"', b'{"type":"attachment"')
_REQUEST, _COST = b'{"type":"api-request",', b'{"type":"cost-state",'
_scan = scanner()


class Message:
    """One answer: when it was asked for (ms since 1970), by which session, the ids asked and answered, the tokens."""

    __slots__ = ("agent", "answered", "asked", "branch", "copied_by", "cwd", "home", "key", "session", "time",
                 "tokens")  # fmt: skip

    def __init__(
        self,
        key: int,
        time: int,
        session: str,
        copied_by: str,
        cwd: str,
        branch: str,
        agent: bool,
        home: bool,
        asked: str,
        answered: str,
        tokens: tuple[int, int, int, int, int],
    ) -> None:
        self.key, self.time, self.session, self.cwd, self.branch = key, time, session, cwd, branch
        self.copied_by = copied_by  # the session that was forked from it, "" for none
        self.agent, self.asked, self.answered = agent, asked, answered
        self.home = home  # whether Anthropic's own servers answered, by the form of the request's id
        self.tokens = tokens  # input, output, cache read, cache written for 5 minutes, for an hour


class Failure:
    """A request that failed (`status`, 0 where none came), or a tool call that did (`tool`)."""

    __slots__ = ("key", "session", "status", "time", "tool")

    def __init__(self, key: int, time: int, session: str, status: int, tool: bool) -> None:
        self.key, self.time, self.session, self.status, self.tool = key, time, session, status, tool


class Claim:
    """What the client says a session has cost so far, in USD, and {model: input, output, cache read, cache written}.

    Of a session that is a fork, with what the other had used until then.
    """

    __slots__ = ("models", "session", "time", "usd")

    def __init__(self, session: str, time: int, usd: float, models: dict[str, list[int]]) -> None:
        self.session, self.time, self.usd, self.models = session, time, usd, models


class Start:
    """The first line that names a folder: where the session began."""

    __slots__ = ("branch", "cwd", "session", "time")

    def __init__(self, session: str, cwd: str, branch: str, time: int) -> None:
        self.session, self.cwd, self.branch, self.time = session, cwd, branch, time


def slug(folder: str) -> str:
    """Return the name of the project's folder for sessions that start in a folder."""
    return "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in folder)


def may_be_below(name: str, root: str) -> bool:
    """Say whether a project's folder may be that of a start folder in a worktree; others can have the same name."""
    start = slug(root)
    if len(start) > LONGEST_NAME:
        return name.startswith(start[:LONGEST_NAME])
    return name == start or name.startswith(start + "-")


def key_of(*words: str) -> int:
    """Return a number that stands for an identity, 63 bits long."""
    text = "\0".join(words).encode(errors="replace")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1


class Reader:
    """Reads one transcript from an offset on; `memory` is what an earlier read left, so that a message goes on.

    After `read`: `offset` is behind the last whole line, `broken` counts lines that are no JSON of ours.
    """

    def __init__(self, name: str, offset: int = 0, memory: str = "") -> None:
        self.name, self.offset, self.broken = name, offset, 0
        parts = memory.split("\t")
        self._started = offset > 0
        self._time = int(parts[0]) if parts[0].isdecimal() else 0
        self._chain = {parts[1]: (parts[2], int(parts[3]))} if len(parts) == 4 and parts[3].isdecimal() else {}
        self._last = b""  # the last line that may have a time
        self._asked: dict[str, int] = {}  # a request's id → when it was sent

    @property
    def memory(self) -> str:
        """What the next read needs to know."""
        last = next(reversed(self._chain.items()), None) if self._chain else None
        return "\t".join([str(self._time), last[0], last[1][0], str(last[1][1])] if last else [str(self._time)])

    def read(self, file: int) -> Iterator[Message | Failure | Claim | Start]:
        """Yield what the lines behind the offset say; a last line that is unfinished is left for the next time."""
        os.lseek(file, self.offset, os.SEEK_SET)
        for line, end in _lines(file, self.offset):
            try:
                yield from self._line(line)
            except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
                self.broken += 1
            self.offset = end

    def _line(self, line: bytes) -> Iterator[Message | Failure | Claim | Start]:
        if line.startswith(_TYPED):
            if line.startswith(_COST):
                yield self._claim(_object(line))
            elif line.startswith(_REQUEST):
                self._request(_object(line))
            if not line.startswith(_GENERAL):
                return
        self._last = line if len(line) < CHUNK else line[-KEPT:]
        if not self._started and b'"cwd":"' in line:
            yield from self._start(_object(_without_content(line)))
        yield from self._general(line)

    def _general(self, line: bytes) -> Iterator[Message | Failure]:
        if b'"assistant"' in line:
            yield from self._message(_object(_without_content(line)))
        elif b'"is_error":true' in line:
            yield from self._tools(_object(line))
        elif len(line) < KEPT and b'"api_error"' in line:
            yield from self._error(_object(line))
        elif line.strip() and line[:1] != b"{":
            self.broken += 1

    def _start(self, data: dict[str, Any]) -> Iterator[Start]:
        session, cwd = data.get("requestSessionId") or data.get("sessionId"), data.get("cwd")
        if isinstance(session, str) and isinstance(cwd, str):
            self._started = True
            yield Start(session, cwd, _word(data.get("gitBranch")), milliseconds(data.get("timestamp")))

    def _request(self, data: dict[str, Any]) -> None:
        if len(self._asked) > 100:
            self._asked.clear()
        self._asked[data["id"]] = milliseconds(data.get("timestamp"))

    def _message(self, data: dict[str, Any]) -> Iterator[Message | Failure]:
        message = data.get("message")
        if data.get("type") != "assistant" or not isinstance(message, dict):
            return
        usage, answered = message.get("usage"), message.get("model")
        if answered == SYNTHETIC:
            if data.get("isApiErrorMessage") is True:
                yield self._failure(data, data.get("apiErrorStatus"))
            return
        if not isinstance(usage, dict) or not isinstance(answered, str):
            return
        own = _word(data.get("sessionId")) or self.name
        session = _word(data.get("requestSessionId")) or own
        ref, asked, time = data.get("requestRef"), data.get("requestedModel"), milliseconds(data.get("timestamp"))
        yield Message(
            key=self._key(data, message, ref),
            time=self._asked.get(ref, time) if isinstance(ref, str) else time,
            session=session,
            copied_by=own if own != session else "",
            cwd=_word(data.get("cwd")),
            branch=_word(data.get("gitBranch")),
            agent=data.get("isSidechain") is True,
            home=_is_home(data.get("requestId")),
            asked=plain(asked) if isinstance(asked, str) else "",
            answered=answered,
            tokens=tokens(usage),
        )

    def _failure(self, data: dict[str, Any], status: object) -> Failure:
        key = key_of("failed", _word(data.get("uuid")) or f"{self.name}:{self.offset}")
        session = _word(data.get("sessionId")) or self.name
        return Failure(key, milliseconds(data.get("timestamp")), session, status if type(status) is int else 0, False)

    def _key(self, data: dict[str, Any], message: dict[str, Any], ref: object) -> int:
        name, request = _word(message.get("id")), data.get("requestId")
        if isinstance(ref, str) and ref:
            return key_of("asked", ref, name)
        if name and isinstance(request, str) and request:
            return key_of("sent", name, request)
        uuid, parent = _word(data.get("uuid")), _word(data.get("parentUuid"))
        known = self._chain.get(parent) if parent else None
        key = known[1] if known and known[0] == name else key_of("line", uuid or f"{self.name}:{self.offset}")
        if uuid:
            if len(self._chain) > 1000:
                self._chain.clear()
            self._chain[uuid] = (name, key)
        return key

    def _tools(self, data: dict[str, Any]) -> Iterator[Failure]:
        message = data.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        if data.get("type") != "user" or not isinstance(content, list):
            return
        for number, block in enumerate(content):
            if isinstance(block, dict) and block.get("type") == "tool_result" and block.get("is_error") is True:
                key = key_of("tool", _word(data.get("uuid")) or f"{self.name}:{self.offset}", str(number))
                session = data.get("sessionId") or self.name
                yield Failure(key, milliseconds(data.get("timestamp")), session, 0, True)

    def _error(self, data: dict[str, Any]) -> Iterator[Failure]:
        if data.get("type") == "system" and data.get("subtype") == "api_error":
            error = data.get("error")
            yield self._failure(data, error.get("status") if isinstance(error, dict) else None)

    def _claim(self, data: dict[str, Any]) -> Claim:
        at = self._last.rfind(_TIME) + len(_TIME)
        if at >= len(_TIME):
            self._time = milliseconds(self._last[at : self._last.find(b'"', at)].decode(errors="replace")) or self._time
        models = {plain(name): _claimed(used) for name, used in data["modelUsage"].items()}
        return Claim(data["sessionId"], self._time, float(data.get("totalCostUSD") or 0), models)


def tokens(usage: Mapping[str, Any]) -> tuple[int, int, int, int, int]:
    """Return input, output, cache read and cache written for 5 minutes and for an hour, of a `usage` object."""
    written, detail = _count(usage.get("cache_creation_input_tokens")), usage.get("cache_creation")
    hour = _count(detail.get("ephemeral_1h_input_tokens")) if isinstance(detail, dict) else 0
    if isinstance(detail, dict) and not written:
        written = hour + _count(detail.get("ephemeral_5m_input_tokens"))
    return (
        _count(usage.get("input_tokens")), _count(usage.get("output_tokens")),
        _count(usage.get("cache_read_input_tokens")), max(written - hour, 0), hour,
    )  # fmt: skip


def _is_home(request: object) -> bool:
    """Say whether a request's id is one of Anthropic's: req_01 and 22 letters and digits."""
    return isinstance(request, str) and len(request) == 28 and request.startswith("req_01") and request[4:].isalnum()


def _claimed(used: Mapping[str, Any]) -> list[int]:
    names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
    return [_count(used.get(name)) for name in names]


def _count(value: object) -> int:
    return value if type(value) is int and 0 <= value < 1 << 50 else 0


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(line: bytes) -> dict[str, Any]:
    value, _ = _scan(line.decode(errors="replace").lstrip(), 0)
    if not isinstance(value, dict):
        raise TypeError
    return value


def _without_content(line: bytes) -> bytes:
    """Return an assistant's line with no blocks in it, if it has the usual form; in texts quotes are escaped."""
    start, end = line.find(_CONTENT), line.rfind(_STOP)
    return line[: start + len(_CONTENT)] + line[end:] if 0 < start < end else line


def _lines(file: int, at: int) -> Iterator[tuple[bytes, int]]:
    """Yield the whole lines from an offset on, each with the offset behind it; of a very long one only its ends."""
    rest = b""
    while data := os.read(file, CHUNK):
        *whole, rest = (rest + data).split(b"\n")
        for line in whole:
            at += len(line) + 1
            yield line, at
        if len(rest) > CHUNK:
            found = _long(file, rest)
            if found is None:
                return
            line, length, rest = found
            at += length + 1
            yield line, at
            *whole, rest = rest.split(b"\n")
            for line in whole:
                at += len(line) + 1
                yield line, at


def _long(file: int, start: bytes) -> tuple[bytes, int, bytes] | None:
    """Return the two ends of a long line, its length and what was read behind it; None where it is unfinished."""
    head, tail, length = start[:KEPT], start[-KEPT:], len(start)
    del start
    while data := os.read(file, CHUNK):
        cut = data.find(b"\n")
        part = data if cut < 0 else data[:cut]
        tail, length = (tail + part)[-KEPT:], length + len(part)
        if cut >= 0:
            return head + tail, length, data[cut + 1 :]
    return None
