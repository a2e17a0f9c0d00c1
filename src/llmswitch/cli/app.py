"""The real edges, put together from one environment; each is made when a command asks for it."""

from __future__ import annotations

import os

from llmswitch.base.folders import config_folder, own_command, state_folder
from llmswitch.presets.data_files import shipped_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from typing import Any

    from llmswitch.base.problem import Problem
    from llmswitch.base.secret import Secret
    from llmswitch.claude.sessions import Session
    from llmswitch.commands.request import Request
    from llmswitch.commands.run import Overlay
    from llmswitch.commands.several import Place, Site
    from llmswitch.gateway.client import LocalGateway
    from llmswitch.keys.keyring import OsKeyring
    from llmswitch.keys.names import KeyNames
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset
    from llmswitch.presets.routes import Route
    from llmswitch.settings.checkout import Target
    from llmswitch.settings.state import Record
    from llmswitch.status.report import Surroundings
    from llmswitch.worktrees.worktree import Listed, Worktree


class App:
    """One run of llmswitch: the environment it was started in, and what it reaches from there."""

    def __init__(self, environ: Mapping[str, str], reserved: Collection[str] = ()) -> None:
        self.environ, self.home = environ, environ.get("HOME", "")
        self._state, self._config = state_folder(environ), config_folder(environ)
        self._reserved, self._presets = reserved, os.path.join(self._config, "presets")
        self._catalog: Catalog | None = None

    @property
    def catalog(self) -> Catalog:
        """All presets, each read once."""
        if self._catalog is None:
            from llmswitch.presets.catalog import Catalog

            self._catalog = Catalog(shipped_folder(), self._presets, self._reserved, self.gateway_port)
        return self._catalog

    def preset_names(self) -> list[str]:
        """Return the names of all presets, without a look into one."""
        from llmswitch.presets.data_files import names

        return names(shipped_folder(), self._presets)

    def target(self, path: str = ".") -> Target:
        """Return the worktree around `path` with its settings file and journal."""
        from llmswitch.worktrees import worktree as worktrees

        return self._target(worktrees.find(path))

    def _target(self, worktree: Worktree) -> Target:
        from llmswitch.settings.checkout import Target
        from llmswitch.settings.file import SettingsFile
        from llmswitch.settings.state import Journal

        locks = os.path.join(self._state, "locks")
        file, journal = SettingsFile(worktree.root, locks), Journal(worktree, self._state)
        return Target(worktree, file, journal, self.gateway)

    def preset_here(self) -> str | None:
        """Return the preset that was last switched to in this folder, None where there is none to know of."""
        from llmswitch.base.errors import LlmswitchError

        try:
            return self.target().journal.current.preset
        except LlmswitchError:
            return None

    def pin_here(self) -> tuple[str, Mapping[str, str]] | None:
        """Return the preset that was last switched to in this folder with its overrides; `claude` where none was."""
        from llmswitch.base.errors import LlmswitchError

        try:
            record = self.target().journal.current
        except LlmswitchError:
            return None
        return (record.preset or "claude"), record.overrides

    def keyring(self) -> OsKeyring:
        """Return the OS keyring; nothing is imported or asked before its first use."""
        from llmswitch.cli import console, prompts
        from llmswitch.keys.keyring import OsKeyring

        return OsKeyring(prompts.attended(), console.note, self._keeper)

    def _keeper(self, name: str) -> str:
        return self.key_names().load().get(name, "")

    def key_names(self) -> KeyNames:
        """Return the record of saved keys' names."""
        from llmswitch.keys.names import KeyNames

        return KeyNames(self._state)

    def everywhere(self, path: str = ".") -> list[tuple[Listed, Target | None]]:
        """Return every worktree of this repository, main first; without a target where it cannot be used."""
        from llmswitch.worktrees import worktree as worktrees

        entries = worktrees.listing(worktrees.find(path))
        return [(entry, self._target(entry.worktree) if entry.worktree else None) for entry in entries]

    def site(self, target: Target) -> Site:
        """Return the target with the worktrees whose files matter to it: main, or those that main rules."""
        from llmswitch.claude import layers
        from llmswitch.commands.several import Site
        from llmswitch.worktrees import worktree as worktrees

        worktree = target.worktree
        main = layers.main_root(worktree)
        if main:
            place = self._place(worktrees.Worktree(main, worktree.common_dir, worktree.common_dir))
            return Site(target, place, [], self._lower_host(worktree))
        ruled = []
        if worktree.in_repository and worktree.is_main and os.path.isdir(os.path.join(worktree.git_dir, "worktrees")):
            entries = [entry.worktree for entry in worktrees.listing(worktree) if entry.worktree]
            ruled = [entry for entry in entries if layers.main_root(entry) == worktree.root]
        linked = [self._place(entry) for entry in ruled]
        following = [entry for entry, place in zip(ruled, linked, strict=True) if not place.pin]
        hosts = filter(None, map(self._lower_host, [worktree, *following]))
        return Site(target, None, linked, next(hosts, ""))

    def open_here(self, target: Target) -> Iterator[Problem]:
        """Return what the sessions that are open in a worktree still hold of an earlier switch."""
        from llmswitch.status import held

        journal, found = target.journal, self.open_sessions([target.worktree.root])
        return held.of_sessions(found, journal.switched, journal.current, journal.previous)

    def open_sessions(self, roots: Sequence[str]) -> list[Session] | None:
        """Return the Claude Code sessions that are open in these worktrees, None where nobody can know."""
        from llmswitch.claude import sessions

        return sessions.running(roots)

    def main_rules(self) -> bool:
        """Say whether the user's Claude Code lets main's local file win in linked worktrees."""
        from llmswitch.claude import program as client

        return client.main_rules(self.environ)

    def _lower_host(self, worktree: Worktree) -> str:
        """Return the host that settings files weaker than the local ones name."""
        from llmswitch.base.secret import redacted
        from llmswitch.base.urls import host_of
        from llmswitch.claude.effective import first_text
        from llmswitch.claude.layers import Reader
        from llmswitch.claude.variables import BASE_URL

        url = first_text(Reader(self.environ).weaker(worktree.root), BASE_URL)
        return host_of(url) or redacted(url)

    def _place(self, worktree: Worktree) -> Place:
        from llmswitch.claude import layers
        from llmswitch.commands.several import Place
        from llmswitch.settings.state import Journal

        layer = layers.read("", os.path.join(worktree.root, layers.LOCAL))
        return Place(worktree.root, layer.values if layer else {}, Journal(worktree, self._state).current.preset)

    def request(self, preset: str, options: Mapping[str, Any]) -> Request:
        """Return what the command line asks for, and what the user prefers where it is silent."""
        from llmswitch.commands.request import Request
        from llmswitch.presets import config

        said = {name: value for name, value in options.items() if value is not None}
        if self.catalog.load(preset).is_claude:  # it takes neither preferences nor exported models
            return Request(preset, said, {})
        said.setdefault("key_helper", config.load(self._config)["key_delivery"] == "helper")
        return Request(preset, said, self.environ)

    def key_helper(self, preset: Preset) -> str:
        """Return the shell command that prints a preset's key, for apiKeyHelper."""
        import shlex

        return shlex.join([*own_command(), "print-key", "--preset", preset.name])

    def gateway(self) -> LocalGateway:
        """Return the local gateway of this user, whether it runs or not."""
        from llmswitch.gateway.client import LocalGateway

        return LocalGateway(os.path.join(self._state, "gateway"), self.environ)

    def gateway_port(self) -> int:
        """Return the port that the gateway listens on, or would."""
        from llmswitch.presets import config

        return config.gateway_port(self._config)

    def find_key(self, route: Route) -> Secret:
        """Return the key of a gateway's route, asking nobody; the presets are read again, for they may have changed."""
        from llmswitch.commands.gateway import find_key
        from llmswitch.keys.keyring import OsKeyring

        return find_key(route, App(self.environ).catalog, self.environ, OsKeyring(False, keeper=self._keeper))

    def overlay(self, target: Target, overlay: Overlay) -> str:
        """Return the path of a --settings file with the overlay: the same for the same content in this worktree.

        Another content is another file, since open sessions follow changes of theirs.
        """
        from llmswitch.base.digest import digest
        from llmswitch.claude import program as client

        if overlay.secret:
            return client.overlay_in_memory(overlay.text)
        name = digest(f"{target.worktree.root}\n{overlay.text}") + ".json"
        return client.overlay_file(os.path.join(self._state, "overlays", name), overlay.text)

    def surroundings(self) -> Callable[..., Surroundings]:
        """Return a function (target, folder) → what a session that starts there reads; it reads no file twice.

        `folder` is one of the target, by default its root.
        """
        from llmswitch.claude.layers import Reader
        from llmswitch.settings.state import Journal
        from llmswitch.status.report import Surroundings
        from llmswitch.worktrees.worktree import Worktree

        # Inside a Claude Code session the environment is the current pin, not something the user exported.
        kept = ("HOME", "CLAUDE_CONFIG_DIR") if self.environ.get("CLAUDECODE") else self.environ
        reader = Reader({name: self.environ[name] for name in kept if name in self.environ})
        records: dict[str, Record] = {}

        def around(target: Target, folder: str | None = None) -> Surroundings:
            worktree = target.worktree
            main = reader.main_root(worktree)
            if main and main not in records:
                common = worktree.common_dir
                records[main] = Journal(Worktree(main, common, common), self._state).current
            here = reader.layers(worktree, os.path.realpath(folder) if folder else worktree.root)
            return Surroundings(here, reader.below(worktree, here), records[main] if main else None)

        return around
