"""What messages cost: each at the price of its provider nearest to its day, with tiers, hours and caches."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from support.transcripts import START, Transcript

from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import read_object, shipped_folder
from llmswitch.settings.entries import Entry
from llmswitch.usage.attribution import Attribution
from llmswitch.usage.cost import Pricer
from llmswitch.usage.index import BOUNDS, Index, worked
from llmswitch.usage.row import Row
from llmswitch.usage.totals import Scope, evidence

PLACE = "/work/app"
HOUR, DAY = 3_600_000, 86_400_000
MIDNIGHT = START - START % DAY
MODEL = "maker/model"
SAID = {"source": "test"}
Rates = Mapping[str, Any]


def entry(preset: str = "openrouter", host: str = "openrouter.ai", **more: object) -> Entry:
    """Return a switch before everything; `more` are other fields."""
    data = {"kind": "switch", "time": 0, "worktree": PLACE, "git": "", "preset": preset, "host": host, "slots": {}}
    return Entry({**data, **more})


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """The shipped catalog, with a folder of the user's own beside it."""
    (tmp_path / "config/presets").mkdir(parents=True)
    return Catalog(shipped_folder(), str(tmp_path / "config/presets"))


def priced(catalog: Catalog, *rows: Rates, model: str = MODEL, provider: str = "openrouter") -> None:
    """Write the user's refreshed prices: the last row is today's, those before it were replaced by refreshes."""
    *before, now = ({"input": 1.0, "output": 2.0, "as_of": "2026-11-18", **SAID, **row} for row in rows)
    path = Path(catalog.own_folder).parent / "prices.json"
    path.write_text(json.dumps({"providers": {provider: {model: {**now, "before": before}}}}))


def spent(tmp_path: Path, catalog: Catalog, *made: Transcript, who: Entry | None = None) -> Row:
    """Return all that sessions used, with its cost."""
    projects = tmp_path / "projects"
    for each in made:
        each.write(projects)

    def work(index: Index) -> Row:
        index.update(str(projects), lambda name: True)
        return evidence(index, Scope(), Attribution([who or entry()]), Pricer(catalog)).total

    return worked(str(tmp_path / "state"), lambda folder: (folder, ""), work)


def said(tokens: tuple[int, int, int, int], at: int = START, hour: int = 0, model: str = MODEL) -> Transcript:
    """Return a session with one answer at a time."""
    made = Transcript(f"s{at}{tokens}", PLACE)
    made.moment = at - 1000
    made.answer(tokens, model, hour=hour)
    return made


@pytest.mark.parametrize(
    ("prompt", "cost"),
    [((200_000, 0, 0, 0), 0.2), ((200_001, 0, 0, 0), 0.400002), ((100_000, 0, 100_000, 1), 0.31),
     ((1000, 1_000_000, 0, 0), 2.001)],
)  # fmt: skip
def test_a_request_above_a_tier_is_at_its_rates_as_a_whole(
    tmp_path: Path, catalog: Catalog, prompt: tuple[int, int, int, int], cost: float
) -> None:
    """What was read from a cache and written to it counts as prompt, what was answered does not."""
    tier = {"above": 200_000, "input": 2.0, "output": 4.0, "cache_read": 1.1, "cache_write": 0.0}
    priced(catalog, {"cache_read": 0.5, "cache_write": 1.25, "tiers": [tier]})
    assert spent(tmp_path, catalog, said(prompt)).cost == pytest.approx(cost)


def test_two_small_requests_are_not_one_large_one(tmp_path: Path, catalog: Catalog) -> None:
    """Of one session, in one quarter of an hour."""
    priced(catalog, {"tiers": [{"above": 200_000, "input": 10.0}]})
    made = Transcript("one", PLACE)
    for _ in range(3):
        made.answer((150_000, 0, 0, 0), MODEL)
    assert spent(tmp_path, catalog, made).cost == pytest.approx(0.45)


