"""The text of a settings file: what it sets, and the same text with our members set or taken away."""

from __future__ import annotations

from llmswitch.claude.variables import TOP_MEMBERS, as_text
from llmswitch.settings.text import BOM, Span, document, drop, members_of, put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Settings:
    """One settings file's text, parsed; a blank text holds nothing, as Claude Code sees it.

    Raises SpliceError where Claude Code would ignore the whole file.
    """

    __slots__ = ("blank", "env", "root", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.blank = not text.removeprefix(BOM).strip(" \t\r\n")
        self.root = None if self.blank else document(text)
        member = self.root.get("env") if self.root else None
        self.env = members_of(text, member.value_start) if member else None

    def raw(self, name: str) -> str | None:
        """Return one of our members as it is written (JSON text), or None."""
        span = self.root if name in TOP_MEMBERS else self.env
        return span.raw(name) if span else None

    def values(self) -> dict[str, str]:
        """Return every variable of `env`, and our top-level members, as Claude Code reads them: as text."""
        inner = [member for member in (self.env.members if self.env else ()) if member.key not in TOP_MEMBERS]
        found = {member.key: as_text(member.value) for member in inner}
        top = [member for name in TOP_MEMBERS if self.root and (member := self.root.get(name))]
        return found | {member.key: as_text(member.value, member.key) for member in top}

    def top(self, name: str) -> object:
        """Return the value of any top-level member, None where there is none."""
        member = self.root.get(name) if self.root else None
        return member.value if member else None

    def without(self, names: Collection[str]) -> Settings:
        """Return the settings without those members."""
        inner = [name for name in names if name not in TOP_MEMBERS]
        text = drop(self.env, inner) if self.env else self.text
        root = Settings(text).root
        top = [name for name in names if name in TOP_MEMBERS]
        return Settings(drop(root, top) if root else text)

    def with_members(self, members: Mapping[str, str]) -> Settings:
        """Return the settings with those members (name → JSON text) changed in place or added at the end."""
        if not members:
            return self
        settings = self._with_root()
        inner = {name: raw for name, raw in members.items() if name not in TOP_MEMBERS}
        if inner:
            settings = settings._with_env(inner)
        outer = {name: raw for name, raw in members.items() if name in TOP_MEMBERS}
        return Settings(put(settings._root(), outer)) if outer else settings

    def without_env(self) -> Settings:
        """Return the settings without an `env` that holds nothing; with one that does, unchanged."""
        if self.root is None or self.env is None or self.env.members:
            return self
        return Settings(drop(self.root, ["env"]))

    def without_root(self) -> Settings:
        """Return the settings without a root object that holds nothing: the blank text around it."""
        if self.root is None or self.root.members:
            return self
        return Settings(self.text[: self.root.open] + self.text[self.root.close + 1 :])

    def _with_root(self) -> Settings:
        if not self.blank:
            return self
        start = len(self.text) - len(self.text.removeprefix(BOM))
        return Settings(self.text[:start] + "{}" + self.text[start:])

    def _with_env(self, members: Mapping[str, str]) -> Settings:
        settings = self if self.env else Settings(put(self._root(), {"env": "{}"}))
        assert settings.env is not None  # put there by the line above
        return Settings(put(settings.env, members, settings.root))

    def _root(self) -> Span:
        assert self.root is not None  # callers made one
        return self.root
