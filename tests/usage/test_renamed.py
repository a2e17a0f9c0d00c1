"""Two ids are the same model where they differ by what is known to be harmless, and by nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmswitch.usage.renamed import is_same, undated

HARMLESS = (  # the same rules as patterns
    r":(free|exacto|nitro|floor|online|beta|thinking|extended)$",
    r"[-@](20\d{2}-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01]))(?=$|[-:])",
    r"-(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$",
    r"-v\d+:\d+$",
    r"-(latest|preview)$",
)
PARTS = ("claude", "-", "@", ":", "x/y", "20250929", "2025-08-07", "0905", "1399", "20", "v1:0", "-v1:0", ":free",
         ":free:free", "-latest", "-preview", "4", ".", "2025-0807", "20251399")  # fmt: skip


@given(st.lists(st.sampled_from(PARTS), max_size=6).map("".join))
def test_what_goes_is_what_the_patterns_say(model: str) -> None:
    """Each of them once, in this order."""
    expected = model
    for pattern in HARMLESS:
        expected = re.sub(pattern, "", expected)
    assert undated(model) == expected


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("claude-sonnet-4-5", "claude-sonnet-4-5-20250929"),
        ("x/y:free", "x/y"),
        ("gpt-5", "gpt-5@2025-08-07"),
        ("moonshotai/kimi-k2", "moonshotai/kimi-k2-0905"),
        ("mistral-large-latest", "mistral-large"),
        ("anthropic/claude-sonnet-4.5", "claude-sonnet-4-5-20250929"),
        ("us.anthropic.claude-sonnet-4-6", "us.anthropic.claude-sonnet-4-6-v1:0"),
        ("", "anything"),
    ],
)
def test_another_name_of_the_same_model(asked: str, answered: str) -> None:
    """As providers are known to answer; the last: nothing is said of what was asked."""
    assert is_same(asked, answered)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("claude-opus-5-5", "deepseek-flash"), ("x/y", "z/y"), ("gpt-5", "gpt-5-mini"), ("glm-4.5", "glm-4.6")],
)
def test_another_model(asked: str, answered: str) -> None:
    """However near its name is."""
    assert not is_same(asked, answered)
