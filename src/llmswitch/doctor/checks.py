"""What can be wrong with the backend that Claude Code will use here; every check takes Observed and yields Problems."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from llmswitch.base.addresses import url_problem, without_version
from llmswitch.base.problem import Problem
from llmswitch.base.secret import redacted
from llmswitch.base.urls import host_of
from llmswitch.claude.more_names import AUTO_COMPACT, MISNAMED
from llmswitch.claude.variables import (
    ANTHROPIC_HOST,
    AUTO_MODE,
    BASE_URL,
    CREDENTIAL_PLACES,
    CREDENTIALS,
    HELPER,
    MAX_CONTEXT,
    MILLION,
    OURS,
    START_MODEL,
    VARIABLES,
    is_claude,
    plain,
    smallest_window,
)
from llmswitch.doctor.observed import Observed
from llmswitch.presets import doubts, ladder

ALIASES = ("default", "best", "opus", "sonnet", "haiku", "fable", "opusplan")


def other_layers(observed: Observed) -> Iterator[Problem]:
    """Identity members that managed, shared project or user settings set."""
    for layer in observed.layers:
        if layer.origin not in ("managed", "project", "user"):
            continue
        names = [name for name in OURS if layer.values.get(name)]
        ruling = [
            name for name in names if observed.values[name].layer is layer and name not in observed.report.shadows
        ]
        lost = [name for name in names if observed.values[name].layer is not layer]
        if ruling:
            message = f"{layer.path} decides here about {', '.join(ruling)}."
            fix = "Ask who administers this machine." if layer.origin == "managed" else f"Take it out of {layer.path}."
            yield Problem("set-elsewhere", "warning", message, fix)
        if lost:
            yield Problem("overruled", "note", f"{', '.join(lost)} of {layer.path} is overruled here.")


def leaks(observed: Observed) -> Iterator[Problem]:
    """A pin in the main checkout also counts in its linked worktrees (since Claude Code 2.1.211)."""
    free = f"llmswitch claude -w {quote(observed.report.worktree)}"
    if observed.overridden:
        message = f"This pin also wins in {', '.join(observed.overridden)}, over the pins there."
        yield Problem("overrides", "warning", message, free)
    if observed.followers:
        message = f"Linked worktrees without a pin follow this one: {', '.join(observed.followers)}."
        yield Problem("followed", "note", message, free)


def base_url(observed: Observed) -> Iterator[Problem]:
    """A base URL that cannot work, or that would show the key to the network."""
    url = observed.text(BASE_URL).strip()
    if url and (wrong := url_problem(url)):
        shorter = without_version(url)
        members = {BASE_URL: shorter} if shorter != url and url_problem(shorter) is None else {}
        yield Problem("base-url", "error", f"The base URL {redacted(url)} {wrong}.", observed.use, members)


def missing_slots(observed: Observed) -> Iterator[Problem]:
    """A slot without a model: Claude Code sends the provider a model name of its own."""
    if not observed.text(BASE_URL) or (observed.preset and observed.preset.speaks_claude):
        return
    for slot, variable in VARIABLES.items():
        value = observed.values.get(variable)
        if slot == "subagent" or (value and value.layer.values.get(variable)):
            continue
        other = observed.text(variable)  # with a list of models it takes one of them
        sent = f"sends {other}" if other else f"would send a name of its own to {host_of(observed.text(BASE_URL))}"
        message = f"No model for {slot}: Claude Code {sent}."
        # A pin that only looks like the preset's has models of its own.
        theirs = "" if observed.report.match.alike else observed.report.preset_says(variable)
        model = theirs or observed.text(VARIABLES["opus"]) or observed.report.preset_says(variable)
        yield Problem("slot-missing", "warning", message, observed.use, {variable: model} if model else {})


def missing_blanks(observed: Observed) -> Iterator[Problem]:
    """An identity member that this pin leaves open: something from elsewhere mixes in, or can at any time."""
    own = observed.report.own.values if observed.report.own else {}
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
        yield Problem("open", "warning", message, observed.use, {name: observed.report.preset_says(name)})


def window(observed: Observed) -> Iterator[Problem]:
    """The context window that Claude Code is told: it takes a model it does not know for one of 1M (2.1.329)."""
    told = observed.text(MAX_CONTEXT)
    models = [observed.text(variable) for variable in VARIABLES.values() if observed.text(variable)]
    if not observed.text(BASE_URL) or (told and told == observed.report.preset_says(MAX_CONTEXT)):
        return
    smallest = smallest_window(models, observed.windows)
    counts = [int(text) for text in (told, observed.text(AUTO_COMPACT)) if text.isdecimal()]
    strangers = [model for model in models if not is_claude(model) and not model.lower().endswith(MILLION)]
    if smallest and not counts:
        message = f"Claude Code is not told the window of {smallest} tokens and would compact too late."
        yield Problem("window-missing", "warning", message, observed.use, {MAX_CONTEXT: str(smallest)})
    elif smallest and min(counts) > smallest:
        message = f"Claude Code is told a window of {min(counts)} tokens; the smallest of these models has {smallest}."
        yield Problem("window-wrong", "warning", message, observed.use, {MAX_CONTEXT: str(smallest)})
    elif strangers and not smallest and not counts:
        message = f"Nobody knows the window of {', '.join(dict.fromkeys(strangers))}; Claude Code takes it for 1M."
        yield Problem("window-unknown", "note", message, f"Put {MAX_CONTEXT} into the preset's env.")


def dead_ids(observed: Observed) -> Iterator[Problem]:
    """Models that the provider serves no more, as far as is known without asking it."""
    found = {slot: plain(observed.text(variable)) for slot, variable in VARIABLES.items()}
    dead = {slot: observed.gone[model] for slot, model in found.items() if model in observed.gone}
    for model in dict.fromkeys(found[slot] for slot in dead):
        slots = [slot for slot in dead if found[slot] == model]
        message = f"{', '.join(slots)}: {model} is no longer served; its successor is {observed.gone[model]}."
        if not set(slots).isdisjoint(ladder.gave(observed.record.overrides)):
            message += f" {ladder.FILE} names it too."
        yield Problem("dead-id", "warning", message, observed.using({slot: dead[slot] for slot in slots}))


def million(observed: Observed) -> Iterator[Problem]:
    """[1m] behind a model that is not Claude's, where the preset does not want it: the window is ignored then."""
    texts = {slot: observed.text(variable) for slot, variable in VARIABLES.items()}
    odd = {slot: text for slot, text in texts.items() if text != observed.report.preset_says(VARIABLES[slot])}
    for slot, message in doubts.million(odd, observed.windows).items():
        model = texts[slot][: -len(MILLION)]
        yield Problem(
            "one-million", "warning", message, observed.using({slot: redacted(model)}), {VARIABLES[slot]: model}
        )


