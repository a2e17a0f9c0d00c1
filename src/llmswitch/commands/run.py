"""`llmswitch run`: start Claude Code with this worktree's pin on top of every settings file."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llmswitch.base.errors import Refused, UsageProblem
from llmswitch.base.passable import Passable
from llmswitch.base.secret import Secret, digest, redacted
from llmswitch.base.shell import spelled
from llmswitch.base.urls import host_of, id_in, is_loopback
from llmswitch.claude import clouds, own_settings, program, session_arguments
from llmswitch.claude.effective import Layer, Value, effective
from llmswitch.claude.fence import EVERY_CLAUDE, OWN_MODELS
from llmswitch.claude.variables import (
    ALLOWED,
    ANTHROPIC_HOST,
    API_KEY,
    AUTH_TOKEN,
    BASE_URL,
    CLOUD_SWITCHES,
    CREDENTIAL_PLACES,
    HELPER,
    HOST_APP,
    KEYLESS_TOKEN,
    LOCAL,
    MAX_CONTEXT,
    OURS,
    SECRET_BEARING,
    SLOTS,
    TOP_MEMBERS,
    VARIABLES,
    as_text,
    counts,
)
from llmswitch.commands import own_login
from llmswitch.commands.guard import dangers, past_proxies
from llmswitch.commands.helper_call import UNNAMED, check_host, named, put_back
from llmswitch.commands.rare_keys import check_saved
from llmswitch.commands.request import Request
from llmswitch.commands.switch import Tools
from llmswitch.gateway.delivery import deliver
from llmswitch.keys.sources import UNSAVED
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.pin import Pin, pin
from llmswitch.presets.preset import Preset
from llmswitch.settings import ledger
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.neighbours import decided, pinned
from llmswitch.status import credential, key_forms, lists
from llmswitch.status.compare import compare

Members = dict[str, Any]


class Overlay:
    """The settings to start Claude Code with; with `secret` they must not lie on a disk."""

    def __init__(self, members: Mapping[str, Any]) -> None:
        self.members = members
        env = {name: text for name, text in members.items() if name not in TOP_MEMBERS}
        top = {name: _typed(name, value) for name, value in members.items() if name in TOP_MEMBERS}
        self.text = json.dumps({"env": env, **top}, indent=1)
        texts = [text for text in members.values() if isinstance(text, str)]
        credentials = [text for name, text in members.items() if name in SECRET_BEARING and text != KEYLESS_TOKEN]
        self.secret = any(credentials) or any(redacted(text) != text for text in texts)

    def file(self, root: str, state_folder: str) -> str:
        """Return the path of a --settings file with the overlay: the same for the same content in this worktree.

        Another content is another file, since open sessions follow changes of theirs.
        """
        name = f"{digest(root)[:8]}-{digest(self.text)}"
        text = named(self.text, name)
        if self.secret:
            return program.overlay_in_memory(text)
        return program.overlay_file(f"{state_folder}/overlays/{name}.json", text)


def _typed(name: str, value: object) -> object:
    """Return a top-level member's value from its text, as a settings file has it."""
    return json.loads(value) if TOP_MEMBERS[name] in (bool, list) and isinstance(value, str) else value


