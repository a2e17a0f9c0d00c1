"""The front door: what runs in prompts, status lines and as a key helper goes straight to its answer.

Only the forms below, word for word; click (`main`), for everything else, costs 3.4 of Python's own start.
"""

import os

try:
    import _signal as signal  # type: ignore[import-not-found]
except ImportError:
    import signal

# While modules are loaded Ctrl-C ends us without a word; Python would print where it was. So nothing goes before this,
# not even what makes annotations texts: that is a module too.
if (_interrupt := signal.getsignal(signal.SIGINT)) == signal.default_int_handler:
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))

import gc
import sys

if sys.platform == "win32":
    sys.exit("llmswitch: on Windows it runs in WSL (https://learn.microsoft.com/windows/wsl). Nothing was changed.")

from llmswitch.base.errors import COMMANDS
from llmswitch.cli import console
from llmswitch.cli.app import COMPLETION, App, at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# form → what answers it
ANSWERS = {
    "status": "llmswitch.cli.hot_status:status",
    "status --all": "llmswitch.cli.hot_status_all:status_all",
    "status --prompt": "llmswitch.cli.prompt:prompt",
    "statusline": "llmswitch.cli.hot_statusline:statusline",
    "print-key": "llmswitch.cli.hot_print_key:print_key",
    "PRESET": "llmswitch.cli.hot_switch:switch",
    "any other": "llmswitch.cli.main:run",  # click
}
STATUS = {"--short": "short", "--json": "as_json", "--check": "check", "--all": ""}


def main() -> None:
    """Run the command line and end with its exit code."""
    arguments = sys.argv[1:]
    ended = arguments[:1] == ["run"] and "--" in arguments  # what stands behind it is Claude Code's
    typed = arguments[: arguments.index("--")] if ended else arguments
    code = console.run(lambda: answer(App(os.environ, COMMANDS, typed), arguments), typed)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done and said
    sys.exit(code)


def answer(app: App, words: "Sequence[str]") -> object:
    """Answer a command line by the shortest way, and return its exit code (None is 0)."""
    straight = None if COMPLETION in os.environ else way(app, words)
    if straight:
        gc.disable()  # so short a run leaves no garbage worth a look
        return straight()
    return at(ANSWERS["any other"])(app, words)


def way(app: App, words: "Sequence[str]") -> "Callable[[], object] | None":
    """Return the answer to a command line that has just one of the hot forms, else None; it imports only its own."""
    name, rest = (words[0], words[1:]) if words else ("status", [])
    if words[1:] == ["--prompt"] and name == "status":
        return lambda: at(ANSWERS["status --prompt"])(app)
    if name == "status" and STATUS.keys() >= set(rest):
        flags = {STATUS[word]: True for word in rest if word != "--all"}
        show = at(ANSWERS["status --all" if "--all" in rest else "status"])
        return lambda: show(app, ".", **flags)
    if name == "statusline" and rest in ([], ["--cost"]):
        return lambda: at(ANSWERS["statusline"])(app, cost=bool(rest))
    named = len(rest) % 2 == 0 and rest[::2] in (["--preset"], ["--preset", "--overlay"])
    if name == "print-key" and (named or (len(rest) == 1 and rest[0][:1] != "-")):
        print_key = at(ANSWERS[name])
        return lambda: print_key(app, *((None, *rest[1::2]) if named else (rest[0], None)))
    if name not in COMMANDS and name[:1] != "-" and not rest:
        switch = at(ANSWERS["PRESET"])
        return lambda: switch(app, name)
    return None


signal.signal(signal.SIGINT, _interrupt)
