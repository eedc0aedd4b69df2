"""Tells the user's own server of events: a bounded queue, and one daemon thread behind it.

`tell` never waits and never raises. The thread dials when there is something to tell, and hangs up
when there is nothing for a while. Where no server runs it is silent, and asks again now and then:
what comes meanwhile is not kept. Nothing of the client is imported before there is a server.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

TYPE_CHECKING = False  # `typing` knows it, too
if TYPE_CHECKING:
    from tmuxpulse.client.blocking import Monitor

MAX_WAITING = 1000  # events; more are dropped, and counted
EXIT_SECONDS = 0.5  # for what waits when the program ends
ANSWER_SECONDS = 5.0
IDLE_SECONDS = 15.0  # less than a server waits for a sign of life
RETRY_SECONDS = 5.0  # without a server
OFF_SECONDS = 60.0  # where the server wants nothing of this
SHARE = 0.8  # of what the server takes of one connection
BURST = 20
MAX_TRIES = 3
VARIABLE = "TMUXPULSE_EVENTS"
OFF = ("0", "false", "no", "off")

logger = logging.getLogger("tmuxpulse.hooks")


class Counts(NamedTuple):
    """What became of the events so far.

    Attributes:
        told: the server took them.
        waiting: are in the queue.
        dropped: the queue was full.
        unheard: no server ran, or it wants none.
        refused: the server did not take them, or went away.
    """

    told: int
    waiting: int
    dropped: int
    unheard: int
    refused: int


class Item(NamedTuple):
    """An event that waits.

    Attributes:
        event_type: ``custom.`` and a name.
        data: bounded JSON.
        place: session, window and pane, where the host says them; else nothing.
    """

    event_type: str
    data: dict[str, Any]
    place: dict[str, Any]


class Teller:
    """One process's queue and its thread; a forked child has its own of both."""

    def __init__(self) -> None:
        self._registered = False
        self._told = self._dropped = self._unheard = self._refused = 0
        self._begin()

    def _begin(self) -> None:
        # A `SimpleQueue` may be put into from a signal handler or a destructor, where a lock may be
        # held already.
        self._queue: SimpleQueue[Item | threading.Event] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._monitor: Monitor | None = None
        self._quiet_until = 0.0
        self._places: list[dict[str, Any]] | None = None
        self._allowed = float(BURST)
        self._allowed_at = 0.0

    # --- for the host ------------------------------------------------------------------------

    @property
    def is_quiet(self) -> bool:
        """Whether nobody would hear it."""
        return time.monotonic() < self._quiet_until

    def tell(self, item: Item) -> None:
        """Queue an event, or drop it; raises nothing that is not the host's own."""
        try:
            if self.is_quiet:
                self._unheard += 1
            elif self._queue.qsize() >= MAX_WAITING:
                self._dropped += 1
            else:
                self._queue.put(item)
                if self._thread is None:
                    self._start()
        except Exception:  # noqa: BLE001  # no thread can be had at the interpreter's end, say
            self._dropped += 1

    def skip(self) -> None:
        """Count an event that nobody would have heard."""
        self._unheard += 1

    def flush(self, seconds: float) -> bool:
        """Wait until what was queued by now is done with; False: it was not in time."""
        if self._thread is None:
            return True
        done = threading.Event()
        self._queue.put(done)
        return done.wait(seconds)

    def counts(self) -> Counts:
        """What became of the events so far."""
        waiting = self._queue.qsize()
        return Counts(self._told, waiting, self._dropped, self._unheard, self._refused)

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return  # somebody else is at it
        try:
            if self._thread is None:
                self._register()
                thread = threading.Thread(target=self._run, name="tmuxpulse-hooks", daemon=True)
                thread.start()
                self._thread = thread
        finally:
            self._starting.release()

    def _register(self) -> None:
        if not self._registered:
            self._registered = True
            atexit.register(self._at_exit)
            os.register_at_fork(after_in_child=self._forked)

    def _at_exit(self) -> None:
        if not self.is_quiet:
            self.flush(EXIT_SECONDS)

    def _forked(self) -> None:
        """Begin anew in a child: its parent's thread is not here, and its socket not its own."""
        monitor = self._monitor
        self._begin()
        if monitor is not None:
            with suppress(Exception):
                monitor.abandon()

    # --- the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=IDLE_SECONDS if self._monitor else None)
            except Empty:
                self._hang_up()
                continue
            if isinstance(item, threading.Event):
                item.set()
            elif self.is_quiet:
                self._unheard += 1
            else:
                self._tell(item)

    def _tell(self, item: Item) -> None:
        try:
            if self._monitor is None:
                self._monitor = self._dial()
            if self._monitor is None:
                self._unheard += 1
                return
            self._say(self._monitor, item)
        except Exception as error:  # noqa: BLE001  # whatever it is, the host goes on
            logger.debug("not told: %s", error)
            self._refused += 1
            self._be_quiet(RETRY_SECONDS)

    def _dial(self) -> Monitor | None:
        """A connection; None: there is no server, or it wants nothing."""
        from tmuxpulse.config.places import find_unix_socket

        path = find_unix_socket()
        if not os.path.exists(path):  # noqa: PTH110  # cheaper, and this is asked again and again
            self._be_quiet(RETRY_SECONDS)
            return None
        from tmuxpulse.client.blocking import Monitor
        from tmuxpulse.client.destination import destination
        from tmuxpulse.errors import ServerUnavailable

        try:
            monitor = Monitor(destination(path), reconnect=False, timeout=ANSWER_SECONDS)
        except ServerUnavailable:
            self._be_quiet(RETRY_SECONDS)
            return None
        features = monitor.greeting.features
        if not (features.get("hooks", True) and features.get("emit", True)):
            monitor.close()
            self._be_quiet(OFF_SECONDS)
            return None
        self._allowed, self._allowed_at = float(BURST), time.monotonic()
        return monitor

    def _say(self, monitor: Monitor, item: Item) -> None:
        """Tell it, where it happened if the server knows that place, else nowhere in particular."""
        from tmuxpulse.errors import RequestError

        tries = 0
        places = [item.place] if item.place else list(self._own_places())
        while True:
            self._wait_for_turn(monitor.greeting.limits.messages_per_second)
            place = places[0] if places else {}
            try:
                monitor.emit(item.event_type, item.data, **place)
            except RequestError as error:
                tries += 1
                if error.code == "NOT_FOUND" and place:
                    places.pop(0)
                elif error.code == "RATE_LIMIT" and tries < MAX_TRIES:
                    time.sleep(min(error.retry_after or 1.0, ANSWER_SECONDS))
                elif error.code == "UNAVAILABLE":
                    self._be_quiet(OFF_SECONDS)
                    self._unheard += 1
                    return
                else:
                    logger.debug("refused: %s: %s", item.event_type, error)
                    self._refused += 1
                    return
            else:
                self._told += 1
                if not item.place:
                    self._places = places  # what is not known here is not asked again
                return

    def _own_places(self) -> list[dict[str, Any]]:
        """The pane that this program runs in, by the names that the server may know it by."""
        if self._places is None:
            from tmuxpulse.collect.sockets import own_pane, socket_name

            inside = own_pane(os.environ)
            self._places = []
            if inside is not None:
                path, pane = inside
                names = dict.fromkeys((socket_name(path), path))
                self._places = [{"server": name, "pane": pane} for name in names]
        return self._places

    def _wait_for_turn(self, per_second: int) -> None:
        """Stay below what the server takes of one connection."""
        now = time.monotonic()
        rate = max(1.0, SHARE * per_second)
        self._allowed = min(float(BURST), self._allowed + (now - self._allowed_at) * rate)
        self._allowed_at = now
        if self._allowed < 1.0:
            time.sleep((1.0 - self._allowed) / rate)
        self._allowed -= 1.0

    def _be_quiet(self, seconds: float) -> None:
        self._quiet_until = time.monotonic() + seconds
        self._hang_up()

    def _hang_up(self) -> None:
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            with suppress(Exception):
                monitor.close()


TELLER = Teller()


def is_off() -> bool:
    """Whether the user wants none of this: ``TMUXPULSE_EVENTS=0``."""
    return os.environ.get(VARIABLE, "").lower() in OFF


def flush(seconds: float = EXIT_SECONDS) -> bool:
    """Wait until the server was told of what happened by now; at exit this is done by itself.

    Args:
        seconds: to wait at most.

    Returns:
        Whether it was in time. Without a server there is nothing to wait for.
    """
    return TELLER.flush(seconds)


def counts() -> Counts:
    """What became of the events of this process."""
    return TELLER.counts()
