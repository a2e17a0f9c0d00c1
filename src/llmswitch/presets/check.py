"""What can be wrong with a preset that somebody wrote: every complaint is collected, with the field it is about."""

from __future__ import annotations

import difflib
import os
import re

from llmswitch.base import writable
from llmswitch.base.addresses import address_problem, url_problem
from llmswitch.base.errors import PresetProblem, Refused
from llmswitch.base.secret import looks_like_key
from llmswitch.claude.variables import CLOUDS, IDENTITY, SLOTS
from llmswitch.presets import balance
from llmswitch.presets.features import FEATURES
from llmswitch.presets.fields import FIELDS, SLOT_FIELDS
from llmswitch.presets.files import SUFFIX
from llmswitch.presets.preset import PROTOCOLS, Preset, is_name, slot_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from llmswitch.presets.catalog import Catalog

_DIGITS, _LARGE = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_KEY_FIELD = r"api_?key|token|secret|password|credential"
_KEY_ENDS = ("_KEY", "_TOKEN", "SECRET", "PASSWORD")
UNPRINTABLE = "holds a control character, or one that cannot be encoded"


def check_folder(catalog: Catalog, path: str) -> None:
    """Raise PresetProblem for a preset of the user's in a folder where others could have put it."""
    if os.path.dirname(path) == catalog.own_folder:
        try:
            for place in (catalog.own_folder, path):
                writable.check(place, "no preset is read from it", catalog.anyway)
        except Refused as error:
            problem = PresetProblem(error.args[0], hint=error.hint)
            problem.exit_code = error.exit_code
            raise problem from None


def on_top(catalog: Catalog, name: str, fields: Mapping[str, object], source: str, below: Sequence[str]) -> Preset:
    """Return the preset in `fields`; PresetProblem of a file `below` where that has the same fault already."""
    try:
        return checked(name, fields, source)
    except PresetProblem as problem:
        if below and not catalog.is_shipped(below[0]):
            try:
                catalog.read(os.path.basename(below[0]).removesuffix(SUFFIX), below[0])
            except PresetProblem as inherited:
                if inherited.found == problem.found:
                    raise inherited from None
        raise


def checked(name: str, fields: Mapping[str, object], source: str) -> Preset:
    """Return the preset in `fields`; PresetProblem names `source` (a path) and every wrong field."""
    check = Fields(fields)
    check.no_keys(fields)
    for field in ("title", "group", "key_prefix", "default_model", "verified"):
        check.text(field)
    protocol = check.choice("protocol", PROTOCOLS) or PROTOCOLS[0]
    base_url = check.base_url("base_url", protocol)
    if check.choice("cloud", tuple(CLOUDS)) and base_url:
        check.wrong("cloud", "is a switch of Claude Code's own and takes no base_url")
    for field in ("models_url", "key_url", "docs"):
        check.address(field)
    for field in ("key", "prices"):
        check.name(field)
    for field, words in (
        ("billing", ("tokens", "plan")),
        ("auth", ("bearer", "api-key")),
        ("confidence", ("high", "medium", "low")),
    ):
        check.choice(field, words)
    check.key_source("key_from")
    check.key_check("key_check")
    _check_balance(check)
    check.flag("answers_any_key")
    check.flag("fence")
    check.flag("two_headers")
    check.texts("also")
    custom = _check_slots(check)
    word = check.text("default_slot") or "sonnet"
    if (custom.get(word.lower()) or slot_named(word)) in (None, "subagent"):
        check.wrong("default_slot", f"must be one of {', '.join(SLOTS[:4])}, or a custom name of one")
    check.windows("windows")
    check.env("env")
    _check_features(check)
    check.texts("notes")
    _check_aliases(check)
    check.no_unknown_fields(FIELDS)
    if check.problems:
        raise wrong_preset(source, check.problems)
    return Preset(name, fields, source)


