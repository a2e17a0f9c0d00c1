"""A key out of an `.env` file, as other tools keep it: lines of NAME=VALUE, perhaps with `export` and quotes."""

from __future__ import annotations

import re

from llmswitch.base.errors import KeyProblem
from llmswitch.base.secret import Secret
from llmswitch.keys import sources

_LINE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_]\w*)[ \t]*=[ \t]*
    (?:"(?P<double>[^"\n]*)"|'(?P<single>[^'\n]*)'|(?P<plain>[^\s#]*))[ \t]*(?:\#.*)?$""",
    re.MULTILINE | re.VERBOSE,
)
LARGEST = 1024 * 1024


def read(path: str, name: str) -> Secret:
    """Return the key `name` out of an `.env` file: the value of its own variable, never of another one's.

    A file that is one word without any variable is the key itself.

    Raises KeyProblem, which names the file and the variable that would do, and never a value.
    """
    try:
        with open(path, encoding="utf-8-sig", errors="replace") as file:
            text = file.read(LARGEST)
    except OSError as error:
        raise KeyProblem(f"{path}: cannot read it: {error.strerror}.") from None
    matches = list(_LINE.finditer(text))
    if not matches and len(text.split()) == 1 and "=" not in text.strip().rstrip("="):
        return sources.checked(text, path)
    found = {match["name"]: match["double"] or match["single"] or match["plain"] or "" for match in matches}
    own = sources.variable(name)
    usual = (own, own.removeprefix("LLMSWITCH_KEY_") + "_API_KEY", own.removeprefix("LLMSWITCH_KEY_") + "_KEY")
    variable = next((variable for variable in usual if found.get(variable)), None)
    if variable is None:
        raise KeyProblem(f"{path} has no line {usual[1]}=….", hint=f"Paste the key itself: llmswitch save-key {name}")
    return sources.checked(found[variable], f"{variable} in {path}")
