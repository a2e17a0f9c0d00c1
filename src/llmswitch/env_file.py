"""A key out of an `.env` file, as other tools keep it: lines of NAME=VALUE, perhaps with `export` and quotes."""

from __future__ import annotations

import re

from llmswitch import keys
from llmswitch.errors import KeyProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.secret import Secret

_LINE = re.compile(r"^[ \t]*(?:export[ \t]+)?([A-Za-z_]\w*)[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)
LARGEST = 1024 * 1024


def read(path: str, name: str) -> Secret:
    """Return the key `name` in an `.env` file: of its usual variable, or of the only one there.

    Raises KeyProblem, which names the file and never a value.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = {variable: text for variable, text in _LINE.findall(file.read(LARGEST)) if text}
    except OSError as error:
        raise KeyProblem(f"{path}: cannot read it: {error.strerror}.") from None
    usual = [keys.variable(name), keys.variable(name).removeprefix("LLMSWITCH_KEY_") + "_API_KEY"]
    usual += ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"]
    chosen = next((variable for variable in usual if variable in found), "")
    if not chosen and len(found) != 1:
        raise KeyProblem(f"{path} has no line {usual[1]}=….", hint=f"Or pipe it: llmswitch save-key {name} < FILE")
    return keys.checked(found[chosen or next(iter(found))], path)
