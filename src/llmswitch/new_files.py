"""Files that a command hands to the user: written once, never over others."""

from __future__ import annotations

import os

from llmswitch.errors import LlmswitchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def write_new(folder: str, files: Mapping[str, str]) -> None:
    """Write new files into a folder, made where it is missing; LlmswitchError where one of them is there already."""
    taken = [name for name in files if os.path.lexists(os.path.join(folder, name))]
    if taken:
        raise LlmswitchError(f"{folder} has a {taken[0]} already.", hint="Name another folder with --output.")
    try:
        os.makedirs(folder, exist_ok=True)
        for name, text in files.items():
            with open(os.path.join(folder, name), "x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise LlmswitchError(f"{folder}: cannot write into it: {error.strerror}.") from None
