"""The index of the transcripts: an SQLite file in the state folder, with counts and ids and no word of a session.

It reads only what was appended, and outlives the transcripts, which Claude Code deletes. A message counts once,
whichever copies of its lines there are; where they differ the largest counts win, since a first line can come before
its tokens are known, and a last one after a stream was cut.
"""

# ruff: noqa: S608  # the statements are put together from words of ours, and every value is bound
from __future__ import annotations

import os
import time
from bisect import bisect_right
from contextlib import closing

try:
    import _sqlite3 as sqlite3  # the package loads `datetime` besides, for types that are not used here
except ImportError:  # another Python than CPython
    import sqlite3  # type: ignore[no-redef]

from llmswitch.base import files
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.fastjson import dumps
from llmswitch.claude.transcripts import Claim, Failure, Message, Reader, Start, key_of, may_be_below

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    T = TypeVar("T")
    Cuts = Callable[[int], Sequence[int]]
    Fine = Callable[[str, int], int]

FILE = "usage.db"
QUARTER = 15 * 60 * 1000  # ms: what is summed up together, so that days begin where any time zone has them
# Prompts, in tokens, above which some price list has other rates.
BOUNDS = (8_000, 16_000, 32_000, 64_000, 100_000, 128_000, 199_999, 200_000, 256_000, 272_000, 512_000, 1_000_000)
SIZES, SINGLE = 1, 2  # what a cost depends on: the size of a prompt by BOUNDS and the hour; or more than these
WAIT = 30.0  # seconds for another `usage` that is reading
BATCH = 20_000  # rows, after which what was read is kept
_PROMPT = "(input + cache_read + write_5m + write_1h)"
_SIZE = " + ".join(f"({_PROMPT} > {bound})" for bound in BOUNDS)
_SUMS = "count(*), sum(input), sum(output), sum(cache_read), sum(write_5m), sum(write_1h)"
_PART = f"""INSERT INTO part SELECT session, time / {QUARTER}, agent, asked, answered, {_SIZE}, {_SUMS}, min(time),
    max(time), max{_PROMPT} FROM message"""
# One step a version; a file of an earlier one takes the steps that it lacks.
STEPS = (
    """
    CREATE TABLE file (id INTEGER PRIMARY KEY, key INTEGER UNIQUE, device INTEGER, inode INTEGER, size INTEGER,
        changed INTEGER, offset INTEGER, tail BLOB, memory TEXT, broken INTEGER);
    CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT UNIQUE);
    CREATE TABLE session (id INTEGER PRIMARY KEY, name TEXT UNIQUE, worktree TEXT, repository TEXT, started INTEGER,
        parent INTEGER);
    CREATE TABLE message (key INTEGER PRIMARY KEY, time INTEGER, session INTEGER, agent INTEGER, asked INTEGER,
        answered INTEGER, branch INTEGER, input INTEGER, output INTEGER, cache_read INTEGER, write_5m INTEGER,
        write_1h INTEGER);
    CREATE INDEX message_session ON message (session, time);
    CREATE TABLE part (session INTEGER, quarter INTEGER, agent INTEGER, asked INTEGER, answered INTEGER, size INTEGER,
        requests INTEGER, input INTEGER, output INTEGER, cache_read INTEGER, write_5m INTEGER, write_1h INTEGER,
        PRIMARY KEY (session, quarter, agent, asked, answered, size)) WITHOUT ROWID;
    CREATE TABLE whole (session INTEGER, agent INTEGER, asked INTEGER, answered INTEGER, first INTEGER, last INTEGER,
        largest INTEGER, requests INTEGER, input INTEGER, output INTEGER, cache_read INTEGER, write_5m INTEGER,
        write_1h INTEGER, PRIMARY KEY (session, agent, asked, answered)) WITHOUT ROWID;
    CREATE TABLE failure (key INTEGER PRIMARY KEY, time INTEGER, session INTEGER, status INTEGER, tool INTEGER,
        answered INTEGER);
    CREATE TABLE claim (session INTEGER, time INTEGER, usd REAL, models TEXT, PRIMARY KEY (session, time))
        WITHOUT ROWID;
    CREATE TABLE forgotten (worktree TEXT PRIMARY KEY, until INTEGER) WITHOUT ROWID;
    """,
    f"""
    DROP TABLE part;
    CREATE TABLE part (session INTEGER, quarter INTEGER, agent INTEGER, asked INTEGER, answered INTEGER, size INTEGER,
        requests INTEGER, input INTEGER, output INTEGER, cache_read INTEGER, write_5m INTEGER, write_1h INTEGER,
        first INTEGER, last INTEGER, largest INTEGER,
        PRIMARY KEY (session, quarter, agent, asked, answered, size)) WITHOUT ROWID;
    {_PART} GROUP BY 1, 2, 3, 4, 5, 6;
    """,
)
_days: dict[int, str] = {}  # a quarter → its day
TABLES = {"file", "name", "session", "message", "part", "whole", "failure", "claim", "forgotten"}
_KEEP = """
    INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET
    time = min(time, excluded.time), input = max(input, excluded.input), output = max(output, excluded.output),
    cache_read = max(cache_read, excluded.cache_read), write_5m = max(write_5m, excluded.write_5m),
    write_1h = max(write_1h, excluded.write_1h)"""


