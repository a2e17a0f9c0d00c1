"""What is wrong with an address that a key would be sent to."""

from __future__ import annotations

from llmswitch.base.urls import Url


def url_problem(url: str) -> str | None:
    """Return what is wrong with the base URL of a Messages API, or None."""
    if problem := address_problem(url):
        return problem
    if without_version(url) != url:
        return "must not end in /v1: Claude Code adds /v1/messages itself and would ask for /v1/v1/messages"
    return None


def without_version(url: str) -> str:
    """Return a URL without the `/v1` at its end."""
    return url.removesuffix("/").removesuffix("/v1") if url.removesuffix("/").endswith("/v1") else url


def address_problem(url: str) -> str | None:
    """Return why a key must not be sent to that address, or None."""
    found = Url(url)
    if not found.valid or not url.isprintable():
        return "must be https://HOST[:PORT][/PATH] with no user name, query or fragment"
    if found.scheme == "http" and not found.is_loopback:
        return "must use https (http is only for this machine), or the key would cross the network in clear"
    return None
