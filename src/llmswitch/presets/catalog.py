"""The presets on disk: the shipped ones, and the user's own in front of them. Never the repository's."""

from __future__ import annotations

import os

from llmswitch.base.errors import PresetProblem
from llmswitch.presets.files import SUFFIX, read_object
from llmswitch.presets.models import Models
from llmswitch.presets.preset import Preset, is_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from llmswitch.presets.pin import Pin
    from llmswitch.presets.prices import Prices

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
        self.shipped_folder, self.own_folder, self.reserved = os.path.normpath(shipped), own, reserved
        self.gateway_port = gateway_port
        self.pins: dict[tuple[object, ...], Pin] = {}  # what presets came to so far, for `pin`
        self._loaded: dict[str, Preset] = {}
        self._models: Models | None = None
        self.left_out: list[PresetProblem] = []
        self.anyway = False  # read where safety says no
        self.price_lists: Prices | None = None  # for `prices_of`

    def load(self, name: str) -> Preset:
        """Return a preset by any of its names; UsageProblem for an unknown one, PresetProblem for a wrong file."""
        if name not in self._loaded:
            path = self._path(name)
            if path is None or self.is_command(name) or not is_name(name):
                from llmswitch.presets import words  # only for what is no preset's name

                return words.load(name, path, self)
            try:
                self._loaded[name] = self.housed(name, path)
            except PresetProblem as problem:
                if name != "claude" or self.is_shipped(path):
                    raise
                self.left_out.append(problem)  # the way back is open whatever the user's file says
                self._loaded[name] = self.housed(name, str(self._path(name, above=path)))
        return self._loaded[name]

    def as_it_stands(self, name: str) -> Preset | None:
        """Return a preset without a look at the places it names, which could name it in turn; None for a stranger."""
        path = self._path(name)
        return None if path is None else self._loaded.get(name) or self.read(name, path)

    def housed(self, name: str, path: str) -> Preset:
        """Return the preset in a file, with a place for each of its slots."""
        preset = self.read(name, path)
        if not preset.is_mixed:
            return preset
        from llmswitch.presets import slot_homes  # few presets are mixed

        return slot_homes.housed(preset, self.models, self.as_it_stands)

    def read(self, name: str, path: str) -> Preset:
        """Return the preset in a file as it stands."""
        files: list[str] = []
        fields = self._fields(os.path.abspath(path), files)
        if all(map(self.is_shipped, files)):  # tests have checked those
            return Preset(name, fields, path)
        from llmswitch.presets import check  # only for what the user wrote

        check.check_folder(self, path)
        return check.on_top(self, name, fields, path, files[1:])

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
        from llmswitch.presets.extends import merged  # only for a preset on top of another

        return merged(self._fields(below, seen), fields)

    def _path(self, name: str, above: str = "") -> str | None:
        """Return the file of that name that wins, and `above`, which extends it, is not: shipped ones extend those."""
        folders = (self.own_folder, self.shipped_folder)[self.is_shipped(above) :]
        candidates = [os.path.join(folder, name + SUFFIX) for folder in folders]
        return next((path for path in candidates if path != above and os.path.isfile(path)), None)

    def is_command(self, name: str) -> bool:
        """Say whether a name is a command's, which no preset may take."""
        return name in self.reserved

    def is_shipped(self, path: str) -> bool:
        """Say whether a preset's file came with llmswitch."""
        return os.path.dirname(path) == self.shipped_folder

    @property
    def models(self) -> Models:
        """What is known of models."""
        if self._models is None:
            self._models = Models(read_object(os.path.join(self.shipped_folder, "models.json")))
        return self._models
