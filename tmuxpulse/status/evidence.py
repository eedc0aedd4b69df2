"""What can be known of a pane, each piece with the time it was seen.

All times are seconds of one clock that the caller chooses and never turns back. Texts come from
hostile programs: `Screen` and `Output` are cut to bounds before anything reads them. Who gathers
evidence, and what it means, is not known here.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from tmuxpulse.events import Status
from tmuxpulse.tmux.signals import Signal

MAX_ROWS: Final = 200
MAX_CELLS: Final = 500


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A program, or a hook of it, says itself what it is doing.

    Attributes:
        at: when it said so.
        status: what it is doing.
        reason: why, in its words; may be empty.
        agent_type: what it calls itself, such as ``claude``.
        source: who passed it on, such as ``emit`` or the name of a hook.
    """

    at: float
    status: Status
    reason: str = ""
    agent_type: str | None = None
    source: str = "emit"


class Signals(msgspec.Struct, frozen=True, kw_only=True):
    """Control sequences in the pane's output, in their order; titles may come from tmux's list."""

    at: float
    signals: tuple[Signal, ...]


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """One process that descends from the pane's first one. Its arguments are not wanted.

    Attributes:
        pid: its id.
        name: the name of its program.
        cpu_seconds: what it has used so far.
        state: ``R``, ``S``, ``D``, ``T`` or ``Z``, as the system tells it; empty when not known.
        foreground: whether it is in the terminal's foreground group.
    """

    pid: int
    name: str
    cpu_seconds: float = 0.0
    state: str = ""
    foreground: bool = False


class Processes(msgspec.Struct, frozen=True, kw_only=True):
    """What runs in a pane.

    Attributes:
        at: when that was so.
        command: the foreground command, as tmux tells it.
        program: a better name for it, where `command` is only an interpreter: ``gemini`` for
            ``node /usr/bin/gemini``. Empty when not known.
        pid: the pane's first process.
        children: its descendants; None when nobody looked.
    """

    at: float
    command: str
    program: str = ""
    pid: int = 0
    children: tuple[Process, ...] | None = None


class Screen(msgspec.Struct, frozen=True, kw_only=True):
    """The visible screen.

    Attributes:
        at: when it looked so.
        rows: top to bottom, as text; trailing blanks do not matter.
        cursor_row: from 0; None when not known.
        cursor_column: from 0, in cells.
        alternate: whether it is the alternate screen.
        width: in cells; 0 when not known.
        height: in rows; 0 when not known.
        told: whether its lines come as `Output` when they are finished; else new rows stand for
            them.
    """

    at: float
    rows: tuple[str, ...]
    cursor_row: int | None = None
    cursor_column: int | None = None
    alternate: bool = False
    width: int = 0
    height: int = 0
    told: bool = False


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """A pane printed.

    Attributes:
        at: when.
        bytes: how much.
        lines: finished lines, of a pane that appends.
        partial: its unfinished last line.
        appends: whether `lines` and `partial` stand for what it shows; else only `Screen` does.
    """

    at: float
    bytes: int
    lines: tuple[str, ...] = ()
    partial: str = ""
    appends: bool = True


class Resized(msgspec.Struct, frozen=True, kw_only=True):
    """The pane got another size, its window another layout, or a client attached.

    Programs draw anew then, which is not work.
    """

    at: float


class Exited(msgspec.Struct, frozen=True, kw_only=True):
    """The pane's program ended and the pane stays (``remain-on-exit``)."""

    at: float
    exit_status: int | None = None
    signal: str | None = None


Evidence: TypeAlias = Report | Signals | Processes | Screen | Output | Resized | Exited


class Rhythm(msgspec.Struct, frozen=True):
    """When a pane printed lately; what came right after a change of size is not in it.

    Attributes:
        outputs: time and bytes of the last outputs, oldest first.
        last: when it printed last; None if never.
    """

    outputs: tuple[tuple[float, int], ...] = ()
    last: float | None = None


def bounded(screen: Screen) -> Screen:
    """Cut a screen to the last `MAX_ROWS` rows and the first `MAX_CELLS` characters of each."""
    rows = screen.rows
    if len(rows) <= MAX_ROWS and all(len(row) <= MAX_CELLS for row in rows):
        return screen
    gone = max(0, len(rows) - MAX_ROWS)
    cursor = screen.cursor_row
    return msgspec.structs.replace(
        screen,
        rows=tuple(row[:MAX_CELLS] for row in rows[gone:]),
        cursor_row=None if cursor is None else max(0, cursor - gone),
    )
