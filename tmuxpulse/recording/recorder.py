"""What comes out of a stream of events, as records. Time is an argument; no connection is known."""

from __future__ import annotations

import msgspec

from tmuxpulse.filters import EVERYTHING, Filter
from tmuxpulse.recording.player import STRUCTURE_OF_PANES
from tmuxpulse.recording.records import Record
from tmuxpulse.wire import Gap, Numbered, Reset, Tree


def filters_for(wanted: Filter, *, output: bool) -> list[Filter]:
    """What has to be asked for, the structure first: a replay follows it.

    Args:
        wanted: what the user wants to have in the recording.
        output: terminal bytes too.
    """
    here = Filter(sessions=wanted.sessions, windows=wanted.windows, panes=wanted.panes)
    found = [wanted]
    if wanted not in (EVERYTHING, here):
        types = ("server.*", "session.*", "window.*", *sorted(STRUCTURE_OF_PANES))
        found.insert(0, msgspec.structs.replace(here, types=types))
    if output:
        found.append(msgspec.structs.replace(here, types=("pane.bytes",)))
    return found


def record_of_event(at: int, numbered: Numbered, line: bytes) -> Record | None:
    """The record of an event; None: it concerns a connection alone."""
    if numbered.event.type == "server.goodbye":
        return None
    return Record(at=at, event=msgspec.Raw(line))


def record_of_loss(at: int, loss: Gap | Reset) -> Record:
    """The record of what is missing; a snapshot follows it, unless it is of one type of event."""
    if isinstance(loss, Reset):
        return Record(at=at, missing=-1, why=f"the stream began anew ({loss.reason})")
    only = f"{loss.only}: " if loss.only else ""
    missing = -1 if loss.dropped is None else loss.dropped
    return Record(at=at, missing=missing, why=f"{only}the recorder was too slow")


def record_of_state(at: int, tree: Tree) -> Record:
    """The record of a snapshot."""
    return Record(at=at, snapshot=tree)
