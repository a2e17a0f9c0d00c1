"""Base URLs: which host one means, and what is wrong with a wrong one.

Taken apart by hand: importing `re` costs as much as all the rest of a `status`, and urllib.parse still more.
"""

from __future__ import annotations

_DIGITS = "0123456789"
_NAME = _DIGITS + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-"
_IPV6 = _DIGITS + "abcdefABCDEF:"
ID_DIGITS = 16  # hexadecimal, in the gateway's URLs


class Url:
    """The parts of `SCHEME://HOST[:PORT][/PATH]`; in anything else one of them is not `valid`."""

    def __init__(self, url: str) -> None:
        self.scheme, _, rest = url.partition("://")
        place, _, self.path = rest.partition("/")
        host, colon, port = place.rpartition(":")
        self.host, self.port = (place, "") if place.endswith("]") or not colon else (host, colon + port)

    @property
    def valid(self) -> bool:
        """Say whether there is nothing but these parts: no user, query or fragment, no space."""
        ipv6 = self.host[:1] == "[" and self.host[-1:] == "]" and len(self.host) > 2
        host = not self.host[1:-1].strip(_IPV6) if ipv6 else self.host and not self.host.strip(_NAME)
        port = not self.port or (len(self.port) > 1 and not self.port[1:].strip(_DIGITS))
        path = "?" not in self.path and "#" not in self.path and not any(map(str.isspace, self.path))
        return self.scheme in ("http", "https") and bool(host) and port and path

    @property
    def is_loopback(self) -> bool:
        """Say whether the host is this machine."""
        numbers = self.host.split(".")
        ipv4 = len(numbers) == 4 and numbers[0] == "127" and all(map(_is_number, numbers))
        return ipv4 or self.host in ("localhost", "[::1]")


def _is_number(text: str) -> bool:
    return 1 <= len(text) <= 3 and not text.strip(_DIGITS) and int(text) < 256


def host_of(url: str) -> str:
    """Return host and port of a base URL, "" for anything that is none: a user part could pass for the host."""
    found = Url(url)
    return found.host + found.port if found.valid else ""


def is_loopback(url: str) -> bool:
    """Say whether a base URL stays on this machine."""
    found = Url(url)
    return found.valid and found.is_loopback


def id_in(url: str) -> str | None:
    """Return the id of the routes that a gateway's base URL names, None for any other URL."""
    origin, _, name = url.partition("/w/")
    return name if is_id(name) and origin.startswith("http://") and is_loopback(origin) else None


def is_id(text: str) -> bool:
    """Say whether a text can be an id of routes."""
    return len(text) == ID_DIGITS and not text.strip("0123456789abcdef")
