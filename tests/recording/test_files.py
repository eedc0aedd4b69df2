"""Recordings as files: private, bounded, read as far as they are whole, whatever is in them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.recording.made import HEAD, line, tree, write
from tmuxpulse.errors import UsageError
from tmuxpulse.recording import writer as writing
from tmuxpulse.recording.reader import open_recording as read
from tmuxpulse.recording.records import Record, decode_record, encode_head, encode_record
from tmuxpulse.recording.writer import Full, Writer
from tmuxpulse.recording.writer import open_recording as make

RECORDS = [Record(at=0, snapshot=tree("a", "b")), line(5, "one"), line(7, "two")]


def found(path: Path) -> tuple[list[Record], str]:
    with read(path) as reader:
        return list(reader.records()), reader.problem


@pytest.mark.parametrize("name", ["a.rec", "a.rec.gz"])
def test_what_was_written_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with make(path, force=False, max_bytes=1 << 20) as writer:
        writer.head(HEAD)
        writer.add([*RECORDS, Record(at=9, ended=True)])
        assert writer.count == 4
    assert path.stat().st_mode & 0o777 == 0o600
    records, problem = found(path)
    assert (records[:-1], problem) == (RECORDS, "")
    assert records[-1].ended
    with read(path) as reader:
        assert reader.head == HEAD


@pytest.mark.parametrize("packed", [False, True])
def test_a_tail_that_is_cut_off_ends_it(tmp_path: Path, packed: bool) -> None:  # a case
    data = write(tmp_path / "whole", RECORDS * 40).read_bytes()
    whole = gzip.compress(data) if packed else data
    first = len(encode_head(HEAD))
    end = len(whole) - 16 if packed else len(whole)  # gzip's own tail comes after the last line
    for size in range(len(whole) // 2 if packed else first, end, 97):
        path = tmp_path / "cut"
        path.write_bytes(whole[:size])
        records, problem = found(path)
        assert problem
        assert records == (RECORDS * 40)[: len(records)]
        if not packed:
            assert len(records) == whole[:size].count(b"\n") - 1


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.binary(max_size=300), st.booleans())
def test_garbage_is_said_and_nothing_else_happens(
    tmp_path: Path,
    garbage: bytes,
    has_head: bool,  # drawn
) -> None:
    path = tmp_path / "garbage"
    path.write_bytes((encode_head(HEAD) if has_head else b"") + garbage)
    if has_head:
        records, problem = found(path)
        assert problem or records[-1].ended
    else:
        with pytest.raises(UsageError, match="garbage"):
            found(path)


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (b"", "is no recording"),
        (b"{}\n", "is no recording"),
        (b'{"recording":"other","version":1}\n', "is no recording"),
        (b'{"recording":"tmuxpulse","version":2}\n', "version 2"),
        (b'{"recording":"tmuxpulse","version":1}\n', "damaged in its first line"),
        (b"\x1f\x8b\x08\x00garbage", "cannot be read"),
        (b"[" * 100_000, "is no recording"),
    ],
)
def test_what_is_none_is_refused(tmp_path: Path, first: bytes, said: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(first)
    with pytest.raises(UsageError, match=said), read(path):
        pass


def test_what_is_not_there_or_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"), read(path):
            pass


def test_nothing_is_replaced_unless_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("mine")
    with pytest.raises(UsageError, match="--force"), make(path, force=False, max_bytes=9999):
        pass
    link = tmp_path / "link"
    link.symlink_to(path)
    for force in (False, True):
        with pytest.raises(UsageError), make(link, force=force, max_bytes=9999):
            pass
    assert path.read_text() == "mine"
    with make(path, force=True, max_bytes=9999) as writer:
        writer.head(HEAD)
    assert path.read_bytes() == encode_head(HEAD)
    nowhere = make(tmp_path / "no" / "where", force=False, max_bytes=9)
    with pytest.raises(UsageError, match="cannot be written"), nowhere:
        pass


def test_at_the_bound_it_ends_with_what_fits(tmp_path: Path) -> None:
    path = tmp_path / "a"
    size = len(encode_head(HEAD)) + sum(len(encode_record(one)) for one in RECORDS[:2])
    with make(path, force=False, max_bytes=size) as writer:
        writer.head(HEAD)
        with pytest.raises(Full, match="--max-bytes"):
            writer.add(RECORDS)
        assert writer.count == 2
    assert found(path)[0] == RECORDS[:2]


def test_a_full_disk_ends_it() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        writer = Writer(full, max_bytes=1 << 20)
        with pytest.raises(Full, match="No space"):
            writer.head(HEAD)


def test_a_packed_file_is_flushed_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "FLUSH_RECORDS", 3)
    path = tmp_path / "a.gz"
    with make(path, force=False, max_bytes=1 << 20) as writer:
        writer.head(HEAD)
        writer.add(RECORDS)
        records, problem = found(path)  # as if it were killed now
        assert records == RECORDS
        assert "cut off" in problem


def test_a_time_before_the_beginning_is_no_record() -> None:
    assert decode_record(b'{"at":-1}') is None
    assert decode_record(b"\xff") is None
