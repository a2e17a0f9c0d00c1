"""The fields of a preset, checked one by one: every complaint is collected, with the field it is about."""

from __future__ import annotations

from llmswitch.base.fastjson import Pattern
from llmswitch.base.secret import looks_like_key
from llmswitch.base.urls import address_problem, url_problem
from llmswitch.claude.variables import IDENTITY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_DIGITS, _SMALL, _LARGE = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LONGEST_NAME = 64
_KEY_FIELD = Pattern("api_?key|token|secret|password|credential", ignore_case=True)
_KEY_ENDS = ("_KEY", "_TOKEN", "SECRET", "PASSWORD")
UNPRINTABLE = "holds a control character, or one that cannot be encoded"


def is_name(text: str) -> bool:
    """Say whether a text can be the name of a preset or of a key."""
    return text[:1] in {*_SMALL, *_DIGITS} and len(text) <= _LONGEST_NAME and not text.strip(_SMALL + _DIGITS + "._-")


def _is_variable(text: str) -> bool:
    return text[:1] in {*_LARGE} and not text.strip(_LARGE + _DIGITS + "_")


class Fields:
    """Reads one object of a preset; what is wrong is noted in `problems` as (field, why), and reads as None."""

    def __init__(self, fields: Mapping[str, object], lead: str = "", problems: list[tuple[str, str]] | None = None):
        self.fields, self._lead = fields, lead
        self.problems: list[tuple[str, str]] = [] if problems is None else problems

    def wrong(self, field: str, why: str) -> None:
        """Note what is wrong with a field."""
        self.problems.append((self._lead + field, why))

    def inner(self, field: str, value: Mapping[str, object]) -> Fields:
        """Return a reader for an object inside this one, which notes its problems here."""
        return Fields(value, f"{self._lead}{field}.", self.problems)

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
        for name, tokens in inner.fields.items():
            if isinstance(tokens, bool) or not isinstance(tokens, int) or tokens < 1:
                inner.wrong(name, "must be a whole number of tokens")
        return {name: tokens for name, tokens in inner.fields.items() if isinstance(tokens, int)}

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
_ELSEWHERE = {"id": "model", "provider": "preset", "baseurl": "base_url", "url": "base_url", "models": "slots"}


def _why_unknown(field: str, known: Collection[str]) -> str:
    if _KEY_FIELD.found_in(field):
        return "has no place in a preset: keys are stored with `llmswitch save-key`"
    import difflib

    other = _ELSEWHERE.get(field.lower(), "")
    near = [other] if other in known else difflib.get_close_matches(field, known, n=1)
    return f"is not a field{f'; did you mean {near[0]}?' if near else ''}"


def _is_command(value: object) -> bool:
    """Say whether a value is a program with its arguments, such as the system can start."""
    if not isinstance(value, list) or not value or not all(isinstance(part, str) and part for part in value):
        return False
    return not any("\0" in part or any("\ud800" <= letter <= "\udfff" for letter in part) for part in value)
