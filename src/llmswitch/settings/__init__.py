"""The settings file of a worktree, which is not ours, and what we remember of it."""
