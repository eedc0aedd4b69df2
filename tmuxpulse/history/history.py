"""The history as the server sees it: told before anybody, written when the disk can, asked aside.

`History.keep` puts events into the journal in the moment they are published; one task takes the
journal into the database in a worker thread, about once a second. A disk that is full, slow or gone
stops nobody: it is said once, tried again with growing pauses, and what did not fit meanwhile is
counted. Questions run in threads of their own. How rows look is not known here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import trio

from tmuxpulse.errors import RequestError
from tmuxpulse.events import PaneBytes, PaneOutput, SystemStats
from tmuxpulse.filters import Filter
from tmuxpulse.history.eyes import EVERYTHING, Eyes
from tmuxpulse.history.files import boot_id, check_private, damaged
from tmuxpulse.history.found import Found
from tmuxpulse.history.journal import Journal
from tmuxpulse.history.query import Query
from tmuxpulse.history.reader import Page, Reader
from tmuxpulse.history.records import Kept
from tmuxpulse.history.replay import Segment, replay
from tmuxpulse.history.retention import Retention
from tmuxpulse.history.store import Progress, Store
from tmuxpulse.history.writer import Run

GATHER_SECONDS = 1.0  # between batches: what is not in the database yet is in the journal
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 30.0
FLUSH_SECONDS = 2.0
SLOW_SECONDS = 10.0
RETENTION_SECONDS = 600.0  # when nothing happens, what is old goes nevertheless
READERS = 2

T = TypeVar("T")


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """How the history is, for ``doctor``.

    Attributes:
        database: its file.
        trouble: why it is not being written; empty: it is.
        waiting_bytes: in the journal, not yet in the database.
        lost: events of this run that could not be kept.
        damaged: databases that were set aside.
    """

    database: str
    trouble: str
    waiting_bytes: int
    lost: int
    damaged: list[str]


class Amounts(msgspec.Struct, frozen=True, kw_only=True):
    """How much is kept; the disk is not asked.

    Attributes:
        waiting_bytes: in the journal, not yet in the database.
        lost: events of this run that could not be kept.
        written: events that this run has put into the database.
        size_bytes: of the database with its log, when it was last written.
    """

    waiting_bytes: int
    lost: int
    written: int
    size_bytes: int


class History:
    """Keeps what happens, and answers questions about it.

    Args:
        database: its file, in a directory that is this user's alone.
        epoch: of the stream that is kept.
        output: whether what panes print is kept, too.
        keep: how much is kept.
        journal_dir: where the journal is; None: beside the database. A directory in memory spares
            `keep` the disk, and loses at most a second's events in a crash of the machine.
        on_trouble: is told, in words, when writing begins to fail, and when damage was found.
        on_recovered: is called with the number of events that were lost when it works again.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        database: Path,
        epoch: str,
        *,
        output: bool,
        keep: Retention,
        journal_dir: Path | None = None,
        on_trouble: Callable[[str], None] = lambda _: None,
        on_recovered: Callable[[int], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._epoch = epoch
        self._output = output
        never = (PaneBytes, SystemStats)  # `NEVER_KEPT`
        self._left_out = never if output else (*never, PaneOutput)
        self._on_trouble, self._on_recovered = on_trouble, on_recovered
        directory = journal_dir or database.parent
        boot = boot_id()
        self._journal = Journal(
            directory, database.stem, epoch, boot=boot, output=output, clock=clock
        )
        run = Run(epoch=epoch, started=int(clock() * 1000), output=output)
        self._store = Store(database, directory, run, boot=boot, keep=keep, clock=clock)
        self._is_suspect = False
        self._reader = Reader(
            database, generation=lambda: self._store.generation, on_damage=self._suspect
        )
        self._seq = 0
        self._wake, self._closing = trio.Event(), trio.Event()
        self._working = trio.Lock()
        self._writing = trio.CapacityLimiter(1)
        self._reading = trio.CapacityLimiter(READERS)
        self._trouble = ""
        self._lost_before = 0
        self._size_bytes = 0
        self._is_ended = False

    @classmethod
    @contextmanager
    def open(
        cls,
        database: Path,
        epoch: str,
        *,
        output: bool,
        keep: Retention,
        journal_dir: Path | None = None,
        on_trouble: Callable[[str], None] = lambda _: None,
        on_recovered: Callable[[int], None] = lambda _: None,
    ) -> Iterator[History]:
        """Check the places, and give everything back at the end; arguments as for the class.

        Nothing is opened yet: a database that is slow, locked or damaged does not delay a start.

        Raises:
            UsageError: a place is not private; it says what to do.
        """
        check_private(database)
        history = cls(
            database,
            epoch,
            output=output,
            keep=keep,
            journal_dir=journal_dir,
            on_trouble=on_trouble,
            on_recovered=on_recovered,
        )
        try:
            yield history
        finally:
            history.close()

    # --- in ------------------------------------------------------------------------------

    def keep(self, events: Sequence[Kept]) -> None:
        """Take events before anybody else gets them: after this, ``kill -9`` does not lose them.

        One ``write`` to a file in the page cache; neither waits for another thread nor raises.
        Once `run` is being ended nothing more is kept.
        """
        if not events or self._closing.is_set():
            return
        self._seq = events[-1].seq
        kept = [one for one in events if not issubclass(one.kind, self._left_out)]
        if not kept:
            return
        self._journal.append([one.line for one in kept], kept[0].seq, kept[-1].seq)
        self._wake.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until cancelled, and then what is left, for at most two seconds.

        Args:
            task_status: started at once; events that came before are not forgotten.
        """
        scope = trio.CancelScope(shield=True)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._drain, scope)
            task_status.started()
            try:
                await trio.sleep_forever()
            finally:
                scope.deadline = trio.current_time() + FLUSH_SECONDS
                self._closing.set()
                self._wake.set()

    def close(self) -> None:
        """Give everything back. What is not in the database stays in the journal."""
        self._reader.close()
        self._journal.close(remove=self._is_ended and not self._journal.has_pending)
        if self._writing.borrowed_tokens == 0:  # else a thread hangs in it, on a disk
            self._store.close()

    # --- out -----------------------------------------------------------------------------

    async def query(self, query: Query, *, eyes: Eyes = EVERYTHING) -> Page:
        """Answer a question; everything that was kept before is in the answer.

        Cancelling ends it soon and leaves nothing behind.

        Raises:
            RequestError: see `Reader.page`.
        """
        await self._catch_up()
        return await self._in_thread(
            lambda is_cancelled: self._reader.page(query, eyes=eyes, is_cancelled=is_cancelled)
        )

    async def around(
        self, found: Sequence[Found], *, before: int, after: int, eyes: Eyes = EVERYTHING
    ) -> list[tuple[list[Found], list[Found]]]:
        """What the panes of events printed before and after each; nothing for one without a pane.

        Args:
            found: events of a page.
            before: how many outputs, at most.
            after: the same.
            eyes: how much is seen.

        Raises:
            RequestError: as `Reader.around`.
        """

        def each(is_cancelled: Callable[[], bool]) -> list[tuple[list[Found], list[Found]]]:
            def of(one: Found) -> tuple[list[Found], list[Found]]:
                try:
                    return self._reader.around(
                        one.id, before=before, after=after, eyes=eyes, is_cancelled=is_cancelled
                    )
                except RequestError as error:
                    if error.code != "NOT_FOUND":  # of no pane, or too old by now
                        raise
                    return [], []

            return [of(one) for one in found]

        return await self._in_thread(each)

    async def replay(self, epoch: str, seq: int, filters: Iterable[Filter]) -> list[Segment] | str:
        """Everything after a position up to now, run by run; or why not.

        The last segment is this run's and ends with the number `Segment.last`: what was published
        since is in the hub. Of those who see everything only; others have other streams.

        Returns:
            As `replay.replay`; ``expired`` also when the database cannot be read now.
        """
        wanted = tuple(filters)
        mark = self._seq  # up to here everything is in the database after the next line
        await self._catch_up()
        if self._trouble or self._journal.trouble:
            return "expired"

        def whole(is_cancelled: Callable[[], bool]) -> list[Segment] | str:
            with self._reader.reading(is_cancelled) as asking:
                return replay(asking, epoch, seq, wanted, current=self._epoch)

        try:
            found = await self._in_thread(whole)
        except RequestError:
            return "expired"
        if isinstance(found, str):
            return found
        last = found[-1]
        if last.epoch != self._epoch:
            found.append(Segment(epoch=self._epoch, after=0, last=0, events=[], lacks=()))
        elif last.last < mark:
            found[-1] = msgspec.structs.replace(last, last=mark)
        return found

    def condition(self) -> Condition:
        """How it is now."""
        amounts = self.amounts()
        return Condition(
            database=str(self._database),
            trouble=self._trouble or self._journal.trouble,
            waiting_bytes=amounts.waiting_bytes,
            lost=amounts.lost,
            damaged=[str(path) for path in damaged(self._database)],
        )

    def amounts(self) -> Amounts:
        """How much it is now."""
        return Amounts(
            waiting_bytes=sum(piece.end - piece.start for piece in self._journal.pending()),
            lost=self._journal.lost,
            written=self._store.written,
            size_bytes=self._size_bytes,
        )

    async def _in_thread(self, question: Callable[[Callable[[], bool]], T]) -> T:
        """Run a question in a thread that ends soon after this is cancelled."""
        cancelled: list[bool] = []
        try:
            return await trio.to_thread.run_sync(
                question,
                lambda: bool(cancelled),
                abandon_on_cancel=True,
                limiter=self._reading,
            )
        except trio.Cancelled:
            cancelled.append(True)
            raise

    async def _catch_up(self) -> None:
        if not self._trouble and (self._journal.has_pending or not self._store.generation):
            with trio.move_on_after(SLOW_SECONDS):
                self._say(await self._work())

    # --- writing -------------------------------------------------------------------------

    async def _drain(self, scope: trio.CancelScope) -> None:
        pause = FIRST_PAUSE_SECONDS
        has_more = True  # what an earlier run left behind
        with scope:
            while not self._closing.is_set():
                if not self._trouble and not has_more:
                    with trio.move_on_after(RETENTION_SECONDS):
                        await self._wake.wait()
                self._wake = trio.Event()
                if self._closing.is_set():
                    break
                progress = await self._work()
                has_more = progress.has_more
                self._say(progress)
                if self._trouble:
                    await self._rest(pause)
                    pause = min(2 * pause, MAX_PAUSE_SECONDS)
                else:
                    pause = FIRST_PAUSE_SECONDS
                    await self._rest(GATHER_SECONDS)
            self._journal.end(self._seq)
            progress = await self._work()
            self._say(progress)
            self._is_ended = not progress.trouble

    async def _rest(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self._closing.wait()

    async def _work(self) -> Progress:
        """Let the thread take in what is in the journal now.

        Cancelled, the thread goes on by itself; what it did is found out the next time.
        """
        async with self._working:
            is_suspect, self._is_suspect = self._is_suspect, False
            pieces = self._journal.pending()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._tell_when_slow)
                progress = await trio.to_thread.run_sync(
                    partial(self._store.work, pieces, is_suspect=is_suspect),
                    abandon_on_cancel=True,
                    limiter=self._writing,
                )
                nursery.cancel_scope.cancel()
            for path, up_to in progress.drained.items():
                self._journal.drained(path, up_to)
            self._size_bytes = progress.size_bytes
            return progress

    async def _tell_when_slow(self) -> None:
        await trio.sleep(SLOW_SECONDS)
        self._tell("the disk does not answer")

    def _suspect(self) -> None:
        """In a reader's thread."""
        self._is_suspect = True

    def _say(self, progress: Progress) -> None:
        if progress.damage:
            self._on_trouble(progress.damage)
        trouble = progress.trouble or self._journal.trouble
        if trouble:
            self._tell(trouble)
        elif self._trouble:
            self._trouble = ""
            lost = self._journal.lost - self._lost_before
            self._lost_before = self._journal.lost
            self._on_recovered(lost)

    def _tell(self, trouble: str) -> None:
        if not self._trouble:
            self._on_trouble(f"history is not being kept: {trouble}")
        self._trouble = trouble


def settle(database: Path, journal_dir: Path | None = None) -> str:
    """Take in what killed runs left in journals, where no server does; blocks.

    For commands that read the database without a server.

    Returns:
        What was in the way; empty: nothing.

    Raises:
        UsageError: a place is not private.
    """
    check_private(database)
    never = Retention(days=1e6, max_bytes=1 << 62)
    store = Store(database, journal_dir or database.parent, None, boot=boot_id(), keep=never)
    try:
        progress = store.work([])
    finally:
        store.close()
    return progress.damage or progress.trouble
