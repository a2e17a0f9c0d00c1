"""Base URLs: which host one means, and what is wrong with a wrong one."""

from __future__ import annotations

import re

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(?P<port>:[0-9]+)?(?P<path>/[^\s?#]*)?"
)
_LOOPBACK = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|\[::1\]")


def host_of(url: str) -> str:
    """Return host and port of a base URL, "" for anything that is none: a user part could pass for the host."""
    match = _URL.fullmatch(url)
    return match["host"] + (match["port"] or "") if match else ""


def is_loopback(url: str) -> bool:
    """Say whether a base URL stays on this machine."""
    match = _URL.fullmatch(url)
    return match is not None and _LOOPBACK.fullmatch(match["host"]) is not None


def url_problem(url: str) -> str | None:
    """Return what is wrong with the base URL of a Messages API, or None."""
    if problem := address_problem(url):
        return problem
    if re.search(r"/v1/?$", url):
        return "must not end in /v1: Claude Code adds /v1/messages itself and would ask for /v1/v1/messages"
    return None


def address_problem(url: str) -> str | None:
    """Return why a key must not be sent to that address, or None."""
    match = _URL.fullmatch(url)
    if match is None or not url.isprintable():
        return "must be https://HOST[:PORT][/PATH] with no user name, query or fragment"
    if match["scheme"] == "http" and not is_loopback(url):
        return "must use https (http is only for this machine), or the key would cross the network in clear"
    return None
