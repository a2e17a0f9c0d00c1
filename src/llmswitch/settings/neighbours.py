"""What lies around a worktree: the others of its repository, and the settings that are weaker than its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from llmswitch.base.secret import redacted
from llmswitch.base.urls import host_of
from llmswitch.claude import clouds
from llmswitch.claude.effective import Layer, Value, effective, first_text
from llmswitch.claude.variables import BASE_URL, LOCAL, SHARED
from llmswitch.settings.checkout import Checkout, Checkouts
from llmswitch.settings.state import FOLDER
from llmswitch.worktrees.layout import find
from llmswitch.worktrees.listing import Listed, listing


def everywhere(checkouts: Checkouts, path: str = ".") -> list[tuple[Listed, Checkout | None]]:
    """Return every worktree of this repository, main first; without a checkout where it cannot be used."""
    entries = listing(find(path))
    return [(entry, Checkout(entry.worktree, checkouts) if entry.worktree else None) for entry in entries]


def alike(checkout: Checkout) -> tuple[str | None, ...] | None:
    """Return what decides in a linked worktree that has no word of its own: where it is the same, all is the same.

    None for any other worktree, and where the user's own settings are a folder of each.
    """
    worktree, reader = checkout.worktree, checkout.checkouts.reader
    own = [f"{worktree.root}/{name}" for name in (LOCAL, SHARED, ".worktreeinclude")]
    if worktree.is_main or not os.path.isabs(reader.user) or any(map(os.path.lexists, own)):
        return None
    if os.path.lexists(f"{worktree.git_dir}/{FOLDER}"):  # a state
        return None
    return reader.roots.main(worktree), reader.roots.shared(worktree)


def all_of(checkouts: Checkouts, paths: Sequence[str]) -> tuple[list[Checkout], list[str]]:
    """Return the worktrees of the repositories around some paths, each once, and which of them cannot be used."""
    found = [row for path in paths for row in everywhere(checkouts, path)]
    left_out = [f"Left out: {entry.path} ({entry.state})." for entry, each in found if each is None]
    return list({each.root: each for _, each in found if each}.values()), left_out


def main_of_link(checkout: Checkout) -> Checkout | None:
    """Return the main checkout whose settings file a worktree has by a link, None where it has one of its own."""
    main = checkout.main
    return main if main and os.path.realpath(f"{checkout.root}/{LOCAL}") == f"{main.root}/{LOCAL}" else None


def pinned(checkout: Checkout) -> Checkout | None:
    """Return the worktree whose pin counts here: the main checkout that this one follows, or this one, if any."""
    return next((each for each in (checkout.main, checkout) if each and any(each.pin.values())), None)


def lower_host(checkout: Checkout) -> str:
    """The host that settings weaker than the local files name, here or in a worktree that follows; "" for none."""
    for root in checkout.reached:
        url = first_text(checkout.checkouts.reader.weaker(root), BASE_URL)
        if host := host_of(url) or redacted(url):
            return host
    return ""


def deciding(checkout: Checkout, after: Mapping[str, str]) -> tuple[str, str]:
    """Return where requests go with `after` in the local file, and the file (or "the shell") that decides it.

    The file is "" where that is the local file itself or Claude Code's own backend is called.
    """
    layers = [layer for layer in checkout.layers if layer.path != checkout.file.path]
    origin = {layer.origin: at for at, layer in enumerate(layers)}
    at = origin["main"] + 1 if "main" in origin else sum(layer.origin == "managed" for layer in layers)
    return decided(effective([*layers[:at], Layer("worktree", "", after), *layers[at:]]))


def decided(values: Mapping[str, Value]) -> tuple[str, str]:
    """Return the same for values that are in effect."""
    cloud = clouds.on({name: value.text for name, value in values.items()})
    decider = values.get(cloud.switch if cloud else BASE_URL)
    if decider is None or not decider.text:
        return "", ""
    by = decider.layer.path or ("" if decider.origin == "worktree" else "the shell")
    return cloud.title if cloud else host_of(decider.text) or redacted(decider.text), by
