"""A worktree with all that a command reads of it: its settings file, its state, and the worktrees it shares with."""

from __future__ import annotations

import os

from llmswitch.claude.variables import EXCEPTIONS, HOST_APP, INSIDE, LOCAL, MANAGED, OURS, PROXIES, SHARED, TOP_MEMBERS
from llmswitch.settings.state import State
from llmswitch.worktrees.layout import Worktree, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.claude.effective import Layer
    from llmswitch.claude.layers import Reader
    from llmswitch.claude.roots import Roots
    from llmswitch.settings.file import SettingsFile


class Checkout:
    """A worktree with its settings file, its state, its main and its linked neighbours, each read once.

    `folder` is where a session starts: the worktree's root, or a folder of it.
    """

    __slots__ = ("_file", "_layers", "_linked", "_main", "_state", "checkouts", "folder", "worktree")

    def __init__(self, worktree: Worktree, checkouts: Checkouts, folder: str = "") -> None:
        self.worktree, self.checkouts = worktree, checkouts
        self.folder = os.path.realpath(folder) if folder else worktree.root
        self._file: SettingsFile | None = None
        self._state: State | None = None
        self._layers: list[Layer] | None = None
        self._linked: list[Checkout] | None = None
        self._main: Checkout | None = None

    @property
    def root(self) -> str:
        """The worktree's root."""
        return self.worktree.root

    @property
    def file(self) -> SettingsFile:
        """The local settings file."""
        if self._file is None:
            from llmswitch.settings.file import SettingsFile  # `status` reads layers only

            self._file = SettingsFile(self.root, os.path.join(self.checkouts.state_folder, "locks"))
        return self._file

    @property
    def state(self) -> State:
        """What the last switches wrote here."""
        if self._state is None:
            self._state = State(self.worktree, self.checkouts.state_folder)
        return self._state

    @property
    def layers(self) -> list[Layer]:
        """The settings that a session which starts in `folder` reads, the strongest first."""
        if self._layers is None:
            self._layers = self.checkouts.reader.layers(self.worktree, self.folder)
        return self._layers

    @property
    def below(self) -> list[Layer]:
        """Those of a session that starts below the root, in a folder without any."""
        return self.checkouts.reader.below(self.worktree, self.layers)

    @property
    def main(self) -> Checkout | None:
        """The main checkout whose local file rules here, None where there is none."""
        if self._main is None and not self.worktree.is_main and (root := self.checkouts.roots.main(self.worktree)):
            self._main = self.checkouts.main(root, self.worktree.common_dir)
        return self._main

    @property
    def linked(self) -> list[Checkout]:
        """The linked worktrees that this one rules."""
        if self._linked is None:
            self._linked = self.checkouts.ruled_by(self.worktree)
        return self._linked

    @property
    def pin(self) -> dict[str, str]:
        """The identity members that the local file sets, where it is not main's by a link."""
        layer = next((each for each in self.layers if each.path == f"{self.root}/{LOCAL}"), None)
        return {name: text for name, text in layer.values.items() if name in OURS} if layer else {}

    @property
    def described(self) -> str:
        """The worktree with its preset, for a message."""
        preset = self.state.current.preset
        return f"{self.root} ({preset})" if preset and preset != "claude" else self.root

    @property
    def has_rules(self) -> bool:
        """Say whether others may rule it: the repository, an administrator, the user in the same file, or the shell."""
        settings = self.file.settings()
        members = settings.root.members if settings and settings.root else ()
        others = any(member.key not in ("env", *TOP_MEMBERS) for member in members) or self.checkouts.hosted
        return others or any(map(os.path.lexists, (f"{self.root}/{SHARED}", *MANAGED)))

    @property
    def may_be_copied(self) -> bool:
        """Say whether there are files that each worktree which Claude Code makes gets a copy of."""
        return os.path.isfile(os.path.join(self.root, ".worktreeinclude"))

    @property
    def reached(self) -> list[str]:
        """The worktrees whose sessions a switch here reaches: this one, and those that follow it."""
        return [self.root, *(each.root for each in self.linked if not each.pin)]

    @property
    def ruled(self) -> list[str]:
        """The worktrees with a pin of their own that this one rules, for a message."""
        return [each.described for each in self.linked if each.pin]


class Checkouts:
    """The worktrees that one run looks at; they share what each of them would read again.

    `environ` is the environment that llmswitch was started in.
    """

    __slots__ = ("_environ", "_mains", "_reader", "hosted", "state_folder")

    def __init__(self, environ: Mapping[str, str], state_folder: str) -> None:
        # Inside a Claude Code session the environment is the current pin, not something the user exported.
        own = ("HOME", "PATH", "CLAUDE_CONFIG_DIR", *HOST_APP, *PROXIES, *EXCEPTIONS)
        kept = own if environ.get(INSIDE) else environ
        self._environ = {name: environ[name] for name in kept if name in environ}
        self._reader: Reader | None = None
        self.state_folder, self._mains = state_folder, dict[str, Checkout]()
        self.hosted = any(map(environ.get, HOST_APP))  # another program may choose the provider

    @property
    def roots(self) -> Roots:
        """Whose local files count."""
        return self.reader.roots

    @property
    def reader(self) -> Reader:
        """What reads the layers of their sessions."""
        if self._reader is None:
            from llmswitch.claude.layers import Reader  # a switch of one worktree by itself needs none

            self._reader = Reader(self._environ)
        return self._reader

    def at(self, path: str = ".", folder: str = "") -> Checkout:
        """Return the worktree around `path`, for sessions that start in `folder` (default: its root).

        Raises what worktrees.layout.find does.
        """
        return Checkout(find(path), self, folder)

    def main(self, root: str, common_dir: str) -> Checkout:
        """Return the main checkout at a root, which its linked worktrees share."""
        if root not in self._mains:
            self._mains[root] = Checkout(Worktree(root, common_dir, common_dir), self)
        return self._mains[root]

    def ruled_by(self, worktree: Worktree) -> list[Checkout]:
        """Return the linked worktrees whose sessions read this one's local file."""
        linked = os.path.join(worktree.git_dir, "worktrees")
        if not (worktree.in_repository and worktree.is_main and os.path.isdir(linked)):
            return []
        from llmswitch.worktrees.listing import listing  # asks git; only where there are linked worktrees

        found = [entry.worktree for entry in listing(worktree) if entry.worktree]
        return [Checkout(each, self) for each in found if self.roots.main(each) == worktree.root]
