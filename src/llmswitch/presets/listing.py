"""All presets at once: their names, and each of them read."""

from __future__ import annotations

import difflib
import os

from llmswitch.base.errors import PresetProblem
from llmswitch.presets.files import SUFFIX
from llmswitch.presets.preset import is_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset
    from llmswitch.presets.prices import Price


def names(catalog: Catalog) -> list[str]:
    """Return the names of all presets, usable or not; an editor's lock or a dangling link is none."""
    return sorted({*_stems(catalog.shipped_folder), *_stems(catalog.own_folder)})


def _stems(folder: str) -> list[str]:
    """Return the names of a folder's presets: regular files whose name is one."""
    try:
        found = os.listdir(folder)
    except OSError:
        return []
    stems = [name.removesuffix(SUFFIX) for name in found if name.endswith(SUFFIX)]
    return [stem for stem in stems if is_name(stem) and os.path.isfile(os.path.join(folder, stem + SUFFIX))]


def own_files(catalog: Catalog) -> list[str]:
    """Return the paths of the user's own presets."""
    return [os.path.join(catalog.own_folder, name + SUFFIX) for name in sorted(_stems(catalog.own_folder))]


def load_all(catalog: Catalog) -> tuple[list[Preset], list[PresetProblem]]:
    """Return the usable presets, and what is wrong with the others."""
    good, bad = [], []
    for name in names(catalog):
        try:
            good.append(catalog.load(name))
        except PresetProblem as problem:
            bad.append(problem)
    return good, bad


def all_shipped(catalog: Catalog) -> list[Preset]:
    """Return the shipped presets, whatever the user put on top of them."""
    return [preset for name in _stems(catalog.shipped_folder) if (preset := catalog.shipped(name))]


def price(preset: Preset, slot: str, model: str, catalog: Catalog) -> Price | None:
    """Return what a slot's model costs at the provider it lives at."""
    place = preset.elsewhere.get(slot)
    home = preset if place is None else catalog.as_it_stands(place.preset) if place.preset else None
    return catalog.prices.find(home.prices, model) if home else None


def suggestion(name: str, catalog: Catalog) -> str:
    """Return the nearest preset or command as a question, "" where none is near."""
    near = difflib.get_close_matches(name, [*names(catalog), *catalog.reserved], n=1)
    return f" Did you mean {near[0]}?" if near else ""
