"""`llmswitch balance`: asked only when typed, with the preset's own key, at the address in the preset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY, Cli
from support.provider import Provider, error

from llmswitch.base.urls import host_of, is_loopback
from llmswitch.presets.balance import Balance, balance_of
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.listing import names

SHIPPED = Catalog(shipped_folder(), "/nowhere")
DOCUMENTED = {name: found for name in names(SHIPPED) if (found := balance_of(SHIPPED.load(name)))}
# What the providers' documents show as an answer, in short: what must be read out of it, and how.
ANSWERS: dict[str, tuple[Any, list[tuple[str, str, str]]]] = {
    "openrouter": (
        {"data": {"limit": 5, "usage": 0.1015644762, "limit_remaining": 4.8984355238}},
        [("left of this key's limit", "4.8984355238", "USD"), ("used with this key", "0.1015644762", "USD")],
    ),
    "deepseek-direct": (
        {"balance_infos": [{"currency": "CNY", "total_balance": "110.00", "granted_balance": "10.00"}]},
        [("credit", "110.00", "CNY"), ("of it granted", "10.00", "CNY")],
    ),
    "moonshot": (
        {"code": 0, "data": {"available_balance": 49.58894, "voucher_balance": 46.58893, "cash_balance": 3.00001}},
        [("credit", "49.58894", "USD"), ("of it vouchers", "46.58893", "USD")],
    ),
    "siliconflow": (
        {"data": {"balance": "0.88", "chargeBalance": "88.00", "totalBalance": "88.88"}},
        [("credit", "88.88", ""), ("of it paid in", "88.00", "")],
    ),
    "novita": (
        {"availableBalance": "1000000", "outstandingInvoices": "0"},
        [("credit", "100", "USD"), ("owed", "0", "USD")],
    ),
    "vercel": (
        {"balance": "95.50", "total_used": "4.50"},
        [("credit", "95.50", "credits"), ("used", "4.50", "credits")],
    ),
    "stepfun-cn": ({"object": "account", "type": "prepaid", "balance": 12.5}, [("credit", "12.5", "")]),
}


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that answers as it is told."""
    with Provider(error(500, "nothing here")) as provider:
        yield provider


def write(own: Path, name: str, provider: Provider, **fields: Any) -> None:
    """Write a preset of the user's own that asks this provider what is left."""
    amounts = {"credit": {"at": "left", "unit": "USD"}}
    about = {"url": f"{provider.url}/left/{name}", "docs": "https://example.com/docs", "amounts": amounts}
    whole = {
        "base_url": provider.url, "key": name, "key_url": "https://example.com/keys", "default_model": "a/b",
        "balance": about | fields.pop("balance", {}),
    }  # fmt: skip
    (own / f"{name}.json5").write_text(json.dumps(whole | fields))


def answer(provider: Provider, name: str, body: object, status: int = 200) -> None:
    """Let the provider answer one preset's question so."""
    provider.answers[f"/left/{name}"] = lambda exchange: exchange.send(status, body)


@pytest.mark.parametrize("name", ANSWERS)
def test_the_answer_in_a_providers_document_is_read(name: str) -> None:
    """Of a shipped preset: every amount, its unit and scale."""
    body, expected = ANSWERS[name]
    found = DOCUMENTED[name].read(json.dumps(body))
    assert [(each.what, each.amount, each.unit) for each in found] == [
        (what, Decimal(amount), unit) for what, amount, unit in expected
    ]


def test_a_shipped_request_goes_to_the_providers_own_domain_and_names_its_document() -> None:
    """The key of a preset never goes to another company's host."""
    assert ANSWERS.keys() <= DOCUMENTED.keys()
    for name, found in DOCUMENTED.items():
        preset = SHIPPED.load(name)
        assert found.url.startswith("https://")
        assert found.docs.startswith("https://")
        assert host_of(found.url).split(".")[-2:] == preset.host.split(".")[-2:], name
        assert not is_loopback(found.url)


