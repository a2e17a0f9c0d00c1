"""What one preset's fields mean, and what is said about wrong ones."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import Cli, settings_of

from llmswitch.base.errors import PresetProblem, UsageProblem
from llmswitch.presets import pin as pins
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.check import checked
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.listing import load_all
from llmswitch.presets.own_slots import Elsewhere
from llmswitch.presets.preset import Preset

FOUR = {"haiku": "h", "sonnet": "s", "opus": "o", "fable": "f"}
HERE = "https://x.example"


def preset(**fields: object) -> Preset:
    """Return a preset of those fields at an endpoint of its own."""
    return checked("p", {"base_url": HERE, "slots": FOUR, **fields}, "file")


def complaints(**fields: object) -> str:
    """Return every complaint about those fields, one a line."""
    with pytest.raises(PresetProblem) as caught:
        preset(**fields)
    return "\n".join(f"{field} {why}" for field, why in caught.value.found)


def pin(one: Preset, overrides: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """Return what a switch to a preset would write."""
    return pins.pin(one, overrides or {}, Catalog(shipped_folder(), os.devnull)).members


def said_of(place: Elsewhere) -> dict[str, str | None]:
    """Return what a place says."""
    return {name: getattr(place, name) for name in ("preset", "base_url", "key", "protocol")}


def test_a_slot_object_names_a_model_and_a_custom_name() -> None:
    """AF5, AF7: at the preset's own endpoint nothing else changes; the name is matched without case."""
    one = preset(slots={"small": {"model": "m", "name": "Local"}, "sonnet": "s", "opus": "o"})
    assert (one.slots["haiku"], one.custom, one.is_mixed) == ("m", {"local": "haiku"}, False)
    assert pin(one, {"start": "LOCAL"})["ANTHROPIC_MODEL"] == "haiku"
    assert pin(one, {"opus": "local"})["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "m"


def test_a_slot_that_lives_elsewhere_makes_a_preset_mixed() -> None:
    """AF11: with another preset's name, or with a URL and the name of a key."""
    other = {"model": "m", "base_url": "http://localhost:8080/v1", "key": "shim", "protocol": "openai"}
    one = preset(slots={**FOUR, "opus": {"model": "big", "preset": "zai"}, "fable": other})
    assert one.is_mixed
    assert one.slots == {**FOUR, "opus": "big", "fable": "m"}
    assert said_of(one.elsewhere["opus"]) == {"preset": "zai", "base_url": None, "key": None, "protocol": "anthropic"}
    assert said_of(one.elsewhere["fable"]) == {
        "preset": None, "base_url": "http://localhost:8080/v1", "key": "shim", "protocol": "openai",
    }  # fmt: skip


def test_the_name_of_a_slot_as_a_value_means_that_slots_model_and_place() -> None:
    """AF2: tiers, aliases and custom names, through several steps."""
    slots = {"haiku": "Local", "sonnet": "large", "opus": {"model": "o", "name": "local", "preset": "zai"}}
    one = preset(slots=slots)
    assert one.slots == dict.fromkeys(("haiku", "sonnet", "opus"), "o")
    assert set(one.elsewhere) == {"haiku", "sonnet", "opus"}
    assert "circle" in complaints(slots={"haiku": "sonnet", "sonnet": "small", "opus": "o"})


def test_a_custom_name_beats_a_tier_and_says_so() -> None:
    """AF8: in --start, in a slot's option and in the preset's own fields."""
    one = preset(slots={**FOUR, "opus": {"model": "o", "name": "SMALL"}}, default_slot="small")
    assert (one.custom, one.default_slot) == ({"small": "opus"}, "opus")
    assert "means opus here, and no longer haiku" in one.warnings[0]
    written = pin(one, {"start": "Small", "sonnet": "small"})
    assert (written["ANTHROPIC_MODEL"], written["ANTHROPIC_DEFAULT_SONNET_MODEL"]) == ("opus", "o")
    assert "is the name of sonnet too" in complaints(
        slots={"sonnet": {"model": "s", "name": "x"}, "opus": {"model": "o", "name": "X"}}
    )


def test_auto_leaves_a_slot_to_claude_code_where_its_names_are_known() -> None:
    """AF9: at Anthropic and in a cloud, and nowhere else."""
    auto = dict.fromkeys(FOUR, "auto")
    assert pin(preset(base_url="https://api.anthropic.com", slots=auto))["ANTHROPIC_DEFAULT_OPUS_MODEL"] == ""
    assert pin(preset(base_url=None, cloud="bedrock", slots=auto))["ANTHROPIC_DEFAULT_OPUS_MODEL"] == ""
    with pytest.raises(UsageProblem, match="its own model name"):
        pin(preset(slots=auto))


# fields: slots, custom names, {slot: what its place says}, warnings, and what `models` makes of two overrides
MADE: dict[str, tuple[dict[str, object], dict[str, str], dict[str, str], dict[str, tuple[str | None, ...]],
                      list[str], dict[str, str]]] = {
    "tiers and spaces": (
        {"slots": {"small": " h ", "MEDIUM": "s", "opus_1m": "o"}},
        {"haiku": "h", "sonnet": "s", "opus": "o"}, {}, {}, [],
        {"haiku": "o", "sonnet": "y", "opus": "o", "fable": "o", "subagent": ""},
    ),
    "a name on the way to a place": (
        {"slots": {"sonnet": {"model": "opus", "preset": "zai"}, "fable": "medium", "opus": "o", "haiku": "h"}},
        {"sonnet": "o", "fable": "o", "opus": "o", "haiku": "h"}, {},
        dict.fromkeys(("sonnet", "fable"), ("zai", None, None, "anthropic")), [],
        {"haiku": "o", "sonnet": "y", "opus": "o", "fable": "o", "subagent": ""},
    ),
    "a custom name and a URL": (
        {"slots": {"haiku": {"model": "m", "name": " Large ", "base_url": "http://localhost:1/v1/", "key": "k",
                             "protocol": "openai"}, "subagent": "large", "sonnet": "auto"}, "default_model": "d"},
        {"haiku": "m", "subagent": "m", "sonnet": "auto"}, {"large": "haiku"},
        dict.fromkeys(("haiku", "subagent"), (None, "http://localhost:1/v1", "k", "openai")),
        ["The name 'large' means haiku here, and no longer opus."],
        {"haiku": "m", "sonnet": "y", "opus": "d", "fable": "d", "subagent": "m"},
    ),
    "a default for what is not named": (
        {"slots": {"haiku": "opus", "fable": ""}, "default_model": "d"},
        {"haiku": "d", "fable": ""}, {}, {}, [],
        {"haiku": "d", "sonnet": "y", "opus": "d", "fable": "d", "subagent": "d"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_what_a_users_file_makes(name: str) -> None:
    """The check and the reading of the fields are two passes, which must mean the same by every word."""
    fields, slots, custom, elsewhere, warnings, models = MADE[name]
    one = checked("p", {"base_url": HERE, **fields}, "file")
    places = {slot: tuple(said_of(place).values()) for slot, place in one.elsewhere.items()}
    assert (one.slots, one.custom, places, one.warnings) == (slots, custom, elsewhere, warnings)
    assert one.models({"haiku": "LARGE", "sonnet": "y"}) == models


def test_null_is_as_good_as_not_said() -> None:
    """Everywhere; in `env` a preset on top takes a variable of the one below away with it."""
    one = preset(env={"A": None, "B": ""}, key_check={"url": HERE, "method": None}, title=None, notes=None, auth=None)
    assert one.env == {"B": ""}
    assert one.key_check == {"url": HERE, "method": "GET", "auth": "bearer"}
    assert (one.title, one.notes, one.auth) == ("p", [], "bearer")


def test_a_cloud_sets_its_switch_and_blanks_the_rest() -> None:
    """No base URL, no credential: Claude Code uses the cloud's own."""
    written = pin(preset(base_url=None, cloud="vertex"))
    assert written["CLAUDE_CODE_USE_VERTEX"] == "1"
    names = ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY", "CLAUDE_CODE_USE_BEDROCK")
    assert {written[name] for name in names} == {""}
    assert "disableAutoMode" not in written
    assert "takes no base_url" in complaints(cloud="vertex")


def test_a_pin_to_a_cloud_is_whole_and_goes_again(cli: Cli, repo: Path) -> None:
    """status says of the credential that it is the cloud's own."""
    for command, kind in (("bedrock", "cloud"), ("claude", "missing")):
        assert cli(command, cwd=repo).code == 0
        status = json.loads(cli("status", "--json", cwd=repo).out)
        assert (status["preset"], status["credential"]["kind"], status["problems"]) == (command, kind, [])
    assert not settings_of(repo).exists()


def test_every_complaint_about_a_preset_is_collected() -> None:
    """So that `presets check` shows them all at once."""
    found = complaints(title=5, auth="x", slots={"haiku": {"id": "m", "apiKey": "x"}}, windows={"m": "big"}, cloude=1)
    for part in (
        "title must be text",
        "auth must be one of",
        "slots.haiku.id is not a field; did you mean model?",
        "slots.haiku.apiKey has no place in a preset",
        "slots.haiku.model is missing",
        "windows.m must be a whole number",
        "cloude is not a field; did you mean cloud?",
    ):
        assert part in found


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"slots": {"haiku": "a\nb"}}, "slots.haiku holds a control character"),
        ({"title": "a\x1b[31m"}, "title holds a control character"),
        ({"notes": ["ok", "\ud800"]}, "notes holds a control character, or one that cannot be encoded"),
        ({"env": {"A": "\x00"}}, "env.A holds a control character"),
        ({"default_model": "\udcff"}, "default_model holds a control character"),
        ({"docs": "https://x.example/\x07"}, "docs holds a control character"),
        ({"key_from": {"command": ["a", "b\0"]}}, "key_from must be"),
        ({"key_from": {"command": ["\ud800"]}}, "key_from must be"),
        ({"env": {"AWS_BEARER_TOKEN_BEDROCK": "x"}}, "env.AWS_BEARER_TOKEN_BEDROCK holds a key"),
        ({"key_check": {"method": "GET"}}, "key_check.url is missing"),
        ({"key_check": {"url": "http://x.example/v1"}}, "key_check.url must use https"),
        ({"slots": {"haiku": {"model": "m", "preset": "a", "key": "b"}}}, "slots.haiku.preset says the base_url"),
        ({"slots": {"haiku": {"model": "m", "key": "b"}}}, "slots.haiku.key needs the base_url"),
    ],
)  # fmt: skip
def test_text_that_cannot_be_written_or_sent_is_named_by_its_field(fields: dict[str, object], why: str) -> None:
    """Before anything is written, whatever the rest of the preset says."""
    assert why in complaints(**fields)


