"""`record`, `replay` and `export`: what they are told, and what they say."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.history.made import Keeping, error, numbered
from tests.recording.made import event, line, tree, write
from tmuxpulse import events as ev
from tmuxpulse.cli import main as cli
from tmuxpulse.cli.feed import Source
from tmuxpulse.cli.record import Wanted, record
from tmuxpulse.cli.replay import Wanted as Shown
from tmuxpulse.cli.replay import _offset, _speed, replay
from tmuxpulse.client.incoming import Incoming, Received
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.errors import ServerUnavailable
from tmuxpulse.filters import EVERYTHING, Filter
from tmuxpulse.recording.player import Player
from tmuxpulse.recording.reader import open_recording
from tmuxpulse.recording.recorder import filters_for
from tmuxpulse.recording.records import Record
from tmuxpulse.wire import Gap, Numbered, Reset, SnapshotData, decode_message

SOURCE = Source(url=None, unix_socket="", collect=CollectSettings(runtime_dir=""))


class Told:
    """A feed that gives what it was told to give, and then ends or waits."""

    def __init__(self, items: Sequence[list[Incoming]], *, ends: bool) -> None:
        self.beginning = SnapshotData(epoch="e", seq=1, data=tree("api"))
        self._items = list(items)
        self._ends = ends

    async def receive(self) -> list[Incoming]:
        await trio.lowlevel.checkpoint()
        if self._items:
            return self._items.pop(0)
        if self._ends:
            raise ServerUnavailable("it went away")
        await trio.sleep_forever()
        raise AssertionError


def received(record: Record) -> Received:
    raw = bytes(record.event)
    found = decode_message(raw)
    assert isinstance(found, Numbered)
    return Received(found, raw)


def records_of(path: Path) -> list[Record]:
    with open_recording(path) as reader:
        return list(reader.records())


ITEMS: list[list[Incoming]] = [
    [received(line(0, "old")), received(line(1, "one")), received(line(2, "two"))],
    [Gap(from_seq=4, to_seq=9, dropped=6), SnapshotData(epoch="e", seq=9, data=tree("new"))],
    [Gap(from_seq=4, to_seq=9, dropped=None, only="pane.output"), Reset(reason="epoch")],
    [received(event(3, ev.ServerGoodbye(code=1001, reason="")))],
]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Filter, ...]]:
    """Feeds come from `ITEMS`; what was asked for is noted."""
    asked: list[tuple[Filter, ...]] = []

    @asynccontextmanager
    async def feed(source: Source, *wanted: Filter) -> AsyncIterator[Told]:
        asked.append(wanted)
        yield Told(ITEMS, ends=source.url == "ends")

    monkeypatch.setattr("tmuxpulse.cli.record.open_feed", feed)
    return asked


async def test_what_comes_is_recorded(
    told: list[tuple[Filter, ...]],
    tmp_path: Path,
    autojump_clock: MockClock,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "a.rec"
    assert await record(SOURCE, Wanted(path=path, filter=EVERYTHING, seconds=5)) == 0
    records = records_of(path)
    assert [one.missing for one in records if one.missing or one.why] == [6, -1, -1]
    texts = [json.loads(bytes(one.event))["data"]["lines"] for one in records if bytes(one.event)]
    assert texts == [["one"], ["two"]]  # what the beginning holds is not there twice
    names = [one.snapshot.sessions[0].name for one in records if one.snapshot is not None]
    assert names == ["api", "new"]
    assert records[-1].ended
    assert "records" in capfd.readouterr().err
    assert told == [(EVERYTHING,)]


async def test_a_bound_ends_it_and_so_does_the_server(
    told: list[tuple[Filter, ...]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert told == []
    path = tmp_path / "a.rec"
    assert await record(SOURCE, Wanted(path=path, filter=EVERYTHING, max_bytes=1200)) == 0
    assert "ends here" in capfd.readouterr().err
    assert not records_of(path)[-1].ended
    gone = Source(url="ends", unix_socket="", collect=CollectSettings(runtime_dir=""))
    other = tmp_path / "b.rec"
    with pytest.raises(ServerUnavailable, match="has what came until then"):
        await record(gone, Wanted(path=other, filter=EVERYTHING))
    assert records_of(other)[-1].ended


def test_the_structure_is_recorded_with_every_filter() -> None:
    assert filters_for(EVERYTHING, output=False) == [EVERYTHING]
    here = Filter(sessions=("api",))
    assert filters_for(here, output=False) == [here]
    wanted = Filter(sessions=("api",), types=("agent.*",))
    structure, given, raw = filters_for(wanted, output=True)
    assert given == wanted
    assert structure.sessions == ("api",)
    assert "pane.created" in structure.types
    assert (raw.types, raw.sessions) == (("pane.bytes",), ("api",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    records = [
        Record(at=0, snapshot=tree("api")),
        line(1000, "hello"),
        event(2000, ev.PaneError(line="=bad <b>", rule="r")),
        event(2500, ev.PaneBytes(data=b"\x1b[1mx", columns=80, rows=24)),
        line(3000, "world"),
    ]
    return write(tmp_path / "a.rec", records)


async def test_a_replay_prints_and_ends(
    path: Path, autojump_clock: MockClock, capfd: pytest.CaptureFixture[str]
) -> None:
    assert await replay(Player(path), Shown(filter=Filter(types=("pane.output",)))) == 0
    assert [one.split()[-1] for one in capfd.readouterr().out.splitlines()] == ["hello", "world"]
    player = Player(path, speed=math.inf)
    assert await replay(player, Shown(filter=EVERYTHING, json=True)) == 0
    types = [json.loads(one)["type"] for one in capfd.readouterr().out.splitlines()]
    assert types[-3:] == ["pane.output", "pane.error", "pane.output"]


async def test_a_replay_says_when_it_ended_early(
    tmp_path: Path, autojump_clock: MockClock, capfd: pytest.CaptureFixture[str]
) -> None:
    cut = write(tmp_path / "cut", [line(0, "x")], ended=False)
    await replay(Player(cut), Shown(filter=EVERYTHING))
    assert "ended early" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay", "nothing"], "cannot be read"),
        (["replay", "FILE", "--speed", "0"], "--speed"),
        (["replay", "FILE", "--from", "soon"], "--from"),
        (["replay", "FILE", "--from", "2m", "--until", "90s"], "--until is not after"),
        (["replay", "FILE", "--port", "70000"], "--port"),
        (["record", "FILE"], "is there already"),
        (["record", "x", "--duration", "-1"], "--duration"),
        (["record", "x", "--max-bytes", "3"], "--max-bytes"),
        (["export", "--format", "csv"], "name a recording"),
        (["export", "FILE", "--history", "--format", "csv"], "name a recording"),
        (["export", "--history", "--format", "asciicast"], "no terminal bytes"),
        (["export", "FILE", "--format", "asciicast", "--pane", "%9"], "--output"),
        (["export", "FILE", "--format", "csv", "-o", "FILE"], "is there already"),
    ],
)
def test_mistakes_are_said_in_a_line(
    path: Path, capfd: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    words = [str(path) if word == "FILE" else word for word in arguments]
    assert cli.main(words) == 2
    err = capfd.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_numbers_of_the_command_line() -> None:
    assert (_speed("max"), _speed("0.5")) == (math.inf, 0.5)
    assert (_offset("90"), _offset("1h5m2s"), _offset("1.5m")) == (90, 3902, 90)


def test_exports(path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", str(path), "--format", "jsonl", "--type", "pane.error"]) == 0
    (only,) = capfd.readouterr().out.splitlines()
    assert json.loads(only)["data"]["line"] == "=bad <b>"
    assert cli.main(["export", str(path), "--format", "csv"]) == 0
    assert "'=bad <b>" in capfd.readouterr().out
    page = tmp_path / "a.html"
    assert cli.main(["export", str(path), "--format", "html", "-o", str(page)]) == 0
    assert "=bad &lt;b&gt;" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600
    assert cli.main(["export", str(path), "--format", "html", "-o", str(page), "--force"]) == 0
    assert cli.main(["export", str(path), "--format", "asciicast"]) == 0
    assert json.loads(capfd.readouterr().out.splitlines()[0])["width"] == 80


def test_the_history_can_be_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("STATE", "RUNTIME"):
        (tmp_path / name).mkdir(mode=0o700)
        monkeypatch.setenv(f"TMUXPULSE_{name}_DIR", str(tmp_path / name))
    directory = tmp_path / "STATE" / "history"
    directory.mkdir(mode=0o700)
    keeping = Keeping(directory)
    keeping.put(numbered([error("one"), error("two")]))
    keeping.close()
    assert cli.main(["export", "--history", "--format", "csv"]) == 0
    head, *rows = csv.reader(capfd.readouterr().out.splitlines(keepends=True))
    assert head[-1] == "text"
    assert [row[-1] for row in rows] == ["one\nr", "two\nr"]