def test_without_a_name_every_known_key_is_asked_about_once(cli: Cli, own: Path, provider: Provider) -> None:
    """One request for each key, each with its own; a second preset of the same key asks nothing more."""
    for name in ("one", "two"):
        write(own, name, provider)
        answer(provider, name, {"left": 3.5 if name == "one" else "1234.5"})
    write(own, "one-again", provider, key="one")
    env = {"LLMSWITCH_KEY_ONE": KEY, "LLMSWITCH_KEY_TWO": KEY[::-1]}
    reply = cli("balance", env=env)
    assert reply.code == 0, reply
    assert [line.split() for line in reply.out.splitlines()[1:]] == [
        ["one", "credit", "3.50", "USD"],
        ["two", "credit", "1,234.50", "USD"],
    ]
    sent = {each.path: each.credentials for each in provider.requests}
    assert sent == {
        "/left/one": {"authorization": f"Bearer {KEY}"},
        "/left/two": {"authorization": f"Bearer {KEY[::-1]}"},
    }
    assert KEY not in reply.out + reply.err


def test_nothing_else_asks(cli: Cli, own: Path, repo: Path, provider: Provider) -> None:
    """A switch, `status`, `keys` and `doctor` send nothing."""
    write(own, "one", provider)
    env = {"LLMSWITCH_KEY_ONE": KEY}
    for words in (["one"], ["status"], ["keys"], ["doctor"], ["show", "one"]):
        cli(*words, cwd=repo, env=env)
    assert provider.requests == []


@pytest.mark.parametrize(
    ("status", "body", "code", "says"),
    [
        (401, {"error": KEY}, 1, "does not take the key (401). → llmswitch save-key one (keys: https://example.com"),
        (429, {}, 1, "answered 429. → Try again: llmswitch balance one"),
        (200, {"other": 1}, 1, "is not as its document says (https://example.com/docs)"),
        (200, "not json", 1, "is not as its document says"),
        (200, {"left": {"deep": KEY}}, 1, "is not as its document says"),
        (200, {"left": "NaN"}, 1, "is not as its document says"),
        (200, {"left": True}, 1, "is not as its document says"),
        (200, '{"left": Infinity}', 1, "is not as its document says"),
        (200, '{"left": 1e400}', 1, "is not as its document says"),
        (200, '{"left": "1e9999999"}', 1, "is not as its document says"),
        (200, '{"left": 1e99999999999999999999}', 1, "is not as its document says"),
        (200, '{"left": %s}' % ("9" * 5000), 1, "is not as its document says"),
        (307, {}, 1, "answered 307"),
    ],
)
def test_what_went_wrong_is_said_with_the_next_thing_to_type(
    cli: Cli, own: Path, provider: Provider, status: int, body: object, code: int, says: str
) -> None:
    """And never the key, which the answer may repeat."""
    write(own, "one", provider)
    provider.answers["/left/one"] = lambda exchange: exchange.send(status, body, Location=provider.url + "/elsewhere")
    reply = cli("balance", "one", env={"LLMSWITCH_KEY_ONE": KEY})
    assert reply.code == code
    assert says in reply.err
    assert reply.out == ""
    assert KEY not in reply.err
    assert [each.path for each in provider.requests] == ["/left/one"]


def test_what_has_no_documented_request_is_called_that(cli: Cli, own: Path) -> None:
    """With the page where the plan is managed; a preset without a key and `claude` too; nothing failed."""
    reply = cli("balance", "glm", "ollama", "claude", "--json")
    assert reply.code == 0
    rows = json.loads(reply.out)["balances"]
    assert [row["preset"] for row in rows] == ["glm", "ollama", "claude"]
    assert "documents no request" in rows[0]["problem"]
    assert rows[0]["page"].startswith("https://z.ai/")
    assert "needs no key" in rows[1]["problem"]
    assert "/usage" in rows[2]["problem"]


def test_a_missing_key_is_exit_4_and_the_others_are_still_asked(cli: Cli, own: Path, provider: Provider) -> None:
    """Nobody is asked for it: piped input is not read."""
    write(own, "one", provider)
    write(own, "two", provider)
    answer(provider, "two", {"left": 1})
    reply = cli("balance", "one", "two", env={"LLMSWITCH_KEY_TWO": KEY})
    assert reply.code == 4
    assert "LLMSWITCH_KEY_ONE" in reply.err
    assert "1.00 USD" in reply.out
    assert cli("balance").code == 4


