"""What an administrator's settings do to a pin is known before a key is written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from llmswitch.claude.effective import Layer
from llmswitch.commands.guard import dangers
from llmswitch.presets.pin import Pin
from llmswitch.settings.checkout import Checkout

PIN = Pin({"ANTHROPIC_BASE_URL": "https://openrouter.ai/api", "ANTHROPIC_AUTH_TOKEN": "x"})


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"ANTHROPIC_BASE_URL": "https://corp.example/x"}, "would go to corp.example"),
        ({"ANTHROPIC_BASE_URL": ""}, "would go to Anthropic"),
        ({"CLAUDE_CODE_USE_BEDROCK": "1"}, "all goes to that cloud"),
        ({"ANTHROPIC_API_KEY": "theirs"}, "would be sent to openrouter.ai"),
        ({"apiKeyHelper": "theirs"}, "would be sent to openrouter.ai"),
        ({"ANTHROPIC_BASE_URL": "https://openrouter.ai/api", "ANTHROPIC_API_KEY": "theirs"}, ""),
        ({"CLAUDE_CODE_USE_BEDROCK": "0", "ANTHROPIC_API_KEY": "", "EDITOR": "vi"}, ""),
    ],
    ids=["base URL", "blank base URL", "cloud", "key", "helper", "the same host", "nothing"],
)
def test_what_an_administrator_sets_beats_a_pin(members: dict[str, Any], said: str) -> None:
    """The same in a file of the user's is cancelled by the pin, and no danger."""
    for origin in ("managed", "user"):
        layers = [Layer(origin, "/etc/m.json", members), Layer("shell", "", {})]
        found = dangers(PIN, cast("Checkout", SimpleNamespace(layers=layers)))
        assert [said in message for message, _ in found] == [True] * (origin == "managed" and said != "")
        assert all("/etc/m.json" in message and "theirs" not in message for message, _ in found)
