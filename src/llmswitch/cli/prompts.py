"""Talking with a person at the terminal: what is asked, how wide it is, and how long work goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from llmswitch.base.errors import KeyProblem
from llmswitch.base.secret import Secret
from llmswitch.claude.variables import CREDENTIALS
from llmswitch.cli.app import App
from llmswitch.cli.console import attended, note, piped
from llmswitch.commands.request import Request
from llmswitch.keys.adopt import Adoption
from llmswitch.keys.asking import AskingSource
from llmswitch.keys.saved import stranger
from llmswitch.keys.sources import PROMPT, STDIN, checked
from llmswitch.presets.catalog import Catalog
from llmswitch.settings.checkout import Checkout


def ask_key(name: str, catalog: Catalog | None = None) -> str:
    """Ask for a key without showing it, and once more for one that looks like another's of the `catalog`.

    Raises KeyProblem for an empty line, and for a key that was not meant.
    """
    note("Paste it and press Enter; it is not shown. An empty line stops.")
    text = _asked(f"{name} key", default="", show_default=False, hide_input=True)
    if not text.strip():
        raise KeyProblem("No key was given.", hint="Where one comes from: llmswitch show PRESET")
    if catalog and (doubt := stranger(name, checked(text, PROMPT), catalog)):
        note(doubt)
        if _asked("Take it all the same? (y, or Enter: no)", default="", show_default=False).strip().lower() != "y":
            raise KeyProblem("The key was not taken.")
    return text


def ask_name(variable: str) -> str:
    """Ask under which name a credential that is not ours shall be saved; an empty answer means not at all."""
    note(f"The settings file holds a credential in {variable} that llmswitch did not write.")
    return _asked("Save it in the keyring as (empty: stop)", default="", show_default=False).strip()


def _asked(question: str, **options: Any) -> str:
    """Return what a person types; KeyboardInterrupt where they rather press Ctrl-C or Ctrl-D."""
    import click  # only for a question

    try:
        text: str = click.prompt(question, err=True, **options)
    except click.Abort:
        raise KeyboardInterrupt from None
    return text


def key_text(name: str, catalog: Catalog) -> str:
    """Return the key a person types at the hidden prompt, or what is piped in."""
    return ask_key(name, catalog) if sys.stdin.isatty() else piped()


def secrets(promised: bool) -> Callable[[str], Secret | None]:
    """Return what gives the secret of one member after the other: a line of what is piped in, or typed unseen."""
    lines: list[str] | None = None

    def ask(name: str) -> Secret | None:
        nonlocal lines
        if lines is None:
            lines = piped().splitlines() if promised else []
        line = ask_key(name) if attended() else lines.pop(0) if lines else ""
        if not line.strip():
            return None
        return checked(line, STDIN) if name in CREDENTIALS.values() else Secret(line.strip())

    return ask


def key_source(app: App, promised: bool) -> AskingSource:
    """Return the source of keys that asks the person who is there, or reads a promised one from a pipe."""
    ask = (lambda name: ask_key(name, app.catalog)) if attended() else None
    given = (lambda name: key_text(name, app.catalog)) if promised else None
    return AskingSource(app.catalog, app.environ, app.keyring, app.key_names, note, ask, given)


def adopted(
    app: App, request: Request, checkouts: Sequence[Checkout], name: str | None
) -> Callable[[bool], str] | None:
    """Settle in a request the credentials of others that shall be saved, under a name that is given or asked for.

    Return what saves them; None where none shall be.
    """
    ask = ask_name if attended() and not (request.discard or request.dry_run) else None
    if not (name or ask):
        return None
    adoption = Adoption(app.catalog, app.keyring, app.key_names, note)
    request.settled += adoption.take(checkouts, name, ask)
    return adoption.save


def answered(done: int, of: int) -> None:
    """Say on a terminal how many of the requests that are under way were answered, on one line that goes again."""
    if sys.stderr.isatty():
        text = f"{of} asked, {done} answered …"
        sys.stderr.write("\r" + (text if done < of else " " * len(text) + "\r"))
        sys.stderr.flush()
