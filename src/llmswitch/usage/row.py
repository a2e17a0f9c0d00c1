"""What was used, summed up in one row."""

from __future__ import annotations

from collections.abc import Mapping

from llmswitch.usage.cost import Cost
from llmswitch.usage.index import Part


class Row:
    """What was used by one key; tokens are counted, `cost` is in USD and None where no price is known.

    `agents` are the requests of sub-agents, `as_of` is the day of the oldest price, `plan` says that some is paid by
    quota, `unpriced` are the ids that no price is known for.
    """

    def __init__(self, keys: Mapping[str, str | None]) -> None:
        self.keys = keys
        self.requests = self.agents = self.input = self.output = self.cache_read = self.cache_write = 0
        self.cost: float | None = None
        self.as_of, self.plan = "", False
        self.failed = self.failed_tools = 0
        self.sessions: set[str] = set()
        self.unpriced: set[str] = set()

    def add(self, part: Part, session: str, cost: Cost) -> None:
        """Add a part of what a session used."""
        self.requests += part.requests
        self.agents += part.requests if part.agent else 0
        self.input += part.tokens[0]
        self.output += part.tokens[1]
        self.cache_read += part.tokens[2]
        self.cache_write += part.tokens[3] + part.tokens[4]
        self.sessions.add(session)
        if cost.usd is not None:
            self.cost = (self.cost or 0.0) + cost.usd
            self.as_of = min(filter(None, (self.as_of, cost.as_of)), default="")
        elif cost.plan:
            self.plan = True
        else:
            self.unpriced.add(part.answered)

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.input + self.output + self.cache_read + self.cache_write

    @property
    def cached(self) -> float | None:
        """The share of the prompts that came from a cache, None where nothing was sent."""
        prompt = self.input + self.cache_read + self.cache_write
        return self.cache_read / prompt if prompt else None

    def data(self) -> dict[str, object]:
        """Return the row as JSON data."""
        return {
            **dict.fromkeys(("worktree", "preset", "model", "asked")),
            **self.keys,
            "requests": self.requests,
            "agent_requests": self.agents,
            "sessions": len(self.sessions),
            "input": self.input,
            "output": self.output,
            "cache_read": self.cache_read,
            "cache_write": self.cache_write,
            "cost": self.cost,
            "as_of": self.as_of or None,
            "plan": self.plan,
            "unpriced": sorted(self.unpriced),
            "failed_requests": self.failed,
            "failed_tools": self.failed_tools,
        }
