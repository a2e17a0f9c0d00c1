"""All presets at once: their names, and each of them read."""

from __future__ import annotations

import os

from llmswitch.base.errors import PresetProblem, UsageProblem
from llmswitch.presets.files import SUFFIX
from llmswitch.presets.preset import is_name
from llmswitch.presets.prices import prices_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset
    from llmswitch.presets.prices import Price


def names(catalog: Catalog) -> list[str]:
    """Return the names of all presets, usable or not; an editor's lock or a dangling link is none."""
    return sorted({*stems(catalog.shipped_folder), *stems(catalog.own_folder)})


def stems(folder: str) -> list[str]:
    """Return the names of a folder's presets: regular files whose name is one."""
    try:
        found = os.listdir(folder)
    except OSError:
        return []
    stems = [name.removesuffix(SUFFIX) for name in found if name.endswith(SUFFIX)]
    return [stem for stem in stems if is_name(stem) and os.path.isfile(os.path.join(folder, stem + SUFFIX))]


def own_files(catalog: Catalog) -> list[str]:
    """Return the paths of the user's own presets."""
    return [os.path.join(catalog.own_folder, name + SUFFIX) for name in sorted(stems(catalog.own_folder))]


def load_all(catalog: Catalog) -> tuple[list[Preset], list[PresetProblem]]:
    """Return the usable presets, and what is wrong with the others: each fault once, though many stand on its file."""
    good, bad = [], list[PresetProblem]()
    for name in names(catalog):
        try:
            good.append(catalog.load(name))
        except PresetProblem as problem:
            bad.append(problem)
    faults: dict[str, PresetProblem] = {}
    for each in [*bad, *catalog.left_out]:
        text = each.root or str(each.args[0])  # of the file itself, not of the first preset that needs it
        each.args = (text,)
        faults.setdefault(text, each)
    return good, list(faults.values())


def all_shipped(catalog: Catalog) -> list[Preset]:
    """Return the shipped presets, whatever the user put on top of them."""
    return [preset for name in stems(catalog.shipped_folder) if (preset := shipped(name, catalog))]


def price_of(preset: Preset, slot: str, model: str, catalog: Catalog) -> Price | None:
    """Return what a slot's model costs at the provider it lives at."""
    place = preset.elsewhere.get(slot)
    home = preset if place is None else catalog.as_it_stands(place.preset) if place.preset else None
    return prices_of(catalog).find(home.prices, model) if home else None


def shipped(name: str, catalog: Catalog) -> Preset | None:
    """Return the shipped preset of that name, whatever the user put on top of it; None where there is none."""
    path = os.path.join(catalog.shipped_folder, name + SUFFIX)
    return catalog.read(name, path) if os.path.isfile(path) else None


def load_file(path: str, catalog: Catalog) -> Preset:
    """Return the preset in a file that need not be in one of the folders; PresetProblem for a wrong one."""
    name = os.path.basename(path).removesuffix(SUFFIX)
    if not path.endswith(SUFFIX) or not is_name(name):
        raise PresetProblem(f"{path}: a preset is called NAME{SUFFIX}.")
    return catalog.housed(name, path)


def known_models(preset: Preset) -> dict[str, str]:
    """Return {slot: model} as far as the preset says it, for a list or a price."""
    try:
        return preset.models({}, own_names=True)
    except UsageProblem:
        return {slot: model for slot, model in preset.slots.items() if model}