def test_null_until_and_lists_are_read() -> None:
    """No limit is said in words, a plan's window with its end, several currencies one by one."""
    amounts = {
        "limit": {"at": "limit", "unit": "USD", "none": "no limit"},
        "plan": {"at": "plan.left", "unit": "USD", "until": "plan.until"},
        "credit": {"at": "all[].sum", "unit_at": "all[].in"},
        "gone": {"at": "no.such.thing"},
    }
    body = {"limit": None, "plan": {"left": 72.5, "until": "2026-10-15T09:30:00Z"},
            "all": [{"sum": "1", "in": "USD"}, {"sum": 2, "in": "CNY"}]}  # fmt: skip
    found = Balance("https://a", "bearer", "https://b", "", amounts).read(json.dumps(body))
    assert [(each.what, each.words or str(each.amount), each.unit, each.until) for each in found] == [
        ("limit", "no limit", "USD", ""),
        ("plan", "72.5", "USD", "2026-10-15T09:30:00Z"),
        ("credit", "1", "USD", ""),
        ("credit", "2", "CNY", ""),
    ]


def test_an_amount_has_the_unit_of_its_own_entry() -> None:
    """Whatever is missing in the other entries, and however deep they lie; a unit of the whole answer is theirs all."""
    amounts = {
        "credit": {"at": "all[].sum", "unit_at": "all[].in", "until": "all[].until"},
        "deep": {"at": "groups[].each[].sum", "unit_at": "groups[].in"},
        "flat": {"at": "all[].sum", "unit_at": "currency"},
    }
    body = {
        "all": [{"in": "USD", "until": "2026"}, {"sum": 2, "in": "CNY"}, {"sum": 3},
                {"sum": 4, "in": "EUR", "until": "2027"}],
        "groups": [{"in": "A", "each": [{"sum": 5}, {"sum": 6}]}, {"in": "B", "each": [{"sum": 7}]},
                   {"each": [{"sum": 8}]}],
        "currency": "XXX",
    }  # fmt: skip
    found = Balance("https://a", "bearer", "https://b", "", amounts).read(json.dumps(body))
    assert [(each.what, str(each.amount), each.unit, each.until) for each in found] == [
        ("credit", "2", "CNY", ""), ("credit", "3", "", ""), ("credit", "4", "EUR", "2027"),
        ("deep", "5", "A", ""), ("deep", "6", "A", ""), ("deep", "7", "B", ""), ("deep", "8", "", ""),
        ("flat", "2", "XXX", ""), ("flat", "3", "XXX", ""), ("flat", "4", "XXX", ""),
    ]  # fmt: skip


def test_an_amount_that_is_none_is_said_beside_the_others(cli: Cli, own: Path, provider: Provider) -> None:
    """And the JSON stays JSON; a very small one is none that has only a point."""
    amounts = {"credit": {"at": "left"}, "owed": {"at": "owed"}, "tiny": {"at": "tiny"}}
    write(own, "one", provider, balance={"amounts": amounts})
    answer(provider, "one", {"left": 5, "owed": "1e400", "tiny": "1e-300"})
    env = {"LLMSWITCH_KEY_ONE": KEY}
    reply = cli("balance", "one", env=env)
    rows = [line.split(maxsplit=2)[1:] for line in reply.out.splitlines()[1:]]
    assert rows == [["credit", "5.00"], ["owed", "not a number"], ["tiny", "0.00"]]
    found = json.loads(cli("balance", "one", "--json", env=env).out, parse_constant=pytest.fail)
    assert [each["amount"] for each in found["balances"][0]["amounts"]] == [5, None, 1e-300]


def test_a_wrong_field_of_the_request_is_named(cli: Cli, own: Path) -> None:
    """`presets check` says every one."""
    wrong = {"url": "http://example.com", "amounts": {"credit": {"unit": 3}}, "document": "x"}
    (own / "mine.json5").write_text(json.dumps({"extends": "openrouter", "balance": wrong}))
    reply = cli("presets", "check")
    assert reply.code == 1
    for field in ("url", "docs", "amounts.credit.at", "amounts.credit.unit", "document"):
        assert f"balance.{field}" in reply.out, field


def test_a_preset_at_another_host_does_not_inherit_the_request(cli: Cli, own: Path) -> None:
    """Its key would go to the old host."""
    (own / "mine.json5").write_text('{extends: "openrouter", base_url: "https://proxy.example.com/api"}')
    reply = cli("balance", "mine", env={"LLMSWITCH_KEY_OPENROUTER": KEY})
    assert "documents no request" in reply.err
