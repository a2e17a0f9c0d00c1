"""What the Tab key suggests."""

from __future__ import annotations

import os
from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from llmswitch.base.errors import LlmswitchError
from llmswitch.claude.variables import SLOTS
from llmswitch.cli.app import App
from llmswitch.presets.listing import load_all, names
from llmswitch.presets.preset import TIERS
from llmswitch.settings.neighbours import everywhere


def presets(ctx: click.Context, param: click.Parameter | None, incomplete: str) -> list[str]:
    """Suggest presets."""
    return _starting(incomplete, names(_app(ctx).catalog))


def keys(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Suggest keys, and presets that have one."""
    app = _app(ctx)
    used = [preset for preset in load_all(app.catalog)[0] if preset.key]
    names = {name for preset in used for name in (preset.name, preset.key or "")}
    return _starting(incomplete, sorted(names | set(app.key_names().load())))


def models(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Suggest the models we know, and the slots, which stand for theirs."""
    return _starting(incomplete, [*SLOTS, *TIERS, *_app(ctx).catalog.models.windows()])


def starts(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Suggest the slots a session can start on."""
    return _starting(incomplete, [slot for slot in (*SLOTS, *TIERS) if slot != "subagent"])


def worktrees(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Suggest folders and this repository's worktrees, but those that the shell finds as a folder already."""
    try:
        roots = [each.root for _, each in everywhere(_app(ctx).checkouts) if each]
    except (LlmswitchError, OSError):
        roots = []
    far = [root for root in _starting(incomplete, roots) if os.path.dirname(root) != os.path.dirname(incomplete)]
    # A folder, whatever was typed so far: the shell itself completes it, with ~ and quotes.
    return [CompletionItem(".", type="dir"), *map(CompletionItem, far)]


def _app(ctx: click.Context) -> App:
    app: App = ctx.find_root().obj
    return app


def _starting(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
