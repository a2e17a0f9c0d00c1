"""The page of `usage --html` in a real browser."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import Cli, require
from support.programs import absent
from support.transcripts import Transcript


@pytest.mark.long
@pytest.mark.timeout(400)  # six starts of the browser and of llmswitch on a busy machine
def test_a_browser_shows_it_light_and_dark(cli: Cli, repo: Path, tmp_path: Path, sealed: dict[str, str]) -> None:
    """All of it, with nothing fetched: the browser has no network here, and would write what it misses to its log."""
    require(absent("chromium"))
    made = Transcript("one", str(repo))
    made.answer(model="<b>bold</b>", asked="x")
    made.write(Path(sealed["HOME"], ".claude", "projects"))
    assert cli("usage", "--html", str(tmp_path / "page.html"), cwd=repo).code == 0
    program = [str(shutil.which("chromium")), "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    url = (tmp_path / "page.html").as_uri()
    dom = subprocess.run([*program, "--dump-dom", url], capture_output=True, text=True, env=sealed, timeout=60)
    assert "&lt;b&gt;bold&lt;/b&gt;" in dom.stdout
    assert "CONSOLE" not in dom.stderr
    pictures = []
    for name, more in (("light", []), ("dark", ["--blink-settings=preferredColorScheme=0", "--force-dark-mode"])):
        picture = tmp_path / f"{name}.png"
        subprocess.run([*program, *more, f"--screenshot={picture}", url], capture_output=True, env=sealed, timeout=60)
        pictures.append(picture.read_bytes())
    assert min(map(len, pictures)) > 5_000
    assert pictures[0] != pictures[1]
