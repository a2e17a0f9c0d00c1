"""The index has what the transcripts have, each message once, whatever is done to their files."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support.programs import absent, require
from support.transcripts import SECRET, START, Transcript, counted
from support.tree import of_this_tree

from llmswitch.base.errors import LlmswitchError
from llmswitch.usage.index import FILE, Index, Read, worked


def home(folder: str) -> tuple[str, str]:
    """A folder is its own worktree, in no repository."""
    return folder, ""


def totals(index: Index) -> Counter[tuple[str, str, str]]:
    """Return what an index has, as the judge counts it; its sums by session and by quarter must be the same."""
    whole, fine = (_summed(index, fine) for fine in (False, True))
    assert whole == fine
    return whole


def _summed(index: Index, fine: bool) -> Counter[tuple[str, str, str]]:
    total: Counter[tuple[str, str, str]] = Counter()
    for part in index.parts(None, 0, lambda session: (), lambda model, largest: int(fine), False):
        names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
        numbers = (*part.tokens[:3], part.tokens[3] + part.tokens[4])
        total[part.asked, part.answered, "requests"] += part.requests
        for name, number in zip(names, numbers, strict=True):
            total[part.asked, part.answered, name] += number
    return total


def update(state: Path, projects: Path) -> tuple[Read, Counter[tuple[str, str, str]]]:
    """Read what was appended, and return what was found and what the index has now."""

    def work(index: Index) -> tuple[Read, Counter[tuple[str, str, str]]]:
        read = index.update(str(projects), lambda name: True)
        return read, totals(index)

    return worked(str(state), home, work)


def texts(projects: Path) -> list[str]:
    """Return the texts of all transcripts."""
    return [path.read_text() for path in projects.rglob("*.jsonl")]


@pytest.fixture
def projects(tmp_path: Path) -> Path:
    """The folder of the transcripts."""
    folder = tmp_path / "projects"
    folder.mkdir()
    return folder


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The state folder."""
    return tmp_path / "state"


def session(name: str = "one", answers: int = 3) -> Transcript:
    """Return a session with so many answers."""
    made = Transcript(name, "/work/app")
    for number in range(answers):
        made.user()
        made.answer((100 + number, 10, 1000, 50))
    return made


def test_a_message_of_several_lines_counts_once_with_its_final_usage(projects: Path, state: Path) -> None:
    """The first lines do not know the output yet."""
    made = Transcript("one", "/work/app")
    made.answer((7, 42, 0, 3), blocks=3)
    made.write(projects)
    _, total = update(state, projects)
    assert total["maker/model", "maker/model", "requests"] == 1
    assert total["maker/model", "maker/model", "output_tokens"] == 42


def test_a_fork_counts_for_the_session_that_asked(projects: Path, state: Path) -> None:
    """Whichever of the two is read first, and also alone."""
    made = session()
    fork = made.fork("two")
    fork.answer((1, 1, 1, 1))
    fork.write(projects)  # only the copy: the other one may be deleted by now
    _, total = update(state, projects)
    assert total["maker/model", "maker/model", "requests"] == 4
    made.write(projects)
    assert update(state, projects)[1] == total
    names = worked(str(state), home, lambda index: {each.name for each in index.sessions().values()})
    assert names == {"one", "two"}


@pytest.mark.parametrize("how", ["append", "rename", "move to another folder", "truncate", "replace", "delete"])
def test_a_file_that_changes_is_followed(projects: Path, state: Path, how: str) -> None:
    """What was counted stays, and nothing counts twice."""
    made = session()
    path = made.write(projects)
    update(state, projects)
    made.answer((5, 5, 5, 5))
    before = len(made.text())
    if how == "append":
        made.write(projects)
    elif how == "rename":
        path.rename(path.with_name("other.jsonl"))
        path.with_name("other.jsonl").write_text(made.text())
    elif how == "move to another folder":
        (projects / "-elsewhere").mkdir()
        path.rename(projects / "-elsewhere" / path.name)
        (projects / "-elsewhere" / path.name).write_text(made.text())
    elif how == "truncate":
        path.write_text("\n".join(made.text().splitlines()[-1:]) + "\n")
    elif how == "replace":  # by a longer file with other lines
        other = session("other", 9)
        path.write_text(other.text() + made.text())
    else:
        path.unlink()
    read, total = update(state, projects)
    expected = {"delete": 3, "replace": 13}.get(how, 4)
    assert total["maker/model", "maker/model", "requests"] == expected
    if how in ("append", "rename"):
        assert read.bytes <= before


