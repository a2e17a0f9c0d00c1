"""A key in memory: it never shows itself, every output masks it through `mask`, and no core dump holds it.

Importing `re` costs half of Python's own start, and `hashlib`, which loads OpenSSL, 0.3 of it: neither is imported
before a text may hold a secret.
"""

from __future__ import annotations

import resource

try:
    from _blake2 import blake2b
except ImportError:  # another Python than CPython
    from hashlib import blake2b

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STARS = "********"
# What providers put before their keys. Looked for first: most texts have none of it, and need no pattern.
_PREFIXES = ("sk-", "sk_", "fw_", "hf_", "gsk_", "xai-", "AIza", "tp-", "pplx-", "tgp_", "vck_")
_SHORTEST = 12  # behind the prefix
# A prefix, followed by enough to be a key; `sk-dashboard-frontend` is none.
KNOWN_KEY = rf"\b({'|'.join(_PREFIXES)})(?=[A-Za-z_.-]*[0-9])[A-Za-z0-9_.-]{{{_SHORTEST},}}"
# What may be a secret inside a longer text: a key, a long run of letters and digits, the user part of a URL.
LONG_RUN = 32
_INSIDE = rf"{KNOWN_KEY}|\b(?=\w*[0-9])(?=\w*[A-Za-z])\w{{{LONG_RUN},}}|(?<=://)[^/@\s]*@"
# Words that go before a secret in a header or in JSON, and the same with the secret behind them.
# A number of tokens is none: `"max_tokens": 4096`.
_WORD = r"(?i)authori[sz]ation|bearer|api[-_]?key|token(?!s[\"']?[\s:=]+\d+\b)|secret|passw|cookie"
_SAID = r"(?i)bearer\s+\S|(authori[sz]ation|api[-_]?key|token|secret|passw\w*)[\"']?\s*[:=]"


class Secret:
    """A key; `reveal()` is the only way to its text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the key itself, for the settings file, the keyring or a request."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return f"Secret({STARS})"

    __str__ = __repr__


def mask(text: str) -> str:
    """Return stars and, where that gives nothing away, the last four characters.

    Short keys show nothing, and the number of stars never tells the length.
    """
    return STARS + text[-4:] if len(text) >= 20 else STARS


def redacted(text: str) -> str:
    """Return a text with stars for whatever in it may be a secret; for values that should hold none."""
    runs = text.replace("/", " ").replace("-", " ").replace(".", " ").split()
    if not (_has_prefix(text) or "@" in text or any(len(run) >= LONG_RUN for run in runs)):
        return text
    return str(_re().sub(_INSIDE, lambda match: STARS + "@" * match[0].endswith("@"), text))


def _has_prefix(text: str) -> bool:
    """Say whether a text holds what a known key begins with, and is as long as one."""
    return len(text) > _SHORTEST and any(prefix in text for prefix in _PREFIXES)


def _re() -> Any:
    import re  # only for a text that may hold a secret

    return re


def says_secret(text: str) -> bool:
    """Say whether a command holds a secret by its words: `get_api_key.sh` only names one."""
    return bool(_re().search(_SAID, text))


def names_secret(text: str) -> bool:
    """Say whether headers or JSON hold a secret by the words in them, whatever its form."""
    return bool(_re().search(_WORD, text))


def looks_like_key(text: str) -> bool:
    """Say whether `text` carries a provider's key prefix: certain enough to refuse an argument."""
    return _has_prefix(text) and bool(_re().search(KNOWN_KEY, text))


def digest(text: str, salt: str = "") -> str:
    """Return the BLAKE2b hash of a text in 32 hexadecimal digits."""
    return blake2b(bytes(salt + text, "utf-8", "surrogatepass"), digest_size=16).hexdigest()


limits_before: list[tuple[int, int]] = []  # for a program that takes our place


def no_core_dumps(for_good: bool = False) -> None:
    """Allow this process and those it starts no core dump, `for_good` without a way back."""
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    limits_before.append(limits)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0 if for_good else limits[1]))
