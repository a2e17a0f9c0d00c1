"""`llmswitch models`, and `cost` of models: what is known, rated, priced, used, and served right now."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from conftest import Cli

from llmswitch.base.errors import UsageProblem
from llmswitch.commands.cost import cost
from llmswitch.commands.models import RATINGS, Model, known
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.listing import load_all
from llmswitch.presets.models import base_id
from llmswitch.presets.prices import Price
from llmswitch.presets.sessions import Moment, Session
from llmswitch.views.catalog import costs

CATALOG = Catalog(shipped_folder(), "/nowhere")
NIGHT = Moment(0, "20:00")
# The matrix of the guide: tool use, code quality, reasoning, agentic, and the tier of its own prices in and out.
MATRIX = {
    "anthropic/claude-opus-4.5": ("excellent", "excellent", "excellent", "excellent", "$$$$$", 5, 25),
    "anthropic/claude-sonnet-4.5": ("excellent", "excellent", "very good", "excellent", "$$$", 3, 15),
    "anthropic/claude-haiku-4.5": ("good", "good", "good", "good", "$$", 1, 5),
    "openai/gpt-5.2-codex": ("very good", "very good", "very good", "very good", "$$$", 1.75, 14),
    "openai/gpt-5": ("very good", "good", "very good", "good", "$$$", 1.25, 10),
    "qwen/qwen3-coder": ("good", "very good", "good", "good", "$", 0.22, 0.95),
    "mistralai/devstral-2512": ("good", "very good", "good", "good", "$", 0.15, 0.60),
    "z-ai/glm-4.7": ("good", "good", "very good", "good", "$", 0.40, 1.50),
    "moonshotai/kimi-k2": ("good", "good", "very good", "fair", "$", 0.60, 2.50),
    "minimax/minimax-m2.1": ("good", "good", "fair", "good", "$", 0.30, 1.20),
    "qwen/qwen3-coder-plus": ("good", "good", "good", "good", "$$", 1, 5),
    "deepseek/deepseek-v3.2": ("fair", "good", "good", "fair", "$", 0.24, 0.38),
    "google/gemini-2.5-pro": ("fair", "good", "very good", "poor", "$$$", 1.25, 10),
}


@pytest.mark.parametrize("name", MATRIX)
def test_fr25_the_ratings_are_the_guides_and_the_tier_follows_from_the_price(name: str) -> None:
    """At the guide's own prices each model is in the tier that the guide gives it."""
    [model] = [model for model in known(CATALOG) if model.id == name]
    assert [model.entry[rating] for rating in RATINGS] == list(MATRIX[name][:4])
    *_, tier, spend, out = MATRIX[name]
    price = Price({"input": spend, "output": out, "as_of": "2026-01-01", "source": "the guide"})
    assert Model(name, price=price).tier == tier


def test_every_model_of_every_preset_is_in_the_table_with_its_slots() -> None:
    """Also those that only a preset names; a price has a date, and what is not known is null."""
    rows = {base_id(model.id): model.data() for model in known(CATALOG)}
    for preset in load_all(CATALOG)[0]:
        for slot, model in preset.slots.items():
            if model and not preset.slot_named(model) and model != "auto":
                used = {each["preset"]: each["slots"] for each in rows[base_id(model)]["used_by"]}  # type: ignore[attr-defined]
                assert slot in used[preset.name]
    for row in rows.values():
        price = row["price"]
        assert price is None or {"input", "output", "as_of", "source"} <= price.keys()  # type: ignore[attr-defined]
        assert (row["tier"] is None) == (price is None)


def test_a_word_finds_by_id_name_provider_and_preset(cli: Cli) -> None:
    """In any case; a rating is called one, with its source and date; a word nobody has is said."""
    ids = {row["id"] for row in json.loads(cli("models", "GLM", "--json").out)}
    assert {"glm-5.3", "z-ai/glm-5.3"} <= ids
    assert "google/gemini-2.5-pro" in cli("models", "openrouter").out
    shown = cli("models", "devstral").out
    assert "TOOLS to AGENTIC are ratings by a guide to backends for Claude Code (2026-01), not measured." in shown
    assert "No model that is known has that" in cli("models", "no-such-thing").out