def test_only_what_was_appended_is_read(projects: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the bytes that are read."""
    made = session(answers=200)
    made.write(projects)
    update(state, projects)
    sizes: list[int] = []
    real = os.read

    def noting(file: int, size: int) -> bytes:
        data = real(file, size)
        sizes.append(len(data))
        return data

    monkeypatch.setattr("llmswitch.claude.transcripts.os.read", noting)
    update(state, projects)
    assert sum(sizes) == 0
    old = len(made.text())
    made.answer()
    made.write(projects)
    update(state, projects)
    assert sum(sizes) == len(made.text()) - old


def test_an_unfinished_line_is_read_next_time(projects: Path, state: Path) -> None:
    """It is no broken line meanwhile."""
    made = session()
    path = made.write(projects)
    text = made.text().encode()
    for cut in (len(text) - 1, len(text) - 300, len(text) - 701):
        path.write_bytes(text[:cut])
        update(state, projects)
    path.write_bytes(text)
    read, total = update(state, projects)
    assert total == counted([made.text()])
    assert read.broken == 0


def test_constant_ids_and_null_ids(projects: Path, state: Path) -> None:
    """A local server gives every message the same id and no request id; a message still has several lines."""
    made = Transcript("one", "/work/app")
    for number in range(5):
        made.user()
        made.answer((10 + number, 3, 0, 0), blocks=2, id="msg_same", request=None)
        made.tool()
        made.answer((20, 3, 0, 0), id="msg_same", request=None)
    path = made.write(projects)
    lines = made.text().splitlines(keepends=True)
    for cut in range(0, len(lines), 3):  # a message may go on where an earlier read ended
        path.write_text("".join(lines[:cut]))
        update(state, projects)
    path.write_text("".join(lines))
    _, total = update(state, projects)
    assert total == counted(["".join(lines)])
    assert total["maker/model", "maker/model", "requests"] == 10


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc to see a process's memory in")
def test_a_line_of_fifty_megabytes(projects: Path, state: Path) -> None:
    """Neither an answer's nor a tool's; the first counts, and memory stays small."""
    made = Transcript("one", "/work/app")
    path = made.write(projects)
    made.answer((9, 8, 7, 6))
    answer = made.text()
    start, _, end = answer.partition(SECRET)
    with path.open("w") as file:
        file.write(start + "x" * 50_000_000 + end)
        file.write('{"type":"user","message":{"content":"' + "y" * 50_000_000 + '"}}\n')
        file.write(session("one", 1).text())
    code = f"""
from llmswitch.usage.index import worked
folder = {str(projects)!r}
read = worked({str(state)!r}, lambda folder: (folder, ""), lambda index: index.update(folder, lambda name: True))
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(read.broken, int(peak.split()[1]) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=of_this_tree({}))
    broken, megabytes = map(int, done.stdout.split())
    assert (broken, done.stderr) == (0, "")
    assert megabytes < 80
    _, total = update(state, projects)
    assert total["maker/model", "maker/model", "requests"] == 2
    assert total["maker/model", "maker/model", "output_tokens"] == 18


def test_what_is_no_transcript_is_counted_and_passed_over(projects: Path, state: Path) -> None:
    """Junk, links to nowhere, pipes and folders end nothing."""
    made = session()
    path = made.write(projects)
    junk = '\x00\xff\n{"type":"assistant","message":{"usage":1}\n["assistant"]\n{"message":"assistant"}\nnull\n'
    path.write_text(junk + made.text() + '{"type":"assistant","message":{"model":"m","usage":{"input_tokens":"x"}}}\n')
    (projects / "a file").write_text("x")
    (projects / "-folder").mkdir()
    (projects / "-folder" / "pipe.jsonl").symlink_to("nowhere")
    os.mkfifo(projects / "-folder" / "fifo.jsonl")
    (projects / "-folder" / "folder.jsonl").mkdir()
    read, total = update(state, projects)
    assert total["maker/model", "maker/model", "requests"] == 3
    assert read.broken == 4


def test_a_file_that_may_not_be_read_is_named(projects: Path, state: Path) -> None:
    """By a process for which modes count, which they do not for root with all its capabilities."""
    path = session().write(projects)
    path.chmod(0)
    without: list[str] = []
    if os.geteuid() == 0:
        require(absent("setpriv"))
        without = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]
    code = (
        "import sys; sys.path[:0] = sys.argv[3:]\n"
        "from pathlib import Path; from test_index import update\n"
        "read, total = update(*map(Path, sys.argv[1:3])); print(read.denied, dict(total))"
    )
    argv = [*without, sys.executable, "-c", code, str(state), str(projects), *sys.path]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (f"{[str(path)]} {{}}\n", "")


