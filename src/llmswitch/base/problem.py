"""A finding, as `status` and `doctor` give it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Problem:
    """Something that is wrong, or worth knowing, and the command that mends it. Levels: error, warning, note, ok.

    `members` are what `doctor --fix` would set in this worktree's pin.
    """

    __slots__ = ("code", "fix", "level", "members", "message")

    def __init__(
        self, code: str, level: str, message: str, fix: str = "", members: Mapping[str, Any] | None = None
    ) -> None:
        self.code, self.level, self.message, self.fix = code, level, message, fix
        self.members = members or {}

    def data(self) -> dict[str, str]:
        """Return the problem as JSON data."""
        return {"code": self.code, "level": self.level, "message": self.message, "fix": self.fix}
