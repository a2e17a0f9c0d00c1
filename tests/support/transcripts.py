"""Makes transcripts as Claude Code writes them, with what it does to them, and counts them in the plainest way."""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

START = 1_795_000_000_000  # ms since 1970: 2026-11-18
SECRET = "the prompt that nobody may keep"
Line = dict[str, Any]


def iso(moment: int) -> str:
    """Return a time as a line has it."""
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Transcript:
    """One transcript, line by line; `cwd` is where the session starts."""

    def __init__(self, session: str, cwd: str, seed: int = 0) -> None:
        self.session, self.cwd = session, cwd
        self.lines: list[Line] = []
        self._random, self.moment, self._last = random.Random(f"{session}{seed}"), START, None

    def uuid(self) -> str:
        """Return a new id."""
        return f"{self._random.getrandbits(64):016x}"

    def add(self, kind: str, **fields: Any) -> Line:
        """Add a line of a kind, one second after the last."""
        self.moment += 1000
        line = {
            "parentUuid": self._last, "isSidechain": False, **fields, "type": kind, "uuid": self.uuid(),
            "timestamp": iso(self.moment), "cwd": self.cwd, "sessionId": self.session, "version": "2.1.332",
            "gitBranch": "trunk",
        }  # fmt: skip
        self._last = line["uuid"]
        self.lines.append(line)
        return line

    def user(self, text: str = SECRET) -> Line:
        """Add what the user said."""
        return self.add("user", message={"role": "user", "content": text})

    def tool(self, failed: bool = False) -> Line:
        """Add the result of a tool."""
        block = {"tool_use_id": "toolu_1", "type": "tool_result", "content": SECRET, "is_error": failed}
        return self.add("user", message={"role": "user", "content": [block]})

    def answer(
        self,
        tokens: tuple[int, int, int, int] = (100, 10, 1000, 50),
        model: str = "maker/model",
        asked: str | None = None,
        blocks: int = 1,
        id: str | None = None,  # noqa: A002
        request: str | None = "",
        ref: str | None = None,
        hour: int = 0,
        **more: Any,
    ) -> None:
        """Add an answer of so many blocks, a line each; the first ones do not know its output yet."""
        name, sent = id or f"msg_{self.uuid()}", f"req_{self.uuid()}" if request == "" else request
        for block in range(blocks):
            out = tokens[1] if block == blocks - 1 else 1
            usage = {
                "input_tokens": tokens[0], "cache_creation_input_tokens": tokens[3],
                "cache_read_input_tokens": tokens[2], "output_tokens": out,
                "cache_creation": {"ephemeral_1h_input_tokens": hour, "ephemeral_5m_input_tokens": tokens[3] - hour},
            }  # fmt: skip
            message = {
                "id": name, "type": "message", "role": "assistant", "model": model,
                "content": [{"type": "text", "text": f'{SECRET} "model":"other", "usage":{{}}'}],
                "stop_reason": "end_turn", "stop_sequence": None, "usage": usage, "stop_details": None,
            }  # fmt: skip
            fields: Line = {"message": message, "requestId": sent, "requestedModel": asked or model, **more}
            if ref:
                fields["requestRef"] = ref
            self.add("assistant", **fields)

    def request(self, model: str) -> str:
        """Add the line of a request, and return its id."""
        self.moment += 1000
        ref = self.uuid()
        line = {"type": "api-request", "sessionId": self.session, "id": ref, "timestamp": iso(self.moment)}
        self.lines.append({**line, "params": {"model": model}})
        return ref

    def fork(self, session: str) -> Transcript:
        """Return a fork: the lines so far, with the session's id changed, as `--fork-session` does."""
        other = Transcript(session, self.cwd, 1)
        for line in self.lines:
            if line["type"] in ("user", "assistant"):
                mark = {"requestSessionId": line.get("requestSessionId", self.session)}
                other.lines.append({**line, "sessionId": session, **(mark if line["type"] == "assistant" else {})})
        other.moment, other._last = self.moment, self._last
        return other

    def text(self) -> str:
        """Return the file's text."""
        return "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in self.lines)

    def write(self, projects: Path, agent: str = "") -> Path:
        """Write it where Claude Code would; for `agent`, where it would a sub-agent's."""
        slug = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in self.cwd)
        folder = projects / slug
        path = (
            folder / self.session / "subagents" / f"agent-{agent}.jsonl" if agent else folder / f"{self.session}.jsonl"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.text())
        return path


def counted(texts: list[str]) -> Counter[tuple[str, str, str]]:
    """Return {(asked, answered, what): number} of all lines, by the plainest rules and slowly.

    A message is known by its request; else by its two ids; else by the line that the first of its lines follows.
    """
    messages: dict[object, dict[str, Any]] = {}
    first: dict[str, tuple[str, str]] = {}
    for line in (json.loads(raw) for text in texts for raw in text.splitlines()):
        if line["type"] == "assistant":
            message = line["message"]
            found = messages.setdefault(_key(line, first), {"asked": line["requestedModel"], "by": message["model"]})
            for name in ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"):
                found[name] = max(found.get(name, 0), message["usage"][name])
    total: Counter[tuple[str, str, str]] = Counter()
    for each in messages.values():
        pair = each.pop("asked"), each.pop("by")
        total[(*pair, "requests")] += 1
        for name, number in each.items():
            total[(*pair, name)] += number
    return total


def _key(line: Line, first: dict[str, tuple[str, str]]) -> object:
    name = line["message"]["id"]
    if line.get("requestRef"):
        return line["requestRef"], name
    if line["requestId"]:
        return name, line["requestId"]
    parent = first.get(line["parentUuid"])
    first[line["uuid"]] = parent if parent and parent[1] == name else (line["uuid"], name)
    return first[line["uuid"]]
