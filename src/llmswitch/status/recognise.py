"""Which preset a settings file is pinned to, and where it differs from it."""

from __future__ import annotations

from llmswitch.claude.variables import BASE_URL, CLOUD_SWITCHES, CLOUDS, CREDENTIALS, HELPER, IDENTITY, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmswitch.presets.preset import Preset
    from llmswitch.settings.state import Record

# Where a credential can stand.
PLACES = (*CREDENTIALS.values(), HELPER)


def is_pinned(values: Mapping[str, str]) -> bool:
    """Say whether anything decides who is called: without it, Claude Code's own backend is."""
    return any(values.get(name) for name in (*IDENTITY, HELPER))


def is_elsewhere(values: Mapping[str, str]) -> bool:
    """Say whether requests go to another backend than Claude Code's own."""
    return any(values.get(name) for name in (BASE_URL, *CLOUD_SWITCHES))


def closest(values: Mapping[str, str], wishes: Iterable[tuple[Preset, Mapping[str, str]]]) -> Preset | None:
    """Return the preset whose pin has this base URL and most of these slots; None where no slot fits."""
    best, most = None, 0
    for preset, wish in wishes:
        if any(wish.get(name, "") != values.get(name, "") for name in (BASE_URL, *CLOUDS.values())):
            continue
        same = sum(values.get(variable, "") == wish[variable] != "" for variable in VARIABLES.values())
        if same > most:
            best, most = preset, same
    return best


def differences(values: Mapping[str, str], wish: Mapping[str, str], record: Record | None) -> list[str]:
    """Return the members that are not what the pin `wish` says; credentials are not compared.

    Tuning members count where `record` says that we wrote them; without a record they may be the user's own.
    """
    wrote = record.wrote if record else {}
    names = [name for name in wish if name not in PLACES and (name in IDENTITY or name in wrote)]
    return [name for name in names if values.get(name) != wish[name]]


def credential_place(preset: Preset, by_helper: bool) -> str:
    """Return the one member that carries a preset's credential."""
    return HELPER if by_helper else CREDENTIALS[preset.auth if preset.key else "bearer"]


def changed_slots(values: Mapping[str, str], wish: Mapping[str, str]) -> list[str]:
    """Return the slots whose model is not the one of the pin `wish`."""
    return [slot for slot, variable in VARIABLES.items() if values.get(variable, "") != wish.get(variable, "")]


def credentials(values: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return {kind: (name, text)} of the credentials that are set: `bearer`, `api-key`, `helper`."""
    kinds = {**CREDENTIALS, "helper": HELPER}
    return {kind: (name, values[name]) for kind, name in kinds.items() if values.get(name)}