def test_a_bound_that_is_new_counts_exactly(tmp_path: Path, catalog: Catalog) -> None:
    """Prices that are refreshed between two releases may have one that the sums do not know."""
    bound = 123_456
    assert bound not in BOUNDS
    priced(catalog, {"tiers": [{"above": bound, "input": 10.0}]})
    made = Transcript("one", PLACE)
    for prompt in (bound, bound + 1, 127_000):
        made.answer((prompt, 0, 0, 0), MODEL)
    assert spent(tmp_path, catalog, made).cost == pytest.approx((bound + 10 * (bound + 1) + 1_270_000) / 1e6)


def test_the_sums_know_every_bound_of_the_shipped_prices() -> None:
    """Else each message of such a model is looked at."""
    found: Any = read_object(f"{shipped_folder()}/prices.json")["providers"]
    rows = [row for models in found.values() for row in models.values()]
    assert {tier["above"] for row in rows for tier in row.get("tiers", ())} <= {*BOUNDS}


@pytest.mark.parametrize(
    ("clock", "day", "cost"),
    [("00:59", 0, 1.0), ("01:00", 0, 3.0), ("03:59", 0, 3.0), ("04:00", 0, 1.0), ("02:00", 3, 1.0)],
)
def test_dear_hours_are_utc_and_may_be_those_of_weekdays(
    tmp_path: Path, catalog: Catalog, clock: str, day: int, cost: float
) -> None:
    """From the first minute to the last; the fourth day is a Saturday."""
    priced(catalog, {"peak": {"utc": [["01:00", "04:00"]], "weekdays": True, "input": 3.0}})
    hours, minutes = map(int, clock.split(":"))
    assert date.fromtimestamp(MIDNIGHT / 1000 + day * 86400).weekday() == 2 + day
    at = MIDNIGHT + day * DAY + hours * HOUR + minutes * 60_000
    assert spent(tmp_path, catalog, said((1_000_000, 0, 0, 0), at)).cost == pytest.approx(cost)


@pytest.mark.parametrize(("model", "cost"), [("claude-sonnet-5-5", 1.25 * 0.4 + 2.0 * 0.6), (MODEL, 1.25)])
def test_a_cache_for_an_hour_costs_what_anthropic_takes(
    tmp_path: Path, catalog: Catalog, model: str, cost: float
) -> None:
    """Twice the input against 1.25 times; nobody else tells the two apart."""
    priced(catalog, {"cache_write": 1.25}, model=model)
    assert spent(tmp_path, catalog, said((0, 0, 0, 1_000_000), hour=600_000, model=model)).cost == pytest.approx(cost)


def test_a_cache_without_a_price_costs_as_input(tmp_path: Path, catalog: Catalog) -> None:
    """Neither is free."""
    priced(catalog, {})
    assert spent(tmp_path, catalog, said((0, 0, 500_000, 250_000))).cost == pytest.approx(0.75)


@pytest.mark.parametrize(("day", "cost"), [(-30, 1.0), (0, 1.0), (4, 1.0), (6, 5.0), (10, 5.0), (16, 7.0), (300, 7.0)])
def test_of_several_prices_the_nearest_to_the_day_counts(
    tmp_path: Path, catalog: Catalog, day: int, cost: float
) -> None:
    """What a refresh replaced stays for what was used in its time."""
    dates = (date.fromtimestamp(MIDNIGHT / 1000 + each * 86400).isoformat() for each in (0, 10, 20))
    first, second, third = dates
    priced(catalog, {"as_of": first}, {"as_of": second, "input": 5.0}, {"as_of": third, "input": 7.0})
    row = spent(tmp_path, catalog, said((1_000_000, 0, 0, 0), MIDNIGHT + day * DAY))
    assert row.cost == pytest.approx(cost)
    assert row.as_of == {1.0: first, 5.0: second, 7.0: third}[cost]


def test_one_session_over_a_change_of_prices(tmp_path: Path, catalog: Catalog) -> None:
    """Each of its messages at its own day's price; the oldest price's day is shown."""
    dates = [date.fromtimestamp(MIDNIGHT / 1000 + each * 86400).isoformat() for each in (0, 1)]
    priced(catalog, {"as_of": dates[0]}, {"as_of": dates[1], "input": 5.0})
    made = Transcript("one", PLACE)
    for at in (DAY - 2000, DAY + 2000):
        made.moment = MIDNIGHT + at
        made.answer((1_000_000, 0, 0, 0), MODEL)
    row = spent(tmp_path, catalog, made)
    assert row.cost == pytest.approx(6.0)
    assert row.as_of == dates[0]


