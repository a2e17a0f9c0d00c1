"""A preset: a named backend, as one JSON5 object says it, and the words for its slots.

What is wrong with a preset that somebody wrote, `check` tells.
"""

from __future__ import annotations

from llmswitch.base.errors import UsageProblem
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import ANTHROPIC_HOST, SLOTS, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from llmswitch.presets.own_slots import Elsewhere

PROTOCOLS = ("anthropic", "openai")
TIERS = {"small": "haiku", "medium": "sonnet", "large": "opus"}
_ALIASES = {**TIERS, "sonnet_1m": "sonnet", "opus_1m": "opus"}
AUTO = "auto"  # a model that is left to Claude Code
_FIRST = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")
_LONGEST_NAME = 64


class Preset:
    """One backend. `base_url` None means Claude Code's own; `key` None means that the backend asks for none.

    `fields` are taken as they are: `check.checked` makes a preset of a file that somebody may have got wrong.
    """

    __slots__ = (
        "also", "answers_any_key", "auth", "base_url", "billing", "cloud", "confidence", "custom", "default_model",
        "default_slot", "docs", "elsewhere", "env", "fence", "fields", "group", "key", "key_check", "key_from",
        "key_prefix", "key_url", "models_url", "name", "notes", "prices", "protocol", "slots", "source", "title",
        "verified", "warnings", "windows",
    )  # fmt: skip

    def __init__(
        self, name: str, fields: Mapping[str, Any], source: str, places: Mapping[str, Elsewhere] | None = None
    ) -> None:
        """Read the fields; `places` are those of slots that do not say where they live."""
        get, self.fields = fields.get, fields
        self.name, self.source = name, source
        self.title, self.group = get("title") or name, get("group") or ""
        self.protocol = get("protocol") or PROTOCOLS[0]
        self.base_url: str | None = (get("base_url") or "").rstrip("/") or None
        self.cloud: str | None = get("cloud")
        self.models_url: str | None = get("models_url")
        self.prices: str | None = get("prices")
        self.billing = get("billing") or "tokens"
        self.key: str | None = get("key")
        self.key_from: dict[str, Any] | None = get("key_from") or None
        self.key_prefix, self.key_url = get("key_prefix") or "", get("key_url") or ""
        check = get("key_check")  # a request that checks a key for free
        self.key_check: dict[str, str] | None = {"method": "GET", "auth": "bearer", **_said(check)} if check else None
        self.auth = get("auth") or "bearer"
        self.answers_any_key = bool(get("answers_any_key"))
        self.default_model: str | None = get("default_model")
        self.fence: bool = get("fence") is not False  # sessions ask for the pin's models only
        self.also: list[str] = get("also") or []  # and for these
        self.slots: dict[str, str] = {}
        self.elsewhere: dict[str, Elsewhere] = {}
        self.custom: dict[str, str] = {}  # a slot's own name, in lower case → the slot
        self.warnings: list[str] = []
        self.windows: dict[str, int] = dict(get("windows") or {})
        self._read_slots(get("slots") or {})
        self.elsewhere |= places or {}
        word = get("default_slot") or "sonnet"
        self.default_slot = self.slot_named(word) or word
        self.env: dict[str, str] = _said(get("env") or {})
        self.notes: list[str] = get("notes") or []
        self.docs, self.verified, self.confidence = get("docs") or "", get("verified") or "", get("confidence") or ""

    def _read_slots(self, slots: Mapping[str, Any]) -> None:
        if all(isinstance(value, str) and slot_named(value) is None for value in slots.values()):
            self.slots = {slot_named(word) or word: value.strip() for word, value in slots.items()}
            return
        from llmswitch.presets import own_slots  # few presets have a slot that is an object, or that means another

        own_slots.read(self, slots, slot_named)

    def slot_named(self, word: str) -> str | None:
        """Return the slot that a custom name, or else a tier or alias, means; in any case."""
        return self.custom.get(word.lower()) or slot_named(word)

    def start(self, overrides: Mapping[str, str]) -> str:
        """Return the slot a new session starts on; UsageProblem for a word that names none."""
        word = overrides.get("start", self.default_slot)
        slot = word if word == "opusplan" else self.slot_named(word)  # the client's alias, which follows the slots
        if slot is None or slot == "subagent":
            names = ", ".join(["haiku", "sonnet", "opus", "fable", "small", "medium", *self.custom])
            raise UsageProblem(f"A session cannot start on {word!r}.", hint=f"Use {names} or large.")
        return slot

    def models(self, overrides: Mapping[str, str], own_names: bool | None = None) -> dict[str, str]:
        """Return {slot: model id} for all five slots: overrides first, then the preset, then its default model.

        `""` in the subagent slot means "inherit", and in the others, which needs `own_names` (by default: where the
        backend knows them), the client's own model. The name of a slot as a value means that slot's model; a custom
        name is stronger than a tier's. Raises UsageProblem where a slot has no model.
        """
        own_names = self.speaks_claude if own_names is None else own_names
        asked = {slot: overrides[slot] for slot in SLOTS if slot in overrides}
        models = {slot: self.slots.get(slot, self.default_model) for slot in SLOTS}
        models["fable"] = models["fable"] or models["opus"]
        named = targets(asked, self.custom)
        models |= {slot: value for slot, value in asked.items() if slot not in named}
        chosen = models | {slot: models[target] for slot, target in named.items()}
        return {slot: self._model(slot, chosen[slot], own_names) for slot in SLOTS}

    def _model(self, slot: str, value: str | None, own_names: bool) -> str:
        if slot == "subagent" or (own_names and value == AUTO):
            return "" if value is None or value == AUTO else value
        if not value:
            hint = f"Add --{slot} MODEL or --model MODEL."
            raise UsageProblem(f"Preset {self.name} names no model for {slot}.", hint=hint)
        if value == AUTO:
            raise UsageProblem(
                f"{slot} cannot be {AUTO} here: Claude Code would send its own model name to {self.name}.",
                hint=f"Name a model: --{slot} MODEL.",
            )
        return value

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


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields but those that are null, with which a preset on top takes one of another's away."""
    return {name: value for name, value in fields.items() if value is not None}


def slot_named(word: str) -> str | None:
    """Return the slot that a slot, tier or alias name means, in any case, or None."""
    name = word.lower()
    return name if name in VARIABLES else _ALIASES.get(name)


def targets(overrides: Mapping[str, str], custom: Mapping[str, str]) -> dict[str, str]:
    """Return {slot: the slot whose model it gets} for the overrides that name a slot and not a model.

    `custom` are a preset's own names of slots, which are stronger.
    """
    named = {slot: custom.get(value.lower()) or slot_named(value) for slot, value in overrides.items()}
    return {slot: target for slot, target in named.items() if target}


def is_name(text: str) -> bool:
    """Say whether a text can be the name of a preset or of a key."""
    return text[:1] in _FIRST and len(text) <= _LONGEST_NAME and not set(text) - _FIRST - {*"._-"}
