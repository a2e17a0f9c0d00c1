"""Prices: tiers, hours, lists on top of each other, other people's lists, and `llmswitch cost`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli

from llmswitch.base.errors import LlmswitchError
from llmswitch.commands.cost import cost
from llmswitch.commands.prices import download, refresh, rows_of, save_prices
from llmswitch.presets import own_prices
from llmswitch.presets import price_lists as price_sources
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.prices import Price, Prices, own_file, prices_of
from llmswitch.presets.sessions import Moment, Session, cost_of, hours

NIGHT, PEAK, WEEKEND = Moment(0, "20:00"), Moment(4, "01:00"), Moment(5, "01:00")
DAY = {"as_of": "2026-11-09", "source": "a list"}
TIERED = Price({"input": 1, "output": 10, "tiers": [{"above": 200_000, "input": 2, "output": 15}], **DAY})
HOURLY = Price(
    {"input": 1, "output": 10, "cache_read": 0.1, **DAY,
     "peak": {"utc": [["01:00", "04:00"], ["06:00", "10:00"]], "weekdays": True, "input": 2, "output": 20}}
)  # fmt: skip


@pytest.fixture
def catalog() -> Catalog:
    """The shipped presets."""
    return Catalog(shipped_folder(), "/nowhere")


def test_above_a_tier_the_whole_request_costs_more() -> None:
    """The bound itself is below it."""
    assert cost_of(TIERED, Session(1, 200_000, 1_000)) == pytest.approx(0.2 + 0.01)
    assert cost_of(TIERED, Session(1, 200_001, 1_000)) == pytest.approx(0.400002 + 0.015)


def test_dearer_hours_count_at_their_hours_and_not_at_weekends() -> None:
    """The end of the span is outside it."""
    session = Session(1, 1_000_000, 0)
    assert [cost_of(HOURLY, session, moment) for moment in (NIGHT, PEAK, WEEKEND, None)] == [1, 2, 1, 1]
    assert cost_of(HOURLY, session, Moment(0, "04:00")) == 1
    assert hours(HOURLY) == "01:00-04:00 and 06:00-10:00 UTC, Monday to Friday"


def test_tokens_from_a_cache_cost_the_caches_price_or_the_whole() -> None:
    """Never more of them than there are tokens."""
    assert cost_of(HOURLY, Session(1, 1_000_000, 0, cached=500_000)) == pytest.approx(0.55)
    assert cost_of(HOURLY, Session(1, 1_000_000, 0, cached=9_000_000)) == pytest.approx(0.1)
    assert cost_of(TIERED, Session(1, 100_000, 0, cached=100_000)) == pytest.approx(0.1)


def test_of_two_lists_the_later_date_counts_row_by_row(tmp_path: Path) -> None:
    """So a refreshed copy gives way to a newer release; rows that are none are passed over."""
    row = {"input": 1, "output": 1, "source": "s"}
    shipped = {"providers": {"p": {"a": {**row, "as_of": "2026-01-02"}, "b": {**row, "as_of": "2026-01-02"}}}}
    older, newer = {**row, "input": 7, "as_of": "2026-01-01"}, {**row, "input": 8, "as_of": "2026-01-03"}
    own = {"providers": {"p": {"a": older, "b": newer, "c": {"input": "x"}}}}
    copy = tmp_path / "prices.json"
    copy.write_text(json.dumps(own))
    prices = Prices([shipped["providers"], own_prices.read(str(copy))])
    found = {model: prices.find("p", model) for model in "abc"}
    assert [price.rates()["input"] if price else None for price in found.values()] == [1, 8, None]
    assert prices.find("other", "a") is None
    assert prices.find(None, "a") is None


GLM = {"prompt": "0.0000007", "completion": "0.0000023", "input_cache_read": "0.0000001"}
OPENROUTER = {"data": [
    {"id": "z-ai/glm-4.7", "pricing": GLM},
    {"id": "google/gemini-2.5-pro", "pricing": {"prompt": "0.00000125", "completion": "0.00001"}},
    {"id": "openrouter/auto", "pricing": {"prompt": "-1", "completion": "-1"}},
    {"id": "nobody/knows", "pricing": {"prompt": "0", "completion": "0"}},
]}  # fmt: skip
GENAI: list[dict[str, Any]] = [
    {"id": "deepseek", "models": [{"id": "deepseek-flash", "match": {"equals": "deepseek-flash"}, "prices": [
        {"prices": {"input_mtok": 9, "output_mtok": 9}},
        {"constraint": {"start_date": "2026-01-01"}, "prices": {"input_mtok": 0.2, "output_mtok": 0.8}},
        {"constraint": {"start_date": "2099-01-01"}, "prices": {"input_mtok": 5, "output_mtok": 5}},
        {"constraint": {"start_time": "02:00:00Z", "end_time": "03:00:00Z"},
         "prices": {"input_mtok": 0.4, "output_mtok": 1.6}},
    ]}]},
    {"id": "x-ai", "models": [{"id": "other", "match": {"or": [{"starts_with": "q"}, {"equals": "grok-4.7"}]},
        "prices": {"input_mtok": {"base": 3, "tiers": [{"start": 128000, "price": 6}]}, "output_mtok": 7}}]},
]  # fmt: skip
LISTS = {price_sources.OPENROUTER_URL: OPENROUTER, price_sources.GENAI_URL: GENAI}


def test_a_refresh_takes_todays_prices_from_both_lists(catalog: Catalog) -> None:
    """Dated and hourly ones too; what a list does not say about a price that stands is kept."""
    rows, changed = refresh(catalog, LISTS.__getitem__, "2026-12-24")
    assert sorted(changed) == ["deepseek: deepseek-flash", "openrouter: z-ai/glm-4.7", "xai: grok-4.7"]
    assert rows["openrouter"]["z-ai/glm-4.7"].pop("before")[0]["as_of"] == "2026-11-09"  # for what was used then
    assert rows["openrouter"]["z-ai/glm-4.7"] == {
        "input": 0.7, "output": 2.3, "cache_read": 0.1, "as_of": "2026-12-24", "source": "openrouter.ai",
    }  # fmt: skip
    gemini = rows["openrouter"]["google/gemini-2.5-pro"]
    assert (gemini["as_of"], gemini["tiers"][0]["above"]) == ("2026-12-24", 200_000)
    flash = rows["deepseek"]["deepseek-flash"]
    assert (flash["input"], flash["output"]) == (0.2, 0.8)
    assert (flash["peak"]["utc"], flash["peak"]["weekdays"]) == ([["02:00", "03:00"]], True)
    assert rows["xai"]["grok-4.7"]["tiers"] == [{"above": 128_000, "input": 6}]
    assert "nobody/knows" not in rows["openrouter"]
    assert rows["zai"]["glm-5.3"] == rows_of(prices_of(catalog))["zai"]["glm-5.3"]


def test_cost_sorts_by_the_start_slot_and_compares_with_the_pin(catalog: Catalog) -> None:
    """The pin's overrides count; a preset without a price comes last."""
    current = ("openrouter", {"sonnet": "z-ai/glm-4.7"})
    rows = cost(["vllm", "openrouter", "deepseek", "or-claude"], catalog, Session(), NIGHT, current)
    assert [(row.name, row.current) for row in rows] == [
        ("deepseek", False), ("openrouter", True), ("or-claude", False), ("vllm", False),
    ]  # fmt: skip
    assert rows[1].slots["sonnet"][0] == "z-ai/glm-4.7"
    assert rows[1].usd == pytest.approx(0.63)
    assert rows[0].change == pytest.approx(-70.3)
    assert rows[2].change == pytest.approx(296.8)
    assert (rows[3].usd, rows[3].change) == (None, None)


