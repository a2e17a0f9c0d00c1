"""The real edges, put together from one environment; each is made when a command asks for it."""

from __future__ import annotations

import os

from llmswitch.catalog import Catalog, shipped_folder
from llmswitch.folders import config_folder, state_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from llmswitch.commands.status import Surroundings
    from llmswitch.commands.switch import Target
    from llmswitch.key_names import KeyNames
    from llmswitch.os_keyring import OsKeyring


class App:
    """One run of llmswitch: the environment it was started in, and what it reaches from there."""

    def __init__(self, environ: Mapping[str, str], reserved: Collection[str] = ()) -> None:
        self.environ, self.home = environ, environ.get("HOME", "")
        self._state = state_folder(environ)
        self.catalog = Catalog(shipped_folder(), os.path.join(config_folder(environ), "presets"), reserved)

    def target(self, path: str = ".") -> Target:
        """Return the worktree around `path` with its settings file and journal."""
        from llmswitch import worktrees
        from llmswitch.commands.switch import Target
        from llmswitch.journal import Journal, digest
        from llmswitch.settings_file import SettingsFile

        worktree = worktrees.find(path)
        lock = os.path.join(self._state, "locks", digest(worktree.root))
        return Target(worktree, SettingsFile(worktree.root, lock), Journal(worktree, self._state))

    def preset_here(self) -> str | None:
        """Return the preset that was last switched to in this folder, None where there is none to know of."""
        from llmswitch.errors import LlmswitchError

        try:
            return self.target().journal.current.preset
        except LlmswitchError:
            return None

    def keyring(self) -> OsKeyring:
        """Return the OS keyring; nothing is imported or asked before its first use."""
        from llmswitch import console
        from llmswitch.os_keyring import OsKeyring

        return OsKeyring(console.attended(), console.note)

    def key_names(self) -> KeyNames:
        """Return the record of saved keys' names."""
        from llmswitch.key_names import KeyNames

        return KeyNames(self._state)

    def surroundings(self, target: Target) -> Surroundings:
        """Return what a session that starts in the target reads."""
        from llmswitch.commands.status import Surroundings
        from llmswitch.journal import Journal
        from llmswitch.layers import layers, main_root
        from llmswitch.worktrees import Worktree

        worktree = target.worktree
        main = main_root(worktree)
        record = (
            Journal(Worktree(main, worktree.common_dir, worktree.common_dir), self._state).current
            if main
            else None
        )
        # Inside a Claude Code session the environment is the current pin, not something the user exported.
        environ = {} if self.environ.get("CLAUDECODE") else self.environ
        below = os.path.join(worktree.root, "any folder below")
        return Surroundings(layers(worktree, worktree.root, environ), layers(worktree, below, environ), record)
