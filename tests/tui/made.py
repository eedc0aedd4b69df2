"""Panes and events for the tests of the full screen."""

from __future__ import annotations

from typing import Any

from tmuxpulse import events as ev
from tmuxpulse.cli.screen.model import Model
from tmuxpulse.client.incoming import Received
from tmuxpulse.events import Data, Event, Place, Status
from tmuxpulse.wire import (
    Numbered,
    PaneView,
    ServerView,
    SessionView,
    SnapshotData,
    Tree,
    WindowView,
    encode_event,
    rfc3339,
)

NOW = 1_800_000_000.0
SOCKET = "/tmp/s"


def view(number: int, **fields: Any) -> PaneView:
    """A pane in a snapshot."""
    known: dict[str, Any] = {
        "command": "sh", "pid": 1, "title": "", "path": "/src", "width": 80, "height": 24,
        "active": number == 0,
    }  # fmt: skip
    return PaneView(id=f"%{number}", index=number, **(known | fields))


def state(*panes: PaneView, session: str = "work") -> SnapshotData:
    """A snapshot of one session with one window with these panes."""
    window = WindowView(id="@1", index=0, name="w", active=True, layout="x", panes=list(panes))
    one = SessionView(server="default", id="$1", name=session, attached=1, windows=[window])
    server = ServerView(name="default", socket=SOCKET, up=True, pid=1, version="3.3a")
    return SnapshotData(epoch="e", seq=0, data=Tree(servers=[server], sessions=[one]))


def place(number: int) -> Place:
    """Where a pane is."""
    return Place(
        server="default", session="work", session_id="$1", window=0, window_id="@1",
        window_name="w", pane=number, pane_id=f"%{number}",
    )  # fmt: skip


def received(number: int, data: Data, *, seq: int = 1, at: float = NOW) -> Received:
    """An event of a pane, as it comes."""
    timestamp = rfc3339(at)
    event = Event(place(number), data)
    return Received(Numbered(seq, timestamp, event), encode_event(seq, timestamp, event))


def status(
    number: int, what: Status, *, at: float = NOW, why: str = "", shown: str = ""
) -> Received:
    """A pane's status."""
    data = ev.AgentStatus(
        status=what, previous="unknown", reason=why, evidence=shown, since=rfc3339(at)
    )
    return received(number, data, at=at)


def lines(number: int, *texts: str) -> Received:
    """What a pane printed."""
    return received(number, ev.PaneOutput(mode="append", lines=texts))


def model_of(*panes: PaneView, **options: Any) -> Model:
    """A model that has begun."""
    model = Model(**options)
    model.begin(state(*panes), NOW)
    return model


def order(model: Model, now: float = NOW) -> list[str]:
    """The ids of the panes as they stand."""
    return [pane.key[1] for pane in model.panes(now)]


def press(model: Model, *keys: str, now: float = NOW) -> Any:
    """Press keys; gives what the last one wants done."""
    done = None
    for key in keys:
        done = model.press(key, now)
    return done
