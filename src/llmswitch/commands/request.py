"""What the user asks for in a switch, and the pin it comes to before any file or key is looked at."""

from __future__ import annotations

from llmswitch.base.errors import UsageProblem
from llmswitch.claude.variables import INSIDE, SLOTS, VARIABLES
from llmswitch.presets.pin import Pin, pin
from llmswitch.presets.preset import TIERS, Preset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from llmswitch.base.secret import Secret
    from llmswitch.presets.catalog import Catalog
    from llmswitch.settings.change import Change


class Chosen:
    """What a request comes to: a preset, the overrides that apply to it, and its pin without a credential."""

    __slots__ = ("catalog", "overrides", "pin", "preset")

    def __init__(self, preset: Preset, overrides: Mapping[str, str], pin: Pin, catalog: Catalog) -> None:
        self.preset, self.overrides, self.pin, self.catalog = preset, overrides, pin, catalog


class Request:
    """What the user asked for: a preset, what to override in it, and how far to go.

    `overrides` has models by slot, and `start`, `base_url` and `also` (ids with blanks between them); `exported` names
    the variables some came from. `members` are written in the place of a preset's, `extra` on top of them; with
    `put_back` they are the user's own, and that makes the change; a `secret` is among them.
    """

    __slots__ = ("anyway", "discard", "dry_run", "exported", "extra", "key_given", "key_helper", "live", "members",
                 "overrides", "passing", "preset", "put_back", "secret", "settled")  # fmt: skip

    def __init__(self, preset: str, options: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        """Read the command line's options; UsageProblem for a value that cannot be."""
        self.preset = preset
        self.dry_run, self.anyway = bool(options.get("dry_run")), bool(options.get("anyway"))
        self.discard, self.live = bool(options.get("discard_key")), bool(options.get("live"))
        self.key_given, self.key_helper = bool(options.get("key_stdin")), bool(options.get("key_helper"))
        self.settled: list[Secret] = []  # credentials in the files that are saved elsewhere
        self.members: Mapping[str, str] | None = None
        self.extra: Mapping[str, str] = {}
        self.put_back: Callable[[Change], Change] | None = None
        self.passing = self.secret = False
        asked = dict.fromkeys(SLOTS, options["model"]) if options.get("model") is not None else {}
        asked |= {slot: options[slot] for slot in SLOTS if options.get(slot) is not None}
        if options.get("start") is not None:
            asked["start"] = options["start"]
        if also := options.get("also"):
            asked["also"] = also if isinstance(also, str) else " ".join(also)
        if options.get("base_url") is not None:
            asked["base_url"] = options["base_url"].rstrip("/")
        exported = from_environment(environ)
        self.exported = {slot: variable for slot, (_, variable) in exported.items() if slot not in asked}
        self.overrides: dict[str, str] = {slot: exported[slot][0] for slot in self.exported} | asked
        for name, text in self.overrides.items():
            _check_text(text, self.exported.get(name, f"--{name.replace('_', '-')}"))

    def but(self, **changes: object) -> Request:
        """Return the same request with some attributes changed."""
        request = Request(self.preset, {}, {})
        for name, value in ({name: getattr(self, name) for name in self.__slots__} | changes).items():
            setattr(request, name, value)
        return request

    def chosen(self, catalog: Catalog) -> Chosen:
        """Return the preset, the overrides that apply to it, and the pin to write without a credential."""
        if self.members is not None:
            return Chosen(Preset(self.preset, {}, ""), {}, Pin(self.members), catalog)
        preset = catalog.load(self.preset)
        if self.live and not preset.is_claude:
            raise UsageProblem("--live goes with `llmswitch claude`: a pin reaches open sessions by itself.")
        wanted = pin(preset, self.overrides, catalog)
        return Chosen(preset, self.overrides, wanted.with_members(self.extra) if self.extra else wanted, catalog)


def _check_text(text: str, origin: str) -> None:
    """Raise UsageProblem for text that a header or a settings file cannot carry."""
    if not text.isprintable():
        raise UsageProblem(f"{origin} holds a control character, or one that cannot be encoded.")


def from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return {slot: (model, variable)} for the overrides the user exported.

    Inside a Claude Code session the environment is the current pin, not a wish: there it is {}.
    """
    if environ.get(INSIDE):
        return {}
    found = {}
    tiers = {slot: tier for tier, slot in TIERS.items()}
    for slot, variable in VARIABLES.items():
        for name in (f"LLMSWITCH_{tiers.get(slot, slot).upper()}", f"LLMSWITCH_{slot.upper()}", variable):
            if model := environ.get(name, "").strip():
                found[slot] = (model, name)
    return found
