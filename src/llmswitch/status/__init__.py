"""What Claude Code will really use in a worktree, and how that differs from the preset."""
