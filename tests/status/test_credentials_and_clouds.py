"""Every place a credential can come from, and every cloud, in every layer: what `status` says of them."""

from __future__ import annotations

import json
from itertools import combinations, product
from pathlib import Path

import pytest
from conftest import git, settings_of

from llmswitch.claude import layers, login
from llmswitch.claude.clouds import ALL, BY_SWITCH, Cloud
from llmswitch.claude.credentials import OAUTH_ORIGINS, PLACES
from llmswitch.claude.user_folder import projects
from llmswitch.claude.variables import CLOUD_SWITCHES, CLOUDS, CREDENTIAL_PLACES
from llmswitch.cli.app import App
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.status.judge import judge
from llmswitch.status.report import Report
from llmswitch.views.status import status

LAYERS = ("worktree", "project", "user", "shell")
FOREIGN = "https://llm.example"
LOGIN = {"claudeAiOauth": {"accessToken": "sk-ant-oat01-fake-0123456789", "expiresAt": 1}}
SHIPPED = Catalog(shipped_folder(), "/nowhere")  # one for all: it reads each preset once


class House:
    """A home with a repository, whose layers a test fills; `report()` is what `status` finds there."""

    def __init__(self, repo: Path, home: Path) -> None:
        self.repo, self.home, self.environ = repo, home, {"HOME": str(home)}

    def put(self, layer: str, env: dict[str, str]) -> None:
        """Set variables in a layer."""
        if layer == "shell":
            self.environ |= env
            return
        paths = {"worktree": settings_of(self.repo), "project": self.repo / ".claude/settings.json"}
        path = paths.get(layer, self.home / ".claude/settings.json")
        path.parent.mkdir(parents=True, exist_ok=True)
        data = json.loads(path.read_text()) if path.exists() else {"env": {}}
        top = {name: text for name, text in env.items() if name == "apiKeyHelper"}
        data["env"] |= {name: text for name, text in env.items() if name not in top}
        path.write_text(json.dumps({**data, **top}))

    def log_in(self) -> None:
        """Leave a login of the user's, as Claude Code keeps it on Linux."""
        path = self.home / ".claude/.credentials.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(LOGIN))

    def report(self) -> tuple[Report, str]:
        """Return the report and its text."""
        app = App(self.environ)
        found = judge(app.checkouts.at(str(self.repo)), None, SHIPPED, app.gateway)
        return found, "\n".join(status(found, ""))


@pytest.fixture
def house(repo: Path, sealed: dict[str, str]) -> House:
    """An empty one."""
    return House(repo, Path(sealed["HOME"]))


def test_the_lists_stand_once() -> None:
    """What a pin may hold is part of all there is; every switch is a cloud."""
    assert set(CREDENTIAL_PLACES) < set(PLACES)
    assert [*BY_SWITCH] == [*CLOUD_SWITCHES]
    assert {cloud.name for cloud in ALL} > set(CLOUDS)


@pytest.mark.parametrize(
    ("layers", "origin", "masked"),
    [
        ({"project": "p", "shell": "s"}, "shell", "s"),
        ({"worktree": "", "user": "u", "shell": "s"}, "user", "u"),
        ({"user": "", "shell": "s"}, "default", None),
    ],
    ids=["project", "worktree", "user"],
)
def test_a_login_token_of_a_project_covers_no_other(
    house: House, layers: dict[str, str], origin: str, masked: str | None
) -> None:
    """Nor does a local file's, blank or not; the user's own does (measured on 2.1.332)."""
    house.put("user", {"ANTHROPIC_BASE_URL": FOREIGN})
    for layer, text in layers.items():
        house.put(layer, {"CLAUDE_CODE_OAUTH_TOKEN": text and f"fake-0123456789-oauth-000{text}"})
    found = house.report()[0].credential or {}
    assert found["origin"] == origin
    assert str(found["masked"] or "").endswith(masked or "")