@pytest.mark.parametrize(("moment", "usd"), [(NIGHT, 0.165), (PEAK, 0.33), (WEEKEND, 0.165)])
def test_cost_honours_the_hour(catalog: Catalog, moment: Moment, usd: float) -> None:
    """DeepSeek's own endpoint costs twice as much at its peak."""
    [row] = cost(["deepseek-direct"], catalog, Session(), moment, None)
    assert row.usd == pytest.approx(usd)


def test_cost_honours_tiers(catalog: Catalog) -> None:
    """Haiku costs five times as much for a prompt above 100,000 tokens."""
    small, large = (
        cost(["or-claude"], catalog, Session(1, tokens, 0), NIGHT, None)[0].slots["haiku"][2]
        for tokens in (100_000, 100_001)
    )
    assert small == pytest.approx(0.01)
    assert large == pytest.approx(0.0500005)


def test_a_slot_of_a_mixed_preset_costs_what_its_own_provider_asks(tmp_path: Path) -> None:
    """And a slot at a bare URL has no price."""
    (tmp_path / "mine.json5").write_text(
        "{slots: {haiku: {model: 'local', base_url: 'http://localhost:1'}, sonnet: 'deepseek-flash',"
        " opus: {model: 'z-ai/glm-4.7', preset: 'openrouter'}}}"
    )
    [row] = cost(["mine"], Catalog(shipped_folder(), str(tmp_path)), Session(), NIGHT, None)
    assert [round(usd, 3) if (usd := row.slots[slot][2]) else usd for slot in ("haiku", "sonnet", "opus")] == [
        None, 0.165, 0.63,
    ]  # fmt: skip


