"""How a provider says that it does not serve a key."""

from __future__ import annotations

# What it says with a status (RFC 9110, and 429 of RFC 6585): the key is refused, paid out, or used too fast.
SAID = {401: "does not take the key", 402: "says that no credit is left", 429: "says that a limit is reached"}