@pytest.mark.parametrize(("slots", "level"), [({}, "note"), ({"ANTHROPIC_DEFAULT_SONNET_MODEL": "x/y"}, "warning")])
def test_a_list_narrows_ones_own_login_too(house: House, slots: dict[str, str], level: str) -> None:
    """What status prints for a slot is what goes out (2.1.332); it may be meant, so it is no error."""
    house.put("user", slots)
    path = house.home / ".claude/settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "availableModels": ["haiku"]}))
    report, _ = house.report()
    assert (report.texts["ANTHROPIC_DEFAULT_SONNET_MODEL"], report.mark in ("", "*")) == ("claude-opus-5-5", True)
    assert "ANTHROPIC_DEFAULT_HAIKU_MODEL" not in report.texts
    assert [problem.level for problem in report.problems if problem.code == "slots-narrowed"] == [level]


def test_a_cloud_that_is_off_hides_no_list(house: House) -> None:
    """A switch of "0" is off."""
    house.put("user", {"ANTHROPIC_BASE_URL": FOREIGN, "CLAUDE_CODE_USE_BEDROCK": "0"})
    path = house.home / ".claude/settings.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "availableModels": ["haiku"]}))
    assert "slots-narrowed" in {problem.code for problem in house.report()[0].problems}


@pytest.mark.parametrize(("layer", "level"), [("user", "error"), ("shell", "warning")])
def test_a_program_that_chooses_the_provider_cuts_ones_own_settings_off(house: House, layer: str, level: str) -> None:
    """A token in a file is not sent then (2.1.332), one of the shell is."""
    house.put("shell", {"CLAUDE_CODE_HOST_AUTH_ENV_VAR": "TOKEN"})
    house.put(layer, {"ANTHROPIC_AUTH_TOKEN": "fake-0123456789"})
    assert [each.level for each in house.report()[0].problems if each.code == "host-app"] == [level]


@pytest.mark.parametrize(("logged_in", "url", "layer"), [*product([True, False], LAYERS, [*PLACES])])
def test_status_names_what_goes_to_a_foreign_host(house: House, logged_in: bool, url: str, layer: str) -> None:
    """Each place, in each layer, with and without a login; a login that goes there is an error."""
    for origin in LAYERS:
        house = House(house.repo, house.home)
        for path in (
            settings_of(house.repo),
            house.repo / ".claude/settings.json",
            house.home / ".claude/settings.json",
        ):
            path.unlink(missing_ok=True)
        house.put(url, {"ANTHROPIC_BASE_URL": FOREIGN})
        value = {"ANTHROPIC_CUSTOM_HEADERS": "x-api-key: fake-0123456789", "apiKeyHelper": "echo x"}
        if layer != "login":
            if layer == "apiKeyHelper" and origin == "shell":
                continue
            house.put(origin, {layer: value.get(layer, "fake-0123456789abcdef")})
        if logged_in:
            house.log_in()
        report, text = house.report()
        kind = report.credential["kind"]
        oauth = layer == "CLAUDE_CODE_OAUTH_TOKEN" and origin in OAUTH_ORIGINS
        explicit = layer in CREDENTIAL_PLACES
        login_goes = not explicit and (oauth or logged_in)
        codes = {problem.code for problem in report.problems if problem.level == "error"}
        assert ("login-sent" in codes) is login_goes, (origin, text)
        assert (report.exit_code(check=True), report.mark == "!") == (3, bool(codes)), (origin, text)
        if explicit:
            assert kind in ("bearer", "api-key", "helper")
        elif login_goes:
            assert "your own login" in text
            assert kind == ("oauth" if oauth else "login")
        else:
            assert kind == ("header" if "HEADERS" in layer else "missing")
        assert "fake-0123456789" not in text
        assert "  key " in text