class Part:
    """Messages that go together: of one session, asked and answered by the same ids; `time` is in ms since 1970."""

    __slots__ = ("agent", "answered", "asked", "home", "prompt", "requests", "session", "time", "tokens")

    def __init__(
        self, session: int, time: int, agent: int, asked: str, answered: str, size: int, requests: int, *tokens: int
    ) -> None:
        self.session, self.time, self.asked, self.answered = session, time, asked, answered
        self.agent, self.home = bool(agent & 1), bool(agent & 2)
        self.requests, self.tokens = requests, tokens
        # At least so many tokens a request, and just as many where it is one.
        self.prompt = sum(tokens) - tokens[1] if requests == 1 else BOUNDS[size - 1] + 1 if size else 0


class Session:
    """A session: its id, the worktree it began in, that one's repository ("" for none), when, and what it forked."""

    __slots__ = ("name", "number", "parent", "repository", "started", "worktree")

    def __init__(
        self, number: int, name: str, worktree: str, repository: str, started: int, parent: int | None = None
    ) -> None:
        self.number, self.name, self.worktree, self.repository = number, name, worktree, repository
        self.started, self.parent = started, parent


class Read:
    """What an update found: files looked at and read, bytes read, lines that are none, files that cannot be read."""

    __slots__ = ("broken", "bytes", "denied", "files", "read")

    def __init__(self) -> None:
        self.files = self.read = self.bytes = self.broken = 0
        self.denied: list[str] = []


