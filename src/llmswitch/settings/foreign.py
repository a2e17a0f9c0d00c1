"""What a settings file holds that no llmswitch of this repository wrote, and that a switch must not lose."""

from __future__ import annotations

import os

from llmswitch.base.errors import Refused
from llmswitch.base.secret import Secret
from llmswitch.claude.credentials import LOGIN_TOKEN
from llmswitch.claude.variables import API_KEY, AUTH_TOKEN, KEYLESS_TOKEN, OURS, may_be_secret
from llmswitch.settings.state import FOLDER, NAME, Record, State, load, part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from llmswitch.settings.checkout import Checkout
    from llmswitch.settings.settings import Settings


def credentials(checkout: Checkout, settings: Settings | None) -> dict[str, Secret]:
    """Return {variable: credential} of those in the file that are not ours."""
    values = settings.values() if settings else {}
    found = {name: Secret(values[name]) for name in (AUTH_TOKEN, API_KEY) if values.get(name)}
    ours = [name for name, secret in found.items() if secret == Secret(KEYLESS_TOKEN) or knows(checkout.state, secret)]
    return {name: secret for name, secret in found.items() if name not in ours}


def refuse(checkout: Checkout, settings: Settings | None, kept: Collection[Secret]) -> None:
    """Refuse to go on where a secret in the file would be lost; `kept` are credentials that are saved elsewhere."""
    for name, secret in credentials(checkout, settings).items():
        if secret not in kept:
            login = secret.reveal().startswith(LOGIN_TOKEN)
            what = "a token of your own login" if login else "a credential"
            raise Refused(
                f"{checkout.file.path} holds {what} in {name} that llmswitch did not write.",
                hint="To let it go, add --discard-key."
                if login
                else "To keep it in the keyring add --adopt-key NAME; to let it go, --discard-key.",
            )
    for name in _secret_members(checkout, settings):
        raise Refused(
            f"{checkout.file.path} holds something secret in {name} that llmswitch did not write.",
            hint="Copy it to a safe place, then let it go here with --discard-key.",
        )


def _secret_members(checkout: Checkout, settings: Settings | None) -> list[str]:
    """Return the other members, not ours, whose text may carry a secret: headers, a helper's argument, a URL's user."""
    values = settings.values() if settings else {}
    records = (checkout.state.current, checkout.state.previous)
    return [
        name
        for name in OURS
        if name not in (AUTH_TOKEN, API_KEY) and may_be_secret(name, values.get(name, ""))
        if all(record.pin.get(name) != values[name] for record in records)
    ]


def knows(state: State, secret: Secret) -> bool:
    """Say whether llmswitch wrote this key, here or in another worktree of the repository."""
    records = [state.current, state.previous, *records_of_neighbours(state)]
    return any(record.has_key(secret) for record in records)


def records_of_neighbours(state: State) -> list[Record]:
    """Return the last two records of each worktree of the repository."""
    found = [load(path) for path in _neighbours(state)]
    return [Record(part(data, name)) for data in found for name in ("current", "previous")]


def _neighbours(state: State) -> list[str]:
    if not state.common_dir:
        return []
    linked = os.path.join(state.common_dir, "worktrees")
    names = os.listdir(linked) if os.path.isdir(linked) else []
    folders = [state.common_dir, *(os.path.join(linked, name) for name in names)]
    return [os.path.join(folder, FOLDER, NAME) for folder in folders]