@pytest.mark.parametrize("host", ["https://api.anthropic.com", "https://api.staging.anthropic.com"])
def test_a_login_at_anthropic_is_no_finding(house: House, host: str) -> None:
    """It is meant for it."""
    house.put("user", {"ANTHROPIC_BASE_URL": host})
    house.log_in()
    report, text = house.report()
    assert [problem.code for problem in report.problems if "login" in problem.code] == []
    assert "your own login" in text


def test_claudes_own_backend_has_a_key_line_too(house: House) -> None:
    """With a login, without one, and with a key in the shell."""
    assert "none: there is no login" in house.report()[1]
    house.log_in()
    assert "key  your own login" in house.report()[1]
    house.put("shell", {"ANTHROPIC_API_KEY": "sk-fake-0123456789"})
    assert "sent as x-api-key" in house.report()[1]


@pytest.mark.parametrize(
    ("text", "found"), [("{}", False), ("not JSON", None), (json.dumps(LOGIN), True), ('{"claudeAiOauth": {}}', False)]
)
def test_a_login_is_known_by_its_file(tmp_path: Path, text: str, found: bool | None) -> None:
    """A file that cannot be read proves nothing."""
    (tmp_path / ".credentials.json").write_text(text)
    assert login.found({"CLAUDE_CONFIG_DIR": str(tmp_path)}, "/nowhere") is found


@pytest.mark.parametrize("named", ["", "own"])
def test_a_config_folder_that_is_blank_or_relative_is_below_the_start(tmp_path: Path, named: str) -> None:
    """For the login and the transcripts, whatever the home has."""
    start, environ = tmp_path / "start", {"HOME": str(tmp_path), "CLAUDE_CONFIG_DIR": named}
    (start / named).mkdir(parents=True)
    assert login.found(environ, str(start)) is False
    (start / named / ".credentials.json").write_text(json.dumps(LOGIN))
    assert login.found(environ, str(start)) is True
    assert Path(projects(environ, str(start))) == start / named / "projects"


ON, OFF = ("1", "true", "TRUE", "yes", " on "), ("", "0", "false", "no", "off", "2", "enabled", "y")


@pytest.mark.parametrize(("cloud", "layer"), [*product(ALL, LAYERS)], ids=lambda value: getattr(value, "name", value))
def test_a_cloud_is_named_wherever_it_is_switched_on(house: House, cloud: Cloud, layer: str) -> None:
    """And judged as a cloud: no base URL, no login, no drift; what is not on is off (measured on 2.1.332)."""
    house.log_in()
    for spelling in (*ON, *OFF):
        house.put(layer, {cloud.switch: spelling, "ANTHROPIC_MODEL": "x" if spelling in ON else ""})
        report, text = house.report()
        on = spelling in ON
        assert (cloud.title in text.splitlines()[0]) is on, (spelling, text)
        assert (report.data()["cloud"] is not None) is on
        assert report.credential["kind"] == ("cloud" if on else "login")
        assert report.exit_code(check=True) == 0, (spelling, text)
        assert not [each for each in report.problems if each.level != "note" and each.code != "exported"], text
        assert "sent as" not in text if on else True


