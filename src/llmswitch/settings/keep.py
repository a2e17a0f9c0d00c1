"""What is kept of a switch: its record, written to the state file."""

from __future__ import annotations

import os
import time

from llmswitch.base import files
from llmswitch.base.fastjson import dumps
from llmswitch.base.secret import Secret, digest
from llmswitch.settings.change import in_force
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record, State


def save(state: State, record: Record, settings: Settings | None) -> None:
    """Write `record` as the current one and the one in force in `settings` as the one before; raises OSError.

    The current one is not in force where a switch failed after its record was written. A record equal to
    the current one changes nothing.
    """
    known = {**record.data(), "foreign": state.current.foreign, "taken": state.current.taken}
    if known == state.current.data():
        if not os.path.lexists(state.note):
            note(state, record, state.switched)
        return
    failed = not in_force(state.current, settings) and in_force(state.previous, settings)
    if renewed := {**known, "key": state.current.key} == state.current.data():  # another key is no other state
        record.foreign, record.taken = state.current.foreign, state.current.taken
    before = state.previous if failed or renewed or state.current.passing else state.current
    # After blanks no session holds anything of the pin before.
    now = time.time()
    if state.first is None and state.switched is None and not state.current.preset:
        state.first = record.taken
    write(state, record, before, None if state.current.passing else now)
    note(state, record, now)


def note(state: State, record: Record, switched: float | None) -> None:
    """List the worktree among the pins of this machine, or no longer; what cannot be listed is no failure."""
    about = {"path": state.root, "state": state.path, "preset": record.preset, "switched": switched,
             "key": record.key.get("saved")}  # fmt: skip
    try:
        if any(record.pin.values()):
            files.make_folder(os.path.dirname(state.note), 0o700)
            files.replace(state.note, dumps(about).encode(), 0o600)
        else:
            os.unlink(state.note)
    except OSError:
        pass


def write(state: State, record: Record, before: Record, switched: float | None) -> None:
    """Write both records and the time of the last switch; raises OSError."""
    data = {"version": 1, "current": record.data(), "previous": before.data(), "switched": switched,
            "first": state.first}  # fmt: skip
    folder = os.path.dirname(state.path)
    files.make_folder(folder, 0o700)
    files.sweep(folder)
    files.replace(state.path, dumps(data).encode(), 0o600)


def fingerprint(secret: Secret) -> dict[str, str]:
    """Return a salted hash by which a key can be recognised and from which it cannot be read."""
    salt = os.urandom(16).hex()
    return {"salt": salt, "hash": digest(secret.reveal(), salt)}
