"""A user's machine in process, for tests of keys over their life: repositories, worktrees, and a keyring in memory."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from llmswitch.base.errors import COMMANDS
from llmswitch.base.secret import Secret
from llmswitch.cli import hot_switch, renewing, switch
from llmswitch.cli.app import App
from llmswitch.commands import back, keys
from llmswitch.keys import saved
from llmswitch.keys.hashes import KeyHashes

SENT = "ANTHROPIC_AUTH_TOKEN"
NAME = "openrouter"


class Shelf:
    """A keyring in memory."""

    title = "a keyring in memory"
    kind = "tests.Shelf"

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, name: str) -> Secret | None:
        """Return what was put there."""
        return Secret(self.kept[name]) if name in self.kept else None

    def set(self, name: str, secret: Secret) -> Secret | None:
        """Put a key there and return the one before."""
        before = self.get(name)
        self.kept[name] = secret.reveal()
        return before

    def delete(self, name: str) -> bool:
        """Take a key away."""
        return self.kept.pop(name, None) is not None


class Machine:
    """Commands as functions; each reads everything anew, as a process would."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.shelf = folder, Shelf()
        self.environ = {**os.environ, "HOME": str(folder / "home"), "LLMSWITCH_HOME": str(folder / "llmswitch")}
        folder.mkdir(exist_ok=True)

    def repository(self, name: str, *linked: str) -> list[Path]:
        """Make a repository with linked worktrees and return them all."""
        root = self.folder / name
        root.mkdir()
        self.git(root, "init", "--quiet")
        self.git(root, "commit", "--quiet", "--allow-empty", "-m", "first")
        for other in linked:
            self.git(root, "worktree", "add", "--quiet", str(self.folder / other))
        return [root, *(self.folder / other for other in linked)]

    def git(self, folder: Path, *words: str) -> None:
        """Run git."""
        subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)

    def app(self) -> App:
        """Return a run of its own."""
        app = App(self.environ, COMMANDS)
        app.keyring = lambda: self.shelf  # type: ignore[method-assign,return-value,assignment]
        app.sessions = lambda *roots: []  # type: ignore[method-assign]
        return app

    def save(self, key: str) -> None:
        """Save the key."""
        saved.save(NAME, Secret(key), self.app().catalog, self.shelf, self.app().key_names())

    def switch(self, folder: Path, preset: str, **options: object) -> None:
        """Switch a worktree."""
        switch.switch(self.app(), preset, {**options, "worktrees": [str(folder)]})

    def back(self, folder: Path) -> None:
        """Go back in a worktree."""
        app = self.app()
        checkout = app.checkouts.at(str(folder))
        hot_switch.carry_out(app, back.back(checkout.state, {}, lambda _: None), [checkout], {})

    def renew(self, helper: bool = False) -> int:
        """Renew every pin of this machine."""
        return renewing.renew(self.app(), NAME, machine=True, helper=helper, as_json=False)

    def delete(self) -> None:
        """Delete the key."""
        keys.delete_key(NAME, self.app().keyring, self.app().key_names())

    def state(self, key: str) -> str | None:
        """Return what a key is, by its hash."""
        return KeyHashes(self.app().state).state(NAME, key)

    def records(self) -> Iterator[Path]:
        """Yield every file that llmswitch keeps for itself."""
        for pattern in ("llmswitch/**/*", "*/.git/llmswitch/*", "*/.git/worktrees/*/llmswitch/*"):
            yield from (path for path in self.folder.glob(pattern) if path.is_file())


def settings(folder: Path) -> Path:
    """Return the settings file of a worktree."""
    return folder / ".claude" / "settings.local.json"


def key_in(folder: Path) -> str:
    """Return the key in a worktree's settings file, "" for none."""
    path = settings(folder)
    data = json.loads(path.read_text() or "{}") if path.exists() else {}
    return str(data.get("env", {}).get(SENT, ""))
