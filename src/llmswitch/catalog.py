"""The presets on disk: the shipped ones, and the user's own in front of them. Never the repository's."""

from __future__ import annotations

import json
import os

from llmswitch.errors import PresetProblem, UsageProblem
from llmswitch.preset import NAME, Preset, merged, wrong_preset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

SUFFIX = ".json5"
GATEWAY_PORT = 18000


def shipped_folder() -> str:
    """Return the folder of the shipped presets: inside the package, or at the top of a checkout.

    By path and not by importlib.resources, whose import alone costs more than a whole `status`.
    """
    package = os.path.dirname(os.path.abspath(__file__))
    inside = os.path.join(package, "presets")
    return inside if os.path.isdir(inside) else os.path.join(package, "..", "..", "presets")


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
        self._loaded: dict[str, Preset] = {}
        self._windows: dict[str, int] | None = None

    def names(self) -> list[str]:
        """Return the names of all presets, usable or not; an editor's lock or a dangling link is none."""
        return sorted({*_stems(self._shipped), *_stems(self._own)})

    def load(self, name: str) -> Preset:
        """Return one preset, read once; UsageProblem for an unknown name, PresetProblem for a wrong file."""
        if name not in self._loaded:
            self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> Preset:
        path = self._path(name)
        if path is None:
            raise UsageProblem(f"There is no preset {name!r}.{self._suggestion(name)}", hint="See `llmswitch list`.")
        if name in self._reserved or not NAME.fullmatch(name):
            raise PresetProblem(f"{path}: a preset cannot be called {name!r}: that is a command, or not a name.")
        preset = Preset(name, self._fields(path, ()), path)
        self._check_places(preset)
        return preset

    def _check_places(self, preset: Preset) -> None:
        """Raise PresetProblem where a slot names a preset that cannot serve it."""
        for slot, place in preset.elsewhere.items():
            if place.preset and (why := self._why_no_place(preset.name, place.preset)):
                raise wrong_preset(preset.source, [(f"slots.{slot}.preset", why)])

    def _why_no_place(self, mixed: str, name: str) -> str:
        if name == mixed or self._path(name) is None:
            return f"is {name}, which is {'this preset itself' if name == mixed else 'not there'}"
        try:
            place = self._preset_without_places(name)
        except PresetProblem as problem:
            return f"is {name}, which cannot be used: {problem.args[0]}"
        if place.is_claude:
            return f"is {name}: a login stays with Claude Code; name the preset anthropic, which has an API key"
        return "" if place.base_url else f"is {name}, which has no endpoint of its own"

    def _preset_without_places(self, name: str) -> Preset:
        """Return a preset as it stands, without a look at the presets it names: they could name it in turn."""
        path = self._path(name)
        assert path is not None  # the caller looked
        return self._loaded.get(name) or Preset(name, self._fields(path, ()), path)

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

    def windows(self) -> dict[str, int]:
        """Return {model id: context window in tokens} of the models the shipped data knows."""
        if self._windows is None:
            models = read_object(os.path.join(self._shipped, "models.json")).get("models")
            entries = models.items() if isinstance(models, dict) else ()
            self._windows = {name: entry["context_window"] for name, entry in entries if entry.get("context_window")}
        return self._windows

    def _path(self, name: str, above: str = "") -> str | None:
        """Return the file of that name that wins; `above` is one that must not be it (an overlay's own)."""
        candidates = [os.path.join(folder, name + SUFFIX) for folder in (self._own, self._shipped)]
        return next((path for path in candidates if path != above and os.path.isfile(path)), None)

    def _fields(self, path: str, seen: tuple[str, ...]) -> dict[str, object]:
        fields = read_object(path)
        parent = fields.get("extends")
        if parent is None:
            return fields
        if not isinstance(parent, str) or not NAME.fullmatch(parent):
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


def _stems(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    stems = [name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX)]
    return [stem for stem in stems if NAME.fullmatch(stem) and os.path.isfile(os.path.join(folder, stem + SUFFIX))]


def read_object(path: str) -> dict[str, object]:
    """Return the object in a JSON5 file; the json module first, since json5 is a thousand times slower.

    Raises PresetProblem, which names the file, where there is none.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise PresetProblem(f"{path}: cannot read it ({type(error).__name__}).") from None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = _read_json5(path, text)
    if not isinstance(data, dict):
        raise PresetProblem(f"{path}: the file must be one object, {{ … }}.")
    return data


def _read_json5(path: str, text: str) -> object:
    import json5

    try:
        return json5.loads(text, allow_duplicate_keys=False)
    except (ValueError, RecursionError) as error:
        why = str(error).removeprefix("<string>:").split("\n")[0] if isinstance(error, ValueError) else "too deep"
        raise PresetProblem(f"{path}: not JSON5: line {why}.") from None
