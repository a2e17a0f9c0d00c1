"""What commands work on."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmswitch.gateway.client import LocalGateway
    from llmswitch.settings.file import SettingsFile
    from llmswitch.settings.state import Journal
    from llmswitch.worktrees.worktree import Worktree


class Target:
    """What a switch works on: one worktree, its settings file and its journal, and the local gateway."""

    def __init__(
        self, worktree: Worktree, file: SettingsFile, journal: Journal, gateway: Callable[[], LocalGateway]
    ) -> None:
        self.worktree, self.file, self.journal, self.gateway = worktree, file, journal, gateway
