"""What is left at a provider: the request that it documents, as a preset says it, and the amounts in the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from llmswitch.presets.preset import Preset

FIELDS = ("url", "auth", "docs", "note", "amounts")
OF_AN_AMOUNT = ("at", "unit", "unit_at", "per", "none", "until")
LONGEST = 60  # letters of a word that a provider says
LARGEST = 10**15  # nobody has so much, in any currency; a number beyond it is a mistake
NO_NUMBER = "not a number"


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
        """Return the amounts in an answer, [] where none stands in it; of one among others that is none it says so."""
        try:
            answer = json.loads(text, parse_float=Decimal)
        except (ValueError, ArithmeticError, RecursionError):  # the second is for an exponent that Decimal cannot hold
            return []
        found = [each for what, place in self.amounts.items() for each in _amounts(what, place, answer)]
        return found if any(each.words != NO_NUMBER for each in found) else []


def balance_of(preset: Preset) -> Balance | None:
    """Return what a preset says about asking for what is left, None where no request is documented."""
    said = preset.fields.get("balance")
    if not said:
        return None
    return Balance(said["url"], said.get("auth") or "bearer", said["docs"], said.get("note") or "", said["amounts"])


def _amounts(what: str, place: Mapping[str, Any], answer: object) -> Iterator[Amount]:
    units, untils = (dict(_at(answer, str(place[name]).split("."))) if place.get(name) else {}
                     for name in ("unit_at", "until"))  # fmt: skip
    for where, value in _at(answer, str(place["at"]).split(".")):
        unit, until = _word(_beside(units, where)) or place.get("unit") or "", _word(_beside(untils, where))
        if value is None:
            if words := place.get("none"):
                yield Amount(what, None, unit, words, until)
            continue
        amount = _number(value, place.get("per") or 1)
        yield Amount(what, amount, unit, "" if amount is not None else NO_NUMBER, until)


def _number(value: object, per: float) -> Decimal | None:
    """Return an amount, None for what is none."""
    if not isinstance(value, (str, int, float, Decimal)) or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value)) / Decimal(per)
    except ArithmeticError:
        return None
    return amount if amount.is_finite() and abs(amount) < LARGEST else None


_Where = tuple[int, ...]


def _at(value: object, path: list[str], where: _Where = ()) -> Iterator[tuple[_Where, object]]:
    """Yield what stands at a path and in which entries of the lists on the way; nothing where it leads nowhere."""
    if not path:
        yield where, value
        return
    name, each = path[0].removesuffix("[]"), path[0].endswith("[]")
    if not isinstance(value, dict) or name not in value:
        return
    inner = value[name]
    if not each:
        yield from _at(inner, path[1:], where)
    elif isinstance(inner, list):
        for index, entry in enumerate(inner):
            yield from _at(entry, path[1:], (*where, index))


def _beside(found: Mapping[_Where, object], where: _Where) -> object:
    """Return what stands in the same entry of each list as an amount, or before the lists begin; None for nothing."""
    return next((found[where[:depth]] for depth in range(len(where), -1, -1) if where[:depth] in found), None)


def _word(value: object) -> str:
    text = value if isinstance(value, str) else ""
    return "".join(letter for letter in text if letter.isprintable())[:LONGEST]
