"""A preset: a named backend, read from one JSON5 object and checked field by field."""

from __future__ import annotations

from llmswitch.base.errors import PresetProblem
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import ANTHROPIC_HOST, CLOUDS, SLOTS
from llmswitch.presets.fields import Fields
from llmswitch.presets.slot_map import PROTOCOLS, SlotMap
from llmswitch.presets.slots import slot_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


FIELDS = (
    "title", "group", "base_url", "protocol", "cloud", "key", "key_from", "key_prefix", "key_url", "key_check", "auth",
    "answers_any_key", "models_url", "prices", "billing", "default_slot", "default_model", "slots", "windows", "env",
    "extends", "notes", "docs", "verified", "confidence",
)  # fmt: skip


# What a preset with another base URL does not inherit: requests with its key would go to the old host.
_OF_THE_HOST = ("key_check", "models_url")


class Preset:
    """One backend. `base_url` None means Claude Code's own; `key` None means that the backend asks for none."""

    def __init__(self, name: str, fields: Mapping[str, object], source: str) -> None:
        """Check `fields` and keep them; PresetProblem names `source` (a path) and every wrong field."""
        self.name, self.source = name, source
        check = Fields(fields)
        check.no_keys(fields)
        self.title = check.text("title") or name
        self.group = check.text("group") or ""
        self._endpoint(check)
        self._key(check)
        self.default_model = check.text("default_model")
        found = SlotMap(check, self.default_model)
        self.slots, self.elsewhere, self.custom, self.warnings = (
            found.models, found.elsewhere, found.custom, found.warnings,
        )  # fmt: skip
        self.default_slot = self._start(check, found)
        self.windows = check.windows("windows")
        self.env = check.env("env")
        self.notes = check.texts("notes")
        self.docs = check.address("docs") or ""
        self.verified = check.text("verified") or ""
        self.confidence = check.choice("confidence", ("high", "medium", "low")) or ""
        check.no_unknown_fields(FIELDS)
        if check.problems:
            raise wrong_preset(source, check.problems)

    def _endpoint(self, check: Fields) -> None:
        self.protocol = check.choice("protocol", PROTOCOLS) or PROTOCOLS[0]
        self.base_url = check.base_url("base_url", self.protocol)
        self.cloud = check.choice("cloud", tuple(CLOUDS))
        if self.cloud and self.base_url:
            check.wrong("cloud", "is a switch of Claude Code's own and takes no base_url")
        self.models_url = check.address("models_url")
        self.prices = check.name("prices")
        self.billing = check.choice("billing", ("tokens", "plan")) or "tokens"

    def _key(self, check: Fields) -> None:
        self.key = check.name("key")
        self.key_from = check.key_source("key_from")
        self.key_prefix = check.text("key_prefix") or ""
        self.key_url = check.address("key_url") or ""
        self.key_check = check.key_check("key_check")
        self.auth = check.choice("auth", ("bearer", "api-key")) or "bearer"
        self.answers_any_key = check.flag("answers_any_key")

    def _start(self, check: Fields, found: SlotMap) -> str:
        word = check.text("default_slot") or "sonnet"
        slot = found.slot_named(word)
        if slot is None or slot == "subagent":
            check.wrong("default_slot", f"must be one of {', '.join(SLOTS[:4])}, or a custom name of one")
        return slot or "sonnet"

    @property
    def is_claude(self) -> bool:
        """Say whether this is Claude Code's own backend, for which nothing is written."""
        return not (self.base_url or self.cloud or self.slots or self.default_model)

    @property
    def is_mixed(self) -> bool:
        """Say whether some slot lives elsewhere than at the preset's own endpoint."""
        return bool(self.elsewhere) or not (self.base_url or self.cloud or self.is_claude)

    @property
    def speaks_claude(self) -> bool:
        """Say whether the backend knows Claude Code's own model names, so that a slot can be left to it."""
        return self.is_claude or self.cloud is not None or self.host == ANTHROPIC_HOST

    @property
    def host(self) -> str:
        """The host requests go to, with its port where it has one; a word where there is none."""
        if self.base_url:
            return host_of(self.base_url)
        return self.cloud or ("several" if self.is_mixed else ANTHROPIC_HOST)


def wrong_preset(source: str, problems: list[tuple[str, str]]) -> PresetProblem:
    """Return the error about a preset's fields: the first in words, all of them in `found`."""
    field, why = problems[0]
    more = f" ({len(problems) - 1} more: llmswitch presets check {source})" if len(problems) > 1 else ""
    error = PresetProblem(f"{source}: {field} {why}.{more}", hint="See `llmswitch show openrouter` for a good one.")
    error.found = problems
    return error


def merged(parent: Mapping[str, object], child: Mapping[str, object]) -> dict[str, object]:
    """Return `parent` with `child` on top, field by field; `slots`, `windows` and `env` entry by entry."""
    moved = "base_url" in child and child["base_url"] != parent.get("base_url")
    result = {name: value for name, value in parent.items() if not (moved and name in _OF_THE_HOST)} | dict(child)
    for field in ("slots", "windows", "env"):
        below, above = parent.get(field), child.get(field)
        if isinstance(below, dict) and isinstance(above, dict):
            again = {_same(field, word) for word in above}
            result[field] = {word: below[word] for word in below if _same(field, word) not in again} | above
    return result


def _same(field: str, word: str) -> str:
    """Return what a word means: `small` on top replaces `haiku` below."""
    return (field == "slots" and slot_named(word)) or word
