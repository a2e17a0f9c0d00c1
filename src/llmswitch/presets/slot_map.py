"""The `slots` of a preset: ids, aliases, and objects that name a model, a custom name and another place."""

from __future__ import annotations

from llmswitch.claude.variables import SLOTS
from llmswitch.presets.slots import slot_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.presets.fields import Fields

PROTOCOLS = ("anthropic", "openai")
_OBJECT = ("model", "name", "preset", "base_url", "key", "protocol")


class Elsewhere:
    """Where a slot lives that is not at its preset's own endpoint: another preset, or a URL with a key's name.

    With `preset` the other three are None and "anthropic", and that preset says them.
    """

    def __init__(self, preset: str | None, base_url: str | None, key: str | None, protocol: str) -> None:
        self.preset, self.base_url, self.key, self.protocol = preset, base_url, key, protocol


class SlotMap:
    """What `slots` says: `models` {slot: id, "" or "auto"}, `elsewhere` {slot: place}, `custom` {name: slot}.

    Custom names are in lower case; what is odd about them is in `warnings`.
    """

    def __init__(self, check: Fields, default_model: str | None) -> None:
        self.models: dict[str, str] = {}
        self.elsewhere: dict[str, Elsewhere] = {}
        self.custom: dict[str, str] = {}
        self.warnings: list[str] = []
        self._check = check.inner("slots", check.mapping("slots"))
        words: dict[str, str] = {}
        for word in self._check.fields:
            slot = slot_named(word)
            if slot is None or slot in words:
                self._check.wrong(word, f"must be one of {', '.join(SLOTS)}, each once")
            else:
                words[slot] = word
                self._read(slot, word)
        for slot, word in words.items():
            self._follow(slot, word, default_model)

    def _read(self, slot: str, word: str) -> None:
        value = self._check.fields[word]
        if isinstance(value, dict):
            self._read_object(slot, word, self._check.inner(word, value))
        elif isinstance(value, str):
            self.models[slot] = (self._check.text(word) or "").strip()
        else:
            self._check.wrong(word, "must be text, or an object with a model")

    def _read_object(self, slot: str, word: str, check: Fields) -> None:
        check.no_unknown_fields(_OBJECT)
        model = (check.text("model") or "").strip()
        if not model:
            check.wrong("model", "is missing: an object names a model")
        self.models[slot] = model
        if name := (check.text("name") or "").strip().lower():
            self._name(slot, name, check)
        preset, protocol = check.name("preset"), check.choice("protocol", PROTOCOLS) or PROTOCOLS[0]
        base_url, key = check.base_url("base_url", protocol), check.name("key")
        if preset and any(check.fields.get(part) for part in ("base_url", "key", "protocol")):
            check.wrong("preset", "says the base_url, key and protocol already: name either it or them")
        elif preset or base_url:
            self.elsewhere[slot] = Elsewhere(preset, base_url, key, protocol)
        elif key and "base_url" not in check.fields:
            check.wrong("key", "needs the base_url it belongs to")

    def _name(self, slot: str, name: str, check: Fields) -> None:
        if name in self.custom:
            check.wrong("name", f"is the name of {self.custom[name]} too")
        other = slot_named(name)
        if other not in (None, slot):
            self.warnings.append(f"The name {name!r} means {slot} here, and no longer {other}.")
        self.custom[name] = slot

    def _follow(self, slot: str, word: str, default_model: str | None) -> None:
        """Replace the name of another slot by that slot's model and place."""
        seen, at = [slot], slot
        while target := self.slot_named(self.models.get(at, "")):
            if target in seen:
                self._check.wrong(word, f"goes round in a circle: {' → '.join([*seen, target])}")
                return
            seen.append(target)
            at = target
        if at == slot:
            return
        if at not in self.models and not default_model:
            self._check.wrong(word, f"means {at}, which has no model")
        self.models[slot] = self.models.get(at, default_model or "")
        if at in self.elsewhere:
            self.elsewhere[slot] = self.elsewhere[at]

    def slot_named(self, word: str) -> str | None:
        """Return the slot that a custom name, or else a tier or alias, means; in any case."""
        return self.custom.get(word.lower()) or slot_named(word)
