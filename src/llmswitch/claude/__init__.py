"""All that llmswitch knows about Claude Code: a new release of it changes only this folder."""