def test_a_cloud_has_its_endpoint_region_and_credential(house: House) -> None:
    """As its variables say."""
    aws = {"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "eu-west-1", "AWS_PROFILE": "work"}
    house.put("worktree", {**aws, "ANTHROPIC_MODEL": "x"})
    _, text = house.report()
    assert "eu-west-1, bedrock-runtime.eu-west-1.amazonaws.com" in text
    assert "your AWS credentials (profile work)" in text
    assert "base URL" not in text
    house.put("worktree", {"ANTHROPIC_BEDROCK_BASE_URL": "https://gate.example/b"})
    assert "gate.example" in house.report()[1]
    house.put("worktree", {"CLAUDE_CODE_SKIP_BEDROCK_AUTH": "1", "ANTHROPIC_AUTH_TOKEN": "fake-0123456789"})
    assert "ANTHROPIC_AUTH_TOKEN, as Authorization: Bearer" in house.report()[1]


# As the client was seen to do with two at once, each in its own layer (2.1.332).
STRENGTH = ["bedrock", "foundry", "anthropic_aws", "anthropic_google_cloud", "mantle", "vertex"]


@pytest.mark.parametrize(("strong", "weak"), [*combinations(STRENGTH, 2)])
def test_of_two_clouds_the_one_counts_that_the_client_takes(house: House, strong: str, weak: str) -> None:
    """Wherever each is switched on."""
    switches = {cloud.name: cloud for cloud in ALL}
    for here, there in product(LAYERS, LAYERS):
        this = House(house.repo, house.home)
        for path in [*house.repo.glob(".claude/*.json"), *house.home.glob(".claude/*.json")]:
            path.unlink()
        this.put(here, {switches[strong].switch: "1"})
        this.put(there, {switches[weak].switch: "1"})
        report, text = this.report()
        assert report.data()["cloud"]["name"] == strong, (here, there)  # type: ignore[index]
        assert text.splitlines()[0].endswith(switches[strong].title)


HOSTS = {
    ("bedrock", "eu-west-1"): "bedrock-runtime.eu-west-1.amazonaws.com",
    ("vertex", "us-east5"): "us-east5-aiplatform.googleapis.com",
    ("vertex", "global"): "aiplatform.googleapis.com",
    ("vertex", "eu"): "aiplatform.eu.rep.googleapis.com",
    ("foundry", "res"): "res.services.ai.azure.com",
    ("mantle", "eu-west-1"): "bedrock-mantle.eu-west-1.api.aws",
    ("anthropic_aws", "eu-west-1"): "aws-external-anthropic.eu-west-1.api.aws",
    ("anthropic_google_cloud", "us"): "claude.googleapis.com",
}


@pytest.mark.parametrize(("name", "place"), HOSTS)
def test_a_clouds_host_is_the_one_that_the_client_asks(house: House, name: str, place: str) -> None:
    """As it was seen to ask a proxy for (2.1.332)."""
    cloud = next(cloud for cloud in ALL if cloud.name == name)
    house.put("worktree", {cloud.switch: "1", cloud.regions[0]: place})
    assert f"{place}, {HOSTS[name, place]}" in house.report()[1]


def test_a_cloud_switched_on_elsewhere_makes_a_pin_void(house: House) -> None:
    """That is an error, with the place that decides."""
    house.put("project", {"ANTHROPIC_BASE_URL": FOREIGN, "ANTHROPIC_AUTH_TOKEN": "x"})
    house.put("worktree", {"ANTHROPIC_BASE_URL": FOREIGN, "ANTHROPIC_AUTH_TOKEN": "x"})
    house.put("shell", {"CLAUDE_CODE_USE_VERTEX": "true"})
    report, text = house.report()
    assert "CLAUDE_CODE_USE_VERTEX of the shell decides: all goes to Google Vertex AI" in text
    assert report.mark == "!"
    git(house.repo, "status")


def test_an_administrators_base_url_beside_our_key_is_an_error(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No advice is a switch that would be refused, or an edit of the administrator's file."""
    monkeypatch.setattr(layers, "_MANAGED", str(tmp_path))
    (tmp_path / "managed-settings.json").write_text(json.dumps({"env": {"ANTHROPIC_BASE_URL": FOREIGN}}))
    report, _ = house.report()
    assert {each.fix for each in report.problems} & {"Ask who administers this machine."}
    house.put(
        "worktree", {"ANTHROPIC_BASE_URL": "https://openrouter.ai/api", "ANTHROPIC_AUTH_TOKEN": "sk-or-v1-" + "a1" * 20}
    )
    report, text = house.report()
    assert ("error", "SHADOWED by managed") in {(each.level, each.message[:19]) for each in report.problems}, text
    assert report.mark == "!"
    [found] = [each for each in report.problems if each.code == "other-key"]
    assert (found.level, found.fix) == ("error", "llmswitch claude")
