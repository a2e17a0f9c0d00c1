"""What can be wrong with the backend that Claude Code will use here; every check takes Facts and yields Problems."""

from __future__ import annotations

from llmswitch.base.addresses import url_problem, without_version
from llmswitch.base.problem import Problem
from llmswitch.base.secret import redacted
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import (
    ANTHROPIC_HOST,
    AUTO_MODE,
    BASE_URL,
    CREDENTIAL_PLACES,
    CREDENTIALS,
    HELPER,
    MAX_CONTEXT,
    OURS,
    START_MODEL,
    VARIABLES,
    is_claude,
    plain,
    smallest_window,
)
from llmswitch.presets import doubts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from llmswitch.doctor.facts import Facts

# Names that people write and Claude Code does not read.
MISNAMED = {
    "ANTHROPIC_AUTH_KEY": "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_TOKEN": "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_KEY": "ANTHROPIC_API_KEY", "ANTHROPIC_API_TOKEN": "ANTHROPIC_API_KEY",
    "ANTHROPIC_URL": "ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL": "ANTHROPIC_BASE_URL",
}  # fmt: skip
AUTO_COMPACT = "CLAUDE_CODE_AUTO_COMPACT_WINDOW"
ALIASES = ("default", "best", "opus", "sonnet", "haiku", "fable", "opusplan")
_MILLION = "[1m]"


def other_layers(facts: Facts) -> Iterator[Problem]:
    """Identity members that managed, shared project or user settings set."""
    for layer in facts.layers:
        if layer.origin not in ("managed", "project", "user"):
            continue
        names = [name for name in OURS if layer.values.get(name)]
        ruling = [name for name in names if facts.values[name].layer is layer and name not in facts.report.shadows]
        lost = [name for name in names if facts.values[name].layer is not layer]
        if ruling:
            message = f"{layer.path} decides here about {', '.join(ruling)}."
            fix = "Ask who administers this machine." if layer.origin == "managed" else f"Take it out of {layer.path}."
            yield Problem("set-elsewhere", "warning", message, fix)
        if lost:
            yield Problem("overruled", "note", f"{', '.join(lost)} of {layer.path} is overruled here.")


def leaks(facts: Facts) -> Iterator[Problem]:
    """A pin in the main checkout also counts in its linked worktrees (since Claude Code 2.1.211)."""
    free = f"llmswitch claude -w {facts.report.worktree}"
    if facts.overridden:
        message = f"This pin also wins in {', '.join(facts.overridden)}, over the pins there."
        yield Problem("overrides", "warning", message, free)
    if facts.followers:
        message = f"Linked worktrees without a pin follow this one: {', '.join(facts.followers)}."
        yield Problem("followed", "note", message, free)


def base_url(facts: Facts) -> Iterator[Problem]:
    """A base URL that cannot work, or that would show the key to the network."""
    url = facts.text(BASE_URL).strip()
    if url and (wrong := url_problem(url)):
        shorter = without_version(url)
        members = {BASE_URL: shorter} if shorter != url and url_problem(shorter) is None else {}
        yield Problem("base-url", "error", f"The base URL {redacted(url)} {wrong}.", facts.use, members)


def missing_slots(facts: Facts) -> Iterator[Problem]:
    """A slot without a model: Claude Code sends the provider a model name of its own."""
    if not facts.text(BASE_URL) or (facts.preset and facts.preset.speaks_claude):
        return
    for slot, variable in VARIABLES.items():
        value = facts.values.get(variable)
        if slot == "subagent" or (value and value.layer.values.get(variable)):
            continue
        other = facts.text(variable)  # with a list of models it takes one of them
        sent = f"sends {other}" if other else f"would send a name of its own to {host_of(facts.text(BASE_URL))}"
        message = f"No model for {slot}: Claude Code {sent}."
        # A pin that only looks like the preset's has models of its own.
        theirs = "" if facts.report.match.alike else facts.report.preset_says(variable)
        model = theirs or facts.text(VARIABLES["opus"]) or facts.report.preset_says(variable)
        yield Problem("slot-missing", "warning", message, facts.use, {variable: model} if model else {})


def missing_blanks(facts: Facts) -> Iterator[Problem]:
    """An identity member that this pin leaves open: something from elsewhere mixes in, or can at any time."""
    own = facts.report.own.values if facts.report.own else {}
    if not own.get(BASE_URL):
        return
    for name, leak in OURS.items():
        if (
            name in own
            or name in VARIABLES.values()
            or (name in CREDENTIAL_PLACES and not set(CREDENTIAL_PLACES) & own.keys())
        ):
            continue
        message = f"This pin does not say {name}: {leak}."
        yield Problem("open", "warning", message, facts.use, {name: facts.report.preset_says(name)})


