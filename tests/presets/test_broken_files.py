"""A broken file of the user's is one warning, with json5's own words, and breaks only what needs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmswitch.base.errors import PresetProblem
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.listing import load_all, stems

# What is in a file → what is said of it; those are the words of the json5 package, each a different kind.
BROKEN = {
    "{": "line 1 Unexpected end of input at column 2",
    '{title: "x" key: "y"}': 'line 1 Unexpected "k" at column 13',
    '{title: "x\ny"}': 'line 1 Unexpected "\n" at column 11',
    "{key: 'a', key: 'b'}": 'Duplicate key "key" found in object',
    "": "Empty strings are not legal JSON5",
    "{a: 1e}": "could not convert string to float: '1e'",
    "{a: " + "9" * 5000 + "}": "a number has too many digits",
}


@pytest.mark.parametrize("text", BROKEN)
def test_json5s_own_message_is_said_whole(own: Path, text: str) -> None:
    """With the file, and with the line where json5 names one."""
    path = own / "mine.json5"
    path.write_text(text)
    with pytest.raises(PresetProblem) as caught:
        Catalog(shipped_folder(), str(own)).load("mine")
    assert caught.value.args[0] == f"{path}: not JSON5: {BROKEN[text]}."


@pytest.mark.parametrize("name", sorted(stems(shipped_folder())))
def test_a_shipped_preset_needs_no_other_file_of_the_users(own: Path, name: str) -> None:
    """Whichever is broken: all others are there, and there is one fault to tell."""
    (own / f"{name}.json5").write_text("{title")
    catalog = Catalog(shipped_folder(), str(own))
    good, bad = load_all(catalog)
    assert [problem.args[0].partition(":")[0] for problem in bad] == [str(own / f"{name}.json5")]
    missing = {*stems(shipped_folder())} - {preset.name for preset in good}
    assert missing == ({name} - {"claude"})


@pytest.mark.parametrize(
    "text", ["{title", "[1]", "{nonsense: 1}", "{extends: 'nowhere'}", "{base_url: 'ftp://x', nonsense: 1, title: 2}"]
)
def test_all_that_stands_on_a_broken_file_is_one_fault(own: Path, text: str) -> None:
    """By `extends` and by a slot, over two steps, and told of that file whichever of them is asked for."""
    on_it = {
        "base": text,
        "child": "{extends: 'base'}",
        "grandchild": "{extends: 'child'}",
        "mix": "{slots: {sonnet: {model: 'm', preset: 'base'}}}",
        "mix-of-two": "{slots: {sonnet: {model: 'm', preset: 'grandchild'}, opus: {model: 'm', preset: 'base'}}}",
        "child-of-mix": "{extends: 'mix', slots: {haiku: {model: 'm', preset: 'openrouter'}}}",
    }
    for name, content in on_it.items():
        (own / f"{name}.json5").write_text(content)
    good, bad = load_all(Catalog(shipped_folder(), str(own)))
    assert len(bad) == 1
    assert bad[0].args[0].startswith(f"{own / 'base.json5'}: ")
    assert len(good) == len(stems(shipped_folder()))
    for name in on_it:
        with pytest.raises(PresetProblem, match=re.escape(f"{own / 'base.json5'}: ")):
            Catalog(shipped_folder(), str(own)).load(name)


def test_a_fault_of_its_own_is_told_of_the_file_that_has_it(own: Path) -> None:
    """Beside one that is inherited."""
    (own / "base.json5").write_text("{nonsense: 1}")
    (own / "child.json5").write_text("{extends: 'base', rubbish: 1}")
    bad = load_all(Catalog(shipped_folder(), str(own)))[1]
    assert {problem.args[0].partition(":")[0] for problem in bad} == {
        str(own / "base.json5"), str(own / "child.json5")
    }  # fmt: skip


def test_a_preset_of_the_users_still_goes_on_top_of_his_own(own: Path) -> None:
    """Only what is shipped extends the shipped one."""
    (own / "openrouter.json5").write_text("{extends: 'openrouter', title: 'Ours'}")
    (own / "mine.json5").write_text("{extends: 'openrouter'}")
    catalog = Catalog(shipped_folder(), str(own))
    assert catalog.load("mine").title == "Ours"
    assert catalog.load("deepseek").title != "Ours"
