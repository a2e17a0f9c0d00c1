"""The presets on disk: the shipped ones, and the user's own in front of them. Never the repository's."""

from __future__ import annotations

import os

from llmswitch.base.errors import PresetProblem, UsageProblem
from llmswitch.base.fastjson import loads
from llmswitch.presets.models import Models
from llmswitch.presets.preset import Preset, is_name, merged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from llmswitch.presets.pin import Pin
    from llmswitch.presets.prices import Price, Prices

PRICES = "prices.json"
GATEWAY_PORT = 18000


class Catalog:
    """All presets of two folders, each read once; `reserved` are the names a preset may not take (the commands).

    `gateway_port` tells where mixed presets find the local gateway.
    """

    def __init__(
        self,
        shipped: str,
        own: str,
        reserved: Collection[str] = (),
        gateway_port: Callable[[], int] = lambda: GATEWAY_PORT,
    ) -> None:
        self._shipped, self.own_folder, self._reserved = os.path.normpath(shipped), own, reserved
        self.gateway_port = gateway_port
        self.own_prices = os.path.join(os.path.dirname(own), PRICES)  # the user's refreshed copy
        self.pins: dict[tuple[object, ...], Pin] = {}  # what presets came to so far, for `pin`
        self._loaded: dict[str, Preset] = {}
        self._models: Models | None = None
        self._prices: Prices | None = None

    def names(self) -> list[str]:
        """Return the names of all presets, usable or not; an editor's lock or a dangling link is none."""
        return names(self._shipped, self.own_folder)

    def load(self, name: str) -> Preset:
        """Return one preset; UsageProblem for an unknown name, PresetProblem for a wrong file."""
        if name not in self._loaded:
            path = self._path(name)
            if path is None:
                raise UsageProblem(
                    f"There is no preset {name!r}.{self._suggestion(name)}", hint="See `llmswitch list`."
                )
            if self.is_command(name) or not is_name(name):
                raise PresetProblem(f"{path}: a preset cannot be called {name!r}: that is a command, or not a name.")
            self._loaded[name] = self._housed(name, path)
        return self._loaded[name]

    def as_it_stands(self, name: str) -> Preset | None:
        """Return a preset without a look at the places it names, which could name it in turn; None for a stranger."""
        path = self._path(name)
        return None if path is None else self._loaded.get(name) or self._read(name, path)

    def load_file(self, path: str) -> Preset:
        """Return the preset in a file that need not be in one of the folders; PresetProblem for a wrong one."""
        name = os.path.basename(path).removesuffix(SUFFIX)
        if not path.endswith(SUFFIX) or not is_name(name) or self.is_command(name):
            raise PresetProblem(f"{path}: a preset is called NAME{SUFFIX}, and not as a command is.")
        return self._housed(name, path)

    def _housed(self, name: str, path: str) -> Preset:
        """Return the preset in a file, with a place for each of its slots."""
        preset = self._read(name, path)
        if not preset.is_mixed:
            return preset
        from llmswitch.presets import places  # few presets are mixed

        return places.housed(preset, self.models, self.as_it_stands)

    def _read(self, name: str, path: str) -> Preset:
        files: list[str] = []
        fields = self._fields(os.path.abspath(path), files)
        if all(map(self.is_shipped, files)):  # tests have checked those
            return Preset(name, fields, path)
        from llmswitch.presets import check  # only for what the user wrote

        return check.checked(name, fields, path)

    def _fields(self, path: str, seen: list[str]) -> dict[str, object]:
        """Return the fields of a preset on top of those it extends, and note the files in `seen`."""
        fields = read_object(path)
        seen.append(path)
        parent = fields.get("extends")
        if parent is None:
            return fields
        if not isinstance(parent, str) or not is_name(parent):
            raise PresetProblem(f"{path}: extends must be the name of a preset.")
        # A preset of the user's that extends its own name means the shipped one, with this on top.
        below = self._path(parent, above=path)
        if below is None or below in seen:
            raise PresetProblem(f"{path}: extends {parent!r}, which {'extends this one' if below else 'is not there'}.")
        return merged(self._fields(below, seen), fields)

    def _path(self, name: str, above: str = "") -> str | None:
        """Return the file of that name that wins; `above` is one that must not be it (an overlay's own)."""
        candidates = [os.path.join(folder, name + SUFFIX) for folder in (self.own_folder, self._shipped)]
        return next((path for path in candidates if path != above and os.path.isfile(path)), None)

    def is_command(self, name: str) -> bool:
        """Say whether a name is a command's, which no preset may take."""
        return name in self._reserved

    def is_shipped(self, path: str) -> bool:
        """Say whether a preset's file came with llmswitch."""
        return os.path.dirname(path) == self._shipped

    def own_files(self) -> list[str]:
        """Return the paths of the user's own presets."""
        return [os.path.join(self.own_folder, name + SUFFIX) for name in sorted(stems(self.own_folder))]

    def load_all(self) -> tuple[list[Preset], list[PresetProblem]]:
        """Return the usable presets, and what is wrong with the others."""
        good, bad = [], []
        for name in self.names():
            try:
                good.append(self.load(name))
            except PresetProblem as problem:
                bad.append(problem)
        return good, bad

    def shipped(self, name: str) -> Preset | None:
        """Return the shipped preset of that name, whatever the user put on top of it; None where there is none."""
        path = os.path.join(self._shipped, name + SUFFIX)
        return self._read(name, path) if os.path.isfile(path) else None

    def all_shipped(self) -> list[Preset]:
        """Return all shipped presets."""
        return [preset for name in stems(self._shipped) if (preset := self.shipped(name))]

    @property
    def models(self) -> Models:
        """What is known of models."""
        if self._models is None:
            self._models = Models(read_object(os.path.join(self._shipped, "models.json")))
        return self._models

    @property
    def prices(self) -> Prices:
        """The shipped prices and the user's refreshed copy of them."""
        if self._prices is None:
            from llmswitch.presets.prices import Prices  # `status` names no price

            self._prices = Prices([read_object(os.path.join(self._shipped, PRICES)), read_or_empty(self.own_prices)])
        return self._prices

    def forget_prices(self) -> None:
        """Read the prices again when they are asked for."""
        self._prices = None

    def price(self, preset: Preset, slot: str, model: str) -> Price | None:
        """Return what a slot's model costs at the provider it lives at."""
        place = preset.elsewhere.get(slot)
        home = preset if place is None else self.as_it_stands(place.preset) if place.preset else None
        return self.prices.find(home.prices, model) if home else None

    def _suggestion(self, name: str) -> str:
        import difflib  # only for a mistyped name

        near = difflib.get_close_matches(name, [*self.names(), *self._reserved], n=1)
        return f" Did you mean {near[0]}?" if near else ""


