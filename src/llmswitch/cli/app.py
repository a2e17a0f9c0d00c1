"""What a run of llmswitch reaches from the environment it was started in; each is made when a command asks for it."""

from __future__ import annotations

import os

from llmswitch.base.errors import UsageProblem
from llmswitch.cli import console
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.settings.checkout import Checkouts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from llmswitch.claude.sessions import Session, Sessions
    from llmswitch.gateway.client import LocalGateway
    from llmswitch.keys.keyring import OsKeyring
    from llmswitch.keys.names import KeyNames
    from llmswitch.presets.preset import Preset

# What few runs need → where it is.
PLACES = {
    "keyring": "llmswitch.keys.keyring:OsKeyring",  # an exported key needs none
    "names of keys": "llmswitch.keys.names:KeyNames",
    "helper": "llmswitch.base.shell:helper",  # imports re
    "gateway": "llmswitch.gateway.client:LocalGateway",  # few pins point at it
    "sessions": "llmswitch.claude.sessions:Sessions",  # looks at every process
    "deaf": "llmswitch.claude.watching:is_deaf",  # looks at what an open session watches
    "main rules": "llmswitch.claude.program:main_rules",  # starts Claude Code; only before a refusal
    "config": "llmswitch.presets.config:load",  # only where there is one
    "below": "llmswitch.commands.below:unread",  # only for a switch from a folder below the root
    "port": "llmswitch.presets.config:gateway_port",
}
COMPLETION = "_LLMSWITCH_COMPLETE"  # the variable with which a shell asks for suggestions


def at(place: str) -> Any:
    """Return what is at a `module:name`, whose module is imported now."""
    module, _, name = place.partition(":")
    return getattr(__import__(module, fromlist=[name]), name)  # the one door of the tables here, in front and in main


def _absolute(environ: Mapping[str, str], name: str) -> str:
    """Return the folder that a variable names, "" where it is not set; UsageProblem for one that depends on where."""
    if (path := environ.get(name, "")) and not os.path.isabs(path):
        raise UsageProblem(f"{name} is {path}, which is not a whole path from / on.", hint=f"Set {name} to one.")
    return path


def _base(environ: Mapping[str, str], xdg: str, fallback: str) -> str:
    chosen = environ.get(xdg, "")  # the XDG base directory specification: a relative path is ignored
    home = _absolute(environ, "HOME") or os.path.expanduser("~")
    return os.path.join(chosen if os.path.isabs(chosen) else os.path.join(home, fallback), "llmswitch")


class App:
    """One run of the command line `typed`: `catalog` has the presets, `reserved` names that no preset may take."""

    def __init__(self, environ: Mapping[str, str], reserved: Collection[str] = (), typed: Sequence[str] = ()) -> None:
        self.environ, self.home, self.typed = environ, environ.get("HOME", ""), typed
        # In the state folder are locks and what is known of saved keys; everything in it may be deleted.
        own = _absolute(environ, "LLMSWITCH_HOME")
        self.config = own or _base(environ, "XDG_CONFIG_HOME", ".config")
        self.state = os.path.join(own, "state") if own else _base(environ, "XDG_STATE_HOME", ".local/state")
        self.catalog = Catalog(shipped_folder(), os.path.join(self.config, "presets"), reserved, self.gateway_port)
        self.catalog.anyway = "--anyway" in typed
        self.checkouts = Checkouts(environ, self.state)
        self._keyring: OsKeyring | None = None
        self._sessions: Sessions | None = None

    def keyring(self) -> OsKeyring:
        """Return the OS keyring; nothing is asked before its first use."""
        if self._keyring is None:
            self._keyring = at(PLACES["keyring"])(console.attended(), console.note, self.keeper)
        return self._keyring

    def keeper(self, name: str) -> str:
        """Return the class of the keyring that took a key, "" where that is not known."""
        return self.key_names().load().get(name, "")

    def key_names(self) -> KeyNames:
        """Return the record of saved keys' names."""
        names: KeyNames = at(PLACES["names of keys"])(self.state)
        return names

    def key_helper(self, preset: Preset) -> str:
        """Return the shell command that prints a preset's key, for apiKeyHelper."""
        return str(at(PLACES["helper"])("print-key", "--preset", preset.name))

    def gateway(self) -> LocalGateway:
        """Return the local gateway of this user, whether it runs or not."""
        folder = os.path.join(self.state, "gateway")
        gateway: LocalGateway = at(PLACES["gateway"])(folder, self.environ, self.key_names, self.gateway_port)
        return gateway

    def sessions(self, *roots: str) -> list[Session] | None:
        """Return the Claude Code sessions that are open in these worktrees, None where nobody can know."""
        self._sessions = self._sessions or at(PLACES["sessions"])()
        found = self._sessions.of(*roots)
        for each in found or ():
            each.deaf = at(PLACES["deaf"])(each.pid, (each.folder, *roots))
        return found

    def prefers_helper(self) -> bool:
        """Say whether the user wants a pin's key from a helper, where nothing else is said."""
        if not os.path.lexists(os.path.join(self.config, "config.json5")):
            return False
        return bool(at(PLACES["config"])(self.config, self.catalog.anyway)["key_delivery"] == "helper")

    def gateway_port(self) -> int:
        """Return the port that the gateway listens on, or would."""
        return int(at(PLACES["port"])(self.config))
