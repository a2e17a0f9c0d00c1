"""Every behaviour of the documents this project grew from, by its row: CX, CM, AF, FR and ML.

Rows that need more than this process are elsewhere: test_acceptance knows where each is.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Reply, git, settings_of

from llmswitch.base.errors import COMMANDS, PresetProblem, UsageProblem
from llmswitch.claude.sessions import Sessions
from llmswitch.claude.variables import VARIABLES
from llmswitch.cli.app import App
from llmswitch.cli.console import run as run_command
from llmswitch.cli.front import answer
from llmswitch.presets import ladder
from llmswitch.presets import prices as pricing
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.pin import pin
from llmswitch.presets.prices import prices_of
from llmswitch.presets.sessions import Session, cost_of, saved_percent, short

Run = Callable[..., Reply]
CATALOG = Catalog(shipped_folder(), "/nowhere")
OPENROUTER_KEY = "sk-or-v1-canary-0123456789abcdef0123456789"
FOUR = ("haiku", "sonnet", "opus", "fable")
OVERRIDE = "ANTHROPIC_DEFAULT_HAIKU_MODEL"


@pytest.fixture
def run(repo: Path, sealed: dict[str, str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in this process, in the repository: run("openrouter", "--model", "x", env={…})."""
    monkeypatch.chdir(repo)

    def call(*arguments: str, env: dict[str, str] | None = None) -> Reply:
        environ = {**sealed, "LLMSWITCH_KEY_OPENROUTER": OPENROUTER_KEY, **(env or {})}
        app = App(environ, COMMANDS)
        code = run_command(lambda: answer(app, arguments), arguments)
        printed = capfd.readouterr()
        return Reply(code, printed.out, printed.err)

    return call


def env_of(repo: Path) -> dict[str, str]:
    """Return the env block of a repository's local settings."""
    env: dict[str, str] = json.loads(settings_of(repo).read_text())["env"]
    return env


def slots_of(repo: Path) -> dict[str, str]:
    """Return {slot: model} of a repository's local settings."""
    env = env_of(repo)
    return {slot: env[name] for slot, name in VARIABLES.items()}


def pinned(name: str) -> dict[str, str]:
    """Return {slot: model} that a shipped preset writes."""
    members = pin(CATALOG.load(name), {}, CATALOG).members
    return {slot: members[variable] for slot, variable in VARIABLES.items()}


# Claudex: slots


def test_cx1_a_presets_slots_are_the_models_of_their_variables(run: Run, repo: Path, own: Path) -> None:
    """Exactly those ids; fable is the opus id, and a sub-agent inherits."""
    (own / "mine.json5").write_text("{base_url: 'http://localhost:1', slots: {haiku: 'h', sonnet: 's', opus: 'o'}}")
    assert run("mine").code == 0
    assert slots_of(repo) == {"haiku": "h", "sonnet": "s", "opus": "o", "fable": "o", "subagent": ""}


@pytest.mark.parametrize(
    ("row", "slots", "haiku"), [("CX2", "{haiku: 'h'}", "h"), ("CX3", "{}", "d")], ids=["CX2", "CX3"]
)
def test_cx2_cx3_default_model_fills_what_is_left_out(
    run: Run, repo: Path, own: Path, row: str, slots: str, haiku: str
) -> None:
    """Every other slot, fable and subagent too."""
    (own / "mine.json5").write_text(f"{{base_url: 'http://localhost:1', slots: {slots}, default_model: 'd'}}")
    assert run("mine").code == 0
    assert slots_of(repo) == {**dict.fromkeys(VARIABLES, "d"), "haiku": haiku}


def test_cx4_neither_slots_nor_default_model_is_an_error_that_names_the_preset(run: Run, repo: Path, own: Path) -> None:
    """And nothing is written."""
    (own / "mine.json5").write_text("{base_url: 'http://localhost:1'}")
    reply = run("mine")
    assert (reply.code, "Preset mine names no model for haiku" in reply.err) == (2, True)
    assert not (repo / ".claude").exists()


def test_cx5_an_exported_slot_overrides_the_preset_and_is_announced(run: Run, repo: Path) -> None:
    """The preset's file is as it was, and the other slots are the preset's."""
    file = Path(CATALOG.load("openrouter").source)
    before = file.read_bytes()
    reply = run("openrouter", env={OVERRIDE: "qwen/qwen3-coder"})
    assert f"haiku is qwen/qwen3-coder, from the exported {OVERRIDE}" in reply.err
    assert slots_of(repo) == {**pinned("openrouter"), "haiku": "qwen/qwen3-coder"}
    assert file.read_bytes() == before


