"""Kept before anybody is told, never in anybody's way, answered with everything so far."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest
import trio

from tests.history.made import KEEP, error, numbered, output
from tmuxpulse.errors import RequestError, UsageError
from tmuxpulse.events import Event
from tmuxpulse.filters import EVERYTHING, Filter
from tmuxpulse.history import history as shell
from tmuxpulse.history import schema
from tmuxpulse.history.history import History, settle
from tmuxpulse.history.leftovers import leftovers
from tmuxpulse.history.query import Query
from tmuxpulse.hub.stream import Encoded


@asynccontextmanager
async def running(history: History) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(history.run)
        yield
        nursery.cancel_scope.cancel()


async def until_free(limiter: trio.CapacityLimiter) -> None:
    """A thread that was abandoned comes to its end."""
    with trio.fail_after(60):
        async with AsyncExitStack() as stack:
            for _ in range(int(limiter.total_tokens)):
                await stack.enter_async_context(_token(limiter))


@asynccontextmanager
async def _token(limiter: trio.CapacityLimiter) -> AsyncIterator[None]:
    borrower = object()
    await limiter.acquire_on_behalf_of(borrower)
    try:
        yield
    finally:
        limiter.release_on_behalf_of(borrower)


class Told:
    def __init__(self) -> None:
        self.said: list[str] = []
        self.recovered: list[int] = []

    @contextmanager
    def open(
        self, directory: Path, epoch: str = "e1", *, output: bool = False
    ) -> Iterator[History]:
        directory.chmod(0o700)
        with History.open(
            directory / "history.db",
            epoch,
            output=output,
            keep=KEEP,
            on_trouble=self.said.append,
            on_recovered=self.recovered.append,
        ) as history:
            history._reader._seconds = 60.0  # how fast the machine is, is not tested
            yield history


@pytest.fixture
def told():
    return Told()


@pytest.fixture(autouse=True)
def _time_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "FLUSH_SECONDS", 60.0)


async def at_once(do, *arguments, **_):
    """In the place of a thread: the test's clock stands still meanwhile."""
    await trio.lowlevel.checkpoint()
    return do(*arguments)


def keep(history: History, events: Sequence[Event], start: int = 1) -> list[Encoded]:
    encoded = numbered(events, start=start)
    history.keep(encoded)
    return encoded


async def seqs(history: History, **query) -> list[int]:
    page = await history.query(Query(newest_first=False, **query))
    return [one.numbered.seq for one in page.events]


