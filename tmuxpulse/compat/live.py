"""The answers of the user's own tmuxpulse server, over its Unix socket: nothing is forked.

It says None where it cannot answer: no server runs, it does not watch that tmux, it was switched
off, or the host has just changed something that the state may not show yet. Any thread may ask.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from tmuxpulse.client.blocking import Monitor
from tmuxpulse.client.destination import destination
from tmuxpulse.collect.sockets import usual_socket
from tmuxpulse.compat.world import World, from_views
from tmuxpulse.config.places import find_unix_socket
from tmuxpulse.errors import RequestError, TimedOut, TmuxpulseError
from tmuxpulse.wire import Capture, Target, Tree

ANSWER_SECONDS = 2.0  # tmux itself would have answered long before
OPEN_SECONDS = 2.0
RETRY_SECONDS = 1.0  # without a server
HUNG_SECONDS = 30.0  # with one that does not answer
SETTLE_SECONDS = 1.0  # after a change of the host's own: the state follows in tens of milliseconds
MAX_BATCH = 64  # what the server takes at once
MAX_LINES = 10_000

Answer = TypeVar("Answer")


class Live:
    """One process's connection to the server, made when it is needed."""

    def __init__(self) -> None:
        self._registered = False
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._monitor: Monitor | None = None
        self._quiet_until = 0.0
        self._settled_at = 0.0

    def changed(self) -> None:
        """The host changes something in tmux by itself, now."""
        self._settled_at = time.monotonic() + SETTLE_SECONDS

    def world(self) -> World | None:
        """Everything that the tmux server of this environment holds."""
        if time.monotonic() < self._settled_at:
            return None
        tree = self._ask(lambda monitor: monitor.snapshot())
        found = None if tree is None else _of_server(tree)
        return None if found is None or time.monotonic() < self._settled_at else found[1]

    def screens(self, targets: Sequence[str], lines: int) -> dict[str, str]:
        """What panes show, and so many lines above it; those that it cannot tell are left out."""
        if not 0 <= lines <= MAX_LINES or time.monotonic() < self._settled_at:
            return {}
        return self._ask(lambda monitor: _screens(monitor, targets, lines)) or {}

    def close(self) -> None:
        """Hang up; the next question dials again."""
        with self._lock:
            self._hang_up()

    # --- the connection ----------------------------------------------------------------------

    def _ask(self, question: Callable[[Monitor], Answer]) -> Answer | None:
        with self._lock:
            for _ in range(2):
                if time.monotonic() < self._quiet_until:
                    return None
                was_held = self._monitor is not None
                try:
                    self._monitor = self._monitor or self._dial()
                    if self._monitor is not None:
                        return question(self._monitor)
                except RequestError:
                    return None  # of this question alone
                except TimedOut:
                    self._be_quiet(HUNG_SECONDS)
                    return None
                except TmuxpulseError:
                    self._hang_up()
                if not was_held:
                    self._be_quiet(RETRY_SECONDS)
                    return None
                # It was cut while nobody read, or the server began anew: once more.
            return None

    def _be_quiet(self, seconds: float) -> None:
        self._hang_up()
        self._quiet_until = time.monotonic() + seconds

    def _dial(self) -> Monitor | None:
        if not self._registered:
            self._registered = True
            os.register_at_fork(after_in_child=self._forked)
        path = find_unix_socket()
        if not os.path.exists(path):  # noqa: PTH110  # cheaper, and this is asked again and again
            return None
        monitor = Monitor(
            destination(path), reconnect=False, timeout=ANSWER_SECONDS, patience=OPEN_SECONDS
        )
        if monitor.greeting.features.get("compat", True):
            return monitor
        monitor.close()
        return None

    def _hang_up(self) -> None:
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            with suppress(TmuxpulseError, OSError):
                monitor.close()

    def _forked(self) -> None:
        """Begin anew in a child: the socket is its parent's."""
        monitor = self._monitor
        self._begin()
        if monitor is not None:
            monitor.abandon()


def _of_server(tree: Tree) -> tuple[str, World] | None:
    """The server of this environment, by its name, and what it holds; None: it is not watched."""
    own = os.path.realpath(usual_socket())
    for server in tree.servers:
        if server.up and os.path.realpath(server.socket) == own:
            views = [one for one in tree.sessions if one.server == server.name]
            if views and all(view.created for view in views):  # an older server does not tell
                return server.name, from_views(views)
    return None


def _screens(monitor: Monitor, targets: Sequence[str], lines: int) -> dict[str, str]:
    found = _of_server(monitor.snapshot())
    if found is None:
        return {}
    name, world = found
    meant = [(target, world.pane_id(target)) for target in targets]
    known = [(target, pane_id) for target, pane_id in meant if pane_id is not None]
    shown: dict[str, str] = {}
    for at in range(0, len(known), MAX_BATCH):
        part = known[at : at + MAX_BATCH]
        commands = [
            Capture(target=Target(server=name, pane=pane_id), lines=lines) for _, pane_id in part
        ]
        try:
            outcomes = monitor.batch(commands)
        except RequestError:  # one of them went away meanwhile
            continue
        for (target, _), outcome in zip(part, outcomes, strict=True):
            if outcome.ok:
                shown[target] = f"{outcome.output}\n"
    return shown


LIVE = Live()
