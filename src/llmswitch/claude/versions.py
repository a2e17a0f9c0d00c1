"""The two releases of Claude Code that the tests run against: what llmswitch says of the client was measured there."""

NEWEST = "2.1.332"
LAST = "2.1.330"
