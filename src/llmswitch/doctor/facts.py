"""What `llmswitch doctor` looked at, as plain data, so that each of its checks is a pure function of it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from llmswitch.claude.effective import Layer, Value
    from llmswitch.claude.sessions import Session
    from llmswitch.presets.preset import Preset
    from llmswitch.settings.state import Record
    from llmswitch.status.report import Status

Version = tuple[int, ...]


class Facts:
    """One worktree with its settings, its file, git, and the user's client, keyring, keys and presets."""

    report: Status
    layers: Sequence[Layer] = ()
    preset: Preset | None = None
    record: Record
    windows: Mapping[str, int] = {}  # a default, never changed
    followers: Collection[str] = ()  # linked worktrees without a pin, which follow this one
    overridden: Collection[str] = ()  # linked worktrees whose pin this one overrides

    mode: int | None = None  # of the settings file, None where there is none
    owned = True
    hard_links = 1
    links: Sequence[str] = ()  # the settings file or its folder, where they are symbolic links
    leftovers: Sequence[str] = ()  # other files beside settings files that hold a credential
    temporary: Sequence[str] = ()  # what killed runs of llmswitch left
    mendable = False  # it is ignored by Claude Code for comments and trailing commas only
    tracked = False
    ignored = True
    git_doubts = ""  # why git cannot say either
    mode_chosen = False  # some settings file says how Claude Code asks for permission
    helper_missing = ""  # the program of apiKeyHelper, where it is not there

    program = ""  # the path of Claude Code, "" where it was not found
    client: Version | None = None
    git: Version | None = None
    onboarded = True
    keyring = ""
    keyring_problem = ""
    key_elsewhere = False  # the pin's key has a source besides the keyring
    unused_keys: Sequence[str] = ()
    unusable_presets: Sequence[str] = ()
    key_variable = ""  # the variable that could hold that key
    preset_age = 0  # days since its data were checked
    switched: float | None = None  # when the last switch was, in seconds since 1970
    open: Sequence[Session] = ()  # the sessions that are open here

    def __init__(self, report: Status, record: Record, previous: Record, **found: object) -> None:
        """Keep what was found; what was not looked at keeps the value that leads to no finding."""
        self.report, self.record, self.previous = report, record, previous
        vars(self).update(found)

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
        return f"llmswitch {self.preset.name}" if self.preset and not self.preset.is_claude else "llmswitch PRESET"
