"""`llmswitch presets new` and `presets check`: the user's own presets."""

from __future__ import annotations

import json
import os

from llmswitch.base.errors import LlmswitchError, PresetProblem, UsageProblem
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.fields import FIELDS, Field
from llmswitch.presets.files import SUFFIX
from llmswitch.presets.hosts import strange_hosts
from llmswitch.presets.listing import load_file, names
from llmswitch.presets.pin import pin
from llmswitch.presets.preset import Preset, is_name

# How the variables begin that tune Claude Code or the way to a cloud.
_TUNING = ("CLAUDE_CODE_", "ANTHROPIC_", "API_", "DISABLE_", "ENABLE_", "MAX_", "AWS_", "CLOUD_ML_", "VERTEX_", "BASH_")
_HEAD = """\
// A preset of your own: llmswitch {name}
// It holds no key (llmswitch save-key stores those), so sharing it is copying this file. Take the // away in front of
// a field that shall be another than in {parent}; the guide: llmswitch help presets
"""
# What a new file has of the preset below as it stands there; of the rest an example.
_SHOWN = ("base_url", "protocol", "key", "auth", "default_slot", "default_model", "also", "env", "windows", "billing")


def new(name: str, parent: str, catalog: Catalog) -> str:
    """Write a preset that extends `parent` and return its path; UsageProblem for a name that cannot be."""
    if not is_name(name) or catalog.is_command(name):
        raise UsageProblem(f"A preset cannot be called {name!r}: that is a command, or not a name.")
    below = catalog.load(parent)
    if name != parent and name in names(catalog):
        raise UsageProblem(
            f"There is a preset {name} already.", hint=f"To change it: llmswitch presets new {name} --from {name}"
        )
    text = (
        _HEAD.format(name=name, parent=parent) + "{\n" + "".join(_field(*each, name, below) for each in FIELDS.items())
    )
    return _create(catalog.own_folder, name, text + "}\n")


def _field(name: str, field: Field, of: str, below: Preset) -> str:
    """Return a field of the new preset `of` as it stands in its file: its comment, and its value behind a comment."""
    about = f"  // {field.about.replace('`', '')}\n"
    if name == "extends":
        why = "the shipped one, with this on top" if of == below.name else "what is not said here is as there"
        return f'  {name}: "{below.name}", // {why}\n'
    if name == "title" and of != below.name:
        return f"{about}  {name}: {_json(f'{below.title}, my way')},\n"
    if name == "slots":
        models = "".join(f"    // {slot}: {_json(model)},\n" for slot, model in below.slots.items() if model)
        return f"{about}  {name}: {{\n{models}  }},\n"
    value = below.fields.get(name) if name in _SHOWN else None
    return f"{about}  // {name}: {field.example if value in (None, {}, []) else _json(value)},\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _create(folder: str, name: str, text: str) -> str:
    """Write a new preset of the user's and return its path; UsageProblem where there is one of that name."""
    path = os.path.join(folder, name + SUFFIX)
    try:
        os.makedirs(folder, exist_ok=True)
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageProblem(f"{path} is there already.", hint=f"See: llmswitch presets check {path}") from None
    except OSError as error:
        raise LlmswitchError(f"{path}: cannot write it ({error.strerror}).") from None
    return path


def check(paths: list[str], catalog: Catalog) -> tuple[list[str], list[str]]:
    """Return what is wrong with preset files, and what is worth knowing, each with its file and field."""
    wrong: list[str] = []
    known: list[str] = []
    for path in paths:
        try:
            preset = load_file(path, catalog)
        except PresetProblem as problem:
            found = [f"{path}: {field} {why}." for field, why in problem.found]
            wrong += found or [str(problem.args[0])]
            continue
        except LlmswitchError as problem:
            wrong.append(str(problem.args[0]))
            continue
        known += [
            f"{path}: {line}"
            for line in [
                *_hidden(preset.name, catalog),
                *preset.warnings,
                *_powers(preset, catalog),
                *_hindrance(preset, catalog),
            ]
        ]
    return wrong, known


def _hidden(name: str, catalog: Catalog) -> list[str]:
    """Return how to reach a preset that has a command's name."""
    return (
        [f"{name} is a command too; the preset is reached by: llmswitch use {name}"] if catalog.is_command(name) else []
    )


def _powers(preset: Preset, catalog: Catalog) -> list[str]:
    """Return what a preset that was copied from somebody may do besides choosing models."""
    lines = strange_hosts(preset, catalog)
    command = (preset.key_from or {}).get("command")
    if isinstance(command, list):
        lines.append(f"It runs a program for its key: {' '.join(command)}")
    odd = [name for name in preset.env if not name.startswith(_TUNING)]
    return [*lines, f"It sets variables of other programs too: {', '.join(odd)}."] if odd else lines


def _hindrance(preset: Preset, catalog: Catalog) -> list[str]:
    """Return why a switch to a preset would be refused, if it would."""
    if preset.is_claude:
        return []
    try:
        pin(preset, {}, catalog)
    except UsageProblem as problem:
        return [f"{problem.args[0]} {problem.hint}"]
    return []