def deeds(seed: int, projects: Path, read: Callable[[], object]) -> list[Transcript]:
    """Do sixty things to some sessions in any order, with a read now and then, and return all sessions."""
    chance = random.Random(seed)
    sessions = [Transcript(f"s{number}", f"/work/w{number % 3}", seed) for number in range(4)]

    def some() -> tuple[int, int, int, int]:
        return chance.randrange(1000), chance.randrange(2, 90), chance.randrange(300_000), chance.randrange(500)

    def model() -> str:
        return chance.choice(["maker/model", "other", "claude-sonnet-5-5"])

    can: list[Callable[[Transcript], object]] = [
        lambda one: one.user(),
        lambda one: one.tool(failed=True),
        lambda one: one.answer(some(), model(), blocks=chance.choice((1, 2, 4))),
        lambda one: one.answer(some(), model(), blocks=2, id="msg_same", request=None),
        lambda one: one.answer(some(), model(), "asked", 2, ref=one.request(model()), hour=1),
        lambda one: sessions.append(one.fork(f"f{len(sessions)}")) if len(sessions) < 9 else None,
        lambda one: chance.choice(sessions).write(projects),
        lambda one: read(),
    ]
    for _ in range(60):
        one = chance.choice(sessions)
        chance.choice(can)(one)
        one.write(projects)
    return sessions


@pytest.mark.parametrize("seed", range(12))
def test_it_counts_as_a_plain_counter_does(projects: Path, state: Path, seed: int) -> None:
    """Copies, null and constant ids, forks, files written anew, and reads at any moment."""
    for one in deeds(seed, projects, lambda: update(state, projects)):
        one.write(projects)
    _, total = update(state, projects)
    assert total == counted(texts(projects))
    assert update(state.with_name("fresh"), projects)[1] == total  # at once as bit by bit


def test_two_at_once(projects: Path, state: Path) -> None:
    """Both end well, and every message counts once."""
    for number in range(30):
        session(f"s{number}", 40).write(projects)
    code = f"""
from llmswitch.usage.index import worked
worked({str(state)!r}, lambda folder: (folder, ""), lambda index: index.update({str(projects)!r}, lambda name: True))
"""
    running = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, env=of_this_tree({})) for _ in range(4)
    ]
    assert [(process.communicate()[1], process.returncode) for process in running] == [(b"", 0)] * 4
    _, total = update(state, projects)
    assert total == counted(texts(projects))


def test_killed_in_the_middle(projects: Path, state: Path) -> None:
    """Whatever was kept is right, and the next run has the rest."""
    for number in range(60):
        session(f"s{number}", 100).write(projects)
    code = f"""
from llmswitch.usage import index
index.BATCH = 50
print("ready", flush=True)
index.worked({str(state)!r}, lambda folder: (folder, ""), lambda it: it.update({str(projects)!r}, lambda name: True))
"""
    for wait in (0.0, 0.02, 0.05, 0.1):
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=of_this_tree({}))
        assert process.stdout
        process.stdout.readline()
        time.sleep(wait)  # anywhere will do
        process.send_signal(signal.SIGKILL)
        process.communicate()
    _, total = update(state, projects)
    assert total == counted(texts(projects))


