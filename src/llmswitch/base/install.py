"""How this copy of llmswitch was installed: what its command is called here, and what adds an extra to it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from shlex import join, quote

NAME = "llmswitch"


def checkout() -> str:
    """Return the checkout whose private environment this is, "" where there is none."""
    folder, name = os.path.split(sys.prefix)
    made = os.path.join(sys.prefix, "made-for")  # written by scripts/setup
    return folder if name == ".venv" and os.path.exists(made) else ""


def off_path() -> list[str]:
    """Return what to type in the place of `llmswitch`, where a shell would not find that; else nothing."""
    if not (folder := checkout()) or shutil.which(NAME) or os.path.basename(sys.argv[0]) != NAME:
        return []
    script = quote(os.path.join(folder, "scripts", NAME))
    return [f"`{NAME}` here means {script}. To type it short: ln -s {script} FOLDER, one that is on your PATH."]


def add_extra(extra: str) -> str:
    """Return the command that adds an extra, in the way in which this copy was installed."""
    if folder := checkout():
        return join([os.path.join(folder, "scripts", "setup"), extra])
    url, editable = _origin()
    wanted = f"{NAME}[{extra}] @ {url}" if url else f"{NAME}[{extra}]"
    if os.path.exists(os.path.join(sys.prefix, "pipx_metadata.json")):
        return join(["pipx", "install", "--force", wanted])
    if os.path.exists(os.path.join(sys.prefix, "uv-receipt.toml")):
        return join(["uv", "tool", "install", "--force", wanted])
    pip = [sys.executable, "-m", "pip", "install"]
    installer = pip if find_spec("pip") else ["uv", "pip", "install", "--python", sys.executable]
    return join([*installer, *([*editable, f"{url.removeprefix('file://')}[{extra}]"] if editable else [wanted])])


def _origin() -> tuple[str, list[str]]:
    """Return where this copy came from ("" for an index), and the option of an editable one (PEP 610)."""
    try:
        text = distribution(NAME).read_text("direct_url.json")
    except PackageNotFoundError:
        return "", []
    data = json.loads(text) if text else {}
    vcs = data.get("vcs_info", {}).get("vcs", "")
    url = f"{vcs}+{data['url']}" if vcs else str(data.get("url", ""))
    return url, ["--editable"] if data.get("dir_info", {}).get("editable") else []
