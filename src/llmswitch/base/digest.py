"""A hash without `hashlib`, which loads OpenSSL: 0.3 of Python's own start saved on every switch."""

from __future__ import annotations


def digest(text: str, salt: str = "") -> str:
    """Return the BLAKE2b hash of a text in 32 hexadecimal digits."""
    try:
        from _blake2 import blake2b
    except ImportError:  # another Python than CPython
        from hashlib import blake2b
    return blake2b(bytes(salt + text, "utf-8", "surrogatepass"), digest_size=16).hexdigest()
