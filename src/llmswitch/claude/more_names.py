"""Names of Claude Code's beside a pin: what tunes its requests, what it hands on, what people misspell."""

from __future__ import annotations

import re

from llmswitch.claude.variables import CREDENTIALS

AUTO_COMPACT = "CLAUDE_CODE_AUTO_COMPACT_WINDOW"
NO_BETAS = "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"
NO_THINKING = "CLAUDE_CODE_DISABLE_THINKING"
THINKING_TOKENS = "MAX_THINKING_TOKENS"
TOOL_SEARCH = "ENABLE_TOOL_SEARCH"
EFFORT = "CLAUDE_CODE_EFFORT_LEVEL"

# What it also hands on, beside the pin, which tells a Claude Code that another one started it.
HANDED_ON = ("CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT")

# Names that people write and it does not read.
MISNAMED = {
    "ANTHROPIC_AUTH_KEY": "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_TOKEN": "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_KEY": "ANTHROPIC_API_KEY", "ANTHROPIC_API_TOKEN": "ANTHROPIC_API_KEY",
    "ANTHROPIC_URL": "ANTHROPIC_BASE_URL", "ANTHROPIC_API_URL": "ANTHROPIC_BASE_URL",
}  # fmt: skip

# A member of a settings file that holds a credential, in the file's text: (name, credential).
CREDENTIAL = re.compile(rf'"({"|".join(CREDENTIALS.values())})"\s*:\s*"([^"]{{12,}})"')