def _check_features(check: Fields) -> None:
    inner = check.inner("features", check.mapping("features"))
    inner.no_unknown_fields(FEATURES)
    for name in FEATURES:
        inner.flag(name)


def _check_aliases(check: Fields) -> None:
    for alias in check.texts("aliases"):
        if not is_name(alias):
            check.wrong("aliases", f"holds {alias!r}: a name is small letters, digits, dots and dashes")


def _check_balance(check: Fields) -> None:
    """Check the request for what is left, and where the amounts stand in its answer."""
    if not (value := check.mapping("balance")):
        return
    inner = check.inner("balance", value)
    inner.no_unknown_fields(balance.FIELDS)
    for field in ("url", "docs"):
        inner.address(field)
    inner.choice("auth", ("bearer", "api-key"))
    inner.text("note")
    for field in ("url", "docs", "amounts"):
        if not value.get(field):
            inner.wrong(field, "is missing")
    amounts = inner.inner("amounts", inner.mapping("amounts"))
    for what, place in amounts.fields.items():
        if isinstance(place, dict):
            _check_amount(amounts.inner(what, place), place.get("per", 1))
        else:
            amounts.wrong(what, 'must be an object, such as {"at": "data.credit", "unit": "USD"}')


def _check_amount(check: Fields, per: object) -> None:
    check.no_unknown_fields(balance.OF_AN_AMOUNT)
    texts = {field: check.text(field) for field in ("at", "unit", "unit_at", "none", "until")}
    if not texts["at"]:
        check.wrong("at", "is missing: the path of the amount in the answer")
    if type(per) is not int or per < 1:
        check.wrong("per", "must be a whole number")


def wrong_preset(source: str, problems: list[tuple[str, str]]) -> PresetProblem:
    """Return the error about a preset's fields: the first in words, all of them in `found`."""
    field, why = problems[0]
    more = f" ({len(problems) - 1} more: llmswitch presets check {source})" if len(problems) > 1 else ""
    error = PresetProblem(f"{source}: {field} {why}.{more}", hint="See `llmswitch show openrouter` for a good one.")
    error.found = problems
    return error


def _check_slots(check: Fields) -> dict[str, str]:
    """Check the slots and return their custom names, {name in lower case: slot}."""
    slots = check.inner("slots", check.mapping("slots"))
    words: dict[str, str] = {}
    models: dict[str, str] = {}
    custom: dict[str, str] = {}
    for word, value in slots.fields.items():
        slot = slot_named(word)
        if slot is None or slot in words:
            slots.wrong(word, f"must be one of {', '.join(SLOTS)}, each once")
            continue
        words[slot] = word
        if isinstance(value, dict):
            models[slot] = _check_slot(slot, slots.inner(word, value), custom)
        elif isinstance(value, str):
            models[slot] = (slots.text(word) or "").strip()
        else:
            slots.wrong(word, "must be text, or an object with a model")
    for slot, word in words.items():
        _check_meaning(slot, word, models, custom, slots)
    return custom


def _check_slot(slot: str, check: Fields, custom: dict[str, str]) -> str:
    """Check a slot that is an object, note its name in `custom`, and return its model."""
    check.no_unknown_fields(SLOT_FIELDS)
    model = (check.text("model") or "").strip()
    if not model:
        check.wrong("model", "is missing: an object names a model")
    if name := (check.text("name") or "").strip().lower():
        if name in custom:
            check.wrong("name", f"is the name of {custom[name]} too")
        custom[name] = slot
    check.window("window")
    preset, protocol = check.name("preset"), check.choice("protocol", PROTOCOLS) or PROTOCOLS[0]
    base_url, key = check.base_url("base_url", protocol), check.name("key")
    if preset and any(check.fields.get(part) for part in ("base_url", "key", "protocol")):
        check.wrong("preset", "says the base_url, key and protocol already: name either it or them")
    elif key and not preset and not base_url and "base_url" not in check.fields:
        check.wrong("key", "needs the base_url it belongs to")
    return model


