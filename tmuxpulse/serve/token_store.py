"""The tokens of this user, in one private file: hashes, names, grants; never a token.

Commands change it under a lock, by a new file in the place of the old one; a server reads it again
when it has changed. Blocking, but the file is small.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from tmuxpulse.errors import UsageError
from tmuxpulse.serve.grants import Grant, Scope
from tmuxpulse.serve.tokens import Secret, hash_of, id_of, make_token, matches

MAX_TOKENS = 1000
MAX_FILE_BYTES = 1 << 20
MAX_GLOBS = 64
VERSION = 1
KEPT_SECONDS = 30 * 86_400  # a dead token is listed for so long

_T = TypeVar("_T")

Text = Annotated[str, Meta(min_length=1, max_length=64)]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one token; times in seconds since the epoch.

    Attributes:
        hash: the SHA-256 of its text.
        expires_at: None: never.
        revoked_at: None: it was not revoked.
    """

    id: Text
    name: Text
    hash: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    scopes: tuple[Scope, ...]
    sessions: tuple[Text, ...] = ()
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None

    def is_live(self, now: float) -> bool:
        """Whether it is good at a time."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def grant(self) -> Grant:
        """What it allows."""
        return Grant(
            f"token:{self.id}", self.name, frozenset(self.scopes), self.sessions, self.expires_at
        )


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int = VERSION
    tokens: Annotated[tuple[Record, ...], Meta(max_length=MAX_TOKENS)] = ()


class TokenStore:
    """The tokens in a file. One that does not exist yet holds none.

    Args:
        path: the file; its directory has to be private.

    Raises:
        UsageError: the file is refused, or cannot be understood; it says what to do.

    Attributes:
        problem: why no token is good any more since the last `refresh`; empty: nothing is wrong.
    """

    def __init__(self, path: Path) -> None:
        self.problem = ""
        self._path = path
        self._seen: tuple[int, ...] | None = self._look()
        self._records = {record.id: record for record in self._read()}

    # --- for a server ----------------------------------------------------------------------

    def check(self, text: str, now: float) -> Grant | None:
        """What a token allows; None: it is unknown, revoked or expired.

        Args:
            text: what somebody gave.
            now: seconds since the epoch.
        """
        record = self._records.get(id_of(text) or "")
        good = matches(text, None if record is None else record.hash)
        return record.grant() if record is not None and good and record.is_live(now) else None

    def grant(self, token_id: str, now: float) -> Grant | None:
        """What the token with that id allows; None: it is not good any more."""
        record = self._records.get(token_id)
        return record.grant() if record is not None and record.is_live(now) else None

    def has_live(self, now: float) -> bool:
        """Whether any token is good."""
        return any(record.is_live(now) for record in self._records.values())

    def refresh(self) -> bool:
        """Read the file again if it has changed; tell whether it had.

        When it can no longer be trusted or understood, no token is good any more, and `problem`
        says why: revoking must work, whatever else is wrong.
        """
        seen = self._look()
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            self._records = {record.id: record for record in self._read()}
            self.problem = ""
        except UsageError as error:
            self._records = {}
            self.problem = str(error)
        return True

    # --- for commands ----------------------------------------------------------------------

    @property
    def records(self) -> list[Record]:
        """All tokens, oldest first."""
        return sorted(self._records.values(), key=lambda record: record.created_at)

    def create(
        self,
        name: str,
        scopes: tuple[Scope, ...],
        *,
        now: float,
        sessions: tuple[str, ...] = (),
        seconds: float | None = None,
    ) -> tuple[Secret, Record]:
        """Make a token.

        Args:
            name: what a person calls it; no other live token has that name.
            scopes: at least one.
            now: seconds since the epoch.
            sessions: globs; empty: all sessions.
            seconds: how long it is good; None: for ever.

        Raises:
            UsageError: that cannot be granted, or the store is full or refused.
        """
        _check_name(name)
        _check_grant(scopes, sessions)

        def change(records: list[Record]) -> tuple[Secret, Record]:
            _drop_dead(records, now)
            if any(one.name == name and one.is_live(now) for one in records):
                raise UsageError(
                    f"there is a token {name!r} already: tmuxpulse token rotate {name}"
                )
            if len(records) >= MAX_TOKENS:
                raise UsageError(f"there are {MAX_TOKENS} tokens already; revoke some first")
            made, record = _make(
                name, scopes, sessions, now, None if seconds is None else now + seconds
            )
            records.append(record)
            return made, record

        return self._change(change)

    def revoke(self, name: str, *, now: float) -> list[Record]:
        """End the live tokens with that name or id.

        Raises:
            UsageError: there is none, or the store is refused.
        """

        def change(records: list[Record]) -> list[Record]:
            ended = []
            for at, record in enumerate(records):
                if name in (record.name, record.id) and record.is_live(now):
                    records[at] = msgspec.structs.replace(record, revoked_at=now)
                    ended.append(records[at])
            if not ended:
                raise _unknown(name)
            return ended

        return self._change(change)

    def rotate(self, name: str, *, now: float, grace: float = 0.0) -> tuple[Secret, Record]:
        """Put a new token in the place of one: same name and grant, as long a life.

        Args:
            name: its name or id.
            now: seconds since the epoch.
            grace: for how many seconds the old one stays good.

        Raises:
            UsageError: there is none, or the store is refused.
        """

        def change(records: list[Record]) -> tuple[Secret, Record]:
            live = [one for one in records if name in (one.name, one.id) and one.is_live(now)]
            if not live:
                raise _unknown(name)
            record = live[-1]  # several, while one that was rotated stays good
            life = None if record.expires_at is None else record.expires_at - record.created_at
            secret, made = _make(
                record.name,
                record.scopes,
                record.sessions,
                now,
                None if life is None else now + life,
            )
            end = {"expires_at": now + grace} if grace else {"revoked_at": now}
            records[records.index(record)] = msgspec.structs.replace(record, **end)
            records.append(made)
            return secret, made

        return self._change(change)

    # --- the file --------------------------------------------------------------------------

    def _look(self) -> tuple[int, ...] | None:
        """What tells one version of the file from another."""
        try:
            found = self._path.lstat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode, found.st_uid

    def _read(self) -> list[Record]:
        try:
            _check_directory(self._path.parent)
            fd = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise UsageError(
                f"cannot read the tokens in {self._path}: {error.strerror};"
                " it has to be a file of yours, not a link"
            ) from None
        try:
            _check_file(os.fstat(fd), self._path)
            with open(fd, "rb", closefd=False) as file:  # what was checked is read
                held = file.read(MAX_FILE_BYTES + 1)
        finally:
            os.close(fd)
        try:
            return _decode(held)
        except (ValueError, RecursionError, UnicodeError) as error:
            raise UsageError(
                f"{self._path} is damaged ({str(error)[:120]});"
                " move it away and make the tokens anew"
            ) from None

    def _change(self, change: Callable[[list[Record]], _T]) -> _T:
        """Change what is in the file now, whoever else is doing so."""
        with _locked(self._path):
            records = self._read()
            result = change(records)
            _write(self._path, msgspec.json.encode(_File(tokens=tuple(records))))
            self._records = {record.id: record for record in records}
            self._seen = self._look()
        return result


def _decode(held: bytes) -> list[Record]:
    if len(held) > MAX_FILE_BYTES:
        raise ValueError(f"over {MAX_FILE_BYTES} bytes")
    found = msgspec.json.decode(held, type=_File)
    if found.version != VERSION:
        raise ValueError(f"version {found.version}, and this release knows {VERSION}")
    return list(found.tokens)


def _make(
    name: str,
    scopes: tuple[Scope, ...],
    sessions: tuple[str, ...],
    now: float,
    expires_at: float | None,
) -> tuple[Secret, Record]:
    token_id, secret = make_token()
    record = Record(
        id=token_id,
        name=name,
        hash=hash_of(secret.reveal()),
        scopes=tuple(dict.fromkeys(scopes)),
        sessions=tuple(dict.fromkeys(sessions)),
        created_at=now,
        expires_at=expires_at,
    )
    return secret, record


def _drop_dead(records: list[Record], now: float) -> None:
    limit = now - KEPT_SECONDS
    records[:] = [
        one
        for one in records
        if one.is_live(now) or (one.revoked_at or one.expires_at or now) > limit
    ]


def _check_name(name: str) -> None:
    if not 0 < len(name) <= 64 or not name.isprintable() or name != name.strip():  # noqa: PLR2004  # as `Text`
        raise UsageError("a token's name is 1 to 64 printable characters")
    if id_of(name) is not None or name.startswith("tp_"):
        raise UsageError("that looks like a token; a name is something else, such as 'laptop'")


def _check_grant(scopes: tuple[Scope, ...], sessions: tuple[str, ...]) -> None:
    if not scopes:
        raise UsageError("a token needs at least one --scope")
    if sessions and "admin" in scopes:
        raise UsageError("`admin` sees all sessions: leave out --session, or the scope")
    if len(sessions) > MAX_GLOBS or any(not 0 < len(one) <= 64 for one in sessions):  # noqa: PLR2004  # as `Text`
        raise UsageError(f"at most {MAX_GLOBS} session globs of 1 to 64 characters")


def _unknown(name: str) -> UsageError:
    if name.startswith("tp_"):  # never repeat what may be a token
        return UsageError("name the token by its name or id, not by itself: tmuxpulse token list")
    return UsageError(f"there is no live token {name!r}: tmuxpulse token list")


def _check_directory(directory: Path) -> None:
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UsageError(
            f"{directory} must be a directory of yours that nobody else can enter (chmod 700)"
        )


def _check_file(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UsageError(
            f"{path} must be a file of yours that nobody else can read (chmod 600);"
            " somebody may have read or planted it: look, and rotate the tokens"
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Be the only one who changes the file."""
    try:
        _check_directory(path.parent)
        lock = os.open(
            path.with_name(f"{path.name}.lock"),
            os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC,
            0o600,
        )
    except OSError as error:
        raise UsageError(f"cannot change the tokens in {path}: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write(path: Path, held: bytes) -> None:
    """Put a new file in the place of the old one: after a crash it is the one or the other."""
    made = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        fd = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with open(fd, "wb") as file:  # noqa: PTH123  # by descriptor: O_EXCL made it
                file.write(held)
                file.flush()
                os.fsync(fd)
            made.replace(path)
        except BaseException:
            made.unlink(missing_ok=True)
            raise
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as error:
        raise UsageError(f"cannot write the tokens to {path}: {error.strerror}") from None