@pytest.mark.parametrize(
    ("place", "why"),
    [("nowhere", "not there"), ("mine", "this preset itself"), ("claude", "anthropic"), ("bad", "cannot be used")],
)
def test_a_place_that_cannot_serve_a_slot_is_named(own: Path, place: str, why: str) -> None:
    """And no other preset is the worse for it."""
    (own / "bad.json5").write_text("{title: 5}")
    (own / "mine.json5").write_text(json.dumps({"base_url": HERE, "slots": {"opus": {"model": "o", "preset": place}}}))
    catalog = Catalog(shipped_folder(), str(own))
    with pytest.raises(PresetProblem, match=rf"slots\.opus\.preset is {place}.*{why}"):
        catalog.load("mine")
    assert "openrouter" in [one.name for one in load_all(catalog)[0]]


def test_files_that_are_no_presets_are_passed_over(cli: Cli, repo: Path, own: Path) -> None:
    """An editor's lock, a dangling link, a folder, a name that cannot be typed: list and completion go on."""
    (own / ".#mine.json5").symlink_to("you@host.1234")
    (own / "gone.json5").symlink_to(own / "nowhere")
    (own / "folder.json5").mkdir()
    (own / "Upper Case.json5").write_text("{}")
    (own / "odd\udcff.json5").write_text("{}")
    reply = cli("list", cwd=repo)
    assert (reply.code, reply.err) == (0, "")
    assert "openrouter" in reply.out
    words = {"_LLMSWITCH_COMPLETE": "bash_complete", "COMP_WORDS": "llmswitch ", "COMP_REPLACED": ""}
    assert "gone" not in cli(env=words).out


