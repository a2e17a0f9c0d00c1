"""What is left at a provider: the request that it documents, as a preset says it, and the amounts in the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llmswitch.presets.preset import Preset

FIELDS = ("url", "auth", "docs", "note", "amounts")
OF_AN_AMOUNT = ("at", "unit", "unit_at", "per", "none", "until")
LONGEST = 60  # letters of a word that a provider says


@dataclass(frozen=True)
class Amount:
    """One amount in an answer: what it is, how much (None: `words` say it), in which unit, and until when."""

    what: str
    amount: Decimal | None
    unit: str
    words: str = ""
    until: str = ""

    def data(self) -> dict[str, object]:
        """Return it as JSON data."""
        number = None if self.amount is None else float(self.amount)
        return {"what": self.what, "amount": number, "unit": self.unit, "words": self.words or None,
                "until": self.until or None}  # fmt: skip


@dataclass(frozen=True)
class Balance:
    """The request, its document, and where the amounts stand: {what: {at, unit or unit_at, per, none, until}}.

    `at` is a path of names, `[]` for each entry of a list; `per` divides, `none` is what null means.
    """

    url: str
    auth: str
    docs: str
    note: str
    amounts: Mapping[str, Mapping[str, Any]]

    def read(self, text: str) -> list[Amount]:
        """Return the amounts in an answer, [] where none stands in it."""
        try:
            answer = json.loads(text, parse_float=Decimal)
        except (ValueError, RecursionError):
            return []
        return [each for what, place in self.amounts.items() for each in _amounts(what, place, answer)]


def balance_of(preset: Preset) -> Balance | None:
    """Return what a preset says about asking for what is left, None where no request is documented."""
    said = preset.fields.get("balance")
    if not said:
        return None
    return Balance(said["url"], said.get("auth") or "bearer", said["docs"], said.get("note") or "", said["amounts"])


def _amounts(what: str, place: Mapping[str, Any], answer: object) -> Iterator[Amount]:
    values = list(_at(answer, str(place["at"]).split(".")))
    units, untils = (list(_at(answer, str(place[name]).split("."))) if place.get(name) else []
                     for name in ("unit_at", "until"))  # fmt: skip
    for index, value in enumerate(values):
        unit = _word(units[index]) if index < len(units) else place.get("unit") or ""
        until = _word(untils[index]) if index < len(untils) else ""
        if value is None:
            if words := place.get("none"):
                yield Amount(what, None, unit, words, until)
            continue
        try:
            amount = Decimal(str(value)) / Decimal(place.get("per") or 1)
        except InvalidOperation:
            continue
        if amount.is_finite() and not isinstance(value, bool):
            yield Amount(what, amount, unit, "", until)


def _at(value: object, path: list[str]) -> Iterator[object]:
    """Yield what stands at a path; nothing where it leads nowhere."""
    if not path:
        yield value
        return
    name, each = path[0].removesuffix("[]"), path[0].endswith("[]")
    if isinstance(value, dict) and name in value:
        inner = value[name]
        for entry in (inner if isinstance(inner, list) else []) if each else [inner]:
            yield from _at(entry, path[1:])


def _word(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(letter for letter in text if letter.isprintable())[:LONGEST]
