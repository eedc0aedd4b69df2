"""The audit log as the server sees it: told at once, written when the disk can.

`Audit.record` puts an entry into a bounded queue; one task takes batches to the disk in a worker
thread. A disk that is full, slow or gone stops nobody: it is said once, tried again with growing
pauses, and what did not fit into the queue meanwhile is counted by an ``audit.lost`` entry.
How lines are chained, and where they are, is not known here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path

import trio

from tmuxpulse.config.settings import AuditTable
from tmuxpulse.errors import UsageError
from tmuxpulse.serve.audit_chain import LOST
from tmuxpulse.serve.audit_entry import MAX_TEXT, body
from tmuxpulse.serve.audit_log import ITSELF, AuditLog, append_now, places
from tmuxpulse.serve.audit_looks import LookCounts, Looked
from tmuxpulse.serve.audit_repeats import Repeats, Summary
from tmuxpulse.serve.records import Value
from tmuxpulse.wire import rfc3339

__all__ = ["Audit", "append_now"]

MAX_QUEUED = 10_000  # entries; beyond it they are counted and lost
MAX_QUEUED_BYTES = 16 << 20
BATCH = 500
GATHER_SECONDS = 0.05  # between batches: one sync of the disk for many entries
FIRST_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 30.0
FLUSH_SECONDS = 2.0
SLOW_SECONDS = 10.0
NOBODY = "nobody"  # who somebody is who has shown no token

LOOK = "command"  # the action of a look: it is one

Blocking = Callable[[], "int | str"]
InThread = Callable[[Blocking], Awaitable["int | str"]]

logger = logging.getLogger(__name__)


class Audit:
    """Writes down what happens. It neither waits nor raises where it is told.

    Args:
        log: where to; None: nothing is written.
        on_trouble: is told once, in words, when writing begins to fail.
        on_recovered: is called when it works again.
        clock: seconds since the epoch.
        in_thread: runs what blocks, and may be cancelled.
    """

    def __init__(
        self,
        log: AuditLog | None,
        *,
        on_trouble: Callable[[str], None] = lambda _: None,
        on_recovered: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        in_thread: InThread | None = None,
    ) -> None:
        self._log = log
        self._on_trouble, self._on_recovered = on_trouble, on_recovered
        self._clock, self._monotonic = clock, monotonic
        self._in_thread = in_thread or partial(
            trio.to_thread.run_sync, abandon_on_cancel=True, limiter=trio.CapacityLimiter(1)
        )
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._lost, self._lost_since = 0, 0.0
        self._repeats: dict[str, Repeats] = {}
        self._looks = LookCounts()
        self._wake, self._closing = trio.Event(), trio.Event()
        self._in_trouble = False
        self._abandoned = False

    @classmethod
    @contextmanager
    def open(
        cls,
        state_dir: Path,
        settings: AuditTable,
        *,
        on_trouble: Callable[[str], None],
        on_recovered: Callable[[], None],
    ) -> Iterator[Audit]:
        """Check the log's places; at the end write what came after `run` was over.

        Args:
            state_dir: where the log and its head are.
            settings: whether, and how much of it.
            on_trouble: as for the class.
            on_recovered: as for the class.

        Raises:
            UsageError: a place is not private; it says what to do.
        """
        log = None
        if settings.enabled:
            log = AuditLog(*places(state_dir), max_bytes=settings.max_bytes, keep=settings.keep)
            log.check()
        audit = cls(log, on_trouble=on_trouble, on_recovered=on_recovered)
        try:
            yield audit
        finally:
            audit._write_the_rest()

    # --- being told ----------------------------------------------------------------------

    def record(self, action: str, *, who: str, **fields: Value) -> None:
        """Write down that `who` did something; never keystrokes, never tokens.

        What ``nobody`` does is counted by `peer` when it comes by the thousand (`audit_repeats`).

        Args:
            action: such as ``connection.opened``.
            who: the subject of a grant, ``server``, or ``nobody``.
            fields: what is safe to know about it, `peer` for one.
        """
        if self._log is None:
            return
        if who == NOBODY:
            peer = str(fields.get("peer", ""))[:MAX_TEXT]
            repeats = self._repeats.setdefault(action, Repeats())
            alone, over = repeats.note(peer, self._monotonic())
            self._summarise(action, over)
            if not alone:
                self._wake.set()  # for the summary to come
                return
        self._put(action, who, fields)

    def record_failure(self, peer: str, why: str) -> None:
        """Write down that somebody was refused; many of one peer become one entry."""
        self.record("login.failed", who=NOBODY, peer=peer, why=why)

    def record_look(self, *, who: str, **fields: Value) -> None:
        """Write down that `who` read a pane's screen; who goes on looking becomes few entries.

        Args:
            who: the subject of a grant.
            fields: which connection, and which pane; each look that has the same is one more.
        """
        if self._log is None:
            return
        alone, over = self._looks.note((who, tuple(fields.items())), self._monotonic())
        self._sum_up(over)
        if alone:
            self._put(LOOK, who, fields)
        else:
            self._wake.set()  # for the summary to come

    def _sum_up(self, looks: Sequence[Looked]) -> None:
        for (who, fields), times in looks:
            self._put(f"{LOOK}.repeated", who, {**dict(fields), "count": times})

    def _summarise(self, action: str, summaries: Sequence[Summary]) -> None:
        for peer, peers, times in summaries:
            about: dict[str, Value] = {"peer": peer} if peer else {"peers": peers}
            self._put(f"{action}.repeated", NOBODY, {**about, "count": times})

    def _put(self, action: str, who: str, fields: dict[str, Value]) -> None:
        now = self._clock()
        entry = body(now, action, who, fields)
        if len(self._queue) >= MAX_QUEUED or self._queued_bytes + len(entry) > MAX_QUEUED_BYTES:
            self._lost_since = self._lost_since or now
            self._lost += 1
        else:
            self._queue.append(entry)
            self._queued_bytes += len(entry)
        self._wake.set()

    # --- writing -------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Write until cancelled, and then what is queued, for at most two seconds.

        Args:
            task_status: started at once; entries that came before are not forgotten.
        """
        if self._log is None:
            task_status.started()
            await trio.sleep_forever()
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

    async def _drain(self, scope: trio.CancelScope) -> None:
        pause = FIRST_PAUSE_SECONDS
        with scope:
            while not (self._closing.is_set() and self._is_done()):
                if not self._in_trouble:
                    await self._until_something()
                    if not self._queue and not self._lost:
                        continue
                trouble = await self._write()
                if trouble:
                    self._tell_trouble(trouble)
                    if self._closing.is_set():
                        break
                    await self._rest(pause)
                    pause = min(2 * pause, MAX_PAUSE_SECONDS)
                else:
                    self._tell_recovered()
                    pause = FIRST_PAUSE_SECONDS
                    await self._rest(GATHER_SECONDS)
        if scope.cancelled_caught:
            self._abandoned = True
            self._tell_trouble("the disk does not answer; the last entries may be lost")

    def _is_done(self) -> bool:
        """At the end: whether everything is written, after the last summaries were made."""
        for action, repeats in self._repeats.items():
            self._summarise(action, repeats.close())
        self._sum_up(self._looks.close())
        return not self._queue and not self._lost

    async def _until_something(self) -> None:
        held = [repeats.next_due() for repeats in self._repeats.values()]
        due = [at for at in (*held, self._looks.next_due()) if at is not None]
        seconds = max(min(due) - self._monotonic(), 0.0) if due else float("inf")
        if not self._queue:
            with trio.move_on_after(seconds):
                await self._wake.wait()
        self._wake = trio.Event()
        for action, repeats in self._repeats.items():
            self._summarise(action, repeats.due(self._monotonic()))
        self._sum_up(self._looks.due(self._monotonic()))

    async def _rest(self, seconds: float) -> None:
        with trio.move_on_after(seconds):
            await self._closing.wait()

    async def _write(self) -> str:
        """Write a batch; give what went wrong, or nothing."""
        batch, lost = self._batch()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._tell_when_slow)
            outcome = await self._in_thread(partial(self._append, batch))
            nursery.cancel_scope.cancel()
        if isinstance(outcome, str):
            return outcome
        self._took(outcome, lost)
        trouble = None if self._log is None else self._log.trouble
        return "" if trouble is None else _words(trouble)

    def _batch(self) -> tuple[list[bytes], int]:
        """The next entries, and how many lost ones the first of them tells of."""
        batch = list(islice(self._queue, BATCH))
        lost = self._lost
        if lost:
            now = self._clock()
            about = {"count": lost, "since": rfc3339(self._lost_since)}
            batch.insert(0, body(now, LOST, ITSELF, about))
        return batch, lost

    def _took(self, written: int, lost: int) -> None:
        if lost and written:
            self._lost -= lost
            self._lost_since = self._clock() if self._lost else 0.0
            written -= 1
        for _ in range(written):
            self._queued_bytes -= len(self._queue.popleft())

    def _append(self, batch: list[bytes]) -> int | str:
        """In a thread: how many were written, or why none was."""
        try:
            return 0 if self._log is None else self._log.append(batch)
        except (OSError, UsageError) as error:
            return _words(error)

    async def _tell_when_slow(self) -> None:
        await trio.sleep(SLOW_SECONDS)
        self._tell_trouble("the disk does not answer")

    def _tell_trouble(self, message: str) -> None:
        if not self._in_trouble:
            self._in_trouble = True
            self._on_trouble(message)

    def _tell_recovered(self) -> None:
        if self._in_trouble:
            self._in_trouble = False
            self._on_recovered()

    def _write_the_rest(self) -> None:
        """Write what others recorded while they ended, after `run` did; do not hang on a disk."""
        if self._in_trouble or self._abandoned or self._is_done():
            return
        thread = threading.Thread(target=self._append_all, daemon=True)
        thread.start()
        thread.join(FLUSH_SECONDS)

    def _append_all(self) -> None:
        while self._queue or self._lost:
            batch, lost = self._batch()
            outcome = self._append(batch)
            if isinstance(outcome, str):
                return
            self._took(outcome, lost)


def _words(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
