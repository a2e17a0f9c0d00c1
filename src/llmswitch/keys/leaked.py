"""What to do about a key that others may have seen."""

from __future__ import annotations


def leaked(name: str, page: str) -> str:
    """Return every step in its order: revoke at the provider's page ("": not known), save the new one, renew, check."""
    return (
        f"First revoke that key at {page or 'the provider'}, then: llmswitch save-key {name}; "
        f"llmswitch renew {name} --everywhere; llmswitch status --everywhere --check"
    )
