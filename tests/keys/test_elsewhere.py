"""A key that is missing may lie where another tool keeps it: the reply says how to save it from there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from conftest import Cli

from llmswitch.base.errors import KeyProblem
from llmswitch.keys import env_file
from llmswitch.keys.elsewhere import offers

FOREIGN = "sk-or-v1-elsewhere-0123456789abcdef"


def test_a_missing_key_is_looked_for_where_other_tools_keep_theirs(
    cli: Cli, repo: Path, sealed: dict[str, str]
) -> None:
    """Files by their name, variables by theirs; neither is read, and nothing is written."""
    file = Path(sealed["HOME"], ".config", "forgerank", ".env.openrouter")
    file.parent.mkdir(parents=True)
    file.write_text(f"OPENROUTER_API_KEY={FOREIGN}\n")
    file.chmod(0)
    reply = cli("openrouter", cwd=repo, env={"OPENROUTER_API_KEY": FOREIGN})
    assert reply.code == 4
    assert f"llmswitch save-key openrouter --from-env-file {file}" in reply.err
    assert "printenv OPENROUTER_API_KEY | llmswitch save-key openrouter" in reply.err
    assert FOREIGN not in reply.err + reply.out
    assert not (repo / ".claude").exists()
    assert "may be here" not in cli("glm", cwd=repo).err


def test_the_offered_command_is_one_that_a_shell_takes(tmp_path: Path) -> None:
    """A folder of any name is its one word; one that cannot be typed is not offered."""
    for folder in ("a b", "it's $(touch x); *", "line\nbreak", "esc\x1b[2J"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / ".env.zai").write_text("")
    found = offers("zai", {"XDG_CONFIG_HOME": str(tmp_path)})
    said = [subprocess.run(["sh", "-c", f"printf '%s\\n' {each}"], capture_output=True, text=True) for each in found]
    words = ["llmswitch", "save-key", "zai", "--from-env-file"]
    paths = [str(tmp_path / folder / ".env.zai") for folder in ("a b", "it's $(touch x); *")]
    assert [each.stdout.splitlines() for each in said] == [[*words, path] for path in paths]


def test_each_provider_has_its_usual_variables() -> None:
    """Besides NAME_API_KEY; none where nothing is exported or HOME is unknown."""
    assert offers("huggingface", {"HF_TOKEN": "x"}) == ["printenv HF_TOKEN | llmswitch save-key huggingface"]
    assert offers("kimi-code", {"KIMI_CODE_API_KEY": "x"}) == [
        "printenv KIMI_CODE_API_KEY | llmswitch save-key kimi-code"
    ]
    assert offers("zai", {"HF_TOKEN": "x"}) == []


@pytest.mark.parametrize("text", [FOREIGN, f"  {FOREIGN}\n\n", f"OPENROUTER_API_KEY={FOREIGN}\n"])
def test_a_file_may_hold_the_bare_key(tmp_path: Path, text: str) -> None:
    """Or lines with variables."""
    file = tmp_path / "key"
    file.write_text(text)
    assert env_file.read(str(file), "openrouter").reveal() == FOREIGN


@pytest.mark.parametrize("text", ["", "two words", f"OTHER_KEY={FOREIGN}", f"A-B={FOREIGN}"])
def test_a_file_without_the_key_is_named_and_not_quoted(tmp_path: Path, text: str) -> None:
    """Another variable's value is never taken for it."""
    file = tmp_path / "key"
    file.write_text(text)
    with pytest.raises(KeyProblem) as caught:
        env_file.read(str(file), "openrouter")
    assert str(file) in str(caught.value)
    assert FOREIGN not in str(caught.value)
