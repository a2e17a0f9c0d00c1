"""Coverage-guided fuzzing of the editor of settings texts (atheris): `scripts/long/fuzz [SECONDS]`.

For any bytes: a text is refused with a place in it, or it is JSON to Python's own parser as well, our members come in
with the values we gave, everything else keeps its value, and taking them out gives back the first text.
"""

from __future__ import annotations

import json
import sys

import atheris

with atheris.instrument_imports(include=["llmswitch"]):
    from llmswitch.claude.variables import TOP_MEMBERS
    from llmswitch.settings import text as splice
    from llmswitch.settings.settings import Settings

MEMBERS = {
    "LLMSWITCH_A": '"x"', "LLMSWITCH_B": '"\\u00e9"', "apiKeyHelper": '""', "disableAutoMode": '"disable"',
    "availableModels": '["a/b", "c"]', "CLAUDE_CODE_DISABLE_1M_CONTEXT": '"1"',
}  # fmt: skip
TEXTS = {name: raw if name == "availableModels" else json.loads(raw) for name, raw in MEMBERS.items()}


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
    assert edited.values() == {**settings.values(), **TEXTS}
    ours = ("env", *TOP_MEMBERS)
    assert {name: value for name, value in after.items() if name not in ours} == {
        name: value for name, value in before.items() if name not in ours
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