def test_cost_says_what_a_price_means(cli: Cli, repo: Path) -> None:
    """Its date, a plan, dearer hours, and what has no price; the session described by options."""
    reply = cli("cost", "glm", "deepseek-direct", "vllm", "--calls", "1", "--cached", "10000", cwd=repo)
    assert reply.code == 0
    assert reply.out.startswith("1 call of 50,000 tokens in, 10,000 of it from a cache and 15,000 out, in USD:")
    assert "By the token, though a plan bills by quota: glm." in reply.out
    assert "deepseek-direct: 01:00-04:00 and 06:00-10:00 UTC, Monday to Friday it costs more." in reply.out
    assert "No price is known for vllm." in reply.out
    assert reply.out.count("2026-11-09") == 3
    assert cli("cost", "nobody", cwd=repo).code == 2


def test_a_refresh_without_a_network_is_an_error_that_changes_nothing(
    cli: Cli, repo: Path, sealed: dict[str, str]
) -> None:
    """It names the host; the prices stay."""
    sealed["LLMSWITCH_HOME"] = str(repo / "own")
    # A proxy on a port where nobody listens: no name is looked up, and nothing leaves this machine.
    reply = cli("cost", "--refresh", cwd=repo, env={"https_proxy": "http://127.0.0.1:9"})
    assert (reply.code, "openrouter.ai gave no prices" in reply.err) == (1, True)
    assert "Nothing was changed." in reply.err
    assert not (repo / "own").exists()


def test_a_refreshed_copy_is_used_and_a_broken_one_does_no_harm(
    cli: Cli, tmp_path: Path, sealed: dict[str, str]
) -> None:
    """It lies beside the user's presets."""
    sealed["LLMSWITCH_HOME"] = str(tmp_path / "own")
    catalog = Catalog(shipped_folder(), str(tmp_path / "own" / "presets"))
    rows, _ = refresh(catalog, LISTS.__getitem__, "2026-12-24")
    save_prices(own_file(catalog), rows)
    assert "2026-12-24" in cli("show", "openrouter").out
    row = {"input": 1, "output": 2, "as_of": "2099-01-01", "source": "me"}
    odd: list[Any] = [
        {"providers": 5}, {"providers": {"openrouter": 5}},
        *({"providers": {"openrouter": {"google/gemini-2.5-pro": each}}} for each in (
            5, {"input": "x"}, {**row, "input": None}, {**row, "tiers": 5}, {**row, "tiers": [5]}, {**row, "peak": 5},
            {**row, "tiers": [{}]}, {**row, "peak": {"utc": 5}}, {**row, "as_of": 5}, {**row, "output": -1},
        )),
    ]  # fmt: skip
    for text in ("{", "[]", *map(json.dumps, odd)):
        Path(own_file(catalog)).write_text(text)
        [row_of] = cost(
            ["openrouter"], Catalog(shipped_folder(), str(tmp_path / "own" / "presets")), Session(), PEAK, None
        )
        assert row_of.usd == pytest.approx(2.125), text


class _Answers(BaseHTTPRequestHandler):
    """Answers with what the test put on the server."""

    def do_GET(self) -> None:
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(self.server.body)  # type: ignore[attr-defined]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


@pytest.fixture
def host() -> Iterator[Callable[[int, bytes], str]]:
    """A host on loopback that answers as it is told; the function returns its URL."""
    server = HTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()

    def tell(status: int, body: bytes) -> str:
        server.status, server.body = status, body  # type: ignore[attr-defined]
        return f"http://127.0.0.1:{server.server_port}/list"

    yield tell
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_download_tells_how_far_it_is(host: Callable[[int, bytes], str]) -> None:
    """And gives the JSON."""
    seen: list[int] = []
    body = json.dumps({"data": "x" * 200_000}).encode()
    assert download(host(200, body), lambda got, total: seen.append(got))["data"][:1] == "x"
    assert seen == sorted(seen)
    assert seen[-1] == len(body)


@pytest.mark.parametrize(("status", "body", "why"), [(500, b"", "Internal"), (200, b"<html>", "not JSON")])
def test_an_answer_that_is_no_list_is_an_error(
    host: Callable[[int, bytes], str], status: int, body: bytes, why: str
) -> None:
    """With the host and the reason."""
    with pytest.raises(LlmswitchError, match=rf"127\.0\.0\.1:\d+ gave no prices: .*{why}"):
        download(host(status, body), lambda got, total: None)