def test_cx6_command_line_over_environment_over_preset_over_default_model(run: Run, repo: Path, own: Path) -> None:
    """Each beats the next."""
    (own / "mine.json5").write_text("{base_url: 'http://localhost:1', slots: {haiku: 'slot'}, default_model: 'd'}")
    seen = []
    for options, env in (((), {}), ((), {OVERRIDE: "env"}), (("--haiku", "line"), {OVERRIDE: "env"})):
        assert run("mine", *options, env=env).code == 0
        seen.append(slots_of(repo)["haiku"])
    assert seen == ["slot", "env", "line"]
    assert slots_of(repo)["opus"] == "d"


@pytest.mark.parametrize("name", ["grok", "openai", "gemini", "codex", "groq", "mistral"])
def test_cx7_openai_format_presets_go_through_the_gateway(run: Run, repo: Path, name: str) -> None:
    """They parse, list and show; a switch points at the local gateway, which translates."""
    data = json.loads(run("show", name, "--json").out)
    assert data["protocol"] == "openai"
    assert all(data["slots"][slot] for slot in FOUR)
    reply = run(name, "-n")
    assert (reply.code, "http://127.0.0.1:" in reply.out) == (0, True), reply
    assert not settings_of(repo).exists()


def test_cx7_the_other_examples_can_be_switched_to(run: Run, repo: Path) -> None:
    """Ollama's ids keep their colon; deepseek is the provider's own endpoint; claude is direct."""
    assert run("ollama").code == 0
    assert slots_of(repo) == {
        "haiku": "qwen2.5:7b", "sonnet": "qwen2.5:32b", "opus": "qwen2.5:72b", "fable": "qwen2.5:72b", "subagent": "",
    }  # fmt: skip
    assert run("deepseek-direct", env={"LLMSWITCH_KEY_DEEPSEEK_DIRECT": "fake-deepseek-0123456789"}).code == 0
    assert env_of(repo)["ANTHROPIC_BASE_URL"] == "https://api.deepseek.com/anthropic"
    assert slots_of(repo)["opus"] == "deepseek-flash[1m]"
    assert run("claude").code == 0
    assert not settings_of(repo).exists()


# claude-multi: templates


def test_cm1_cm2_a_pin_has_url_start_alias_and_slots_and_no_fast_model(run: Run, repo: Path) -> None:
    """ANTHROPIC_MODEL is an alias; a leftover ANTHROPIC_SMALL_FAST_MODEL is blanked."""
    settings_of(repo).parent.mkdir()
    settings_of(repo).write_text('{"env": {"ANTHROPIC_SMALL_FAST_MODEL": "old/fast"}}')
    reply = run("openrouter")
    env = env_of(repo)
    assert (env["ANTHROPIC_MODEL"], env["ANTHROPIC_SMALL_FAST_MODEL"]) == ("sonnet", "")
    assert "ANTHROPIC_SMALL_FAST_MODEL was not ours" in reply.err


@pytest.mark.parametrize(
    ("name", "models"),
    [
        pytest.param("glm", {"glm-5.3-flash", "glm-5.3[1m]", "glm-5.3"}, id="CM3"),
        pytest.param("minimax", {"MiniMax-M3[1m]"}, id="CM4"),
    ],
)
def test_cm3_cm4_templates_have_the_vendors_models_of_today(name: str, models: set[str]) -> None:
    """And no other in any slot."""
    assert set(pinned(name).values()) - {""} == models


