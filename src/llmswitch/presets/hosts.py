"""Where a preset of the user's sends a key, held against the hosts to which the shipped presets send it."""

from __future__ import annotations

from llmswitch.base.urls import host_of, is_loopback
from llmswitch.presets.balance import balance_of
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import all_shipped, shipped
from llmswitch.presets.preset import Preset


def strange_hosts(preset: Preset, catalog: Catalog) -> list[str]:
    """Return where a preset of the user's sends a key to another host than the shipped presets that use it do."""
    if catalog.is_shipped(preset.source):
        return []
    sent = [(preset.key, preset.host)] if preset.base_url else []
    sent += [(preset.key, host_of(preset.key_check["url"]))] if preset.key_check else []
    sent += [(preset.key, host_of(left.url))] if (left := balance_of(preset)) else []
    sent += [(preset.key, host_of(preset.models_url))] if preset.models_url else []
    sent += [(place.key, host_of(place.base_url)) for place in preset.elsewhere.values() if place.base_url]
    lines = []
    for key, host in dict.fromkeys(sent):
        usual = _hosts_of(key, host, catalog) if key else set()
        if usual and host not in usual and not is_loopback(f"http://{host}"):
            lines.append(f"{preset.name} sends the {key} key to {host}; it belongs to {', '.join(sorted(usual))}.")
    return lines


def _hosts_of(key: str, host: str, catalog: Catalog) -> set[str]:
    """Return the hosts to which the shipped presets send a key, with those they check it at."""
    home = shipped(key, catalog)  # most keys are named after it: then no other file is read
    if home and home.key == key and home.host == host:
        return {host}
    found = [preset for preset in all_shipped(catalog) if preset.key == key]
    checks = [host_of(preset.key_check["url"]) for preset in found if preset.key_check]
    return {*(preset.host for preset in found), *checks}
