"""A worktree whose requests go to a cloud by a switch of the user's own."""

from __future__ import annotations

from llmswitch.base.problem import Problem
from llmswitch.base.urls import host_of
from llmswitch.claude.clouds import BY_SWITCH, credential, endpoint, on, region
from llmswitch.claude.variables import BASE_URL, counts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.claude.effective import Layer, Value


def overruled(switch: str, own: Layer | None, values: Mapping[str, Value]) -> list[Problem]:
    """Return the problem of a pin in the own file that this switch, set elsewhere, makes void."""
    url = own.values.get(BASE_URL, "") if own else ""
    if not own or not url or counts(switch, own.values.get(switch, "")):
        return []
    cloud, place = BY_SWITCH[switch], values[switch].layer.path or "the shell"
    message = f"{switch} of {place} decides: all goes to {cloud.title}, and not to {host_of(url)}."
    return [Problem("cloud", "error", message, f"Take {switch} out of {place}.")]


def data(texts: Mapping[str, str]) -> dict[str, str] | None:
    """Return name, title, endpoint, region and credential of the cloud that is on, None where none is."""
    cloud = on(texts)
    if cloud is None:
        return None
    found = {"name": cloud.name, "title": cloud.title, "endpoint": endpoint(cloud, texts)}
    return {**found, "region": region(cloud, texts), "credential": credential(cloud, texts)}