def test_cm5_one_model_in_every_role(run: Run, repo: Path) -> None:
    """`openrouter --model ID`; the window is that model's."""
    assert run("openrouter", "--model", "qwen/qwen3-coder-next").code == 0
    assert set(slots_of(repo).values()) == {"qwen/qwen3-coder-next"}
    assert env_of(repo)["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "262144"


def test_cm6_an_overlay_keeps_its_slot_through_an_upgrade(tmp_path: Path, own: Path) -> None:
    """The rest follows the shipped file, whatever it says next."""
    (own / "glm.json5").write_text("{extends: 'glm', slots: {opus: 'glm-6'}}")
    upgraded = tmp_path / "shipped"
    upgraded.mkdir()
    shipped = json.loads(Path(CATALOG.load("glm").source).read_text())
    shipped["slots"]["haiku"] = "glm-6-flash"
    (upgraded / "glm.json5").write_text(json.dumps(shipped))
    before = Catalog(shipped_folder(), str(own)).load("glm")
    after = Catalog(str(upgraded), str(own)).load("glm")
    assert (before.slots["opus"], before.slots["haiku"]) == ("glm-6", "glm-5.3-flash")
    assert (after.slots["opus"], after.slots["haiku"]) == ("glm-6", "glm-6-flash")


def test_cm7_a_hand_made_file_with_an_unmapped_role_is_warned_about(run: Run, repo: Path) -> None:
    """Claude Code would send its own name there; a pin never has such a slot."""
    settings_of(repo).parent.mkdir()
    settings_of(repo).write_text(
        '{"env": {"ANTHROPIC_BASE_URL": "https://openrouter.ai/api", "ANTHROPIC_DEFAULT_OPUS_MODEL": "z-ai/glm-4.7"}}'
    )
    assert "Not mapped: haiku, sonnet, fable." in run("status").out
    assert run("openrouter").code == 0
    assert "Not mapped" not in run("status").out


def test_cm8_window_and_compaction_belong_to_the_preset(run: Run, repo: Path) -> None:
    """The window is recomputed when a slot is overridden, and left out where the client ignores it."""
    key = {"LLMSWITCH_KEY_ZAI": "fake-zai-0123456789abcdef"}
    run("glm", env=key)
    first = env_of(repo)
    assert first["CLAUDE_CODE_AUTO_COMPACT_WINDOW"] == "1000000"
    assert first["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "1000000"
    run("glm", "--haiku", "glm-5-turbo", env=key)
    assert env_of(repo)["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "200000"
    run("glm", "--model", "glm-5.3[1m]", env=key)
    assert "CLAUDE_CODE_MAX_CONTEXT_TOKENS" not in env_of(repo)


# afk: tiers, names and places


@pytest.mark.parametrize(
    ("option", "slot"), [("--small", "haiku"), ("--medium", "sonnet"), ("--large", "opus")], ids=["AF1", "AF1", "AF1"]
)
def test_af1_tiers_are_accepted_wherever_slots_are(run: Run, repo: Path, option: str, slot: str) -> None:
    """As options, as values and as the start."""
    tier = option.removeprefix("--")
    assert run("mixed", option, "z-ai/glm-5.3", "--fable", tier, "--start", tier).code == 0
    slots = slots_of(repo)
    assert (slots[slot], slots["fable"], env_of(repo)["ANTHROPIC_MODEL"]) == ("z-ai/glm-5.3", "z-ai/glm-5.3", slot)


@pytest.mark.parametrize(("alias", "slot"), [("sonnet_1m", "sonnet"), ("opus_1m", "opus"), ("Haiku", "haiku")])
def test_af2_aliases_mean_their_slot_and_add_nothing_to_a_strange_id(
    run: Run, repo: Path, alias: str, slot: str
) -> None:
    """As `/model` values of old configurations: [1m] belongs to Claude's ids only."""
    assert run("mixed", "--fable", alias).code == 0
    assert slots_of(repo)["fable"] == pinned("mixed")[slot]


def test_af3_the_clients_own_defaults_are_shown(run: Run) -> None:
    """By `show claude`, with the version they were read from."""
    reply = run("show", "claude").out
    for model in ("claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5", "claude-fable-5-2"):
        assert model in reply
    assert "Claude Code's own defaults, as of 2.1.329" in reply


def test_af4_never_configured_means_untouched(run: Run, repo: Path) -> None:
    """`claude`, `status`, `list` and `ladder` in a repository without a pin write nothing."""
    for command in ("claude", "status", "list", "ladder", "cost"):
        assert run(command).code == 0
    assert not (repo / ".claude").exists()


def test_af5_a_key_in_a_slot_is_rejected_and_an_object_needs_a_model(run: Run, own: Path) -> None:
    """With the command that stores keys."""
    (own / "mine.json5").write_text("{base_url: 'http://localhost:1', slots: {small: {name: 'x', apiKey: 'local'}}}")
    reply = run("presets", "check")
    assert reply.code == 1
    assert "slots.small.apiKey has no place in a preset: keys are stored with `llmswitch save-key`" in reply.out
    assert "slots.small.model is missing" in reply.out


MIXED = "{{slots: {{haiku: '{haiku}', sonnet: 'glm-5.3', opus: 'claude-opus-5-5', fable: 'opus'}}}}"


@pytest.mark.parametrize(
    ("model", "place"),
    [
        ("gpt-6-luna", "openai"), ("gpt-7-nova", "openai"), ("some/new-model", "openrouter"),
        ("claude-haiku-9", "anthropic"), ("zai-org/glm-5.3", "novita"), ("auto", "anthropic"),
    ],
)  # fmt: skip
def test_af6_the_provider_of_a_bare_id_is_inferred(own: Path, model: str, place: str) -> None:
    """By what is known of the model, else by the form of its id; the preset is mixed then."""
    (own / "mine.json5").write_text(MIXED.format(haiku=model))
    preset = Catalog(shipped_folder(), str(own)).load("mine")
    assert preset.is_mixed
    places = {slot: where.preset for slot, where in preset.elsewhere.items()}
    assert places == {"haiku": place, "sonnet": "glm", "opus": "anthropic", "fable": "anthropic"}


@pytest.mark.parametrize(
    ("model", "why"),
    [("openai/gpt-oss-120b", "groq and openrouter serve it"), ("mystery", "nobody is known to serve it")],
)
def test_af6_an_ambiguous_id_is_an_error_that_names_the_choices(own: Path, model: str, why: str) -> None:
    """It says how to name one."""
    (own / "mine.json5").write_text(MIXED.format(haiku=model))
    with pytest.raises(PresetProblem, match=rf"slots\.haiku is {model}, and {why}: say which"):
        Catalog(shipped_folder(), str(own)).load("mine")


NAMED = "{base_url: 'http://localhost:1', default_slot: 'SHIM', slots: {haiku: 'h', sonnet: 's', \
opus: {model: 'o', name: 'Shim'}, fable: 'shim'}}"


def test_af7_a_custom_name_selects_its_slot_in_any_case(run: Run, repo: Path, own: Path) -> None:
    """In --start, in slots' options and in the preset's own fields; a raw id comes last."""
    (own / "mine.json5").write_text(NAMED)
    assert run("mine", "--haiku", "sHiM", "--sonnet", "shim-2").code == 0
    assert slots_of(repo) == {"haiku": "o", "sonnet": "shim-2", "opus": "o", "fable": "o", "subagent": ""}
    assert env_of(repo)["ANTHROPIC_MODEL"] == "opus"
    assert run("mine", "--start", "SHIM").code == 0


def test_af8_a_name_equal_to_another_slots_wins_with_a_warning(run: Run, repo: Path, own: Path) -> None:
    """Name over tier over alias."""
    (own / "mine.json5").write_text(NAMED.replace("Shim", "small").replace("shim", "small").replace("SHIM", "small"))
    reply = run("mine")
    assert "The name 'small' means opus here, and no longer haiku." in reply.err
    assert (slots_of(repo)["fable"], env_of(repo)["ANTHROPIC_MODEL"]) == ("o", "opus")


def test_af9_auto_is_refused_for_a_third_party_with_the_reason(run: Run, repo: Path, own: Path) -> None:
    """Unless every other slot lives elsewhere: then it is Claude's own, at Anthropic."""
    reply = run("openrouter", "--haiku", "auto")
    assert (reply.code, "Claude Code would send its own model name to openrouter" in reply.err) == (2, True)
    assert not settings_of(repo).exists()
    far = "{model: 'm', preset: 'openrouter'}"
    (own / "mine.json5").write_text(
        f"{{base_url: 'http://localhost:1', slots: {{haiku: 'auto', sonnet: {far}, opus: {far}, fable: {far}}}}}"
    )
    assert Catalog(shipped_folder(), str(own)).load("mine").elsewhere["haiku"].preset == "anthropic"


def test_af10_environment_per_slot_keeps_the_files_name_and_place(run: Run, repo: Path, own: Path) -> None:
    """Each of the five variables overrides the id only."""
    (own / "mine.json5").write_text(NAMED)
    exported = {f"LLMSWITCH_{slot.upper()}": f"env/{slot}" for slot in VARIABLES}
    reply = run("mine", env=exported)
    assert slots_of(repo) == {slot: f"env/{slot}" for slot in VARIABLES}
    assert all(name in reply.err for name in exported)
    assert env_of(repo)["ANTHROPIC_MODEL"] == "opus"  # the name `shim` still means that slot


def test_af11_af12_af14_places_of_their_own_make_a_mixed_preset(run: Run, repo: Path, own: Path) -> None:
    """Shown with their places; a switch points at the local gateway (test_gateway_client has the real client there)."""
    (own / "mine.json5").write_text(
        "{slots: {small: {model: 'q', name: 'local', base_url: 'http://localhost:8080/v1', protocol: 'openai'},"
        " medium: {model: 'deepseek-flash', preset: 'deepseek-direct'}, large: 'claude-opus-5-5'}}"
    )
    shown = json.loads(run("show", "mine", "--json").out)
    assert shown["elsewhere"] == {
        "haiku": "at http://localhost:8080/v1", "sonnet": "at deepseek-direct", "opus": "at anthropic",
    }  # fmt: skip
    reply = run("mine", "-n")
    assert (reply.code, "http://127.0.0.1:" in reply.out) == (0, True), reply
    assert not settings_of(repo).exists()
    assert "mine" in run("list").out


# The backend guide


def test_fr1_fr2_a_switch_merges_into_env_and_keeps_everything_else(run: Run, repo: Path) -> None:
    """The key in one place, the other blank, no placeholder; without a key nothing is written."""
    settings_of(repo).parent.mkdir()
    settings_of(repo).write_text('{"permissions": {"allow": ["Bash(ls)"]}, "env": {"EDITOR": "vi"}}')
    before = settings_of(repo).read_bytes()
    missing = run("openrouter", env={"LLMSWITCH_KEY_OPENROUTER": ""})
    assert missing.code == 4
    assert settings_of(repo).read_bytes() == before
    assert run("openrouter").code == 0
    data = json.loads(settings_of(repo).read_text())
    assert (data["permissions"], data["env"]["EDITOR"]) == ({"allow": ["Bash(ls)"]}, "vi")
    env = data["env"]
    assert (env["ANTHROPIC_AUTH_TOKEN"], env["ANTHROPIC_API_KEY"]) == (OPENROUTER_KEY, "")
    assert env["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    assert "__" not in settings_of(repo).read_text()


RECIPES = {
    "openrouter": ("mistralai/devstral-2512", "google/gemini-2.5-pro", "anthropic/claude-opus-5.5"),
    "budget": ("mistralai/devstral-2512",) * 3,
    "deepseek": ("deepseek/deepseek-v3.2",) * 3,
    "devstral": ("mistralai/devstral-2512",) * 3,
    "qwen": ("mistralai/devstral-2512", "qwen/qwen3-coder", "qwen/qwen3-coder"),
    "mixed": ("mistralai/devstral-2512", "qwen/qwen3-coder", "anthropic/claude-opus-5.5"),
    "best-value": ("deepseek/deepseek-v3.2", "qwen/qwen3-coder:exacto", "anthropic/claude-opus-5.5"),
    "ultra-budget": ("minimax/minimax-m2.7", "qwen/qwen3-coder:exacto", "z-ai/glm-4.7"),
    "max-capability": ("minimax/minimax-m2.7", "openai/gpt-5.2-codex", "openai/gpt-5.2-codex"),
}


@pytest.mark.parametrize("name", RECIPES)
def test_fr3_fr4_fr5_fr17_the_recipes_have_their_models(name: str) -> None:
    """With today's id where the guide's is dead or another model's."""
    slots = pinned(name)
    assert (slots["haiku"], slots["sonnet"], slots["opus"]) == RECIPES[name]
    assert slots["fable"] == slots["opus"]
    assert CATALOG.load(name).host == "openrouter.ai"


def test_fr17_direct_is_claude(run: Run, repo: Path) -> None:
    """The recipe without OpenRouter takes everything away."""
    run("openrouter")
    assert run("direct").code == 0
    assert not settings_of(repo).exists()


def test_fr6_fr7_there_and_back_gives_the_first_bytes(run: Run, repo: Path) -> None:
    """A → B → claude; every managed variable is gone."""
    settings_of(repo).parent.mkdir()
    first = b'{\r\n\t"env" : {"A":"1"},\r\n\t"x": 1.50}'
    settings_of(repo).write_bytes(first)
    for preset in ("openrouter", "ollama", "claude"):
        assert run(preset).code == 0
    assert settings_of(repo).read_bytes() == first


def test_fr8_fr9_worktrees_are_apart_while_main_is_direct(run: Run, repo: Path, tmp_path: Path) -> None:
    """A switch in one leaves the other's file alone, bytes and time."""
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        git(repo, "worktree", "add", "--quiet", "--detach", str(folder))
    assert run("openrouter", "-w", str(one)).code == 0
    before = (settings_of(one).read_bytes(), os.stat(settings_of(one)).st_mtime_ns)
    assert run("deepseek", "-w", str(two)).code == 0
    assert (settings_of(one).read_bytes(), os.stat(settings_of(one)).st_mtime_ns) == before
    assert not settings_of(repo).exists()


def test_fr10_a_worktree_under_a_pinned_main_is_refused_with_the_ways_on(run: Run, repo: Path, tmp_path: Path) -> None:
    """The guide does not know that main wins."""
    git(repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "two"))
    assert run("openrouter").code == 0
    reply = run("deepseek", "-w", str(tmp_path / "two"))
    assert (reply.code, "llmswitch run deepseek" in reply.err) == (5, True)


def test_fr11_a_subfolder_means_its_worktrees_root(run: Run, repo: Path) -> None:
    """No file appears in the subfolder."""
    (repo / "a" / "b").mkdir(parents=True)
    assert run("openrouter", "-w", str(repo / "a" / "b")).code == 0
    assert settings_of(repo).exists()
    assert not (repo / "a" / "b" / ".claude").exists()


def test_fr12_status_says_url_credential_slots_preset_and_what_differs(run: Run) -> None:
    """The credential masked."""
    run("openrouter", "--opus", "z-ai/glm-5.3")
    data = json.loads(run("status", "--json").out)
    assert (data["preset"], data["overrides"], data["base_url"]) == (
        "openrouter",
        ["opus"],
        "https://openrouter.ai/api",
    )
    assert (data["credential"]["kind"], data["credential"]["masked"]) == ("bearer", "********6789")
    assert data["slots"]["opus"] == {
        "model": "z-ai/glm-5.3", "preset_model": "anthropic/claude-opus-5.5", "origin": "worktree", "shadowed_by": None,
    }  # fmt: skip


@pytest.mark.parametrize(("text", "code"), [(None, 0), ("", 0), ("{}", 0), ('{"env": {}}', 0), ('{"env": ', 1)])
def test_fr13_status_of_no_file_an_empty_a_bare_and_a_broken_one(
    run: Run, repo: Path, text: str | None, code: int
) -> None:
    """Claude Code's own backend, or what is wrong."""
    if text is not None:
        settings_of(repo).parent.mkdir()
        settings_of(repo).write_text(text)
    reply = run("status")
    assert reply.code == code
    assert ("ignores" if code else "claude (Claude Code's own backend)") in reply.out


def test_fr15_a_changed_preset_gives_the_new_map_and_a_second_run_writes_nothing(
    run: Run, repo: Path, own: Path
) -> None:
    """By bytes and time."""
    (own / "mine.json5").write_text("{base_url: 'http://localhost:1', default_model: 'a'}")
    run("mine")
    (own / "mine.json5").write_text("{base_url: 'http://localhost:1', default_model: 'b'}")
    assert run("mine").code == 0
    assert slots_of(repo)["opus"] == "b"
    before = os.stat(settings_of(repo)).st_mtime_ns
    assert "Nothing to do" in run("mine").out
    assert os.stat(settings_of(repo)).st_mtime_ns == before


def test_fr16_restart_is_said_only_where_it_is_true(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new slot reaches open sessions by itself; another host or a cloud needs a restart.

    As where nobody can know which sessions are open; test_live_sessions has real ones.
    """
    monkeypatch.setattr(Sessions, "of", lambda self, *roots: None)
    assert "restart them to start on sonnet" in run("openrouter").err
    again = run("openrouter", "--haiku", "qwen/qwen3-coder").err
    assert "follow within seconds" in again
    assert "restart" not in again
    for preset in ("bedrock", "claude"):
        assert "Restart the Claude Code sessions that are open here" in run(preset).err


SEED_PRICES = {
    "Opus 4.5": (5, 25, 6.25), "Sonnet 4.5": (3, 15, 3.75), "DeepSeek": (0.24, 0.38, 0.177),
    "Devstral": (0.15, 0.60, 0.165), "Qwen": (0.22, 0.95, 0.2525), "MiniMax": (0.30, 1.20, 0.33),
    "GLM": (0.40, 1.50, 0.425), "Kimi": (0.60, 2.50, 0.675), "GPT-5": (1.25, 10, 2.125), "Gemini": (1.25, 10, 2.125),
}  # fmt: skip
CHEAPER = {
    "DeepSeek": 97.2, "Devstral": 97.4, "Qwen": 96.0, "MiniMax": 94.7, "GLM": 93.2, "Kimi": 89.2, "Sonnet 4.5": 40.0,
    "GPT-5": 66.0, "Gemini": 66.0,
}  # fmt: skip


@pytest.mark.parametrize("name", SEED_PRICES)
def test_fr19_fr20_a_session_and_its_percentage_are_computed(name: str) -> None:
    """At the guide's own prices: 10 calls of 50,000 in and 15,000 out; its column of percentages was wrong."""
    spend, out, expected = SEED_PRICES[name]
    price = pricing.Price({"input": spend, "output": out, "as_of": "2026-01-01", "source": "the guide"})
    cost = cost_of(price, Session())
    assert cost == pytest.approx(expected)
    if name in CHEAPER:
        assert round(saved_percent(cost, 6.25), 1) == CHEAPER[name]


def test_fr18_prices_have_a_date_and_a_source_and_the_fee_is_told(run: Run) -> None:
    """Wherever one is shown."""
    rows = json.loads(run("cost", "--json").out)["rows"]
    assert rows
    for row in rows:
        for slot in row["slots"].values():
            assert (slot["usd"] is None) == (slot["as_of"] is None) == (slot["source"] is None)
    assert "5.5 % fee" in run("show", "openrouter").out
    assert all((row["price"] is None) or row["price"]["as_of"] for row in json.loads(run("list", "--json").out))


def test_fr21_opus_4_and_opus_4_5_are_not_confused(run: Run) -> None:
    """Opus 4 (15/75) is gone from OpenRouter, and Opus 4.5 costs 5/25."""
    price = prices_of(CATALOG).find("openrouter", "anthropic/claude-opus-4.5")
    gone = prices_of(CATALOG).find("openrouter", "anthropic/claude-opus-4")
    assert price
    assert gone
    assert (short(price), short(gone)) == ("5/25", "15/75")
    reply = run("openrouter", "--opus", "anthropic/claude-opus-4")
    assert (
        "anthropic/claude-opus-4 is no longer served by openrouter; its successor is anthropic/claude-opus-5.5"
        in reply.err
    )


def test_fr22_no_claim_of_the_guide_that_its_tables_contradict_is_copied(run: Run) -> None:
    """No percentage and no "times cheaper" stands in the data."""
    for file in Path(shipped_folder()).iterdir():
        text = file.read_text()
        assert "cheaper than" not in text
        assert "x cheaper" not in text


def test_fr23_exacto_is_kept_and_priced_as_its_base(run: Run, repo: Path) -> None:
    """And has its window."""
    run("openrouter", "--model", "qwen/qwen3-coder:exacto")
    assert slots_of(repo)["opus"] == "qwen/qwen3-coder:exacto"
    assert env_of(repo)["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "262144"
    base, exacto = (prices_of(CATALOG).find("openrouter", f"qwen/qwen3-coder{end}") for end in ("", ":exacto"))
    assert base
    assert exacto
    assert short(base) == short(exacto)


@pytest.mark.parametrize(
    ("model", "near"),
    [
        ("Qwen/Qwen3-Coder", "qwen/qwen3-coder"), ("z-ai/glm5.3", "z-ai/glm-5.3"),
        ("deepseek/deepseek-v3.2", None), ("brand-new/thing", None),
    ],
)  # fmt: skip
def test_fr24_a_near_miss_is_warned_about_with_the_nearest_id(run: Run, model: str, near: str | None) -> None:
    """A known id and a complete stranger are not; the id is used as it was given."""
    reply = run("openrouter", "--haiku", model, "-n")
    said = f"openrouter knows no {model}; ids are case-sensitive: did you mean {near}?"
    assert (said in reply.err) == (near is not None)
    assert "did you mean" not in reply.err or near
    assert model in reply.out


def test_fr25_ratings_are_shown_and_a_weak_one_in_sonnet_or_opus_warns(run: Run) -> None:
    """Not in haiku, for which the guide recommends such a model."""
    shown = run("show", "best-value").out
    assert "tool use fair" in shown
    assert "+ Among the cheapest" in shown
    assert "- Tool calls can fail" in shown
    said = run("deepseek", "-n").err
    assert "sonnet and opus are deepseek/deepseek-v3.2, whose tool use is rated fair" in said
    assert said.count("rated fair") == 1
    assert "rated fair" not in run("best-value", "-n").err


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("did you mean qwen/qwen3-coder?", ("openrouter", "--sonnet", "qwen3-coder", "-n")),
        ("no longer served by openrouter", ("openrouter", "--opus", "anthropic/claude-opus-4", "-n")),
        ("whose tool use is rated fair", ("openrouter", "--opus", "google/gemini-2.5-pro", "-n")),
        ("export LLMSWITCH_KEY_ZAI", ("glm",)),
        ("a session still uses the old backend", ("help", "troubleshooting")),
        ("llmswitch doctor --models", ("help", "troubleshooting")),
    ],
)
def test_fr26_what_people_run_into_is_answered_with_the_next_step(run: Run, said: str, words: tuple[str, ...]) -> None:
    """A wrong id, a dead one, clunky tools, a missing key, an old session, a model that is not found."""
    reply = run(*words)
    assert said in reply.out + reply.err


# The model ladder


@pytest.fixture
def rungs(repo: Path) -> Callable[[str], Path]:
    """Write the repository's ladder and return its path."""

    def write(text: str) -> Path:
        path = repo / ladder.FILE
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("count", "indexes"),
    [(1, [0, 0, 0]), (2, [0, 1, 1]), (3, [0, 1, 2]), (4, [0, 2, 3]), (5, [0, 2, 4]), (6, [0, 3, 5])],
)
def test_ml3_the_index_rounds_halves_up(count: int, indexes: list[int]) -> None:
    """floor(w·(N-1)+0.5), which is not Python's round."""
    assert [ladder.rung(weight, count) for weight in (0, 0.5, 1)] == indexes


def test_ml1_ml12_bands_map_to_the_slots(run: Run, repo: Path, rungs: Callable[[str], Path]) -> None:
    """low, medium, high to haiku, sonnet, opus; fable, which has no band, gets the highest."""
    rungs('["a/small", "b/mid", "c/big", "d/huge"]')
    assert run("openrouter", "--ladder").code == 0
    assert slots_of(repo) == {
        "haiku": "a/small",
        "sonnet": "c/big",
        "opus": "d/huge",
        "fable": "d/huge",
        "subagent": "",
    }


@pytest.mark.parametrize("text", ["{}", "[]", "[1]", '["a", ""]', '["a"', '"a"', '["a\\u0007"]', None])
def test_ml2_a_malformed_ladder_is_ignored_with_a_warning(
    run: Run, repo: Path, rungs: Callable[[str], Path], text: str | None
) -> None:
    """The default map holds, and the exit code is 0; a folder in its place counts as unreadable."""
    path = rungs(text or "")
    if text is None:
        path.unlink()
        path.mkdir()
    reply = run("openrouter", "--ladder")
    assert (reply.code, f"warning: {path} is ignored" in reply.err) == (0, True)
    assert slots_of(repo) == pinned("openrouter")
    shown = run("ladder")
    assert (shown.code, f"{path} is ignored" in shown.err) == (0, True)
    assert "mistralai/devstral-2512" in shown.out


def test_ml4_ml5_a_model_the_ladder_lacks_gives_way_to_the_sessions(
    run: Run, repo: Path, rungs: Callable[[str], Path]
) -> None:
    """The model of the start slot; one that is on it, or any without a ladder, is used as it is."""
    path = rungs('["a", "b", "c"]')
    reply = run("openrouter", "--ladder", "--opus", "z-ai/glm-5.3", "--haiku", "c", "--start", "sonnet")
    assert "z-ai/glm-5.3 is not on the ladder: opus gets the session's model, b." in reply.err
    assert (slots_of(repo)["opus"], slots_of(repo)["haiku"]) == ("b", "c")
    path.unlink()
    run("openrouter", "--ladder", "--opus", "z-ai/glm-5.3")
    assert slots_of(repo)["opus"] == "z-ai/glm-5.3"


def test_ml6_ladder_prints_bands_the_ladder_or_a_starter_and_the_session_model(
    run: Run, rungs: Callable[[str], Path]
) -> None:
    """A starter can be pasted as it is."""
    run("openrouter")
    starter = run("ladder").out
    assert "Session model: google/gemini-2.5-pro" in starter
    models = ladder.parse(starter.splitlines()[-1])
    assert models == ["mistralai/devstral-2512", "google/gemini-2.5-pro", "anthropic/claude-opus-5.5"]
    rungs('["one", "two"]')
    data = json.loads(run("ladder", "--json").out)
    assert (data["ladder"], data["bands"]) == (["one", "two"], {"low": "one", "medium": "two", "high": "two"})
    assert data["session_model"] == "google/gemini-2.5-pro"


def test_ml7_one_model_is_one_line(run: Run, rungs: Callable[[str], Path]) -> None:
    """All bands mean it."""
    rungs('["only"]')
    assert run("ladder").out == "Every band means only, the only model on the ladder.\n"


def test_ml8_ids_of_clouds_pass_verbatim(run: Run, repo: Path, rungs: Callable[[str], Path]) -> None:
    """With colons, dots and at-signs."""
    ids = ["us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-sonnet-5@20260101", "anthropic.claude-opus-4-8"]
    rungs(json.dumps(ids))
    assert run("bedrock", "--ladder").code == 0
    assert [slots_of(repo)[slot] for slot in ("haiku", "sonnet", "opus")] == ids


def test_ml9_ml10_without_a_ladder_everything_is_as_it_was(run: Run, repo: Path, rungs: Callable[[str], Path]) -> None:
    """The same bytes and answers with the option, without it, and once the file is gone."""
    plain = run("openrouter", "-n").out
    run("openrouter")
    before = settings_of(repo).read_bytes()
    path = rungs('["a", "b"]')
    assert run("openrouter").out == f"Nothing to do: {repo} is on openrouter (openrouter.ai) already.\n"
    run("openrouter", "--ladder")
    assert settings_of(repo).read_bytes() != before
    path.unlink()
    reply = run("openrouter", "--ladder")
    assert (reply.code, "the preset's own map is used" in reply.err) == (0, True)
    assert settings_of(repo).read_bytes() == before
    run("claude")
    assert run("openrouter", "-n").out == plain


def test_ml11_a_tracked_ladder_is_noted_and_each_worktree_has_its_own(
    run: Run, repo: Path, rungs: Callable[[str], Path], tmp_path: Path
) -> None:
    """Different ladders are not mixed in one switch."""
    rungs('["a", "b"]')
    git(repo, "add", "-f", ladder.FILE)
    assert "git tracks .claude/model-ladder.json" in run("ladder").err
    git(repo, "rm", "-q", "--cached", ladder.FILE)
    two = tmp_path / "two"
    git(repo, "worktree", "add", "--quiet", "--detach", str(two))
    assert run("openrouter", "--ladder", "-w", str(two)).code == 0
    assert slots_of(two) == pinned("openrouter")
    run("claude", "-w", str(two))
    reply = run("openrouter", "--ladder", "--all")
    assert (reply.code, "different ladders" in reply.err) == (2, True)


def test_no_start_on_a_name_nobody_knows(run: Run) -> None:
    """AF7's last step: a start is a slot, and the choices are named."""
    with pytest.raises(UsageProblem, match="cannot start on 'nobody'"):
        pin(CATALOG.load("openrouter"), {"start": "nobody"}, CATALOG)
    assert run("openrouter", "--start", "nobody").code == 2