def start(
    request: Request | None,
    checkout: Checkout,
    tools: Tools,
    state_folder: str,
    environ: Mapping[str, str],
    given: Sequence[str],
    anyway: bool,
    tell: Callable[..., object],
) -> None:
    """Become Claude Code with the overlay for what is asked for, and the arguments `given`; the ledger notes it.

    `tell` gets the lines on what other files let this session ask for.

    Raises Refused where the program would not read the overlay, but for `anyway`.
    """
    if request:
        tools.catalog.load(request.preset)  # a wrong name is said first,
    executable = program.find(environ)  # then a missing Claude Code, before anybody is asked for a key
    found = overlay(request, checkout, tools, anyway)
    if found and id_in(str(found.members.get(BASE_URL, ""))):
        tools.gateway().start()  # or Claude Code would talk to whoever has the port
    settings = found.file(checkout.root, state_folder) if found else None
    argv = arguments(given, settings)
    if found and not anyway and not own_settings.are_read(executable, state_folder, environ):
        raise Passable(
            f"{executable} does not read the settings that carry the pin. {own_settings.CAUSES}.",
            hint=f"Look into {executable}, or put the program itself first on PATH.",
        )
    if session_arguments.starts_session(given):
        texts = {name: as_text(value, name) for name, value in found.members.items()} if found else {}
        overlaid = Layer("overlay", "", texts)
        managed = [layer for layer in checkout.layers if layer.origin == "managed"]  # above --settings too
        values = effective([*managed, overlaid, *checkout.layers])
        if not anyway:
            _refuse_leak(values, managed, checkout.folder, tools.catalog)
        tell(*_let_past(overlaid, values, checkout))
        session = session_arguments.chosen(given)
        if not session_arguments.chooses(given):
            session = str(uuid.uuid4())
            argv = arguments([session_arguments.OPTION, session, *given], settings)
        _note(session, request, checkout, found.members if found else {}, tools)
    # They would let another program choose the provider; the settings that we bring would not count.
    kept = {name: text for name, text in environ.items() if name not in HOST_APP}
    program.become(executable, argv, kept)


def _refuse_leak(values: Mapping[str, Value], managed: Sequence[Layer], folder: str, catalog: Catalog) -> None:
    """Refuse to start what would send the user's own login, or another provider's key, to a foreign host."""
    ruled = any(name in layer.values for layer in managed for name in CREDENTIAL_PLACES)
    ask = "Ask who administers this machine." if ruled else ""
    errors = [*credential.findings(values, ask, folder), *key_forms.findings(values, catalog, ask)]
    if wrong := next((each for each in errors if each.level == "error"), None):
        raise Passable(wrong.message, hint=ask or f"{wrong.fix} Or name a preset: llmswitch run PRESET.")


def _let_past(overlaid: Layer, values: Mapping[str, Value], checkout: Checkout) -> list[str]:
    """Return what the lists of models in files let a session ask for besides its own: all lists count together."""
    if host_of(overlaid.values.get(BASE_URL, "")) in ("", ANTHROPIC_HOST) or ALLOWED not in overlaid.values:
        return []
    listed = [overlaid]
    for layer in checkout.layers:
        entries = json.loads(layer.values[ALLOWED]) if ALLOWED in layer.values and layer.origin != "shell" else ()
        # what agents and skills ask for by name; the ids of another pin's provider are no news
        if claude := [entry for entry in entries if entry.startswith("claude") or entry in OWN_MODELS]:
            listed.append(Layer(layer.origin, layer.path, {ALLOWED: json.dumps(claude)}))
    models = {slot: overlaid.values.get(name, "") for slot, name in VARIABLES.items()}
    return [f"note: {each.message}" for each in lists.opened(checkout, listed, models, values)]


def _note(
    session: str | None,
    request: Request | None,
    checkout: Checkout,
    members: Mapping[str, str],
    tools: Tools,
) -> None:
    """Note in the ledger what this session is started on; a start does not fail by it."""
    values = effective(checkout.layers)
    texts = {**{name: value.text for name, value in values.items()}, **members}
    if request:
        preset: str | None = tools.catalog.load(request.preset).name
    else:
        path = f"{checkout.root}/{LOCAL}"
        own = next((layer for layer in checkout.layers if layer.path == path), None)
        preset = compare(checkout, own, values, tools.catalog).preset
    cloud = clouds.on({name: text for name, text in texts.items() if isinstance(text, str)})
    host = cloud.name if cloud else host_of(texts.get(BASE_URL, "")) or ANTHROPIC_HOST
    ledger.note(checkout, {"kind": "run", "preset": preset, "host": host, "session": session}, texts, tools.typed)


