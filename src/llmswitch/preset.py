"""A preset: a named backend, read from one JSON5 object and checked field by field."""

from __future__ import annotations

import re

from llmswitch.errors import PresetProblem
from llmswitch.identity import IDENTITY
from llmswitch.secret import looks_like_key
from llmswitch.slots import SLOTS, TIERS, slot_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?P<port>:[0-9]+)?(?P<path>/[^\s?#]*)?"
)
_LOOPBACK = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|\[::1\]")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_KEY_FIELD = re.compile(r"api_?key|token|secret|password|credential", re.IGNORECASE)
FIELDS = (
    "title", "base_url", "key", "key_from", "key_prefix", "auth", "default_slot", "default_model", "slots", "env",
    "extends", "notes", "docs", "verified",
)  # fmt: skip


class Preset:
    """One backend. `base_url` None means Claude Code's own; `key` None means that the backend asks for none."""

    def __init__(self, name: str, fields: Mapping[str, object], source: str) -> None:
        """Check `fields` and keep them; PresetProblem names `source` (a path) and the field."""
        self.name, self.source = name, source
        check = _Checker(fields, source)
        check.no_keys(fields, "")
        self.title = check.text("title") or name
        self.base_url = check.url("base_url")
        self.key = check.name("key")
        self.key_from = check.key_source("key_from")
        self.key_prefix = check.text("key_prefix") or ""
        self.auth = check.choice("auth", ("bearer", "api-key")) or "bearer"
        self.default_slot = check.choice("default_slot", (*SLOTS[:4], *TIERS)) or "sonnet"
        self.default_model = check.text("default_model")
        self.slots = check.slots("slots")
        self.env = check.env("env")
        self.notes = check.texts("notes")
        self.docs = check.text("docs") or ""
        self.verified = check.text("verified") or ""
        check.no_unknown_fields()

    @property
    def host(self) -> str:
        """The host requests go to, with its port where it has one."""
        return host_of(self.base_url) if self.base_url else "api.anthropic.com"


def merged(parent: Mapping[str, object], child: Mapping[str, object]) -> dict[str, object]:
    """Return `parent` with `child` on top, field by field; `slots` and `env` entry by entry."""
    result = {**parent, **child}
    for field in ("slots", "env"):
        below, above = parent.get(field), child.get(field)
        if isinstance(below, dict) and isinstance(above, dict):
            again = {slot_named(word) or word for word in above}  # `small` on top replaces `haiku` below
            result[field] = {key: below[key] for key in below if (slot_named(key) or key) not in again} | above
    return result


def host_of(url: str) -> str:
    """Return host and port of a base URL, "" for anything that is none: a user part could pass for the host."""
    match = _URL.fullmatch(url)
    return match["host"] + (match["port"] or "") if match else ""


def is_loopback(url: str) -> bool:
    """Say whether a base URL stays on this machine."""
    match = _URL.fullmatch(url)
    return match is not None and _LOOPBACK.fullmatch(match["host"]) is not None


def url_problem(url: str) -> str | None:
    """Return what is wrong with a base URL, or None."""
    match = _URL.fullmatch(url)
    if match is None:
        return "must be https://HOST[:PORT][/PATH] with no user name, query or fragment"
    if match["scheme"] == "http" and not is_loopback(url):
        return "must use https (http is only for this machine), or the key would cross the network in clear"
    if re.search(r"/v1/?$", match["path"] or ""):
        return "must not end in /v1: Claude Code adds /v1/messages itself and would ask for /v1/v1/messages"
    return None


class _Checker:
    """Reads one preset's fields; every complaint names the file and the field."""

    def __init__(self, fields: Mapping[str, object], source: str) -> None:
        self._fields, self._source = fields, source

    def fail(self, field: str, why: str) -> PresetProblem:
        return PresetProblem(f"{self._source}: {field} {why}.", hint="See `llmswitch show openrouter` for a good one.")

    def text(self, field: str) -> str | None:
        value = self._fields.get(field)
        if value is not None and not isinstance(value, str):
            raise self.fail(field, "must be text")
        return value

    def name(self, field: str) -> str | None:
        value = self.text(field)
        if value is not None and not NAME.fullmatch(value):
            raise self.fail(field, "must be a name: lower-case letters, digits, '.', '_' and '-'")
        return value

    def choice(self, field: str, allowed: Sequence[str]) -> str | None:
        value = self.text(field)
        if value is not None and value not in allowed:
            raise self.fail(field, f"must be one of {', '.join(allowed)}")
        return value

    def url(self, field: str) -> str | None:
        value = self.text(field)
        if value and (problem := url_problem(value)):
            raise self.fail(field, problem)
        return value.rstrip("/") if value else None

    def texts(self, field: str) -> list[str]:
        value = self._fields.get(field) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fail(field, "must be a list of texts")
        return value

    def _mapping(self, field: str) -> dict[str, str]:
        value = self._fields.get(field) or {}
        if not isinstance(value, dict):
            raise self.fail(field, "must be an object")
        for key, item in value.items():
            if not isinstance(item, str):
                raise self.fail(f"{field}.{key}", "must be text")
        return value

    def slots(self, field: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for word, model in self._mapping(field).items():
            slot = slot_named(word)
            if slot is None or slot in found:
                raise self.fail(f"{field}.{word}", f"must be one of {', '.join(SLOTS)}, each once")
            found[slot] = model
        return found

    def env(self, field: str) -> dict[str, str]:
        value = self._mapping(field)
        for key in value:
            if not _VARIABLE.fullmatch(key):
                raise self.fail(f"{field}.{key}", "must be an environment variable's name")
            if key in IDENTITY:
                raise self.fail(f"{field}.{key}", "is set by llmswitch itself; env holds tuning variables only")
        return value

    def key_source(self, field: str) -> dict[str, object] | None:
        value = self._fields.get(field)
        if value is None:
            return None
        one = value if isinstance(value, dict) and len(value) == 1 else {}
        if isinstance(one.get("env"), str) or _is_command(one.get("command")):
            return one
        raise self.fail(field, 'must be {"env": "VARIABLE"} or {"command": ["PROGRAM", "ARGUMENT", …]}')

    def no_keys(self, value: object, field: str) -> None:
        """Refuse a key anywhere, names of fields included."""
        if isinstance(value, dict):
            for name, item in value.items():
                self.no_keys(name, field or "a field's name")
                self.no_keys(item, f"{field}.{name}" if field else str(name))
        elif isinstance(value, list):
            for item in value:
                self.no_keys(item, field)
        elif isinstance(value, str) and looks_like_key(value):
            raise self.fail(field, "holds a key; presets hold none: use `llmswitch save-key`")

    def no_unknown_fields(self) -> None:
        for field in self._fields:
            if field not in FIELDS:
                raise self.fail(field, self._why_unknown(field))

    def _why_unknown(self, field: str) -> str:
        if _KEY_FIELD.search(field):
            return "has no place in a preset: keys are stored with `llmswitch save-key`"
        import difflib

        near = difflib.get_close_matches(field, FIELDS, n=1)
        return f"is not a field{f'; did you mean {near[0]}?' if near else ''}"


def _is_command(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(part, str) and part for part in value)
