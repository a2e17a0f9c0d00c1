"""What `doctor` finds in a worktree, with every check it has."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmswitch.base.errors import LlmswitchError
from llmswitch.cli.app import App
from llmswitch.cli.hot_switch import switch
from llmswitch.doctor.examine import Asked, examine
from llmswitch.doctor.observe import Reach
from llmswitch.keys.sources import variable
from llmswitch.presets.listing import load_all

# What is missing in the home of a test, where no gateway runs either, and what comes by itself with the days.
BARE = {"keyring", "no-client", "gateway-down", "old-preset"}


def test_no_shipped_preset_gives_an_alarm(repo: Path, sealed: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Freshly switched to, whatever provider it is."""
    monkeypatch.chdir(repo)
    Path(sealed["HOME"], ".claude.json").write_text('{"hasCompletedOnboarding": true}')
    keys = {preset.key for preset in load_all(App(sealed).catalog)[0] if preset.key}
    environ = {**sealed, **{variable(key): "0123456789abcdef" * 2 for key in keys}}
    alarms = {}
    for preset in load_all(App(environ).catalog)[0]:
        app = App(environ)  # a new one reads the file again
        try:
            switch(app, preset.name)
        except LlmswitchError:  # one that needs a gateway, or the user's own model
            continue
        app = App(environ)
        reach = Reach(
            app.catalog, environ, app.keyring, app.key_names, app.gateway, app.sessions, app.key_helper, lambda *_: None
        )
        found = examine(app.checkouts.at(str(repo)), reach, Asked()).problems
        if wrong := [each.message for each in found if each.code not in BARE]:
            alarms[preset.name] = wrong
    assert alarms == {}
