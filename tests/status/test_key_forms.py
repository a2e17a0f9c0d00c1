"""A credential whose form is another provider's, held against the host that it goes to."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest
from conftest import Cli, settings_of
from test_credentials_and_clouds import LAYERS, House

ANTHROPIC, LOGIN = "sk-ant-api03-" + "0123456789abcdef" * 2, "sk-ant-oat01-" + "0123456789abcdef" * 2
OPENROUTER, GROQ, NOBODYS = "sk-or-v1-" + "0123456789abcdef" * 4, "gsk_0123456789abcdef0123", "0123456789abcdef0123"
KNOWN, PROXY, HERE = "https://api.z.ai/api/anthropic", "https://llm.example", "http://127.0.0.1:9"
# key, base URL → the level where both stand in one file ("" for no finding), and where they do not
EXPECTED = {
    (ANTHROPIC, KNOWN): ("error", "error"),
    (OPENROUTER, KNOWN): ("error", "error"),
    (GROQ, "https://openrouter.ai/api"): ("error", "error"),
    (ANTHROPIC, PROXY): ("warning", "error"),
    (LOGIN, PROXY): ("error", "error"),
    (LOGIN, KNOWN): ("error", "error"),
    (OPENROUTER, "https://openrouter.ai/api"): ("", ""),
    (OPENROUTER, "https://eu.openrouter.ai/api"): ("", ""),
    (ANTHROPIC, "https://api.anthropic.com"): ("", ""),
    (ANTHROPIC, HERE): ("", ""),
    (NOBODYS, KNOWN): ("", ""),
    ("", KNOWN): ("", ""),
}


@pytest.fixture
def house(repo: Path, sealed: dict[str, str]) -> House:
    """An empty one."""
    return House(repo, Path(sealed["HOME"]))


@pytest.mark.parametrize(("key", "url"), EXPECTED)
@pytest.mark.parametrize("name", ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"])
def test_another_providers_key_is_known_by_its_form(house: House, key: str, url: str, name: str) -> None:
    """In every two layers; its own provider's, on this machine, and a form that nobody knows are no finding."""
    for origin, layer in product(LAYERS, LAYERS):
        this = House(house.repo, house.home)
        for path in [*house.repo.glob(".claude/*.json"), *house.home.glob(".claude/*.json")]:
            path.unlink()
        this.put(layer, {"ANTHROPIC_BASE_URL": url})
        this.put(origin, {name: key})
        report, text = this.report()
        levels = [problem.level for problem in report.problems if problem.code == "other-key"]
        expected = EXPECTED[key, url][origin != layer]
        assert levels == ([expected] if expected else []), (origin, layer, text)
        assert not key or key not in text
        assert expected != "error" or (report.mark == "!" and report.exit_code(check=True) == 3)


def test_a_login_token_in_the_place_of_our_key_is_an_error(cli: Cli, repo: Path, key: str) -> None:
    """Put there by hand beside our pin; no advice takes it for a key of the provider's."""
    assert cli("openrouter", cwd=repo).code == 0
    file = settings_of(repo)
    file.write_text(file.read_text().replace(key, LOGIN))
    found = {each["code"]: each for each in json.loads(cli("status", "--json", cwd=repo).out)["problems"]}
    assert found["other-key"]["level"] == "error"
    assert "token of your own login" in found["other-key"]["message"]
    assert found["drift"]["fix"] == "llmswitch openrouter --discard-key"
    assert cli("openrouter", "--discard-key", cwd=repo).code == 0
    assert cli("status", "--check", cwd=repo).code == 0
