"""What leads a session past its pin, and how `availableModels` keeps it there (measured on 2.1.330 and 2.1.332).

The lists of all settings files count together; a managed one replaces them all. An entry allows the id that it is,
with or without [1m], and that id with anything behind a `-`; the name of a family opens that family, as long as no
other entry has that name in it.
"""

from __future__ import annotations

from llmswitch.claude.variables import VARIABLES, is_claude, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

# What opens every model of Claude's.
EVERY_CLAUDE = ("claude",)
# What the client means by a family (2.1.330 and 2.1.332).
OWN_MODELS = {
    "haiku": "claude-haiku-5-5", "sonnet": "claude-sonnet-5-5", "opus": "claude-opus-5-5", "fable": "claude-fable-5-2",
}  # fmt: skip


def allows(entries: Collection[str], model: str) -> bool:
    """Say whether a list lets a session ask for a model."""
    sent = plain(model).lower()
    words = counted(entries)
    return any(sent == word or sent.startswith(word + "-") or _opens(word, sent) for word in words)


def counted(entries: Collection[str]) -> list[str]:
    """Return the entries of a list that count, as the client compares them.

    The name of a family does not where another entry has it in it, `x/myopus` too (2.1.330 and 2.1.332).
    """
    words = [plain(entry.strip()).lower() for entry in entries]
    ids = [word for word in words if word not in (*OWN_MODELS, "opusplan")]
    return [word for word in words if word not in OWN_MODELS or not any(word in each for each in ids)]


def _opens(word: str, model: str) -> bool:
    """Say whether an entry is the name of a family that is a word of a model's id (seen on 2.1.332)."""
    return word in OWN_MODELS and word in "".join(each if each.isalnum() else " " for each in model).split()


def sent(models: Mapping[str, str], entries: Collection[str]) -> dict[str, str]:
    """Return {slot: the id that goes out for it} for the slots that a list changes.

    A model that is not allowed gives way to the list's own entry of that family, or else to the Opus slot's.
    """
    changed = {}
    opus = models.get("opus") or OWN_MODELS["opus"]
    for slot in VARIABLES:
        model = models.get(slot) or ("" if slot == "subagent" else OWN_MODELS[slot])
        if not model or allows(entries, model):
            continue
        changed[slot] = "" if slot == "subagent" else _of_family(slot, entries) or opus
    return {slot: model for slot, model in changed.items() if plain(model) != plain(models.get(slot, ""))}


def _of_family(slot: str, entries: Collection[str]) -> str:
    """Return the id of a family that a list names, "" for none: its alias, or one of its ids.

    Of several ids the client takes the newest that it knows; the first is near enough to be told.
    """
    words = counted(entries)
    if slot in words or ("opusplan" in words and slot in ("sonnet", "opus")) or allows(entries, OWN_MODELS[slot]):
        return OWN_MODELS[slot]
    return next((word for word in words if is_claude(word) and word.startswith(f"claude-{slot}-")), "")