def auto_mode(observed: Observed) -> Iterator[Problem]:
    """Auto mode, the interactive default, asks Anthropic's servers and fails behind another base URL (2.1.329)."""
    foreign = observed.text(BASE_URL) and host_of(observed.text(BASE_URL)) != ANTHROPIC_HOST
    misled = observed.preset is not None and observed.preset.is_claude  # slots of one's own login, sent elsewhere
    if foreign and not misled and not observed.text(AUTO_MODE) and not observed.mode_chosen:
        message = "Auto mode is on by default and fails behind this base URL: the first tool call opens a dialog."
        yield Problem("auto-mode", "warning", message, observed.use, {AUTO_MODE: "disable"})


def model_key(observed: Observed) -> Iterator[Problem]:
    """A `model` that Claude Code's /model saved: it bypasses the slots, or goes to Anthropic."""
    found = observed.values.get("model")
    if found is None or not found.text or observed.text(START_MODEL) or found.text.removesuffix(MILLION) in ALIASES:
        return
    own = is_claude(found.text) or found.text.startswith("claude")
    if own == bool(observed.text(BASE_URL)):
        host = host_of(observed.text(BASE_URL)) or "Anthropic"
        message = f"`model` in {found.layer.path} is {redacted(found.text)}: a new session starts on it, at {host}."
        yield Problem("model-key", "warning", message, "In Claude Code type /model and choose a row of the list.")


def key_form(observed: Observed) -> Iterator[Problem]:
    """A key that a switch of ours put here, which has the form of another provider's; other ones `status` tells."""
    if observed.key_form and all(problem.code != "other-key" for problem in observed.report.problems):
        host = host_of(observed.text(BASE_URL))
        message = f"The key in the file has the form of a key of {observed.key_form}, and is sent to {host}."
        name = observed.preset.key if observed.preset else ""
        mend = f"llmswitch save-key {name}, or export the right one; then: {observed.use}" if name else ""
        yield Problem("other-key", "warning", message, mend)


def placeholder(observed: Observed) -> Iterator[Problem]:
    """A variable's name in the place of a value: Claude Code expands nothing in `env` (2.1.330)."""
    for name in (*CREDENTIALS.values(), BASE_URL, *VARIABLES.values()):
        text = observed.text(name).strip()
        if text.startswith("$") or "${" in text:
            message = f"{name} is a placeholder: Claude Code expands no variables there and sends it as it stands."
            yield Problem("placeholder", "error", message, observed.use)
    if wrong := [name for name in MISNAMED if observed.text(name)]:
        name = wrong[0]
        message = f"{name} of {observed.values[name].layer.path or 'the shell'} is read by nobody."
        yield Problem("misnamed", "warning", message, f"The right name is {MISNAMED[name]}.")


def helper(observed: Observed) -> Iterator[Problem]:
    """An apiKeyHelper that cannot run: requests go out with an empty key."""
    if observed.helper_missing:
        message = f"apiKeyHelper runs {observed.helper_missing}, which is not there: requests go out without a key."
        own = observed.report.own.values.get(HELPER, "") if observed.report.own else ""
        ours = observed.preset and observed.helper and own.endswith(f" print-key --preset {observed.preset.name}")
        yield Problem("helper-gone", "error", message, observed.use, {HELPER: observed.helper} if ours else {})


CHECKS = (
    other_layers, leaks, base_url, missing_slots, missing_blanks, window, dead_ids, million, auto_mode, model_key,
    key_form, placeholder, helper,
)  # fmt: skip
