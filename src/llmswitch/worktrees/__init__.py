"""Git worktrees: which one a path is in, and what git says of a file there."""