SUFFIX = ".json5"


def shipped_folder() -> str:
    """Return the folder of the shipped catalog: inside the package, or at the top of a checkout.

    By path and not by importlib.resources, whose import alone costs more than a whole `status`.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    inside = os.path.join(here, "data")
    return inside if os.path.isfile(os.path.join(inside, "models.json")) else os.path.join(here, "../../../presets")


def stems(folder: str) -> list[str]:
    """Return the names of a folder's presets: regular files whose name is one."""
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    stems = [name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)]
    return [stem for stem in stems if is_name(stem) and os.path.isfile(os.path.join(folder, stem + SUFFIX))]


def names(*folders: str) -> list[str]:
    """Return the names of the presets in some folders, each once."""
    return sorted({stem for folder in folders for stem in stems(folder)})


def read_or_empty(path: str) -> dict[str, object]:
    """Return the object in a file, {} where there is none that can be read."""
    try:
        return read_object(path) if os.path.isfile(path) else {}
    except PresetProblem:
        return {}


def read_object(path: str) -> dict[str, object]:
    """Return the object in a JSON5 file; the json module first, since json5 is a thousand times slower."""
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise PresetProblem(f"{path}: cannot read it ({type(error).__name__}).") from None
    try:
        data = loads(text, _once)
    except (ValueError, RecursionError):
        data = _read_json5(path, text)
    if not isinstance(data, dict):
        raise PresetProblem(f"{path}: the file must be one object, {{ … }}.")
    return data


def _once(members: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object's members; ValueError where one comes twice, which json5 then says with its place."""
    found = dict(members)
    if len(found) != len(members):
        raise ValueError
    return found


def _read_json5(path: str, text: str) -> object:
    import json5

    try:
        return json5.loads(text, allow_duplicate_keys=False)
    except (ValueError, RecursionError) as error:
        why = str(error).removeprefix("<string>:").split("\n")[0] if isinstance(error, ValueError) else "too deep"
        raise PresetProblem(f"{path}: not JSON5: line {why}.") from None
