"""Point Claude Code at another backend, one git worktree at a time."""

__version__ = "0.2.0"
