"""Whose key a text is, by what a provider's keys begin with."""

from __future__ import annotations

from llmswitch.base.urls import is_loopback
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import load_all
from llmswitch.presets.preset import Preset

_COMMON = "sk-"  # of many providers: alone it tells nothing


def owners(text: str, catalog: Catalog) -> list[Preset]:
    """Return the presets whose keys begin as this text does, by the longest such prefix."""
    presets = [each for each in load_all(catalog)[0] if each.key_prefix not in ("", _COMMON)]
    found = [each for each in presets if text.startswith(each.key_prefix)]
    longest = max((len(each.key_prefix) for each in found), default=0)
    return [each for each in found if len(each.key_prefix) == longest]


def named(presets: list[Preset]) -> str:
    """Return the names of their keys, as a person reads them."""
    return " or ".join(sorted({each.key or each.name for each in presets}))


def another(text: str, host: str, catalog: Catalog) -> str:
    """Return the names of the keys that a text has the form of, "" where one of them belongs to the host."""
    found = [] if is_loopback(f"http://{host}") else owners(text, catalog)
    keys = {each.key for each in found}
    theirs = {_domain(each.host) for each in load_all(catalog)[0] if each.key in keys} if found else set()
    return "" if _domain(host) in theirs else named(found)


def misplaced(source: str, text: str, host: str, catalog: Catalog) -> list[str]:
    """Return the warning that an exported key is another provider's than the one it is sent to."""
    form = another(text, host, catalog)
    told = f"warning: {source} has the form of a key of {form}, and is sent to {host}. Is it the right one?"
    return [told] if form else []


def _domain(host: str) -> str:
    """Return the end of a host that a provider's hosts have in common."""
    return ".".join(host.partition(":")[0].split(".")[-2:])