def in_use(checkout: Checkout, asked: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return the preset in use here, and its own overrides with what is asked for on top; without one, the own login.

    Raises Refused where there is none, and requests go elsewhere all the same.
    """
    holder = pinned(checkout) or (checkout if _carried(checkout) else None)
    record = holder.state.current if holder else None
    if record is None or not record.preset:
        where, by = decided(effective(checkout.layers))
        if where not in ("", ANTHROPIC_HOST):
            raise Refused(
                f"No preset is in use here that these models could go on top of, and {by} sends requests to {where}.",
                hint="Name one: llmswitch run PRESET",
            )
        return "claude", dict(asked)
    kept = {name: text for name, text in record.overrides.items() if "model" not in asked or name not in SLOTS}
    return record.preset, {**kept, **asked}


def overlay(request: Request | None, checkout: Checkout, tools: Tools, anyway: bool) -> Overlay | None:
    """Return the overlay for what is asked for, or for the worktree as it is; None where Claude Code needs none.

    Raises Refused for a credential that only the file knows, KeyProblem where the pin's key is nowhere.
    """
    preset = tools.catalog.load(request.preset) if request else None
    below = _without(checkout, ["main", "worktree"] if preset else ["main"])
    if request and preset and not preset.is_claude:
        members = {**below, **_from_preset(preset, request.overrides, tools)}
        return _guarded(members, checkout, anyway)
    if values := {} if preset else _carried(checkout):
        return _guarded({**below, **_from_file(values, checkout, tools)}, checkout, anyway)
    if request and preset and request.overrides:
        below |= _own_slots(preset, request.overrides, checkout, tools, anyway)
    below = _with_list(below, checkout.layers)
    return Overlay(below) if below else None


def _carried(checkout: Checkout) -> Mapping[str, str]:
    """Return the values of the worktree's own file where they name a backend.

    In a folder below a linked worktree Claude Code reads them in no layer.
    """
    settings = checkout.file.settings()
    values = settings.values() if settings else {}
    return values if any(counts(name, values.get(name, "")) for name in (BASE_URL, *CLOUD_SWITCHES)) else {}


def _own_slots(preset: Preset, overrides: Mapping[str, str], checkout: Checkout, tools: Tools, anyway: bool) -> Members:
    """Return the slots of one's own login; Refused where other settings would ask another backend for them."""
    kept = [layer for layer in checkout.layers if layer.origin not in ("main", "worktree")]
    if not anyway:
        own_login.refuse(*decided(effective(kept)))
    return dict(pin(preset, overrides, tools.catalog).members)


def _guarded(members: Mapping[str, Any], checkout: Checkout, anyway: bool) -> Overlay:
    """Return the overlay of a pin; Refused where its key would be carried elsewhere, but for `anyway`."""
    pin = past_proxies(Pin(members), checkout)
    for message, hint in dangers(pin, checkout) if pin.base_url and not anyway else ():
        raise Passable(message, hint=hint)
    return Overlay(_with_list(pin.members, checkout.layers))


def _with_list(members: Mapping[str, Any], layers: Sequence[Layer]) -> Members:
    """Return the members with a list of models where they have none and a settings file has one.

    The lists of all files count together with that of --settings: one that is not this session's would replace its
    models, so it brings its own, and opens what another pin's list would close (2.1.332).
    """
    others = {layer.origin for layer in layers if ALLOWED in layer.values}
    if ALLOWED in members or not others:
        return dict(members)
    mapped = [members[name] for name in VARIABLES.values() if members.get(name)]
    own = [*dict.fromkeys(mapped), *(EVERY_CLAUDE if others & {"main", "worktree"} else ())]
    return {**members, ALLOWED: own} if own else dict(members)


def _from_preset(preset: Preset, overrides: Mapping[str, str], tools: Tools) -> Mapping[str, Any]:
    wanted = pin(preset, overrides, tools.catalog)
    if preset.cloud:
        return wanted.members
    if wanted.routes:
        return deliver(wanted, tools.gateway(), tools.catalog, tools.keys)[0].members
    if preset.key:
        return wanted.with_helper(_helper(preset, tools)).members
    return {**wanted.members, AUTH_TOKEN: KEYLESS_TOKEN}


def _helper(preset: Preset, tools: Tools) -> str:
    """Return the command that prints a preset's key; KeyProblem where it could not: Claude Code would ask and ask."""
    check_saved(tools.keys.obtain(preset), preset)
    return f"{tools.helper(preset)} {UNNAMED}"


def _from_file(values: Mapping[str, str], checkout: Checkout, tools: Tools) -> Members:
    """Return the file's pin, complete, with a helper in the place of its key."""
    current, main = checkout.state.current, checkout.main
    kept = {name: text for name, text in values.items() if name in (*OURS, ALLOWED) or name in current.wrote}
    members = {**dict.fromkeys(OURS, ""), **kept}
    secrets = [Secret(members[name]) for name in (AUTH_TOKEN, API_KEY) if members[name] not in ("", KEYLESS_TOKEN)]
    if not secrets:
        if members[HELPER] and members[HELPER] == current.pin.get(HELPER) and current.preset:
            ours = tools.catalog.load(current.preset)
            check_host(checkout, ours, members[BASE_URL], checkout.file.path, put_back(checkout, ours))
            members[HELPER] = _helper(ours, tools) if ours.key else members[HELPER]
        return members
    # A tool may have copied main's file into the worktree: then main's record knows the key.
    records = [current, *([main.state.current] if main else [])]
    known = [record for record in records if all(record.has_key(secret) for secret in secrets)]
    if not known or not known[0].preset:
        raise Refused(
            f"{checkout.file.path} holds a credential that llmswitch did not write; it cannot hand it on.",
            hint="Save it with --adopt-key NAME in a switch, or start `claude` itself.",
        )
    preset = tools.catalog.load(known[0].preset)
    if known[0].key.get("source") in UNSAVED:
        raise Refused(
            f"The {preset.key} key of this pin was given for it alone and saved nowhere, so it cannot be handed on.",
            hint=f"Save it: llmswitch save-key {preset.key}; then: {spelled(preset.name, known[0].overrides)}",
        )
    if host_of(members[BASE_URL]) != preset.host and not is_loopback(members[BASE_URL]):
        return members  # the file's own key, which was meant for that host; the preset's is not
    return {**members, AUTH_TOKEN: "", API_KEY: "", HELPER: _helper(preset, tools)}


def _without(checkout: Checkout, origins: Sequence[str]) -> Members:
    """Return, for each member of a pin that these local files set, the value it would have without them."""
    files = [layer for layer in checkout.layers if layer.origin in origins]
    main = checkout.main
    wrote = {**checkout.state.current.wrote, **(main.state.current.wrote if main else {})}
    names = [name for name in (*OURS, MAX_CONTEXT, *wrote) if any(name in layer.values for layer in files)]
    names = [name for name in names if name != ALLOWED]  # which nothing takes away
    left = effective(layer for layer in checkout.layers if layer not in files)
    unset = [name for name in names if name not in left and (name == HELPER or name not in TOP_MEMBERS)]
    return {name: left[name].text for name in names if name in left} | dict.fromkeys(unset, "")


def arguments(given: Sequence[str], settings: str | None) -> list[str]:
    """Return Claude Code's arguments with the overlay; UsageProblem where the user brings a --settings too."""
    if settings is None:
        return list(given)
    if any(word == "--settings" or word.startswith("--settings=") for word in given):
        raise UsageProblem(
            "Claude Code takes one --settings, and here it carries the pin.",
            hint="Put those settings into .claude/settings.local.json, or start `claude` itself.",
        )
    return ["--settings", settings, *given]
