"""What `append` returned from is in a file; what could not be written is said, never silent."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.history.made import numbered, output
from tmuxpulse.history.journal import Journal
from tmuxpulse.history.leftovers import Piece, leftovers, records


def journal_in(directory: Path, epoch: str = "e1", **more) -> Journal:
    return Journal(directory, "history", epoch, boot="boot", output=True, **more)


def put(journal: Journal, start: int, count: int = 1) -> None:
    events = numbered([output(f"line {n}") for n in range(count)], start=start)
    journal.append([one.line for one in events], start, start + count - 1)


def read(directory: Path, boot: str = "boot"):
    """Sequence numbers, ranges that were lost, and whether the end is unknown."""
    (left,) = leftovers(directory, "history", boot=boot, own="")
    found = [record for piece in left.pieces for record, _ in records(piece)]
    left.close()
    return (
        [one.seq for one in found if one is not None and one.type],
        [one.lost for one in found if one is not None and one.lost],
        left.is_torn,
    )


def test_a_killed_run_leaves_everything_behind(tmp_path):
    journal = journal_in(tmp_path, segment_bytes=500)
    for seq in range(1, 20, 2):
        put(journal, seq, 2)
    assert leftovers(tmp_path, "history", boot="boot", own="") == []  # it lives: it is locked
    journal.close(remove=False)
    assert len(list(tmp_path.iterdir())) > 2
    assert read(tmp_path) == (list(range(1, 21)), [], False)
    assert leftovers(tmp_path, "history", boot="boot", own="e1") == []


def test_files_are_private(tmp_path):
    journal = journal_in(tmp_path)
    put(journal, 1)
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    journal.close(remove=True)
    assert not list(tmp_path.iterdir())


def test_after_a_restart_of_the_machine_the_end_is_unknown(tmp_path):
    journal = journal_in(tmp_path)
    put(journal, 1)
    journal.close(remove=False)
    assert read(tmp_path, boot="another") == ([1], [], True)


def test_a_line_that_is_cut_off_was_never_handed_out(tmp_path):
    journal = journal_in(tmp_path)
    put(journal, 1, 3)
    journal.close(remove=False)
    (path,) = tmp_path.iterdir()
    os.truncate(path, path.stat().st_size - 5)
    assert read(tmp_path) == ([1, 2], [], False)


@settings(max_examples=60)
@given(st.data())
def test_whatever_a_file_holds_reading_it_ends(tmp_path_factory, data):
    directory = tmp_path_factory.mktemp("journal")
    journal = journal_in(directory)
    put(journal, 1, 5)
    journal.close(remove=False)
    (path,) = directory.iterdir()
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=40))
    path.write_bytes(raw)
    for one in leftovers(directory, "history", boot="boot", own=""):
        one.close()
    found = list(records(Piece(path, 0, len(raw), is_closed=True)))
    assert all(record is None or isinstance(record.seq, int) for record, _ in found)
    assert [offset for _, offset in found] == sorted({offset for _, offset in found})


class Disk:
    """Writes as much as there is space."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.space = 1 << 30
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, fd: int, data: bytes) -> int:
        if self.space <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._write(fd, data[: self.space])
        self.space -= written
        return written


@pytest.mark.parametrize("space", [0, 1, 150])
def test_a_full_disk_loses_what_it_says(tmp_path, monkeypatch, space):
    now = 0.0
    disk = Disk(monkeypatch)
    journal = journal_in(tmp_path, monotonic=lambda: now)
    put(journal, 1, 2)
    disk.space = space
    put(journal, 3, 2)
    assert "full" in journal.trouble
    disk.space = 1 << 30
    put(journal, 5)  # not tried again at once
    assert [journal.lost, read_only(tmp_path)] == [3, True]
    now += 60.0
    put(journal, 6)
    assert [journal.lost, read_only(tmp_path)] == [3, False]
    journal.close(remove=False)
    assert read(tmp_path) == ([1, 2, 6], [(3, 5, 3)], False)


def test_killed_on_a_full_disk_the_end_is_unknown(tmp_path, monkeypatch):
    disk = Disk(monkeypatch)
    journal = journal_in(tmp_path)
    put(journal, 1)
    disk.space = 0
    put(journal, 2)
    journal.close(remove=False)
    assert read(tmp_path) == ([1], [], True)


def read_only(directory: Path) -> bool:
    (path,) = directory.iterdir()
    return not path.stat().st_mode & 0o200


def test_a_directory_that_cannot_be_written_is_trouble(tmp_path):
    journal = journal_in(tmp_path / "missing")
    put(journal, 1)
    assert journal.trouble
    assert journal.lost == 1


def test_it_is_bounded(tmp_path):
    now = 0.0
    journal = journal_in(tmp_path, max_bytes=3000, segment_bytes=800, monotonic=lambda: now)
    put(journal, 1, 10)
    put(journal, 11, 20)
    assert (journal.lost, journal.size < 3000) == (20, True)
    for piece in journal.pending():
        journal.drained(piece.path, piece.end)
    now = 60.0
    put(journal, 31)
    assert journal.trouble  # what is there is not closed, so it counts still
    journal.close(remove=True)


def test_closed_files_are_forgotten_once_they_are_taken_over(tmp_path):
    journal = journal_in(tmp_path, segment_bytes=300)
    for seq in range(1, 10):
        put(journal, seq)
    before = journal.size
    assert [journal.has_pending] == [True]
    for piece in journal.pending():
        journal.drained(piece.path, piece.end)
    assert [journal.has_pending] == [False]
    assert journal.size < before / 2
    journal.close(remove=True)


@pytest.mark.parametrize("kind", ["link", "fifo", "open to others", "directory", "empty", "noise"])
def test_what_is_no_journal_of_ours_is_left_alone(tmp_path, kind):
    path = tmp_path / "history.journal-abc-1"
    if kind == "link":
        path.symlink_to("/etc/passwd")
    elif kind == "fifo":
        os.mkfifo(path, 0o600)
    elif kind == "directory":
        path.mkdir()
    else:
        path.write_bytes(b"" if kind == "empty" else b"\0" * 5000)
        path.chmod(0o644 if kind == "open to others" else 0o600)
    assert leftovers(tmp_path, "history", boot="", own="") == []
