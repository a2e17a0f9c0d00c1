"""What `doctor` needs, put together from the real edges of an App."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmswitch.base.secret import Secret
    from llmswitch.cli.app import App
    from llmswitch.doctor.facts import Facts
    from llmswitch.doctor.history import Leak
    from llmswitch.doctor.provider import Asker
    from llmswitch.settings.checkout import Target
    from llmswitch.status.report import Status, Surroundings

# What tells a Claude Code that another one started it.
_INSIDE = ("CLAUDE_CODE_CHILD_SESSION", "CLAUDE_CODE_ENTRYPOINT", "CLAUDE_CODE_SSE_PORT")


class Examiner:
    """Looks at worktrees, and asks Claude Code, git and the provider."""

    def __init__(self, app: App) -> None:
        self._app = app

    def facts(self, target: Target, report: Status, around: Surroundings) -> Facts:
        """Return what `doctor` looks at: this worktree, its settings file, and the user's programs, keys and home."""
        from llmswitch.doctor import look as survey
        from llmswitch.doctor.facts import Facts
        from llmswitch.keys import sources as keys

        site, journal = self._app.site(target), target.journal
        presets, unusable = self._app.catalog.load_all()
        preset = next((each for each in presets if each.name == report.preset), None)
        key = preset.key if preset and preset.key else "openrouter"
        return Facts(
            report,
            journal.current,
            journal.previous,
            layers=around.layers,
            preset=preset,
            windows={**self._app.catalog.windows(), **(preset.windows if preset else {})},
            followers=[place.root for place in site.linked if report.own_pin and not place.pin],
            overridden=[place.described for place in site.linked if report.own_pin and place.pin],
            key_variable=keys.variable(key),
            key_elsewhere=bool(
                self._app.environ.get(keys.variable(key))
                or (preset and preset.key_from)
                or journal.current.key.get("source") in keys.UNSAVED
            ),
            preset_age=survey.age(preset.verified) if preset else 0,
            unusable_presets=[problem.args[0] for problem in unusable],
            open=self._app.open_sessions([target.worktree.root]) or [],
            switched=journal.switched,
            **survey.of_file(target.worktree, self._app.home),
            **survey.of_programs(self._app.environ),
            **survey.of_home(self._app.environ),
            **survey.of_settings(around.layers, report.values),
            **survey.of_keyring(self._app.keyring(), self._app.key_names(), {each.key for each in presets if each.key}),
        )

    def asker(self, facts: Facts, progress: Callable[[int, int], None]) -> Asker:
        """Return what asks the provider of the pin here."""
        from llmswitch.commands.keys import print_key
        from llmswitch.doctor import probe
        from llmswitch.doctor.provider import Asker

        return Asker(
            facts,
            lambda requests: probe.send_all(requests, progress),
            self._app.key_helper,
            lambda preset: print_key(None, preset.name, self._app.catalog, self._app.environ, self._app.keyring()),
            self._gateway_token,
        )

    def _gateway_token(self, url: str, helper: str) -> Secret | None:
        """Return the token of the local gateway, which is started for that, None where URL or helper is not its own."""
        from llmswitch.base.secret import Secret
        from llmswitch.base.urls import id_in

        gateway, name = self._app.gateway(), id_in(url)
        if name is None or helper != gateway.helper(name):
            return None
        gateway.start()
        return Secret(gateway.token(name))

    def leaks(self, target: Target) -> list[Leak]:
        """Return the versions of settings files in git's history that hold a credential."""
        from llmswitch.doctor import history

        return history.leaks(target.worktree) if target.worktree.in_repository else []

    def ask_client(self, program: str, target: Target) -> dict[str, dict[str, Any]]:
        """Return what Claude Code says of itself in the target, started as from the user's shell."""
        from llmswitch.claude import control as client_view
        from llmswitch.claude.variables import OURS

        environ = dict(self._app.environ)
        if environ.pop("CLAUDECODE", None):  # then the environment is the pin of the session we run in
            environ = {name: text for name, text in environ.items() if name not in OURS and name not in _INSIDE}
        return client_view.ask(program, target.worktree.root, environ)
