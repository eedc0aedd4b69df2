"""The tables of the database, their version, and what an error of SQLite's means.

What stands in the rows is `records`' matter. Everything here blocks, and runs in a worker thread.

    epochs   one row a run of the server; `torn`: whether events after its last one may be missing,
             NULL while it runs
    kinds    types of events;  places  where they happen, encoded: both are written once; `used` is
             the last part that has them
    events   id (epoch and seq in one number), time, kind, place, data
    parts    ranges of ids with their times, and whether their text is in `texts_NO`: a search goes
             from part to part, and old text is dropped as a whole
    lost     ranges that could not be kept
    meta     `removed_to`: the last id that retention removed
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from urllib.parse import quote

APPLICATION_ID = 0x746D7570
BUSY_MILLISECONDS = 2000
CHECK_SECONDS = 1.0
PROGRESS_STEPS = 5_000
_IMPOSSIBLE = 1000  # a version that no release has
WAL_BYTES = 4 << 20

_FIRST = """
CREATE TABLE epochs (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    epoch TEXT NOT NULL UNIQUE,
    started INTEGER NOT NULL,
    ended INTEGER,
    last_seq INTEGER NOT NULL DEFAULT 0,
    output INTEGER NOT NULL,
    torn INTEGER
);
CREATE TABLE kinds (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    used INTEGER NOT NULL
);
CREATE TABLE places (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    name BLOB NOT NULL UNIQUE,
    used INTEGER NOT NULL
);
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    place INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX events_kind ON events (kind);
CREATE TABLE parts (
    no INTEGER PRIMARY KEY AUTOINCREMENT,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    min_at INTEGER NOT NULL,
    max_at INTEGER NOT NULL,
    events INTEGER NOT NULL,
    text_bytes INTEGER NOT NULL,
    indexed INTEGER NOT NULL
);
CREATE TABLE lost (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    count INTEGER NOT NULL,
    at INTEGER NOT NULL
);
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
INSERT INTO meta VALUES ('removed_to', 0);
"""
# Each brings a database from the version of its position to the next.
STEPS: list[str] = [_FIRST]


class Meaning(Enum):
    """What an error of SQLite's asks for."""

    DAMAGED = auto()  # set the database aside
    FULL = auto()  # wait for space
    TROUBLE = auto()  # try again later
    INTERRUPTED = auto()  # we did it


class Damaged(Exception):
    """What is in the database's place is none of ours, or not in order."""


# What SQLite's module raises besides its own errors when a file holds nonsense: a name in a message
# that is no UTF-8, a text or nothing where a number is expected.
NONSENSE = (UnicodeError, TypeError, ValueError, OverflowError)


class TooNew(Exception):
    """A later release made this database."""


_BUSY, _LOCKED, _NOMEM, _READONLY, _INTERRUPT, _IOERR = 5, 6, 7, 8, 9, 10
_FULL, _CANTOPEN, _PERM, _PROTOCOL, _AUTH, _NOLFS = 13, 14, 3, 15, 23, 22
_CORRUPT, _NOTADB, _SHORT_READ = 11, 26, 522
_LATER = {_BUSY, _LOCKED, _NOMEM, _READONLY, _IOERR, _CANTOPEN, _PERM, _PROTOCOL, _AUTH, _NOLFS}
# Python 3.10 does not tell the code.
_TEXTS = {
    "database or disk is full": _FULL,
    "interrupted": _INTERRUPT,
    "database is locked": _BUSY,
    "database table is locked": _LOCKED,
    "attempt to write a readonly database": _READONLY,
    "disk I/O error": _IOERR,
    "unable to open database file": _CANTOPEN,
    "out of memory": _NOMEM,
    "locking protocol": _PROTOCOL,
}


def meaning_of(error: sqlite3.Error) -> Meaning:
    """Tell what to do about an error; what is not known to pass is damage."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        code = _TEXTS.get(str(error), 1)
    if code == _SHORT_READ:
        return Meaning.DAMAGED
    primary = code & 0xFF
    if primary == _FULL:
        return Meaning.FULL
    if primary == _INTERRUPT:
        return Meaning.INTERRUPTED
    return Meaning.TROUBLE if primary in _LATER else Meaning.DAMAGED


def is_corrupt(error: sqlite3.Error) -> bool:
    """Tell whether SQLite itself says that the file is damaged."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        text = str(error)
        return any(sign in text for sign in ("malformed", "not a database", "corrupt"))
    return code == _SHORT_READ or code & 0xFF in {_CORRUPT, _NOTADB}


