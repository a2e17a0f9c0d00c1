"""A request for a switch, as plain data."""

from __future__ import annotations

import pytest

from llmswitch.commands.request import Request


def test_a_changed_request_keeps_all_else() -> None:
    """The one asked for stays as it is, and what no request has is an error."""
    asked = Request("openrouter", {"haiku": "a/b", "anyway": True, "discard_key": True}, {"LLMSWITCH_OPUS": "c/d"})
    tried = asked.but(dry_run=True)
    assert (tried.dry_run, asked.dry_run) == (True, False)
    same = [name for name in Request.__slots__ if name != "dry_run"]
    assert [getattr(tried, name) for name in same] == [getattr(asked, name) for name in same]
    with pytest.raises(AttributeError):
        asked.but(dry=True)