def test_what_is_unknown_is_no_zero(tmp_path: Path, catalog: Catalog) -> None:
    """No price, another host than the preset's, a preset that is gone; a plan shows tokens only."""
    priced(catalog, {})
    made = said((1_000_000, 0, 0, 0))
    assert spent(tmp_path, catalog, made).cost == pytest.approx(1.0)
    for who in (entry(host="elsewhere.example"), entry("gone"), entry(preset=None)):  # type: ignore[arg-type]
        row = spent(tmp_path, catalog, made, who=who)
        assert (row.cost, row.unpriced, row.plan) == (None, {MODEL}, False)
    plan = spent(tmp_path, catalog, made, who=entry("kimi-code", "api.kimi.com"))
    assert (plan.cost, plan.unpriced, plan.plan, plan.input) == (None, set(), True, 1_000_000)


def test_a_dated_twin_has_the_price_of_the_model(tmp_path: Path, catalog: Catalog) -> None:
    """An answer's id with a day, or without the `:free` of the one that was asked; the asked one decides."""
    priced(catalog, {})
    assert spent(tmp_path, catalog, said((1_000_000, 0, 0, 0), model=f"{MODEL}-20260203")).cost == pytest.approx(1.0)
    free = Transcript("free", PLACE)
    free.answer((1_000_000, 0, 0, 0), MODEL, asked=f"{MODEL}:free")
    assert spent(tmp_path / "free", catalog, free).cost == 0


@pytest.mark.parametrize("seed", range(6))
def test_the_sums_cost_what_the_messages_cost(tmp_path: Path, catalog: Catalog, seed: int) -> None:
    """Over tiers, hours, days and caches, at any times: beside a plain counter, message by message."""
    chance = random.Random(seed)
    days = [date.fromtimestamp(MIDNIGHT / 1000 + each * 86400).isoformat() for each in (0, 3)]
    tiers = [{"above": 32_000, "input": 2.0}, {"above": 200_000, "input": 4.0, "cache_read": 1.5}]
    peak = {"utc": [["01:00", "04:00"], ["22:30", "23:45"]], "input": 9.0}
    rows: list[dict[str, Any]] = [
        {"as_of": days[0], "tiers": tiers, "cache_read": 0.5},
        {"as_of": days[1], "peak": peak, "tiers": tiers[:1]},
    ]
    priced(catalog, *rows)
    expected, sessions = 0.0, []
    for number in range(3):
        made = Transcript(f"s{number}", PLACE, seed)
        made.moment = MIDNIGHT + chance.randrange(DAY)
        for _ in range(40):
            made.moment += chance.randrange(4 * HOUR)
            prompt = chance.choice((1_000, 32_000, 33_000, 200_000, 200_001, 300_000))
            read = chance.randrange(prompt)
            made.answer((prompt - read, 500, read, 0), MODEL)
            expected += plainly(made.moment, (prompt - read, 500, read), rows)
        sessions.append(made)
    assert spent(tmp_path, catalog, *sessions).cost == pytest.approx(expected)


def plainly(at: int, tokens: tuple[int, int, int], rows: list[dict[str, Any]]) -> float:
    """Return what one message costs, by the plainest rules."""
    moment = datetime.fromtimestamp(at / 1000, UTC)
    row = min(rows, key=lambda row: (abs((date.fromisoformat(row["as_of"]) - moment.date()).days), -rows.index(row)))
    rates = {"input": 1.0, "output": 2.0, **row}
    for tier in row.get("tiers", ()):
        if tokens[0] + tokens[2] > tier["above"]:
            rates |= tier
    for first, last in row.get("peak", {"utc": ()})["utc"]:
        if first <= moment.strftime("%H:%M") < last:
            rates["input"] = row["peak"]["input"]
    read = rates.get("cache_read", rates["input"])
    return float(tokens[0] * rates["input"] + tokens[1] * rates["output"] + tokens[2] * read) / 1e6
