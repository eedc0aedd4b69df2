"""Recordings to read, and states to record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from tmuxpulse import events as ev
from tmuxpulse.recording.records import MAGIC, VERSION, Head, Record, encode_head, encode_record
from tmuxpulse.wire import PaneView, ServerView, SessionView, Tree, WindowView, encode_event

HEAD = Head(recording=MAGIC, version=VERSION, program="0", began="2026-11-23T09:00:00.000Z")
PLACE = ev.Place(
    server="default", session="api", session_id="$1", window=0, window_id="@1", window_name="w",
    pane=0, pane_id="%1",
)  # fmt: skip


def pane(number: int = 1) -> PaneView:
    return PaneView(
        id=f"%{number}", index=0, active=True, command="sh", pid=1, title="", path="/", width=80,
        height=24, last_line="$", status="busy",
    )  # fmt: skip


def tree(*sessions: str, attached: int = 1) -> Tree:
    return Tree(
        servers=[ServerView(name="default", socket="/s", up=True, pid=7, version="3.5")],
        sessions=[
            SessionView(
                server="default",
                id=f"${number}",
                name=name,
                attached=attached,
                windows=[
                    WindowView(
                        id=f"@{number}", index=0, name="w", active=True, layout="l",
                        panes=[pane(number)],
                    )
                ],
            )
            for number, name in enumerate(sessions, 1)
        ],
    )  # fmt: skip


def event(at: int, data: ev.Data, place: ev.Place = PLACE) -> Record:
    line = encode_event(at + 1, "2026-11-23T09:00:00.000Z", ev.Event(place, data))
    return Record(at=at, event=msgspec.Raw(line))


def line(at: int, text: str) -> Record:
    return event(at, ev.PaneOutput(mode="append", lines=(text,)))


def write(path: Path, records: Sequence[Record], *, ended: bool = True, head: Head = HEAD) -> Path:
    lines = [encode_head(head), *map(encode_record, records)]
    if ended:
        lines.append(encode_record(Record(at=records[-1].at if records else 0, ended=True)))
    path.write_bytes(b"".join(lines))
    return path
