"""What adds an extra to this copy of llmswitch, in the way in which it was installed.

Apart from base/install, which each error loads: what reads the metadata of packages costs as much as click.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from shlex import join

from llmswitch.base.install import NAME, checkout


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