def test_a_full_disk_is_said_and_what_was_kept_stays(projects: Path, state: Path) -> None:
    """By a limit on the size of a file, which SQLite meets as it meets a full disk; then there is room again."""
    session("first").write(projects)
    update(state, projects)
    for number in range(40):
        session(f"s{number}", 100).write(projects)
    code = f"""
import resource, signal
from llmswitch.base.errors import LlmswitchError
from llmswitch.usage import index
index.BATCH = 50
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
try:
    index.worked({str(state)!r}, lambda at: (at, ""), lambda it: it.update({str(projects)!r}, lambda name: True))
except LlmswitchError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=of_this_tree({}))
    assert "cannot be used" in done.stdout, done
    assert "What it had is kept." in done.stdout
    _, total = update(state, projects)
    assert total == counted(texts(projects))


@pytest.mark.parametrize("damage", ["no database", "its middle", "half of it", "no tables"])
def test_a_broken_index_is_set_aside_and_made_again(projects: Path, state: Path, damage: str) -> None:
    """From the transcripts that are there."""
    for number in range(20):
        session(f"s{number}", 30).write(projects)
    _, total = update(state, projects)
    path = state / FILE
    data = path.read_bytes()
    if damage == "no tables":
        path.unlink()
        with contextlib.closing(sqlite3.connect(path)) as base:
            base.execute("PRAGMA user_version = 1")
    else:
        middle = data[:8192] + b"\xaa" * (len(data) - 12288) + data[-4096:]
        path.write_bytes(
            {"no database": b"hello" * 100, "its middle": middle, "half of it": data[: len(data) // 2]}[damage]
        )
    for number in range(20):  # so that there is something to read
        made = session(f"s{number}", 31)
        made.write(projects)
    aside = worked(str(state), home, lambda index: (index.update(str(projects), lambda name: True), index.set_aside)[1])
    assert update(state, projects)[1] == counted(texts(projects)) != total
    assert Path(aside).exists()


def test_an_index_of_an_older_version_is_taken_over(projects: Path, state: Path) -> None:
    """With what is in no transcript any more."""
    for number in range(3):
        session(f"s{number}", 30).write(projects)
    _, total = update(state, projects)
    for path in projects.rglob("*.jsonl"):
        path.unlink()
    base = sqlite3.connect(state / FILE)
    base.executescript(
        "DROP TABLE part;"
        "CREATE TABLE part (session INTEGER, quarter INTEGER, agent INTEGER, asked INTEGER, answered INTEGER,"
        "size INTEGER, requests INTEGER, input INTEGER, output INTEGER, cache_read INTEGER, write_5m INTEGER,"
        "write_1h INTEGER, PRIMARY KEY (session, quarter, agent, asked, answered, size)) WITHOUT ROWID;"
        "PRAGMA user_version = 1"
    )
    base.close()
    assert update(state, projects)[1] == total
    parts = worked(str(state), home, lambda index: index.parts(None, 0, lambda _: (), lambda *_: 1, True))
    assert sum(part.requests for part in parts) == 90


def test_an_index_of_a_newer_version_is_left_alone(projects: Path, state: Path) -> None:
    """Nothing is lost by going back to an older llmswitch."""
    session().write(projects)
    update(state, projects)
    with contextlib.closing(sqlite3.connect(state / FILE)) as base:
        base.execute("PRAGMA user_version = 99")
    with pytest.raises(LlmswitchError, match="newer llmswitch"):
        update(state, projects)


def test_it_outlives_the_transcripts_until_it_is_told_to_forget(projects: Path, state: Path) -> None:
    """And then the file is smaller, and what is still in the transcripts does not come back."""
    for number in range(30):
        made = Transcript(f"s{number}", f"/work/w{number % 2}")
        for _ in range(100):
            made.answer()
        made.write(projects)
    update(state, projects)
    for path in projects.rglob("*1.jsonl"):
        path.unlink()
    _, total = update(state, projects)
    assert total["maker/model", "maker/model", "requests"] == 3000
    size = (state / FILE).stat().st_size
    gone = worked(str(state), home, lambda index: index.forget("/work/w1", START * 2))
    assert gone == 1500
    assert (state / FILE).stat().st_size < size * 0.7
    for path in projects.rglob("*.jsonl"):
        os.utime(path)
    assert update(state, projects)[1]["maker/model", "maker/model", "requests"] == 1500
    worked(str(state), home, lambda index: index.forget("", START + 50_000))
    assert update(state, projects)[1]["maker/model", "maker/model", "requests"] == 1500 - 15 * 50


def test_nobody_else_may_read_it_and_it_has_no_word_of_a_session(projects: Path, state: Path) -> None:
    """Nor a path inside the worktree."""
    made = session()
    made.cwd = "/work/app/deep/inside"
    made.tool(failed=True)
    made.answer(blocks=3)
    made.write(projects)

    worked(str(state), lambda folder: ("/work/app", ""), lambda index: index.update(str(projects), lambda name: True))
    for path in state.iterdir():
        assert path.stat().st_mode & 0o077 == 0
        data = path.read_bytes()
        assert SECRET.encode() not in data
        assert b"inside" not in data


def test_failures_and_claims_are_kept_once(projects: Path, state: Path) -> None:
    """A fork repeats the first; the client's own count is kept as it is."""
    made = session()
    made.tool(failed=True)
    made.add("system", subtype="api_error", error={"status": 529})
    usage = {"maker/model[1m]": {"inputTokens": 303, "outputTokens": 30, "cacheReadInputTokens": 3000}}
    made.lines.append({"type": "cost-state", "sessionId": "one", "totalCostUSD": 1.5, "modelUsage": usage})
    made.write(projects)
    made.fork("two").write(projects)
    update(state, projects)

    def look(index: Index) -> tuple[object, object]:
        failures, claims = index.failures(None, 0), index.claims(None)
        return [row[2:4] for row in failures], [row[2:] for row in claims]

    failures, claims = worked(str(state), home, look)
    assert failures == [(0, 1), (529, 0)]
    assert claims == [(1.5, '{"maker/model": [303, 30, 3000, 0]}')]
