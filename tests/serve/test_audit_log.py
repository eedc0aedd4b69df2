"""The files: several append, they are rotated, mended after a crash, refused when not private."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tmuxpulse.errors import TmuxpulseError, UsageError
from tmuxpulse.serve import audit_files
from tmuxpulse.serve.audit_chain import CURRENT, Head
from tmuxpulse.serve.audit_entry import body
from tmuxpulse.serve.audit_files import read_head
from tmuxpulse.serve.audit_log import AuditLog, append_now, places
from tmuxpulse.serve.audit_reading import open_snapshot
from tmuxpulse.serve.audit_verify import Verdict, verify


@pytest.fixture(autouse=True)
def private(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)


def entries(*numbers: int, size: int = 0) -> list[bytes]:
    return [body(0.0, "did", "owner", {"x": n, "more": "m" * size}) for n in numbers]


def log_in(state: Path, **settings: Any) -> AuditLog:
    return AuditLog(*places(state), clock=lambda: 0.0, **settings)


def judge(state: Path) -> Verdict:
    with open_snapshot(*places(state)) as snapshot:
        return verify(snapshot.pieces(), snapshot.head)


def lines_of(state: Path) -> list[dict[str, Any]]:
    with open_snapshot(*places(state)) as snapshot:
        return [json.loads(piece.data) for piece in snapshot.pieces()]


def values(state: Path) -> list[int]:
    return [line["x"] for line in lines_of(state) if line["action"] == "did"]


def kinds(verdict: Verdict) -> list[str]:
    return [finding.kind for finding in verdict.findings]


def current(state: Path) -> Path:
    return places(state)[0] / CURRENT


def test_what_is_written_is_private_and_chained(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert log_in(tmp_path).append(entries(1, 2, 3)) == 3
    finally:
        os.umask(before)
    directory, head = places(tmp_path)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for file in [*directory.iterdir(), head]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    verdict = judge(tmp_path)
    assert verdict.unbroken
    assert (verdict.entries, verdict.notes) == (3, [])
    assert read_head(head) == verdict.last
    assert not head.with_name("audit.head.new").exists()


def test_several_take_turns_and_the_chain_is_one(tmp_path: Path) -> None:
    first, second = log_in(tmp_path), log_in(tmp_path, max_bytes=1500)
    for n in range(30):
        (first, second)[n % 2].append(entries(n))
    append_now(tmp_path, "did", who="owner", x=30)
    assert values(tmp_path) == list(range(31))
    verdict = judge(tmp_path)
    assert verdict.unbroken
    assert verdict.notes == []


def test_full_files_are_rotated_and_only_so_many_kept(tmp_path: Path) -> None:
    log = log_in(tmp_path, max_bytes=2000, keep=2)
    for n in range(40):
        assert log.append(entries(n)) == 1
    directory, _ = places(tmp_path)
    files = sorted(path for path in directory.iterdir() if path.suffix == ".jsonl")
    assert len(files) == 3
    assert all(file.stat().st_size <= 2000 for file in files)
    verdict = judge(tmp_path)
    assert verdict.unbroken
    assert verdict.first > 1
    assert [note.kind for note in verdict.notes] == ["start"]
    kept = values(tmp_path)
    assert kept == list(range(kept[0], 40))


def test_a_batch_spans_files_and_a_large_entry_has_its_own(tmp_path: Path) -> None:
    log = log_in(tmp_path, max_bytes=1000, keep=100)
    assert log.append(entries(*range(20)) + entries(20, 21, size=250)) == 22
    assert log.append([body(0.0, "did", "owner", {f"f{n}": "y" * 256 for n in range(20)})]) == 1
    assert judge(tmp_path).unbroken
    assert len([line for line in lines_of(tmp_path) if line["action"] == "did"]) == 23


def test_none_are_kept_when_none_are_wanted(tmp_path: Path) -> None:
    log = log_in(tmp_path, max_bytes=1000, keep=0)
    for n in range(20):
        log.append(entries(n))
    names = {path.name for path in places(tmp_path)[0].iterdir()}
    assert names == {CURRENT, "lock"}
    assert judge(tmp_path).unbroken


def test_a_removed_beginning_that_rotation_did_not_remove_is_found(tmp_path: Path) -> None:
    log = log_in(tmp_path, max_bytes=1000, keep=100)
    log.append(entries(*range(20)))
    oldest = min(path for path in places(tmp_path)[0].iterdir() if path.name.startswith("audit-"))
    oldest.unlink()
    assert kinds(judge(tmp_path)) == ["missing"]
    log.append(entries(*range(20)))
    assert kinds(judge(tmp_path)) == ["missing"]


def test_a_command_leaves_rotation_to_the_server(tmp_path: Path) -> None:
    log = log_in(tmp_path, max_bytes=1000, keep=100)
    log.append(entries(*range(20)))
    directory, _ = places(tmp_path)
    files = len(list(directory.iterdir()))
    current(tmp_path).unlink()  # as between a rotation and its first entry
    append_now(tmp_path, "token.created", who="owner")
    assert len(list(directory.iterdir())) == files


def test_a_copy_with_the_name_of_a_full_file_is_not_overwritten(tmp_path: Path) -> None:
    log_in(tmp_path).append(entries(1, 2, 3, 4))
    copy = places(tmp_path)[0] / "audit-000000000001-000000000004.jsonl"
    copy.write_bytes(b"mine")
    copy.chmod(0o600)
    assert log_in(tmp_path, max_bytes=100).append(entries(5)) == 1
    assert copy.read_bytes() == b"mine"
    assert current(tmp_path).stat().st_size > 500


# --- crashes ------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [1, 20, 150])
def test_a_half_written_line_is_told_and_the_chain_goes_on(tmp_path: Path, left: int) -> None:
    log_in(tmp_path).append(entries(1, 2))
    whole = current(tmp_path).read_bytes().splitlines(keepends=True)[1]
    with open(current(tmp_path), "ab") as file:
        file.write(whole[:left])
    assert kinds(judge(tmp_path)) == ["half-written"]
    log_in(tmp_path).append(entries(3))
    verdict = judge(tmp_path)
    assert verdict.unbroken
    assert [note.kind for note in verdict.notes] == ["repaired"]
    assert (verdict.entries, verdict.last.n) == (4, 4)
    mended = current(tmp_path).read_bytes()
    current(tmp_path).write_bytes(mended.replace(whole[:left] + b"\n", b"\n"))
    assert not judge(tmp_path).unbroken


def test_damage_larger_than_any_window_is_told_too(tmp_path: Path) -> None:
    log_in(tmp_path).append(entries(1))
    with open(current(tmp_path), "ab") as file:
        file.write((b"x" * 30_000 + b"\n") * 10 + b"\x00" * 20_000)
    log_in(tmp_path).append(entries(2))
    verdict = judge(tmp_path)
    assert verdict.unbroken
    assert [note.kind for note in verdict.notes] == ["repaired"]


def test_damage_over_the_border_of_files_is_told_too(tmp_path: Path) -> None:
    log_in(tmp_path, max_bytes=1000).append(entries(*range(10)))
    directory, _ = places(tmp_path)
    current(tmp_path).write_bytes(b"torn")
    newest = max(path for path in directory.iterdir() if path.name.startswith("audit-"))
    with open(newest, "ab") as file:
        file.write(b"also torn")
    log_in(tmp_path, max_bytes=1000).append(entries(*range(10, 20)))
    verdict = judge(tmp_path)
    assert [note.kind for note in verdict.notes] == ["repaired"]
    assert kinds(verdict) == ["missing"]  # what was in the file that became "torn"


def test_a_crash_between_the_line_and_the_head_is_a_note(tmp_path: Path) -> None:
    _, head = places(tmp_path)
    log_in(tmp_path).append(entries(1))
    then = head.read_bytes()
    log_in(tmp_path).append(entries(2))
    head.write_bytes(then)
    assert kinds(judge(tmp_path)) == ["newer"]
    log_in(tmp_path).append(entries(3))
    verdict = judge(tmp_path)
    assert verdict.unbroken
    assert [note.kind for note in verdict.notes] == ["head"]


def test_a_crash_in_the_middle_of_a_rotation_is_nothing(tmp_path: Path) -> None:
    log_in(tmp_path).append(entries(1, 2))
    name = "audit-000000000001-000000000002.jsonl"
    current(tmp_path).rename(places(tmp_path)[0] / name)
    log_in(tmp_path).append(entries(3))
    assert judge(tmp_path).unbroken
    assert [line["action"] for line in lines_of(tmp_path)] == ["did", "did", "audit.rotated", "did"]


# --- somebody else's changes stay visible when writing goes on -------------------------------


def cut_last(state: Path) -> None:
    lines = current(state).read_bytes().splitlines(keepends=True)
    current(state).write_bytes(b"".join(lines[:-1]))


def edit_last(state: Path) -> None:
    text = current(state).read_bytes()
    current(state).write_bytes(text.replace(b'"x":3', b'"x":4'))


def edit_before_last_and_chain_anew(state: Path) -> None:
    other = state / "other"
    other.mkdir(mode=0o700)
    AuditLog(other / "audit", other / "h", clock=lambda: 0.0).append(entries(1, 7, 3, 8))
    current(state).write_bytes((other / "audit" / CURRENT).read_bytes())


def remove_all(state: Path) -> None:
    current(state).unlink()


@pytest.mark.parametrize(
    "attack", [cut_last, edit_last, edit_before_last_and_chain_anew, remove_all]
)
@pytest.mark.parametrize("same_process", [True, False])
def test_what_the_head_knew_is_not_forgotten(
    tmp_path: Path, attack: Callable[[Path], None], *, same_process: bool
) -> None:
    log = log_in(tmp_path)
    log.append(entries(1, 2, 3))
    attack(tmp_path)
    assert not judge(tmp_path).unbroken
    for n in (5, 6):
        (log if same_process else log_in(tmp_path)).append(entries(n))
        assert not judge(tmp_path).unbroken


@pytest.mark.parametrize(
    ("content", "said"), [(None, "missing"), (b"", "unreadable"), (b'{"n":-1}', "unreadable")]
)
def test_a_head_that_is_gone_is_said_and_made_anew(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    log_in(tmp_path).append(entries(1))
    _, head = places(tmp_path)
    head.unlink()
    if content is not None:
        head.write_bytes(content)
        head.chmod(0o600)
    log_in(tmp_path).append(entries(2))
    verdict = judge(tmp_path)
    assert verdict.unbroken
    assert [note.text for note in verdict.notes] == [f"before n 2 the head was {said}"]
    assert read_head(head) == verdict.last


# --- a disk that does not want ----------------------------------------------------------------


def test_a_write_that_fails_in_the_middle_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_in(tmp_path)
    log.append(entries(1))
    before = current(tmp_path).read_bytes()
    write = os.write
    room = [100]

    def full(fd: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(fd, bytes(data[: room[0]]))
        room[0] -= written
        return written

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        log.append(entries(2))
    assert current(tmp_path).read_bytes() == before
    with pytest.raises(TmuxpulseError, match="cannot be written: No space"):
        append_now(tmp_path, "token.created", who="owner")
    monkeypatch.undo()
    assert log.append(entries(2)) == 1
    verdict = judge(tmp_path)
    assert verdict.unbroken
    assert verdict.notes == []


def test_what_fits_is_written_and_the_rest_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_in(tmp_path, max_bytes=1000, keep=100)
    write = os.write
    calls: list[int] = []

    def full(fd: int, data: bytes) -> int:
        calls.append(fd)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data)

    monkeypatch.setattr(os, "write", full)
    batch = entries(*range(20))
    written = log.append(batch)
    assert 0 < written < 20
    monkeypatch.undo()
    assert log.append(batch[written:]) == 20 - written
    assert values(tmp_path) == list(range(20))
    verdict = judge(tmp_path)
    assert verdict.unbroken
    assert verdict.notes == []


def test_a_head_that_cannot_be_written_is_trouble_but_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_in(tmp_path)
    log.append(entries(1))

    def fail(path: Path, head: Head) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tmuxpulse.serve.audit_log.write_head", fail)
    assert log.append(entries(2)) == 1
    assert str(log.trouble) == "[Errno 30] Read-only file system"
    assert kinds(judge(tmp_path)) == ["newer"]
    monkeypatch.undo()
    assert log.append([]) == 0
    assert str(log.trouble) == "None"
    assert judge(tmp_path).unbroken


def test_a_lock_that_nobody_lets_go_of_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_in(tmp_path)
    log.append(entries(1))
    monkeypatch.setattr(audit_files, "LOCK_SECONDS", 0.0)
    with open(places(tmp_path)[0] / "lock", "rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError, match="another process"):
            log.append(entries(2))
        with (
            pytest.raises(TmuxpulseError, match="another process"),
            open_snapshot(*places(tmp_path)),
        ):
            pass
    assert log.append(entries(2)) == 1


# --- what is refused ----------------------------------------------------------------------


def as_link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def as_open(path: Path) -> None:
    path.chmod(0o750 if path.is_dir() else 0o640)


def as_fifo(path: Path) -> None:
    path.unlink() if path.is_file() else path.rename(path.with_name("elsewhere"))
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("place", ["audit", "audit/audit.jsonl", "audit/lock", "audit.head"])
@pytest.mark.parametrize("spoil", [as_link, as_open, as_fifo])
def test_places_that_are_not_private_are_refused_with_the_remedy(
    tmp_path: Path, place: str, spoil: Callable[[Path], None]
) -> None:
    log = log_in(tmp_path)
    log.append(entries(1))
    log.check()
    spoil(tmp_path / place)
    with pytest.raises(UsageError, match=r"chmod [67]00|no file") as told:
        log_in(tmp_path).check()
    assert str(tmp_path / place) in str(told.value)
    if place != "audit.head":
        with pytest.raises(UsageError):
            log_in(tmp_path).append(entries(2))


def test_a_foreign_owner_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = log_in(tmp_path)
    log.append(entries(1))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(UsageError, match="of yours"):
        log.check()
    with pytest.raises(UsageError, match="of yours"):
        log.append(entries(2))


def test_a_place_that_cannot_be_made_is_told_by_the_first_write(tmp_path: Path) -> None:
    log = log_in(tmp_path / "nowhere")
    log.check()
    with pytest.raises(FileNotFoundError):
        log.append(entries(1))


def test_reading_follows_no_link_and_waits_for_no_fifo(tmp_path: Path) -> None:
    for spoil in (as_link, as_fifo):
        log_in(tmp_path).append(entries(1))
        spoil(current(tmp_path))
        with pytest.raises(UsageError), open_snapshot(*places(tmp_path)):
            pass
        current(tmp_path).unlink()


def test_a_reader_sees_one_moment(tmp_path: Path) -> None:
    log = log_in(tmp_path, max_bytes=600, keep=1)
    log.append(entries(1, 2))
    with open_snapshot(*places(tmp_path)) as snapshot:
        for n in range(20):
            log.append(entries(n))
        verdict = verify(snapshot.pieces(), snapshot.head)
    assert verdict.unbroken
    assert verdict.last.n == 2