async def test_a_question_is_answered_with_everything_that_was_kept_before(tmp_path, told):
    with told.open(tmp_path, output=True) as history:
        async with running(history):
            keep(history, [error("a"), output("b")])
            assert await seqs(history) == [1, 2]
            keep(history, [error("ccc")], start=3)
            assert await seqs(history, text="ccc") == [3]
    assert (told.said, told.recovered) == ([], [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history.db", "history.lock"]


async def test_what_panes_print_is_kept_only_when_it_is_wanted(tmp_path, told):
    with told.open(tmp_path) as history:
        keep(history, [output("secret"), error("a"), output("secret")])
        assert await seqs(history) == [2]
    assert all(b"secret" not in path.read_bytes() for path in tmp_path.iterdir())


async def test_it_is_in_a_file_before_keep_returns(tmp_path, told):
    with told.open(tmp_path) as history:
        keep(history, [error("a"), error("b")])
        (path,) = tmp_path.glob("*.journal-*")
        assert path.read_bytes().count(b'"pane.error"') == 2


async def test_without_run_everything_is_there_the_next_time(tmp_path, told):
    with told.open(tmp_path, "e1") as history:
        keep(history, [error("a"), error("b")])
    with told.open(tmp_path, "e2") as history:
        keep(history, [error("c")])
        page = await history.query(Query(newest_first=False))
        assert [(one.epoch, one.numbered.seq) for one in page.events] == [
            ("e1", 1), ("e1", 2), ("e2", 1),
        ]  # fmt: skip


async def test_a_resume_goes_past_a_restart_up_to_now(tmp_path, told):
    with told.open(tmp_path, "e1") as history:
        keep(history, [error("a"), output("b"), error("c")])
    with told.open(tmp_path, "e2") as history:
        found = await history.replay("e1", 1, [EVERYTHING])
        assert [(one.epoch, one.after, one.last, one.lacks) for one in found] == [
            ("e1", 1, 3, ("pane.output", "system.stats")), ("e2", 0, 0, ()),
        ]  # fmt: skip
        keep(history, [error("d"), output("e")])
        found = await history.replay("e1", 1, [Filter(types=("pane.error",))])
        assert [(one.after, one.last, len(one.events)) for one in found] == [(1, 3, 1), (0, 2, 1)]
        assert await history.replay("nobody", 1, [EVERYTHING]) == "epoch"


async def test_trouble_is_said_once_and_its_end_too(tmp_path, told, monkeypatch, mock_clock):
    monkeypatch.setattr(trio.to_thread, "run_sync", at_once)
    mock_clock.autojump_threshold = 0
    real = schema.open_database
    fails = [True]

    def failing(path: Path):
        if fails[0]:
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(schema, "open_database", failing)
    with told.open(tmp_path) as history:
        keep(history, [error("a")])
        async with running(history):
            await trio.sleep(20)
            assert told.said == ["history is not being kept: Permission denied"]
            assert history.condition().trouble == "Permission denied"
            assert history.condition().waiting_bytes > 100
            fails[0] = False
            await trio.sleep(31)
            assert told.recovered == [0]
            assert history.condition().trouble == ""
            mock_clock.autojump_threshold = float("inf")
            assert await seqs(history) == [1]


async def test_damage_is_said_and_what_is_new_is_kept(tmp_path, told):
    with told.open(tmp_path, "e1") as history:
        async with running(history):
            keep(history, [error("a")])
    database = tmp_path / "history.db"
    database.write_bytes(b"not a database at all" * 500)
    with told.open(tmp_path, "e2") as history:
        keep(history, [error("b")])
        assert await seqs(history) == [1]
        (damaged,) = history.condition().damaged
    assert damaged in told.said[0]


async def test_a_question_that_meets_damage_gets_it_set_aside(tmp_path, told):
    with told.open(tmp_path, output=True) as history:
        keep(history, [output(f"line {n} " + "x" * 200) for n in range(500)])
        assert await seqs(history, limit=1) == [1]
        history._reader.close()
        history._store.close()
        database = tmp_path / "history.db"
        raw = bytearray(database.read_bytes())
        raw[8192:] = b"\x55" * (len(raw) - 8192)
        database.write_bytes(raw)
        with pytest.raises(RequestError):
            await history.query(Query(text="line"))
        keep(history, [error("new")], start=501)
        assert await seqs(history) == [501]
        assert len(history.condition().damaged) == 1


async def test_a_disk_that_hangs_does_not_hold_up_the_end(tmp_path, told, monkeypatch, mock_clock):
    mock_clock.autojump_threshold = 0.1
    lets_go = threading.Event()
    monkeypatch.setattr(schema, "open_database", lambda _: lets_go.wait(60) and None)
    with told.open(tmp_path) as history:
        keep(history, [error("a")])
        async with running(history):
            await trio.sleep(shell.SLOW_SECONDS + 1)
            assert told.said == ["history is not being kept: the disk does not answer"]
            start = trio.current_time()
        assert trio.current_time() - start <= shell.FLUSH_SECONDS + 0.01
    mock_clock.autojump_threshold = math.inf
    lets_go.set()
    await until_free(history._writing)
    history._store.close()  # which was left to the thread that hung
    (left,) = leftovers(tmp_path, "history", boot="", own="")
    assert left.head.epoch == "e1"
    left.close()


async def test_cancelling_a_question_leaves_nothing_behind(tmp_path, told, monkeypatch):
    with told.open(tmp_path, output=True) as history:
        keep(history, [output(f"line {n}") for n in range(2000)])
        assert len(await seqs(history, limit=10)) == 10
        began, goes_on = threading.Event(), threading.Event()
        real = history._reader.page

        def slow(query, **more):
            began.set()
            goes_on.wait(60)
            return real(query, **more)

        monkeypatch.setattr(history._reader, "page", slow)
        async with trio.open_nursery() as asking:
            asking.start_soon(history.query, Query(filter=Filter(contains=("zz",))))
            await trio.to_thread.run_sync(began.wait)
            asking.cancel_scope.cancel()
        goes_on.set()
        await until_free(history._reading)
        monkeypatch.undo()
        assert len(await seqs(history, limit=10)) == 10


@pytest.mark.parametrize("what", ["link", "directory", "open to others", "fifo"])
async def test_what_is_not_private_is_refused_before_anything_is_written(tmp_path, told, what):
    database = tmp_path / "history.db"
    if what == "link":
        database.symlink_to(tmp_path / "elsewhere")
    elif what == "directory":
        database.mkdir()
    elif what == "fifo":
        os.mkfifo(database, 0o600)
    else:
        database.write_bytes(b"")
        database.chmod(0o644)
    with pytest.raises(UsageError, match=r"history\.db"), told.open(tmp_path):
        pass
    assert len(list(tmp_path.iterdir())) == 1


async def test_when_idle_it_waits(tmp_path, told, monkeypatch, mock_clock):
    monkeypatch.setattr(trio.to_thread, "run_sync", at_once)
    mock_clock.autojump_threshold = 0
    with told.open(tmp_path) as history:
        async with running(history):
            await trio.sleep(5)
            worked = 0
            real = history._store.work

            def counted(*args, **more):
                nonlocal worked
                worked += 1
                return real(*args, **more)

            monkeypatch.setattr(history._store, "work", counted)
            await trio.sleep(500)
            assert worked == 0
            await trio.sleep(500)
            assert worked == 1
            mock_clock.autojump_threshold = float("inf")
            monkeypatch.undo()


async def test_a_command_without_a_server_takes_in_what_was_left(tmp_path, told):
    with told.open(tmp_path) as history:
        keep(history, [error("a")])
        assert settle(tmp_path / "history.db") == ""  # the run lives: its journal is its own
        assert await seqs(history) == [1]
        assert settle(tmp_path / "history.db") == "another server writes it"
        keep(history, [error("b")], start=2)
    assert settle(tmp_path / "history.db") == ""
    assert not list(tmp_path.glob("*.journal-*"))
