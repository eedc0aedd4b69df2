"""Events as the hub has them, and stores with some in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tmuxpulse import events as ev
from tmuxpulse.filters import Filter
from tmuxpulse.history.journal import Journal
from tmuxpulse.history.reader import Reader
from tmuxpulse.history.records import timestamp_of
from tmuxpulse.history.retention import Retention
from tmuxpulse.history.store import Progress, Store
from tmuxpulse.history.writer import Run
from tmuxpulse.hub.stream import Encoded
from tmuxpulse.wire import Numbered, encode_event

NOW = 1_795_000_000_000  # milliseconds
KEEP = Retention(days=30, max_bytes=1 << 30)
NAMES = ("api", "api-2", "web", "Straße", 'a",data":{')
WORDS = (
    "error",
    "Error: ß",
    "STRASSE",
    "ok",
    "a",
    "xy",
    "\0nul\0",
    'qu"ote',
    "日本語の行",
    "mixed CASE",
)


def kept(seq: int, event: ev.Event, at: int = NOW) -> Encoded:
    timestamp = timestamp_of(at)
    return Encoded(Numbered(seq, timestamp, event), encode_event(seq, timestamp, event))


def place(session: str | None = "api", pane: int | None = 1, **more: Any) -> ev.Place:
    found: dict[str, Any] = {"server": "default"}
    if session is not None:
        found |= {"session": session, "session_id": f"${len(session)}"}
    if session is not None and pane is not None:
        found |= {"window": 0, "window_id": "@7", "window_name": "w", "pane": pane}
        found |= {"pane_id": f"%{pane}"}
    return ev.Place(**found | more)


def output(*lines: str, **more: Any) -> ev.Event:
    return ev.Event(place(**more), ev.PaneOutput(mode="append", lines=lines))


def error(line: str, **more: Any) -> ev.Event:
    return ev.Event(place(**more), ev.PaneError(line=line, rule="r"))


def numbered(events: Iterable[ev.Event], start: int = 1, at: int = NOW) -> list[Encoded]:
    return [kept(seq, event, at + seq) for seq, event in enumerate(events, start)]


# --- strategies ------------------------------------------------------------------------------

texts = st.one_of(
    st.sampled_from(WORDS),
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join),
)
places = st.builds(
    place,
    st.sampled_from((*NAMES, None)),
    st.sampled_from((None, 1, 2)),
    linked_sessions=st.sampled_from(((), ("web",), ("api-2", "web"))),
)
datas = st.one_of(
    st.builds(ev.ServerUp, pid=st.just(1), version=texts, start_time=st.just(0), socket=texts,
              engine=st.just("pipe")),
    st.builds(ev.CollectorTrouble, message=texts, retry_s=st.none()),
    st.builds(ev.SessionRenamed, name=st.sampled_from(NAMES), previous=st.sampled_from(NAMES)),
    st.builds(ev.WindowRenamed, name=texts, previous=texts),
    st.builds(ev.PaneOutput, mode=st.just("append"), lines=st.lists(texts, max_size=3).map(tuple),
              partial=texts),
    st.builds(ev.PaneOutput, mode=st.just("screen"),
              rows=st.dictionaries(st.sampled_from(("0", "1")), texts)),
    st.builds(ev.PaneError, line=texts, rule=texts),
    st.builds(ev.PaneMoved, index=st.just(0), previous=st.just(1), window_id=st.just("@1"),
              previous_window_id=st.sampled_from(("@1", "@2")), active=st.booleans()),
    st.builds(ev.CommandStarted, command_line=st.none() | texts),
    st.builds(ev.AgentStatus, status=st.sampled_from(("busy", "waiting", "error")),
              previous=st.just("unknown"), evidence=texts),
    st.builds(ev.Custom, name=st.sampled_from(("custom.a", "custom.b")),
              data=st.dictionaries(texts, texts | st.integers(0, 9), max_size=2)),
)  # fmt: skip
events = st.builds(ev.Event, places, datas)
needles = st.one_of(st.sampled_from(WORDS), st.sampled_from(("ERR", "ss", "本", "ror: S")), texts)
filters = st.builds(
    Filter,
    types=st.sampled_from(((), ("pane.*",), ("agent.status", "server.*"), ("custom.a",), ("x",))),
    sessions=st.sampled_from(((), ("api*",), ("web", "$3"), ("zzz",))),
    windows=st.sampled_from(((), ("@7",), ("api:0", "w"))),
    panes=st.sampled_from(((), ("%1",), ("2", "web:0.1"))),
    statuses=st.sampled_from(((), ("waiting",))),
    severity=st.sampled_from(((), ("error",), ("warning", "info"))),
    contains=st.lists(needles.filter(bool), max_size=2).map(tuple),
)


# --- stores ----------------------------------------------------------------------------------


class Keeping:
    """A journal and a store in a directory, worked by hand."""

    def __init__(
        self,
        directory: Path,
        epoch: str = "e1",
        *,
        output: bool = True,
        boot: str = "boot",
        keep: Retention = KEEP,
        now: Callable[[], float] = lambda: NOW / 1000,
        **journal: Any,
    ) -> None:
        directory.chmod(0o700)
        self.database = directory / "history.db"
        self.journal = Journal(
            directory, "history", epoch, boot=boot, output=output, clock=now, **journal
        )
        run = Run(epoch=epoch, started=int(now() * 1000), output=output)
        self.time = 0.0
        self.store = Store(
            self.database, directory, run, boot=boot, keep=keep, clock=now,
            monotonic=lambda: self.time,
        )  # fmt: skip
        self.reader = Reader(self.database, generation=lambda: self.store.generation, seconds=60.0)

    def append(self, events: Sequence[Encoded]) -> None:
        if events:
            first, last = events[0].numbered.seq, events[-1].numbered.seq
            self.journal.append([one.line for one in events], first, last)

    def work(self, **more: Any) -> Progress:
        progress = self.store.work(self.journal.pending(), **more)
        for path, up_to in progress.drained.items():
            self.journal.drained(path, up_to)
        return progress

    def put(self, events: Sequence[Encoded]) -> None:
        self.append(events)
        progress = self.work()
        assert (progress.trouble, progress.damage) == ("", "")

    def close(self, *, end: int | None = None) -> None:
        """Stop; without `end` as if killed, but for the database, which is up to date."""
        if end is not None:
            self.journal.end(end)
            self.work()
        self.reader.close()
        self.journal.close(remove=end is not None)
        self.store.close()