def test_a_preset_without_a_model_makes_only_itself_unusable(cli: Cli, repo: Path, own: Path, key: str) -> None:
    """It is refused, and a status that meets it, recorded or not, goes on."""
    path = own / "mine.json5"
    path.write_text("{base_url: 'http://localhost:9', default_model: 'm'}")
    assert cli("mine", cwd=repo).code == 0
    path.write_text("{base_url: 'http://localhost:9', slots: {haiku: 'm'}}")
    refused = cli("mine", cwd=repo)
    assert (refused.code, "Preset mine names no model for sonnet" in refused.err) == (2, True)
    reply = cli("status", cwd=repo)
    assert (reply.code, "names no model for sonnet" in reply.out) == (0, True)
    (own / "above.json5").write_text("{extends: 'broken'}")
    (own / "broken.json5").write_text("{title: 5}")
    assert cli("openrouter", cwd=repo).code == 0
    (repo / ".git/llmswitch/state.json").unlink()  # now status compares with every preset
    assert "openrouter" in cli("status", cwd=repo).out


@pytest.mark.parametrize("arguments", [("--haiku", "a\nb"), ("--model", "a\x1b[0m"), ("--start", "a\tb")])
def test_odd_text_on_the_command_line_is_refused(cli: Cli, repo: Path, key: str, arguments: tuple[str, str]) -> None:
    """Exit 2, and nothing is written."""
    assert cli("openrouter", *arguments, cwd=repo).code == 2
    assert not settings_of(repo).exists()


def test_odd_text_in_an_exported_override_is_refused(cli: Cli, repo: Path, key: str) -> None:
    """Also bytes that are no UTF-8, which the settings file could not hold."""
    for text in ("a\nb", "\udcff"):
        reply = cli("openrouter", cwd=repo, env={"LLMSWITCH_HAIKU": text})
        assert (reply.code, "LLMSWITCH_HAIKU" in reply.err) == (2, True)
    assert not settings_of(repo).exists()