def window(facts: Facts) -> Iterator[Problem]:
    """The context window that Claude Code is told: it takes a model it does not know for one of 1M (2.1.329)."""
    told = facts.text(MAX_CONTEXT)
    models = [facts.text(variable) for variable in VARIABLES.values() if facts.text(variable)]
    if not facts.text(BASE_URL) or (told and told == facts.report.preset_says(MAX_CONTEXT)):
        return
    smallest = smallest_window(models, facts.windows)
    counts = [int(text) for text in (told, facts.text(AUTO_COMPACT)) if text.isdecimal()]
    strangers = [model for model in models if not is_claude(model) and not model.lower().endswith(_MILLION)]
    if smallest and not counts:
        message = f"Claude Code is not told the window of {smallest} tokens and would compact too late."
        yield Problem("window-missing", "warning", message, facts.use, {MAX_CONTEXT: str(smallest)})
    elif smallest and min(counts) > smallest:
        message = f"Claude Code is told a window of {min(counts)} tokens; the smallest of these models has {smallest}."
        yield Problem("window-wrong", "warning", message, facts.use, {MAX_CONTEXT: str(smallest)})
    elif strangers and not smallest and not counts:
        message = f"Nobody knows the window of {', '.join(dict.fromkeys(strangers))}; Claude Code takes it for 1M."
        yield Problem("window-unknown", "note", message, f"Put {MAX_CONTEXT} into the preset's env.")


def dead_ids(facts: Facts) -> Iterator[Problem]:
    """Models that the provider serves no more, as far as is known without asking it."""
    found = {slot: plain(facts.text(variable)) for slot, variable in VARIABLES.items()}
    dead = {slot: facts.gone[model] for slot, model in found.items() if model in facts.gone}
    for model in dict.fromkeys(found[slot] for slot in dead):
        slots = [slot for slot in dead if found[slot] == model]
        message = f"{', '.join(slots)}: {model} is no longer served; its successor is {facts.gone[model]}."
        yield Problem("dead-id", "warning", message, facts.using({slot: dead[slot] for slot in slots}))


def million(facts: Facts) -> Iterator[Problem]:
    """[1m] behind a model that is not Claude's, where the preset does not want it: the window is ignored then."""
    texts = {slot: facts.text(variable) for slot, variable in VARIABLES.items()}
    odd = {slot: text for slot, text in texts.items() if text != facts.report.preset_says(VARIABLES[slot])}
    for slot, message in doubts.million(odd, facts.windows).items():
        model = texts[slot][: -len(_MILLION)]
        yield Problem("one-million", "warning", message, facts.using({slot: redacted(model)}), {VARIABLES[slot]: model})


def auto_mode(facts: Facts) -> Iterator[Problem]:
    """Auto mode, the interactive default, asks Anthropic's servers and fails behind another base URL (2.1.329)."""
    foreign = facts.text(BASE_URL) and host_of(facts.text(BASE_URL)) != ANTHROPIC_HOST
    if foreign and not facts.text(AUTO_MODE) and not facts.mode_chosen:
        message = "Auto mode is on by default and fails behind this base URL: the first tool call opens a dialog."
        yield Problem("auto-mode", "warning", message, facts.use, {AUTO_MODE: "disable"})


def model_key(facts: Facts) -> Iterator[Problem]:
    """A `model` that Claude Code's /model saved: it bypasses the slots, or goes to Anthropic."""
    found = facts.values.get("model")
    if found is None or not found.text or facts.text(START_MODEL) or found.text.removesuffix(_MILLION) in ALIASES:
        return
    own = is_claude(found.text) or found.text.startswith("claude")
    if own == bool(facts.text(BASE_URL)):
        host = host_of(facts.text(BASE_URL)) or "Anthropic"
        message = f"`model` in {found.layer.path} is {redacted(found.text)}: a new session starts on it, at {host}."
        yield Problem("model-key", "warning", message, "In Claude Code type /model and choose a row of the list.")


def placeholder(facts: Facts) -> Iterator[Problem]:
    """A variable's name in the place of a value: Claude Code expands nothing in `env` (2.1.330)."""
    for name in (*CREDENTIALS.values(), BASE_URL, *VARIABLES.values()):
        text = facts.text(name).strip()
        if text.startswith("$") or "${" in text:
            message = f"{name} is a placeholder: Claude Code expands no variables there and sends it as it stands."
            yield Problem("placeholder", "error", message, facts.use)
    if wrong := [name for name in MISNAMED if facts.text(name)]:
        name = wrong[0]
        message = f"{name} of {facts.values[name].layer.path or 'the shell'} is read by nobody."
        yield Problem("misnamed", "warning", message, f"The right name is {MISNAMED[name]}.")


def helper(facts: Facts) -> Iterator[Problem]:
    """An apiKeyHelper that cannot run: requests go out with an empty key."""
    if facts.helper_missing:
        message = f"apiKeyHelper runs {facts.helper_missing}, which is not there: requests go out without a key."
        own = facts.report.own.values.get(HELPER, "") if facts.report.own else ""
        ours = facts.preset and facts.helper and own.endswith(f" print-key --preset {facts.preset.name}")
        yield Problem("helper-gone", "error", message, facts.use, {HELPER: facts.helper} if ours else {})


CHECKS = (
    other_layers, leaks, base_url, missing_slots, missing_blanks, window, dead_ids, million, auto_mode, model_key,
    placeholder, helper,
)  # fmt: skip
