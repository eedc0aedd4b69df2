"""All tmux servers of a user: each one is waited for, watched, and waited for again.

A server that is not there yet, ends, comes back, or does not answer is a state with an event, not
an error. An engine's failure is retried with growing pauses and told as `server.trouble`.
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path

import trio

from tmuxpulse.collect import sockets
from tmuxpulse.collect.command import Identity, Tmux, identify
from tmuxpulse.collect.control import ControlEngine, is_mended
from tmuxpulse.collect.engine import Engine
from tmuxpulse.collect.groups import one_tmux_error
from tmuxpulse.collect.rulebook import load_book
from tmuxpulse.collect.secrets import redactor_of
from tmuxpulse.collect.watch import ServerWatch
from tmuxpulse.config.settings import CollectSettings, EngineChoice
from tmuxpulse.errors import TmuxError, TmuxTooOld, TmuxUnavailable
from tmuxpulse.hub.hub import Hub

LOOK_SECONDS = 0.1  # how often a socket without a server is looked at: one `stat`
TRY_SECONDS = 2.0  # and tried
SCAN_SECONDS = 1.0  # how often the directory of sockets is read, when all are watched
RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_SECONDS = 30.0  # an engine that ran this long begins again with the shortest pause
OLDEST_PIPE = (3, 2)

logger = logging.getLogger(__name__)


async def run_collector(
    hub: Hub,
    settings: CollectSettings,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Watch until cancelled; `started` when every socket was looked at once.

    Cancelling leaves the tmux servers as they were.

    Raises:
        TmuxNotFound: there is no tmux program.
        UsageError: a redaction rule of the settings cannot be taken.
    """
    # What is wrong with a rule of a status is logged: it is no reason not to watch.
    program = sockets.find_program()
    redactor = redactor_of(settings.redaction)
    book = await trio.to_thread.run_sync(load_book, settings.rules_dir)
    watched: set[str] = set()
    async with trio.open_nursery() as nursery:

        async def look() -> None:
            for path in settings.sockets or sockets.all_sockets():
                if path not in watched:
                    watched.add(path)
                    name = sockets.socket_name(path)
                    watch = ServerWatch(
                        hub,
                        name,
                        path,
                        redactor,
                        book=book,
                        judges=settings.judges,
                        measures=settings.measures,
                    )
                    await nursery.start(partial(_run_socket, hub, settings, program, watch))

        await look()
        task_status.started()
        while not settings.sockets:
            await trio.sleep(SCAN_SECONDS)
            await look()


async def _run_socket(
    hub: Hub,
    settings: CollectSettings,
    program: str,
    watch: ServerWatch,
    *,
    task_status: trio.TaskStatus[None],
) -> None:
    """Watch whatever tmux server comes and goes on one socket."""
    path = watch.socket
    ready = _Ready(task_status)
    failures = 0
    newborn = False
    known: Identity | None = None  # the run that was there last
    with hub.source(watch.name, watch):
        if not sockets.is_alive(path):
            newborn = True
            ready.say()
        while True:
            while not sockets.is_alive(path):
                newborn = True
                await _until_touched(path)
            began = trio.current_time()
            try:
                tmux = Tmux(sockets.program_of(sockets.peer_pid(path), program), path)
                identity = await identify(tmux)
                newborn = newborn or known not in (None, identity)  # it took another's place
                known = identity
                engine = choose_engine(tmux, identity, settings, newborn=newborn)
                with one_tmux_error():
                    async with trio.open_nursery() as nursery:
                        nursery.start_soon(_tell_when_listed, watch, ready)
                        await watch.watch(engine, identity, tmux)
                        nursery.cancel_scope.cancel()
                newborn = False
            except TmuxUnavailable:
                continue  # it ended while we were asking
            except TmuxError as error:
                if trio.current_time() - began > STEADY_SECONDS:
                    failures = 0
                pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                failures += 1
                watch.trouble(str(error), pause)
                ready.say()
                await trio.sleep(pause)


async def _tell_when_listed(watch: ServerWatch, ready: _Ready) -> None:
    await watch.is_listed.wait_value(True)
    ready.say()


async def _until_touched(path: str) -> None:
    """Wait until a socket without a server is worth another try.

    A server that starts makes the file anew, which `stat` tells; a `connect` is tried now and then
    all the same.
    """
    before = _file_id(path)
    with trio.move_on_after(TRY_SECONDS):
        while _file_id(path) == before:  # noqa: ASYNC110  # a file tells nobody
            await trio.sleep(LOOK_SECONDS)


def _file_id(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


class _Ready:
    """Says once that the first look is done."""

    def __init__(self, task_status: trio.TaskStatus[None]) -> None:
        self._task_status = task_status

    def say(self) -> None:
        self._task_status.started()
        self._task_status = trio.TASK_STATUS_IGNORED


def best_engine(release: tuple[int, int]) -> EngineChoice:
    """The engine for a release of tmux when nobody chose one."""
    if release < OLDEST_PIPE:
        return "poll"
    return "control" if is_mended(release) else "pipe"


def choose_engine(
    tmux: Tmux, identity: Identity, settings: CollectSettings, *, newborn: bool
) -> Engine:
    """The engine that was asked for, or the one that does this server no harm.

    Raises:
        TmuxTooOld: `pipe` was asked for, and the server is older than 3.2.
    """
    choice = settings.engine
    if choice == "auto":
        choice = best_engine(identity.release)
    if choice == "control" and not is_mended(identity.release):
        logger.warning(
            "tmux %s can crash while a control-mode client is connected, and takes every session"
            " with it; --engine pipe (the default) does not connect one",
            identity.version,
        )
    if choice == "pipe":
        if identity.release < OLDEST_PIPE:
            raise TmuxTooOld(
                f"tmux {identity.version} has no pipes to watch by; use --engine poll",
                version=identity.version,
            )
        from tmuxpulse.collect.pipe import PipeEngine

        return PipeEngine(tmux, identity, runtime_dir=settings.runtime_dir, newborn=newborn)
    if choice == "control":
        return ControlEngine(tmux, identity)
    from tmuxpulse.collect.poll import PollEngine

    return PollEngine(tmux, identity)