def _check_meaning(slot: str, word: str, models: dict[str, str], custom: dict[str, str], check: Fields) -> None:
    """Complain about a slot that names another slot which has no model, or that comes back to itself."""
    seen, at = [slot], slot
    while target := custom.get(models.get(at, "").lower()) or slot_named(models.get(at, "")):
        if target in seen:
            check.wrong(word, f"goes round in a circle: {' → '.join([*seen, target])}")
            return
        seen.append(target)
        at = target
    if at != slot and at not in models and not check.around("default_model"):
        check.wrong(word, f"means {at}, which has no model")


def _is_variable(text: str) -> bool:
    return text[:1] in {*_LARGE} and not text.strip(_LARGE + _DIGITS + "_")


class Fields:
    """Reads one object of a preset; what is wrong is noted in `problems` as (field, why), and reads as None."""

    def __init__(
        self,
        fields: Mapping[str, object],
        lead: str = "",
        problems: list[tuple[str, str]] | None = None,
        above: Mapping[str, object] | None = None,
    ) -> None:
        self.fields, self._lead, self._above = fields, lead, above or {}
        self.problems: list[tuple[str, str]] = [] if problems is None else problems

    def wrong(self, field: str, why: str) -> None:
        """Note what is wrong with a field."""
        self.problems.append((self._lead + field, why))

    def inner(self, field: str, value: Mapping[str, object]) -> Fields:
        """Return a reader for an object inside this one, which notes its problems here."""
        return Fields(value, f"{self._lead}{field}.", self.problems, self.fields)

    def around(self, field: str) -> object:
        """Return a field of the object around this one."""
        return self._above.get(field)

    def text(self, field: str) -> str | None:
        """Read one line of text."""
        value = self.fields.get(field)
        if value is None or self._is_text(field, value):
            return value  # type: ignore[return-value]  # checked in the line above
        return None

    def _is_text(self, field: str, value: object) -> bool:
        if not isinstance(value, str):
            self.wrong(field, "must be text")
        elif not value.isprintable():
            self.wrong(field, UNPRINTABLE)
        else:
            return True
        return False

    def name(self, field: str) -> str | None:
        """Read the name of a key or a preset."""
        value = self.text(field)
        if value is not None and not is_name(value):
            self.wrong(field, "must be a name: lower-case letters, digits, '.', '_' and '-'")
            return None
        return value

    def choice(self, field: str, allowed: Sequence[str]) -> str | None:
        """Read one of several words."""
        value = self.text(field)
        if value is not None and value not in allowed:
            self.wrong(field, f"must be one of {', '.join(allowed)}")
            return None
        return value

    def flag(self, field: str) -> bool:
        """Read true or false."""
        value = self.fields.get(field, False)
        if not isinstance(value, bool):
            self.wrong(field, "must be true or false")
        return value is True

    def base_url(self, field: str, protocol: str) -> str | None:
        """Read a base URL; only one of an OpenAI-format API may end in /v1."""
        value = self.text(field)
        problem = (address_problem if protocol == "openai" else url_problem)(value) if value else None
        if problem:
            self.wrong(field, problem)
        return value.rstrip("/") if value and not problem else None

    def address(self, field: str) -> str | None:
        """Read the address of a page or of a request."""
        value = self.text(field)
        if value and (problem := address_problem(value)):
            self.wrong(field, problem)
            return None
        return value

    def texts(self, field: str) -> list[str]:
        """Read a list of lines."""
        value = self.fields.get(field) or []
        if not isinstance(value, list):
            self.wrong(field, "must be a list of texts")
            return []
        return [item for item in value if self._is_text(field, item)]

    def mapping(self, field: str) -> dict[str, object]:
        """Read an object; an absent one and null are {}."""
        value = self.fields.get(field)
        if value is None or isinstance(value, dict):
            return value or {}
        self.wrong(field, "must be an object")
        return {}

    def env(self, field: str) -> dict[str, str]:
        """Read tuning variables; those that choose the backend are not among them."""
        inner = self.inner(field, self.mapping(field))
        for name in inner.fields:
            if not _is_variable(name):
                inner.wrong(name, "must be an environment variable's name")
            elif name in IDENTITY:
                inner.wrong(name, "is set by llmswitch itself; env holds tuning variables only")
            elif name.endswith(_KEY_ENDS) or "BEARER_TOKEN" in name:
                inner.wrong(name, "holds a key; presets hold none: use `llmswitch save-key`")
        return {name: text for name in inner.fields if (text := inner.text(name)) is not None}

    def windows(self, field: str) -> dict[str, int]:
        """Read context windows: {model id: tokens}."""
        inner = self.inner(field, self.mapping(field))
        for name in inner.fields:
            inner.window(name)
        return {name: tokens for name, tokens in inner.fields.items() if isinstance(tokens, int)}

    def window(self, field: str) -> None:
        """Complain about a context window that is none; an absent one is fine."""
        tokens = self.fields.get(field)
        if tokens is not None and (isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 1):
            self.wrong(field, "must be a whole number of tokens")

    def key_source(self, field: str) -> dict[str, object] | None:
        """Read where a key can be taken from, besides the keyring."""
        value = self.mapping(field)
        if not value:
            return None
        one = value if len(value) == 1 else {}
        name, command = one.get("env"), one.get("command")
        if (isinstance(name, str) and name.isprintable()) or _is_command(command):
            return value
        self.wrong(field, 'must be {"env": "VARIABLE"} or {"command": ["PROGRAM", "ARGUMENT", …]}')
        return None

    def key_check(self, field: str) -> dict[str, str] | None:
        """Read the request that checks a key for free: {url, method, auth}."""
        if not (value := self.mapping(field)):
            return None
        inner = self.inner(field, value)
        inner.no_unknown_fields(("url", "method", "auth"))
        found = {
            "url": inner.address("url"),
            "method": inner.choice("method", ("GET", "HEAD")) or "GET",
            "auth": inner.choice("auth", ("bearer", "api-key")) or "bearer",
        }
        if "url" not in value:
            inner.wrong("url", "is missing")
        return {part: text for part, text in found.items() if text}

    def no_keys(self, value: object, field: str = "") -> None:
        """Complain about a key anywhere, names of fields included."""
        if isinstance(value, dict):
            for name, item in value.items():
                self.no_keys(name, field or "a field's name")
                self.no_keys(item, f"{field}.{name}" if field else str(name))
        elif isinstance(value, list):
            for item in value:
                self.no_keys(item, field)
        elif isinstance(value, str) and looks_like_key(value):
            self.wrong(field, "holds a key; presets hold none: use `llmswitch save-key`")

    def no_unknown_fields(self, known: Collection[str]) -> None:
        """Complain about fields that do not exist, with the nearest that does."""
        for field in self.fields:
            if field not in known:
                self.wrong(field, _why_unknown(field, known))


# What other tools call our fields.
_ELSEWHERE = {"id": "model", "baseurl": "base_url", "url": "base_url", "models": "slots"}


def _why_unknown(field: str, known: Collection[str]) -> str:
    if re.search(_KEY_FIELD, field, re.IGNORECASE):
        return "has no place in a preset: keys are stored with `llmswitch save-key`"
    if field.lower() == "provider" and "preset" in known:
        return "is said with preset (whose endpoint) and protocol (which format) here"
    other = _ELSEWHERE.get(field.lower(), "")
    near = [other] if other in known else difflib.get_close_matches(field, known, n=1)
    return f"is not a field{f'; did you mean {near[0]}?' if near else ''}"


def _is_command(value: object) -> bool:
    """Say whether a value is a program with its arguments, such as the system can start."""
    if not isinstance(value, list) or not value or not all(isinstance(part, str) and part for part in value):
        return False
    return not any("\0" in part or any("\ud800" <= letter <= "\udfff" for letter in part) for part in value)
