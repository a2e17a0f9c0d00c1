"""A key never shows itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmswitch.base.key_words import may_be_key
from llmswitch.base.secret import Secret, looks_like_key, mask, names_secret, redacted
from llmswitch.keys.sources import clean_key
from llmswitch.settings.keep import fingerprint
from llmswitch.settings.state import Record


@given(st.text(min_size=1))
def test_a_mask_shows_four_characters_of_a_long_key_and_nothing_of_a_short_one(text: str) -> None:
    """safety-96: And never the length."""
    assert mask(text) == "********" + (text[-4:] if len(text) >= 20 else "")


def test_a_secret_does_not_print() -> None:
    """Not by str, repr or format, nor in a container."""
    secret = Secret("sk-or-v1-0123456789abcdef")
    assert "0123" not in f"{secret} {secret!r} {[secret]}"
    assert secret == Secret(secret.reveal())
    assert secret != Secret("other")


@pytest.mark.parametrize(
    "text",
    ["sk-or-v1-0123456789abcdef", "--key=sk-ant-api03-abcdefghij", "hf_abcdefghijklmn0p", "fw_1234567890ABCD"],
)
def test_what_carries_a_providers_prefix_is_a_key(text: str) -> None:
    """Certain enough to refuse the whole command line."""
    assert looks_like_key(text)
    assert may_be_key(text)


@pytest.mark.parametrize(
    "text",
    ["openrouter", "mistralai/devstral-2512", "claude-haiku-4-5-20251001", "~anthropic/claude-opus-latest", "sk-",
     "sk-dashboard-frontend",
     "https://openrouter.ai/api", "/home/me/src/task-0123456789", "us.anthropic.claude-haiku-4-5-20251001-v1:0"],
)  # fmt: skip
def test_names_models_and_paths_are_no_keys(text: str) -> None:
    """They may be given as arguments."""
    assert not looks_like_key(text)
    assert not may_be_key(text)


@pytest.mark.parametrize("text", ["KEY0", " KEY0\n", "Bearer KEY0", "bearer  KEY0\r\n", '"KEY0"', "'KEY0'"])
def test_what_surrounds_a_pasted_key_is_taken_off(text: str) -> None:
    """Space, one "Bearer ", quotes."""
    assert clean_key(text).reveal() == "KEY0"


@pytest.mark.parametrize("text", ["", " ", "Bearer ", "a b", "a\nb", "a\0b", "é", '""', "\x7f"])
def test_what_no_header_can_carry_is_refused_without_quoting_it(text: str) -> None:
    """ValueError with a reason."""
    with pytest.raises(ValueError, match="the key") as caught:
        clean_key(text)
    assert repr(text) not in repr(caught.value) or not text.strip()


def test_a_fingerprint_knows_its_key_and_no_other() -> None:
    """Salted: two of the same key differ, and neither holds it."""
    one, two = fingerprint(Secret("key-1")), fingerprint(Secret("key-1"))
    assert one != two
    assert Record({"key": one}).has_key(Secret("key-1"))
    assert not Record({"key": one}).has_key(Secret("key-2"))
    assert not Record({"key": {}}).has_key(Secret("key-1"))
    assert "key-1" not in str(one)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pw@a.example/x", "https://********@a.example/x"),
        ("https://a.example/me@x", "https://a.example/me@x"),
        ("key sk-or-v1-0123456789abcdef, then", "key ********, then"),
        ("echo 0123456789abcdef0123456789abcdef", "echo ********"),
        ("vendor/model-2025", "vendor/model-2025"),
    ],
)
def test_what_may_be_a_secret_in_a_longer_text_is_starred(text: str, shown: str) -> None:
    """safety-84: the rest stays readable; the user part of a URL keeps its @."""
    assert redacted(text) == shown


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the key is empty"),
        ("bearer", "the key is empty"),
        ("a b", "the key holds a space, a control character or a letter outside ASCII"),
        ("a\x07", "the key holds a space, a control character or a letter outside ASCII"),
        ("ä", "the key holds a space, a control character or a letter outside ASCII"),
    ],
)
def test_the_reason_is_told(text: str, why: str) -> None:
    """safety-80, safety-81: and only the reason."""
    with pytest.raises(ValueError, match="the key") as caught:
        clean_key(text)
    assert str(caught.value) == why


@pytest.mark.parametrize("text", ["XKEYX", "'KEY\"", "'", "KEY'"])
def test_only_a_pair_of_quotes_is_taken_off(text: str) -> None:
    """safety-80: anything else may be part of the key."""
    assert clean_key(text).reveal() == text


def test_equal_secrets_are_one_in_a_set() -> None:
    """Without showing what they are."""
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") != "a"


def test_words_that_name_a_secret() -> None:
    """In headers and bodies, whatever the secret's form."""
    assert names_secret("Authorization: Bearer short")
    assert names_secret('{"tokens": "abc"}')
    assert not names_secret("X-Team: blue")
    assert not names_secret('{"max_tokens": 4096}')
