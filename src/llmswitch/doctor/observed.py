"""What `llmswitch doctor` observed, as plain data, so that each of its checks is a pure function of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from llmswitch.base.shell import spelled
from llmswitch.claude.effective import Layer, Value
from llmswitch.claude.sessions import Session
from llmswitch.claude.variables import HELPER
from llmswitch.doctor.editors import Named
from llmswitch.presets import ladder
from llmswitch.presets.preset import Preset
from llmswitch.settings.state import Record
from llmswitch.status.mends import again, settled
from llmswitch.status.report import Report

Version = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One worktree with its settings, its file, git, and the user's client, keyring, keys and presets.

    What was not looked at has the value that leads to no finding.
    """

    report: Report
    record: Record  # of the last switch
    previous: Record  # of the one before it
    layers: Sequence[Layer] = ()
    own_pin: bool = False  # the worktree's own file has a pin
    preset: Preset | None = None
    windows: Mapping[str, int] = field(default_factory=dict)
    gone: Mapping[str, str] = field(default_factory=dict)  # id that the provider serves no more → its successor
    followers: Collection[str] = ()  # linked worktrees without a pin, which follow this one
    overridden: Collection[str] = ()  # linked worktrees whose pin this one overrides
    pinned_beside: bool = False  # a linked worktree has a pin, which one here would override

    mode: int | None = None  # of the settings file, None where there is none
    owned: bool = True
    shared: str = ""  # who else can write into its folder
    hard_links: int = 1
    links: Sequence[str] = ()  # the settings file or its folder, where they are symbolic links
    leftovers: Sequence[str] = ()  # other files beside settings files that hold a credential
    rules: Mapping[str, Sequence[str]] = field(default_factory=dict)  # file → what its permission rules hold in secrets
    temporary: Sequence[str] = ()  # what killed runs of llmswitch left
    mendable: bool = False  # it is ignored by Claude Code for comments and trailing commas only
    tracked: bool = False
    ignored: bool = True
    git_doubts: str = ""  # why git cannot say either
    mode_chosen: bool = False  # some settings file says how Claude Code asks for permission
    helper_missing: str = ""  # the program of apiKeyHelper, where it is not there
    helper: str = ""  # the command that prints the pin's key, as a switch would write it now

    in_repository: bool = True
    worktrees: int = 1  # of this repository
    known_keys: Mapping[str, str] = field(default_factory=dict)  # each key that was saved or exported, and where
    others: Mapping[str, str] = field(default_factory=dict)  # other tools that choose backends, with what they left
    program: str = ""  # the path of Claude Code, "" where it was not found
    client: Version | None = None
    overlay_read: bool = True  # Claude Code, as it is started from PATH, reads the --settings that `run` brings
    git: Version | None = None
    onboarded: bool = True
    keyring: str = ""
    keyring_problem: str = ""
    keyring_fix: str = ""
    key_elsewhere: bool = False  # the pin's key has a source besides the keyring
    unused_keys: Sequence[str] = ()
    hidden_presets: Sequence[str] = ()  # the user's own that have the name of a command
    unusable_presets: Sequence[tuple[str, str]] = ()  # why, and what mends it ("": nobody knows)
    key_form: str = ""  # the names of other keys, where the credential in the file has the form of theirs
    key_variable: str = ""  # the variable that could hold that key
    preset_age: int = 0  # days since its data were checked
    switched: float | None = None  # when the last switch was, in seconds since 1970
    editors: Sequence[Named] = ()  # what the workspace's editor settings say of a backend
    open: Sequence[Session] = ()  # the sessions that are open here

    @property
    def values(self) -> Mapping[str, Value]:
        """The effective values."""
        return self.report.values

    def text(self, name: str) -> str:
        """Return an effective value, "" where there is none."""
        return self.report.texts.get(name, "")

    @property
    def use(self) -> str:
        """The command that puts the pin here again."""
        return self.using({})

    def using(self, changed: Mapping[str, str]) -> str:
        """Return the command that puts the pin here again, with every choice of the user's but those changed.

        A ladder would put its own models over those: then its slots stand there one by one, and it does not.
        """
        own = self.report.own.values if self.report.own else {}
        if not self.preset:  # what stands here may be the last pin with another base URL
            return (again(self.record, own) if self.own_pin and not changed else "") or "llmswitch PRESET"
        if self.preset.is_claude:
            return "llmswitch PRESET"
        ours = self.record.preset == self.preset.name
        chosen = {**(self.record.overrides if ours else {}), **changed}
        if not changed.keys().isdisjoint(ladder.gave(chosen)):
            del chosen[ladder.MARK]
        command = spelled(self.preset.name, chosen, ours and bool(self.record.pin.get(HELPER)))
        return command + settled(own, self.record, self.preset.key)