def open_database(path: Path) -> sqlite3.Connection:
    """Open the database for writing; an empty file becomes one, an older one is brought up to date.

    Raises:
        sqlite3.Error: see `meaning_of`.
        Damaged: it is no history, or not in order.
        TooNew: a later release made it.
    """
    _check_header(path)
    connection = sqlite3.connect(
        path, timeout=BUSY_MILLISECONDS / 1000, isolation_level=None, check_same_thread=False
    )
    try:
        _settle(connection)
        _prepare(connection)
        quick_check(connection, CHECK_SECONDS)
    except BaseException:
        close_quietly(connection)
        raise
    return connection


def _check_header(path: Path) -> None:
    """Refuse a file whose header makes SQLite take it for one that may only be read.

    The write and read versions (https://www.sqlite.org/fileformat2.html, 1.3.3) are 1, or 2 with
    the log that we use. Nothing else was ever written by us.
    """
    with path.open("rb") as file:
        header = file.read(20)
    if len(header) == 20 and not {header[18], header[19]} <= {1, 2}:  # noqa: PLR2004  # as there
        raise Damaged("its header cannot be true")


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the database so that nothing in it can be changed.

    Raises:
        sqlite3.Error: see `meaning_of`.
        TooNew: a later release made it.
        Damaged: it is no history.
    """
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro",
        uri=True,
        timeout=BUSY_MILLISECONDS / 1000,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        _settle(connection)
        connection.execute("PRAGMA query_only = ON")
        _refuse_old(connection)
    except BaseException:
        close_quietly(connection)
        raise
    return connection


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the tables; 0: there are none.

    Raises:
        TooNew: it is one that this release does not know.
        Damaged: somebody else's database.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (tables or application or version):
        raise Damaged("it is no history of tmuxpulse")
    if len(STEPS) < version < _IMPOSSIBLE:
        raise TooNew(f"a later release made it (version {version}, known up to {len(STEPS)})")
    if not 0 <= version <= len(STEPS) or (version and not tables):
        raise Damaged("its version cannot be true")
    return int(version)


def has_text_index(connection: sqlite3.Connection) -> bool:
    """Tell whether this SQLite has FTS5 with trigrams (3.34 and later)."""
    if sqlite3.sqlite_version_info < (3, 34):
        return False
    found = connection.execute("SELECT 1 FROM pragma_module_list WHERE name = 'fts5'").fetchone()
    return found is not None


def create_texts(connection: sqlite3.Connection, part: int) -> None:
    """Make the index of a part's text: trigrams without positions, and no copy of the text.

    Without positions a hit is only a candidate (its event is looked at anyway), and the index is
    0.4 of the size and 0.65 of the work. Merging 16 pieces at once, instead of 4, saves a fifth
    of the work again, and costs a search nothing that can be measured.
    """
    table = f"texts_{part:d}"
    connection.execute(
        f"CREATE VIRTUAL TABLE {table} USING fts5(text, content='', columnsize=0,"
        " detail=none, tokenize='trigram case_sensitive 1')"
    )
    connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('automerge', 16)")  # noqa: S608  # our number


def quick_check(connection: sqlite3.Connection, seconds: float) -> None:
    """Look for damage for a while: a large database is not read to its end.

    Raises:
        Damaged: something is not in order.
    """
    until = time.monotonic() + seconds
    with interruptible(connection, lambda: time.monotonic() > until):
        try:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.OperationalError as error:
            if meaning_of(error) is Meaning.INTERRUPTED:
                return
            raise
    if said != "ok":
        raise Damaged(str(said))


class interruptible:  # noqa: N801  # used like a function, in a `with`
    """Interrupt what a connection does inside the block once `is_over` says so."""

    def __init__(self, connection: sqlite3.Connection, is_over: Callable[[], bool]) -> None:
        self._connection = connection
        self._is_over = is_over

    def __enter__(self) -> None:
        """Begin to ask."""
        self._connection.set_progress_handler(self._is_over, PROGRESS_STEPS)

    def __exit__(self, *_: object) -> None:
        """Ask no more."""
        self._connection.set_progress_handler(None, PROGRESS_STEPS)


def close_quietly(connection: sqlite3.Connection) -> None:
    """Close, whatever state the database is in."""
    with suppress(sqlite3.Error):
        connection.close()


def _refuse_old(connection: sqlite3.Connection) -> None:
    if version_of(connection) < len(STEPS):
        raise Damaged("an earlier release made it, and nothing has brought it up to date")


def _settle(connection: sqlite3.Connection) -> None:
    """What has to hold before a file of unknown state is read."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.execute("PRAGMA mmap_size = 0")


def _prepare(connection: sqlite3.Connection) -> None:
    version = version_of(connection)
    if version == 0:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA secure_delete = FAST")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
    for step in range(version, len(STEPS)):
        # One transaction, the number with the tables: a crash leaves one version or the other.
        connection.executescript(
            f"BEGIN IMMEDIATE; {STEPS[step]}; PRAGMA user_version = {step + 1}; COMMIT"
        )
