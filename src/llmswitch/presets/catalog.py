"""The presets on disk: the shipped ones, and the user's own in front of them. Never the repository's."""

from __future__ import annotations

import os

from llmswitch.base.errors import PresetProblem, UsageProblem
from llmswitch.base.urls import host_of
from llmswitch.presets.data_files import SUFFIX, names, read_object, read_or_empty, stems
from llmswitch.presets.fields import is_name
from llmswitch.presets.models import Models
from llmswitch.presets.preset import Preset, merged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from llmswitch.presets.prices import Price, Prices

PRICES = "prices.json"
GATEWAY_PORT = 18000


class Catalog:
    """All presets of two folders; `reserved` are the names a preset may not take (the commands).

    `gateway_port` tells where mixed presets find the local gateway.
    """

    def __init__(
        self,
        shipped: str,
        own: str,
        reserved: Collection[str] = (),
        gateway_port: Callable[[], int] = lambda: GATEWAY_PORT,
    ) -> None:
        self._shipped, self._own, self._reserved = os.path.normpath(shipped), own, reserved
        self.gateway_port = gateway_port
        self.own_folder = own
        self._loaded: dict[str, Preset] = {}
        self.wishes: dict[tuple[object, ...], dict[str, str]] = {}  # what presets came to so far, for `wished`
        self._models: Models | None = None
        self._prices: Prices | None = None

    def names(self) -> list[str]:
        """Return the names of all presets, usable or not; an editor's lock or a dangling link is none."""
        return names(self._shipped, self._own)

    def load(self, name: str) -> Preset:
        """Return one preset, read once; UsageProblem for an unknown name, PresetProblem for a wrong file."""
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> Preset:
        path = self._path(name)
        if path is None:
            raise UsageProblem(f"There is no preset {name!r}.{self._suggestion(name)}", hint="See `llmswitch list`.")
        if self.is_command(name) or not is_name(name):
            raise PresetProblem(f"{path}: a preset cannot be called {name!r}: that is a command, or not a name.")
        return self._complete(Preset(name, self._fields(path, ()), path))

    def as_it_stands(self, name: str) -> Preset | None:
        """Return a preset without a look at the places it names, which could name it in turn; None for a stranger."""
        path = self._path(name)
        if path is None:
            return None
        return self._loaded.get(name) or Preset(name, self._fields(path, ()), path)

    def load_file(self, path: str) -> Preset:
        """Return the preset in a file that need not be in one of the folders; PresetProblem for a wrong one."""
        name = os.path.basename(path).removesuffix(SUFFIX)
        if not path.endswith(SUFFIX) or not is_name(name) or self.is_command(name):
            raise PresetProblem(f"{path}: a preset is called NAME{SUFFIX}, and not as a command is.")
        return self._complete(Preset(name, self._fields(os.path.abspath(path), ()), path))

    def _complete(self, preset: Preset) -> Preset:
        if preset.is_mixed:
            from llmswitch.presets import mixed as places

            places.find(preset, self.models)
            places.check(preset, self.as_it_stands)
        return preset

    def is_command(self, name: str) -> bool:
        """Say whether a name is a command's, which no preset may take."""
        return name in self._reserved

    def own_files(self) -> list[str]:
        """Return the paths of the user's own presets."""
        return [os.path.join(self._own, name + SUFFIX) for name in sorted(stems(self._own))]

    def load_all(self) -> tuple[list[Preset], list[PresetProblem]]:
        """Return the usable presets, and what is wrong with the others."""
        good, bad = [], []
        for name in self.names():
            try:
                good.append(self.load(name))
            except PresetProblem as problem:
                bad.append(problem)
        return good, bad

    def is_shipped(self, path: str) -> bool:
        """Say whether a preset's file came with llmswitch."""
        return os.path.dirname(path) == self._shipped

    @property
    def models(self) -> Models:
        """What is known of models, read once."""
        if self._models is None:
            self._models = Models(read_object(os.path.join(self._shipped, "models.json")))
        return self._models

    @property
    def prices(self) -> Prices:
        """The shipped prices and the user's refreshed copy of them, read once."""
        if self._prices is None:
            from llmswitch.presets.prices import Prices

            self._prices = Prices([read_object(os.path.join(self._shipped, PRICES)), read_or_empty(self.own_prices)])
        return self._prices

    @property
    def own_prices(self) -> str:
        """Where the user's refreshed copy of the prices lies."""
        return os.path.join(os.path.dirname(self._own), PRICES)

    def forget_prices(self) -> None:
        """Read the prices again when they are asked for."""
        self._prices = None

    def price(self, preset: Preset, slot: str, model: str) -> Price | None:
        """Return what a slot's model costs at the provider it lives at."""
        place = preset.elsewhere.get(slot)
        if place is None:
            return self.prices.find(preset.prices, model)
        home = self.as_it_stands(place.preset) if place.preset else None
        return self.prices.find(home.prices, model) if home else None

    def is_home(self, key: str, host: str) -> bool:
        """Say whether the shipped preset that a key is named after sends it to that host: most keys, quickly told."""
        path = os.path.join(self._shipped, key + SUFFIX)
        return os.path.isfile(path) and (home := self._shipped_preset(key)).key == key and home.host == host

    def hosts_of_key(self, key: str) -> set[str]:
        """Return the hosts to which the shipped presets send a key, with those they check it at."""
        found = [preset for name in stems(self._shipped) if (preset := self._shipped_preset(name)).key == key]
        checks = [host_of(preset.key_check["url"]) for preset in found if preset.key_check]
        return {*(preset.host for preset in found), *checks}

    def _shipped_preset(self, name: str) -> Preset:
        path = os.path.join(self._shipped, name + SUFFIX)
        return Preset(name, self._fields(path, ()), path)

    def windows(self) -> dict[str, int]:
        """Return {model id: context window in tokens} of the models the shipped data knows."""
        return self.models.windows()

    def _path(self, name: str, above: str = "") -> str | None:
        """Return the file of that name that wins; `above` is one that must not be it (an overlay's own)."""
        candidates = [os.path.join(folder, name + SUFFIX) for folder in (self._own, self._shipped)]
        return next((path for path in candidates if path != above and os.path.isfile(path)), None)

    def _fields(self, path: str, seen: tuple[str, ...]) -> dict[str, object]:
        fields = read_object(path)
        parent = fields.get("extends")
        if parent is None:
            return fields
        if not isinstance(parent, str) or not is_name(parent):
            raise PresetProblem(f"{path}: extends must be the name of a preset.")
        # A preset of the user's that extends its own name means the shipped one, with this on top.
        below = self._path(parent, above=path)
        if below is None or below in seen:
            raise PresetProblem(f"{path}: extends {parent!r}, which {'extends this one' if below else 'is not there'}.")
        return merged(self._fields(below, (*seen, path)), fields)

    def _suggestion(self, name: str) -> str:
        import difflib

        near = difflib.get_close_matches(name, [*self.names(), *self._reserved], n=1)
        return f" Did you mean {near[0]}?" if near else ""
