"""The ways past a pin that other files and the shell open: proxies and programs that choose the provider.

A pin promises that every request of a session goes to its host, with its credential, for a model of it. The list below
has each way that is known; those of lists of models are in `fence`, those of other members in `variables.IDENTITY`.
"""

from __future__ import annotations

from llmswitch.base.urls import host_of, is_loopback
from llmswitch.claude.variables import EXCEPTIONS, HOST_APP, PROXIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.claude.effective import Layer, Value


class Way:
    """A way past a pin: its source, the versions of Claude Code it was seen in, and what closes or tells it."""

    __slots__ = ("cure", "seen", "source")

    def __init__(self, source: str, seen: str, cure: str) -> None:
        self.source, self.seen, self.cure = source, seen, cure


_BOTH = "2.1.330, 2.1.332"
# Each way by the code of its finding.
WAYS = {
    "open": Way("an identity member that a pin leaves out", "2.1.329 and later", "every pin has them all"),
    "no-fence": Way("an agent, a skill, a command, --agent or --model", _BOTH, "the pin's list of models"),
    "list-opened": Way("a list of models in another file: all lists count together", _BOTH, "a note"),
    "slots-narrowed": Way("a list without a slot's id; an administrator's counts alone", _BOTH, "an error"),
    "list-alone": Way("a pin's list without its pin", _BOTH, "an error; `claude` takes it away"),
    "hook-model": Way("a hook of type prompt or agent with a model of its own", _BOTH, "a note of `doctor`"),
    "redirect": Way("a host that redirects: x-api-key goes along", _BOTH, "an error of `doctor --probe`"),
    "proxy": Way("a proxy between Claude Code and a loopback URL", _BOTH, "NO_PROXY and no_proxy in the pin"),
    "repository-proxy": Way("a proxy and a weakened TLS in the repository's settings", _BOTH, "a switch refuses"),
    "host-app": Way("a shell in which another program chooses the provider", _BOTH, "an error; `run` leaves it out"),
    "strange-host": Way("a base URL that somebody changed beside our helper", _BOTH, "print-key gives no key"),
    "settings-ignored": Way("a file that Claude Code drops as a whole", _BOTH, "an error; a switch into it refuses"),
}  # fmt: skip

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# With one of these, a proxy that the same file names reads what goes through it over https.
_WEAK_TLS = ("NODE_TLS_REJECT_UNAUTHORIZED", "NODE_EXTRA_CA_CERTS")


class Found:
    """A way that is open here: its code, what happens, and what closes it; `refused`: no key may be put here."""

    __slots__ = ("code", "fix", "level", "message", "refused")

    def __init__(self, code: str, level: str, message: str, fix: str, refused: bool = False) -> None:
        self.code, self.level, self.message, self.fix, self.refused = code, level, message, fix, refused


def open_here(url: str, values: Mapping[str, Value], shell: Layer) -> list[Found]:
    """Return the ways that are open to requests for a pin's base URL, the worst first."""
    return [*host_apps(shell), *_proxies(url, values)]


def host_app(environ: Mapping[str, str]) -> list[str]:
    """Return the exported variables that let another program choose the provider."""
    return [name for name in HOST_APP if environ.get(name, "") not in ("", "0", "false", "no")]


def host_apps(shell: Layer, level: str = "error") -> list[Found]:
    """Return the way that such a variable opens: settings count no more, but for a key helper (2.1.332)."""
    if not (names := host_app(shell.values)):
        return []
    names_are = f"{' and '.join(names)} {'are' if names[1:] else 'is'}"
    message = f"{names_are} exported: another program chooses the provider, and no settings file's env does."
    return [Found("host-app", level, message, f"unset {' '.join(names)}; or: llmswitch run")]


def _proxies(url: str, values: Mapping[str, Value]) -> list[Found]:
    proxies = {name: values[name] for name in PROXIES if name in values and values[name].text}
    shared = {name: value for name, value in proxies.items() if value.origin == "project"}
    found = []
    if is_loopback(url) and proxies and not _is_excepted(url, values):
        name, value = next(iter((shared or proxies).items()))
        place = value.layer.path or "the shell"
        message = f"{name} of {place} counts for {host_of(url)} too: what is meant for it goes to that proxy."
        mend = f"Take {name} out of {place}." if shared else "Make the switch anew."
        found.append(Found("proxy", "error", message, mend, refused=bool(shared)))
    elif shared:
        found.append(_of_repository(url, shared, values))
    return found


def _is_excepted(url: str, values: Mapping[str, Value]) -> bool:
    """Say whether requests for a loopback URL go past every proxy."""
    texts = [values[name].text for name in reversed(EXCEPTIONS) if name in values and values[name].text]
    entries = [entry.strip().lower() for entry in texts[0].split(",")] if texts else []
    host = host_of(url)
    return "*" in entries or host in entries or host.rpartition(":")[0].strip("[]") in entries


def _of_repository(url: str, shared: Mapping[str, Value], values: Mapping[str, Value]) -> Found:
    path = next(iter(shared.values())).layer.path
    weak = [name for name in _WEAK_TLS if name in values and _weakens(name, values[name])]
    if not weak:
        message = f"{path} sends requests for {host_of(url)} through a proxy ({', '.join(shared)})."
        return Found("repository-proxy", "note", message, "")
    message = f"{path} names a proxy ({', '.join(shared)}) and lets it read what goes through ({', '.join(weak)})."
    return Found("repository-proxy", "error", message, f"Take them out of {path}.", refused=True)


def _weakens(name: str, value: Value) -> bool:
    return value.origin == "project" and (value.text == "0" if name == _WEAK_TLS[0] else bool(value.text))


def excepted(values: Mapping[str, str]) -> dict[str, str]:
    """Return the members with which a loopback pin goes past every proxy, after what `values` except already."""
    added = ",".join(LOOPBACK)
    before = {name: values.get(name, "").removesuffix(added).rstrip(",") for name in EXCEPTIONS}
    return {name: f"{text},{added}" if text else added for name, text in before.items()}