class Index:
    """An open index; `home_of` tells of a folder the root of its worktree and the git folder of its repository."""

    def __init__(self, base: sqlite3.Connection, home_of: Callable[[str], tuple[str, str]], set_aside: str) -> None:
        self.base, self._home_of, self.set_aside = base, home_of, set_aside
        self.is_new = base.execute("SELECT count(*) FROM file").fetchone()[0] == 0
        self._names: dict[str, int] = {}
        self._sessions: dict[str, int] = {}

    # What the transcripts say, into the index

    def update(
        self, folder: str, wanted: Callable[[str], bool], tell: Callable[[int, int], None] | None = None
    ) -> Read:
        """Read what was appended to the transcripts in the projects' folders that are wanted.

        `tell` is given the bytes read and those to read.
        """
        result = Read()
        self._read(_transcripts(folder, wanted, result), "1", result, tell)
        return result

    def update_some(self, found: Sequence[tuple[str, str, os.stat_result]]) -> None:
        """Read what was appended to a few transcripts: path, session and status of each."""
        keys = ",".join(str(key_of("file", path)) for path, *_ in found)
        self._read(found, f"key IN ({keys})", Read(), None)

    def _read(
        self,
        found: Iterable[tuple[str, str, os.stat_result]],
        which: str,
        result: Read,
        tell: Callable[[int, int], None] | None,
    ) -> None:
        rows = self.base.execute(f"SELECT key, device, inode, size, changed FROM file WHERE {which}")
        known, todo = {row[0]: row[1:] for row in rows}, []
        for path, name, status in found:
            result.files += 1
            key = key_of("file", path)
            if known.get(key) != (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns):
                todo.append((path, name, status.st_size, key))
        total = sum(size for _, _, size, _ in todo)
        while todo:
            todo = self._batch(todo, result)
            if tell:
                tell(result.bytes, total)

    def _batch(self, todo: list[tuple[str, str, int, int]], result: Read) -> list[tuple[str, str, int, int]]:
        """Read some files, keep what they say, and return those left; either all of it is kept or nothing."""
        self.base.execute("BEGIN IMMEDIATE")
        try:
            batch = _Batch(self)
            while todo and batch.rows < BATCH:
                batch.file(todo[0], result)
                todo = todo[1:]
            batch.keep()
            self.base.execute("COMMIT")
        except BaseException:
            if self.base.in_transaction:
                self.base.execute("ROLLBACK")
            self._names.clear()
            self._sessions.clear()
            raise
        return todo

    def name(self, text: str) -> int:
        """Return the number of a model's id or a branch."""
        if text not in self._names:
            self.base.execute("INSERT OR IGNORE INTO name (text) VALUES (?)", (text,))
            self._names[text] = self.base.execute("SELECT id FROM name WHERE text = ?", (text,)).fetchone()[0]
        return self._names[text]

    def session(self, name: str, cwd: str, started: int) -> int:
        """Return the number of a session; the first that tells of it says where it began."""
        if name not in self._sessions:
            row = self.base.execute("SELECT id, worktree FROM session WHERE name = ?", (name,)).fetchone()
            if row is None:
                asked = "INSERT INTO session (name, worktree, repository, started) VALUES (?, ?, ?, ?)"
                row = (self.base.execute(asked, (name, *self._home_of(cwd), started)).lastrowid,)
            elif cwd and not row[1]:
                update = "UPDATE session SET worktree = ?, repository = ?, started = ? WHERE id = ?"
                self.base.execute(update, (*self._home_of(cwd), started, row[0]))
            self._sessions[name] = row[0]
        return self._sessions[name]

    # What the index has

    def sessions(self, name: str = "") -> dict[int, Session]:
        """Return every session by its number, or the one of that name."""
        asked = "SELECT id, name, worktree, repository, started, parent FROM session WHERE name = ?1 OR ?1 = ''"
        rows = self.base.execute(asked, (name,))
        return {row[0]: Session(*row) for row in rows}

    def parts(self, sessions: Iterable[int] | None, since: int, cuts: Cuts, fine: Fine, by_day: bool) -> list[Part]:
        """Return what the sessions (None: all) used since then, as few parts as tell it apart.

        A session's messages of one model are one part, but where they lie on both sides of one of its `cuts`, on
        several days (`by_day`), or `fine(model, largest prompt)` says that their cost depends on more: SIZES, or
        SINGLE.
        """
        names: dict[int, str] = dict(self.base.execute("SELECT id, text FROM name"))
        asked, values = _of(sessions)
        found: list[Part] = []
        wanted: dict[tuple[int, ...], int] = {}  # how fine
        for session, agent, was, by, first, last, largest, *sums in self.base.execute(
            f"SELECT * FROM whole WHERE {asked} AND last >= ?", (*values, since)
        ):
            exact = fine(names[by], largest)
            parted = exact or first < since or any(first <= cut <= last for cut in cuts(session))
            if parted or (by_day and day(first) != day(last)):
                wanted[session, agent, was, by] = exact
            else:
                found.append(Part(session, first, agent, names[was], names[by], 0, *sums))
        merged: dict[tuple[Any, ...], list[int]] = {}
        for row in self._fine(wanted, since, cuts) if wanted else ():
            session, moment, agent, was, by, size, *sums = row
            exactly: tuple[object, int] = (moment, size) if wanted[session, agent, was, by] else (day(moment), 0)
            key = (session, agent, was, by, bisect_right(cuts(session), moment), *exactly)
            if key in merged:
                merged[key][2:] = map(int.__add__, merged[key][2:], sums)
            else:
                merged[key] = [moment, exactly[1], *sums]
        for (session, agent, was, by, *_), (moment, size, *sums) in merged.items():
            found.append(Part(session, moment, agent, names[was], names[by], size, *sums))
        return found

    def _fine(self, wanted: Mapping[tuple[int, ...], int], since: int, cuts: Cuts) -> Iterator[tuple[int, ...]]:
        """Yield sums of a quarter of an hour, and single messages in a quarter with a cut, or where SINGLE says so."""
        asked, values = _of({session for session, *_ in wanted})
        split: dict[int, frozenset[int]] = {}
        single: dict[tuple[int, int], set[tuple[int, ...]]] = {}
        sums = "requests, input, output, cache_read, write_5m, write_1h"
        columns = f"session, quarter, agent, asked, answered, size, {sums}"
        rows = self.base.execute(
            f"SELECT {columns} FROM part WHERE {asked} AND quarter >= ?", (*values, since // QUARTER)
        )
        for row in rows:
            session, quarter, *model = row[:5]
            asking = (session, *model)
            if asking not in wanted:
                continue
            if session not in split:
                split[session] = frozenset(cut // QUARTER for cut in (*cuts(session), *([since] if since else ())))
            if quarter in split[session] or wanted[asking] == SINGLE:
                single.setdefault((session, quarter), set()).add(asking)
            else:
                yield (session, quarter * QUARTER, *row[2:])
        exact = f"""SELECT session, time, agent, asked, answered, {_SIZE}, 1, input, output, cache_read, write_5m,
            write_1h FROM message WHERE session = ? AND time >= ? AND time < ?"""
        for (session, quarter), models in single.items():
            span = (session, max(quarter * QUARTER, since), (quarter + 1) * QUARTER)
            for row in self.base.execute(exact, span):
                if (session, *row[2:5]) in models:
                    yield row

    def failures(self, sessions: Iterable[int] | None, since: int) -> list[tuple[int, int, int, int, str]]:
        """Return session, time, status, whether a tool failed, and who had answered last, of each failure."""
        asked, values = _of(sessions)
        rows = self.base.execute(
            f"""SELECT session, time, status, tool, coalesce(text, '') FROM failure LEFT JOIN name ON name.id = answered
            WHERE {asked} AND time >= ? ORDER BY time""", (*values, since),
        )  # fmt: skip
        return list(rows)

    def last_answers(self) -> dict[int, int]:
        """Return when each session got its last answer, in ms since 1970."""
        return dict(self.base.execute("SELECT session, max(last) FROM whole GROUP BY session"))

    def claims(self, sessions: Iterable[int] | None) -> list[tuple[int, int, float, str]]:
        """Return session, time, USD and {model: tokens} as JSON text of what the client claimed, the oldest first."""
        asked, values = _of(sessions)
        rows = self.base.execute(f"SELECT session, time, usd, models FROM claim WHERE {asked} ORDER BY time", values)
        return list(rows)

    def until(self, session: int, moment: int) -> dict[str, tuple[int, int, int, int]]:
        """Return {model asked: input, output, cache read and written} of a session's messages until then."""
        sums = "sum(input), sum(output), sum(cache_read), sum(write_5m) + sum(write_1h)"
        own = "WHERE session = ?"
        late = self.base.execute(f"SELECT 1 FROM whole {own} AND last > ?", (session, moment)).fetchone()
        source = f"message {own} AND time <= {int(moment)}" if late else f"whole {own}"
        rows = self.base.execute(
            f"SELECT text, {sums} FROM name JOIN (SELECT * FROM {source}) ON name.id = asked GROUP BY 1", (session,)
        )
        return {row[0]: row[1:] for row in rows}

    def first(self, session: int) -> int:
        """Return when a session's first message was asked for, in ms since 1970."""
        row = self.base.execute("SELECT min(first) FROM whole WHERE session = ?", (session,)).fetchone()
        return row[0] or 0

    def forget(self, worktree: str, until: int) -> int:
        """Take away what a worktree ("" for all) used until then, for good, and return how many messages that was."""
        self.base.execute("BEGIN IMMEDIATE")
        mine = "session IN (SELECT id FROM session WHERE worktree = ? OR ? = '')"
        count = 0
        for table in ("message", "failure", "claim"):
            done = self.base.execute(
                f"DELETE FROM {table} WHERE {mine} AND time <= ?", (worktree, worktree, until)
            ).rowcount
            count = count or done if table == "message" else count
        changed = self.base.execute("SELECT id FROM session WHERE worktree = ?1 OR ?1 = ''", (worktree,))
        _sum_up(self.base, {row[0]: (0, until) for row in changed.fetchall()})
        left = "SELECT session FROM message UNION SELECT session FROM failure UNION SELECT session FROM claim"
        self.base.execute(f"DELETE FROM session WHERE id NOT IN ({left})")
        used = "SELECT asked FROM message UNION SELECT answered FROM message UNION SELECT branch FROM message"
        self.base.execute(f"DELETE FROM name WHERE id NOT IN ({used})")
        self.base.execute(
            """INSERT INTO forgotten VALUES (?, ?)
            ON CONFLICT (worktree) DO UPDATE SET until = max(until, excluded.until)""",
            (worktree, until),
        )
        self.base.execute("COMMIT")
        self._names.clear()
        self._sessions.clear()
        self.base.execute("VACUUM")
        self.base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count


def day(moment: int) -> str:
    """Return the day of a time in ms since 1970, in the local time zone."""
    quarter = moment // QUARTER
    if quarter not in _days:
        _days[quarter] = time.strftime("%Y-%m-%d", time.localtime(quarter * QUARTER / 1000))
    return _days[quarter]


def _of(sessions: Iterable[int] | None) -> tuple[str, list[int]]:
    if sessions is None:
        return "1", []
    numbers = list(sessions)
    if len(numbers) < 500:
        return f"session IN ({','.join('?' * len(numbers))})", numbers
    return f"session IN ({','.join(map(str, numbers))})", []


def _sum_up(base: sqlite3.Connection, spans: Mapping[int, tuple[int, int]]) -> None:
    """Sum up messages again, after some have come or gone: of each session those from one time to another."""
    rows = [(number, first // QUARTER, last // QUARTER) for number, (first, last) in spans.items()]
    base.executemany("DELETE FROM part WHERE session = ? AND quarter BETWEEN ? AND ?", rows)
    base.executemany(
        f"""{_PART} WHERE session = ? AND time >= ? * {QUARTER} AND time < (? + 1) * {QUARTER}
        GROUP BY 1, 2, 3, 4, 5, 6""", rows,
    )  # fmt: skip
    sessions = [(number,) for number in spans]
    base.executemany("DELETE FROM whole WHERE session = ?", sessions)
    base.executemany(
        """INSERT INTO whole SELECT session, agent, asked, answered, min(first), max(last), max(largest),
        sum(requests), sum(input), sum(output), sum(cache_read), sum(write_5m), sum(write_1h)
        FROM part WHERE session = ? GROUP BY 1, 2, 3, 4""", sessions,
    )  # fmt: skip


class _Batch:
    """What some files say, before it is kept."""

    def __init__(self, index: Index) -> None:
        self.index, self.base = index, index.base
        self._messages: dict[int, list[int]] = {}
        self._failures: list[tuple[int, int, int, int, int, int | None]] = []
        self._claims: list[tuple[int, int, float, str]] = []
        self._files: list[tuple[Any, ...]] = []
        self._forgotten = dict(self.base.execute("SELECT worktree, until FROM forgotten"))
        self._worktrees: dict[int, str] = {}
        self._parents: dict[int, int] = {}  # a fork → the session that it was forked from

    @property
    def rows(self) -> int:
        """How many rows there are to keep."""
        return len(self._messages) + len(self._failures)

    def file(self, found: tuple[str, str, int, int], result: Read) -> None:
        """Read what was appended to one file."""
        path, name, size, key = found
        result.bytes += size
        try:
            file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        except OSError:
            result.denied.append(path)
            return
        try:
            status = os.fstat(file)
            reader = self._reader(file, status, key, name)
            answered: int | None = None
            for each in reader.read(file):
                answered = self._take(each, answered)
            result.read += 1
            result.broken += reader.broken
            tail = os.pread(file, 64, max(reader.offset - 64, 0)) if reader.offset else b""
        except OSError:
            result.denied.append(path)
            return
        finally:
            os.close(file)
        row = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, reader.offset, tail[: reader.offset],
               reader.memory, reader.broken)  # fmt: skip
        self._files.append((key, *row))

    def _reader(self, file: int, status: os.stat_result, key: int, name: str) -> Reader:
        """Return a reader from where the last one stopped, or from the start of a file that is another now."""
        columns = "SELECT offset, tail, memory, id, key FROM file WHERE "
        row = self.base.execute(columns + "key = ?", (key,)).fetchone()
        if row is None:  # renamed, if the old name is free now
            at = (status.st_dev, status.st_ino)
            row = self.base.execute(columns + "device = ? AND inode = ?", at).fetchone()
        offset, tail, memory = row[:3] if row else (0, b"", "")
        if offset and (offset > status.st_size or os.pread(file, len(tail), offset - len(tail)) != tail):
            offset, memory = 0, ""
        return Reader(name, offset, memory)

    def _take(self, found: Message | Failure | Claim | Start, answered: int | None) -> int | None:
        """Note one thing, and return who answered last."""
        if isinstance(found, Message):
            session = self.index.session(found.session, found.cwd, found.time)
            if found.copied_by:
                self._parents[self.index.session(found.copied_by, found.cwd, found.time)] = session
            if self._kept(session, found.time):
                self._message(found, session)
            return self.index.name(found.answered)
        if isinstance(found, Start):
            self.index.session(found.session, found.cwd, found.time)
            return answered
        session = self.index.session(found.session, "", found.time)
        if not self._kept(session, found.time):
            return answered
        if isinstance(found, Failure):
            self._failures.append((found.key, found.time, session, found.status, int(found.tool), answered))
        else:
            self._claims.append((session, found.time, found.usd, dumps(found.models)))
        return answered

    def _message(self, found: Message, session: int) -> None:
        row = self._messages.get(found.key)
        if row is None:
            name = self.index.name
            self._messages[found.key] = [
                found.key, found.time, session, int(found.agent) + 2 * found.home, name(found.asked or found.answered),
                name(found.answered), name(found.branch), *found.tokens,
            ]  # fmt: skip
            return
        row[1] = min(row[1], found.time)
        row[7:] = map(max, row[7:], found.tokens)

    def _kept(self, session: int, moment: int) -> bool:
        """Say whether this is not among what was to be forgotten."""
        if not self._forgotten:
            return True
        if session not in self._worktrees:
            row = self.base.execute("SELECT worktree FROM session WHERE id = ?", (session,)).fetchone()
            self._worktrees[session] = row[0]
        until: int = max(self._forgotten.get("", 0), self._forgotten.get(self._worktrees[session], 0))
        return moment > until

    def keep(self) -> None:
        """Write it all, and sum up again what has changed."""
        base = self.base
        spans: dict[int, tuple[int, int]] = {}
        self._spread(spans)  # a copy may name another session than the index has, or an earlier time
        base.executemany(_KEEP, self._messages.values())
        self._spread(spans)
        base.executemany("INSERT OR IGNORE INTO failure VALUES (?, ?, ?, ?, ?, ?)", self._failures)
        base.executemany("INSERT OR REPLACE INTO claim VALUES (?, ?, ?, ?)", self._claims)
        base.executemany(
            """INSERT INTO file (key, device, inode, size, changed, offset, tail, memory, broken)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO UPDATE SET device = excluded.device,
            inode = excluded.inode, size = excluded.size, changed = excluded.changed, offset = excluded.offset,
            tail = excluded.tail, memory = excluded.memory, broken = excluded.broken""", self._files,
        )  # fmt: skip
        base.executemany("UPDATE session SET parent = ?2 WHERE id = ?1", self._parents.items())
        _sum_up(base, spans)

    def _spread(self, spans: dict[int, tuple[int, int]]) -> None:
        """Note from when to when the messages are, by session."""
        keys = list(map(str, self._messages))
        for start in range(0, len(keys), 10_000):
            which = f"key IN ({','.join(keys[start : start + 10_000])})"
            asked = f"SELECT session, min(time), max(time) FROM message WHERE {which} GROUP BY 1"
            for session, first, last in self.base.execute(asked):
                known = spans.get(session, (first, last))
                spans[session] = min(first, known[0]), max(last, known[1])


def _transcripts(folder: str, wanted: Callable[[str], bool], result: Read) -> Iterator[tuple[str, str, os.stat_result]]:
    """Yield path, session and status of the transcripts."""
    for project in _entries(folder, result):
        if wanted(project.name) and project.is_dir():
            yield from _of_project(_entries(project.path, result), result)


def _of_project(entries: Sequence[os.DirEntry[str]], result: Read) -> Iterator[tuple[str, str, os.stat_result]]:
    """Yield a project's transcripts, sessions' own before those of sub-agents, which may have begun elsewhere."""
    for entry in entries:
        if entry.name.endswith(".jsonl") and entry.is_file():
            yield entry.path, entry.name.removesuffix(".jsonl"), entry.stat()
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            for path, status in _agents(entry.path, result):
                yield path, entry.name, status


def _agents(folder: str, result: Read) -> Iterator[tuple[str, os.stat_result]]:
    for entry in _entries(folder, result):
        if entry.is_dir(follow_symlinks=False):
            yield from _agents(entry.path, result)
        elif entry.name.endswith(".jsonl") and entry.is_file():
            yield entry.path, entry.stat()


def _entries(folder: str, result: Read) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError:
        result.denied.append(folder)
        return []


def below(roots: Sequence[str]) -> Callable[[str], bool]:
    """Return what says of a project's folder whether sessions in these worktrees may have theirs there."""
    return lambda name: any(may_be_below(name, root) for root in roots)


def exists(state_folder: str) -> bool:
    """Say whether there is an index."""
    return os.path.isfile(os.path.join(state_folder, FILE))


def worked(
    state_folder: str, home_of: Callable[[str], tuple[str, str]], work: Callable[[Index], T], wait: float = WAIT
) -> T:
    """Do some work with the index, made where there is none; a broken one is set aside, and a new one made.

    `wait` is how many seconds another may take. LlmswitchError where it takes longer, where that is not possible, or
    where a newer llmswitch made the index.
    """
    path, aside = os.path.join(state_folder, FILE), ""
    _made(path)
    for attempt in (1, 2):
        try:
            with closing(_connected(path, wait)) as base:
                return work(Index(base, home_of, aside))
        except sqlite3.OperationalError as error:
            hint = "Another `llmswitch usage` may be reading: try again." if "locked" in str(error) else ""
            kept = "What it had is kept."
            raise LlmswitchError(f"{path}, the index, cannot be used: {error}.", changed=kept, hint=hint) from None
        except sqlite3.DatabaseError as error:
            if attempt == 2:
                raise LlmswitchError(f"{path}, the index, cannot be made: {error}.") from None
            aside = _set_aside(path)
    raise AssertionError("not reached")


def _made(path: str) -> None:
    """Make an empty file where there is none, for nobody but the user to read."""
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
    except OSError as error:
        raise LlmswitchError(f"{path}: the index of what was used cannot be made: {error.strerror}.") from None


def _connected(path: str, wait: float = WAIT) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=wait, isolation_level=None)
    try:
        version = base.execute("PRAGMA user_version").fetchone()[0]
        if version > len(STEPS):
            raise LlmswitchError(
                f"{path} was made by a newer llmswitch (version {version} of it; this one knows {len(STEPS)}).",
                hint="Use that one, or move the file away: it is made anew from the transcripts that still exist.",
            )
        base.execute("PRAGMA synchronous = NORMAL")
        there = {row[0] for row in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if version and (missing := TABLES - there):
            raise sqlite3.DatabaseError(f"it has no {', '.join(sorted(missing))}")
        if version < len(STEPS):
            base.execute("PRAGMA journal_mode = WAL")
            _migrate(base)
    except BaseException:
        base.close()
        raise
    return base


def _migrate(base: sqlite3.Connection) -> None:
    base.execute("BEGIN IMMEDIATE")
    version = base.execute("PRAGMA user_version").fetchone()[0]  # another may have been quicker
    for step in STEPS[version:]:
        for statement in filter(str.strip, step.split(";")):
            base.execute(statement)
    base.execute(f"PRAGMA user_version = {len(STEPS)}")
    base.execute("COMMIT")


def _set_aside(path: str) -> str:
    """Rename a broken index, and return its new name; "" where another did so meanwhile."""
    with files.Lock(path + ".lock", path):
        if _is_whole(path):
            return ""
        aside = f"{path}.broken-{time.strftime('%Y%m%d-%H%M%S')}"
        for end in ("", "-wal", "-shm"):
            try:
                os.replace(path + end, aside + end)
            except FileNotFoundError:
                pass
        _made(path)
        return aside


def _is_whole(path: str) -> bool:
    try:
        base = _connected(path)
    except sqlite3.DatabaseError:
        return False
    try:
        return bool(base.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError:
        return False
    finally:
        base.close()
