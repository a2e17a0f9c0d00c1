"""What people call the keyrings of the keyring library, by the module of each."""

from __future__ import annotations

TITLES = {
    "SecretService": "Secret Service",
    "libsecret": "Secret Service",
    "kwallet": "KWallet",
    "macOS": "macOS Keychain",
}