class Server(BaseHTTPRequestHandler):
    """A provider's list of models; it notes what it was sent."""

    answer: object = None
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer any path."""
        self.seen.append(f"{self.path} {self.headers.get('authorization')}")
        body = json.dumps(self.answer).encode() if self.answer is not None else b"<html>"
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(own: Path) -> Iterator[str]:
    """A server on this machine, and a preset of the user's for it, called local."""
    Server.seen = []
    with HTTPServer(("127.0.0.1", 0), Server) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{http.server_port}"
        (own / "local.json5").write_text(
            f"{{base_url: '{url}', models_url: '{url}/v1/models', default_model: 'mine:7b',"
            " windows: {'mine:7b': 8192}}"
        )
        yield url
        http.shutdown()


def test_live_asks_the_provider_of_the_pin(cli: Cli, repo: Path, server: str) -> None:
    """What it says of windows and prices counts; without a key none is sent."""
    assert cli("local", cwd=repo).code == 0
    Server.answer = {
        "data": [
            {"id": "mine:7b"},
            {"id": "other", "max_model_len": 4096},
            {"id": "z-ai/glm-5.3", "context_length": 99, "pricing": {"prompt": "0.000001", "completion": "0.000002"}},
            {"id": "odd", "pricing": {"prompt": "-1", "completion": "-1"}, "context_length": "many"},
            {"nothing": 1},
        ]
    }
    rows = {row["id"]: row for row in json.loads(cli("models", "--live", "--json", cwd=repo).out)}
    assert {name: row["window"] for name, row in rows.items()} == {
        "mine:7b": 8192, "other": 4096, "z-ai/glm-5.3": 99, "odd": None,
    }  # fmt: skip
    assert rows["z-ai/glm-5.3"]["price"] | {"as_of": ""} == {
        "input": 1.0, "output": 2.0, "as_of": "", "source": server[7:], "provider": "local", "hours": None,
    }  # fmt: skip
    assert rows["mine:7b"]["used_by"][0]["preset"] == "local"
    assert Server.seen == ["/v1/models None"]
    assert "other" not in cli("models", "mine", "--live", cwd=repo).out


def test_live_without_an_answer_or_a_pin_is_an_error(cli: Cli, repo: Path, server: str) -> None:
    """It names the host or what is missing, and what to type."""
    none = cli("models", "--live", cwd=repo)
    assert (none.code, "No preset is in use here" in none.err) == (2, True)
    cli("local", cwd=repo)
    Server.answer = None
    reply = cli("models", "--live", cwd=repo)
    assert (reply.code, f"{server[7:]} gave no list of models: it answered 200" in reply.err) == (1, True), reply


def test_cost_takes_models_beside_presets_and_another_baseline() -> None:
    """A model that several providers price is a row for each; one without a price has none."""
    rows = cost(["glm", "z-ai/glm-5.3", "claude-opus-4-5", "LongCat-2.0"], CATALOG, Session(), NIGHT, None)
    assert {row.name: row.usd for row in rows}["claude-opus-4-5"] == pytest.approx(6.25)
    assert rows[-1].usd is None
    rows = cost(["glm"], CATALOG, Session(), NIGHT, ("glm", {}), against="claude-opus-4-5")
    [glm] = [row for row in rows if row.name == "glm"]
    assert (glm.current, glm.change) == (True, round(-100 * (6.25 - (glm.usd or 0)) / 6.25, 1))
    assert "VS CLAUDE-OPUS-4-5" in "\n".join(costs(rows, Session(), None, "claude-opus-4-5"))
    with pytest.raises(UsageProblem, match=r"There is no preset or model 'glm-5\.4'\. Did you mean glm-5\.3\?"):
        cost(["glm-5.4"], CATALOG, Session(), NIGHT, None)
    with pytest.raises(UsageProblem, match="no preset or model 'nobody'"):
        cost(["glm"], CATALOG, Session(), NIGHT, None, against="nobody")


def test_no_difference_is_nought_and_not_minus_nought() -> None:
    """Two presets on one model."""
    rows = cost(["devstral"], CATALOG, Session(), NIGHT, ("budget", {}))
    assert {row.name: str(row.change) for row in rows} == {"budget": "None", "devstral": "0.0"}
    assert "-0.0" not in "\n".join(costs(rows, Session()))
    assert " 0 % " in "\n".join(costs(rows, Session()))


def test_cost_shows_by_default_whose_key_is_known_and_the_current_one(cli: Cli, repo: Path) -> None:
    """With no key known at all, everything that has a price."""
    whole = json.loads(cli("cost", "--json", cwd=repo).out)["rows"]
    env = {"LLMSWITCH_KEY_ZAI": "sk-canary-0123456789abcdef0123"}
    rows = json.loads(cli("cost", "--json", cwd=repo, env=env).out)["rows"]
    assert {row["preset"] for row in rows} == {"glm", "claude"}
    assert len(whole) > 20
