"""Coverage-guided fuzzing of the editor of settings texts (atheris): `scripts/long/fuzz [SECONDS]`.

For any bytes: a text is refused with a place in it, or it is JSON to Python's own parser as well, our members come in
with the values we gave, everything else keeps its value, and taking them out gives back the first text.
"""

from __future__ import annotations

import json
import sys

import atheris

with atheris.instrument_imports(include=["llmswitch"]):
    from llmswitch.settings import text as splice
    from llmswitch.settings.settings import Settings

MEMBERS = {"LLMSWITCH_A": '"x"', "LLMSWITCH_B": '"\\u00e9"', "apiKeyHelper": '""'}


def one(data: bytes) -> None:
    """Try one input; raises where the editor does not keep its word."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return
    try:
        settings = Settings(text)
    except splice.SpliceError as error:
        if not str(error).startswith("line "):
            raise AssertionError(text) from error
        return
    before = {} if settings.blank else _loads(text)
    edited = settings.with_members(MEMBERS)
    after = _loads(edited.text)
    assert edited.values() == {**settings.values(), "LLMSWITCH_A": "x", "LLMSWITCH_B": "é", "apiKeyHelper": ""}
    assert {name: value for name, value in after.items() if name not in ("env", "apiKeyHelper")} == {
        name: value for name, value in before.items() if name not in ("env", "apiKeyHelper")
    }
    if not set(MEMBERS) & set(settings.values()):
        back = edited.without(list(MEMBERS))
        back = back if settings.env else back.without_env()
        back = back.without_root() if settings.blank else back
        assert back.text == text, (text, back.text)


def _loads(text: str) -> dict[str, object]:
    # Numbers as text: Python's own would refuse or round the long ones.
    root: dict[str, object] = json.loads(text.removeprefix(splice.BOM), parse_int=str, parse_float=str)
    return root


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
