"""Events as lines: what a person sees, and when."""

from __future__ import annotations

import math

import pytest

from tmuxpulse.cli.describe import describe, duration
from tmuxpulse.cli.lines import PROMPT_SECONDS, SCREEN_SECONDS, Lines, place_text
from tmuxpulse.events import (
    DATA_TYPES,
    AgentStatus,
    CollectorTrouble,
    CommandFinished,
    Custom,
    Data,
    Event,
    PaneBell,
    PaneBytes,
    PaneError,
    PaneExited,
    PaneMoved,
    PaneOutput,
    PaneProgress,
    PaneRemoved,
    PaneStats,
    Place,
    SessionAttached,
    SystemStats,
    WindowRenamed,
)
from tmuxpulse.wire import Numbered

PANE = Place(
    server="default",
    session="work",
    window=2,
    pane=0,
    session_id="$1",
    window_id="@3",
    pane_id="%4",
)


def numbered(data: Data, place: Place = PANE) -> Numbered:
    return Numbered(1, "2026-11-23T09:00:01.004Z", Event(place, data))


def lines(*, colour: bool = False, most_lines: int | None = None) -> Lines:
    return Lines(local_time=lambda utc: utc[11:19], colour=colour, most_lines=most_lines)


def texts(rows: list[str]) -> list[str]:
    """The last column."""
    return [row.split("pane.output", 1)[1].strip() for row in rows]


def output(*finished: str, partial: str = "", cut: int = 0) -> Numbered:
    return numbered(PaneOutput(mode="append", lines=finished, partial=partial, cut=cut))


def screen(**rows: str) -> Numbered:
    found = {name[1:]: text for name, text in rows.items()}
    return numbered(PaneOutput(mode="screen", rows=found))


def test_a_line_has_time_place_type_and_text() -> None:
    [row] = lines().feed(output("hello"), 0)
    assert row == "09:00:01  work:2.0      pane.output        hello"


def test_each_finished_line_is_a_row_and_blank_ones_are_none() -> None:
    assert texts(lines().feed(output("a", "", "b"), 0)) == ["a", "b"]


def test_colour_changes_nothing_but_colour() -> None:
    event = numbered(PaneError(line="bad", rule="r"))
    [plain], [coloured] = lines().feed(event, 0), lines(colour=True).feed(event, 0)
    assert "\x1b[1;31mpane.error" in coloured
    for code in ("\x1b[2m", "\x1b[1m", "\x1b[1;31m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_text_of_others_is_harmless() -> None:
    place = Place(server="s", session="\x1b[2J", session_id="$1")
    [row] = lines().feed(numbered(PaneBell(), place), 0)
    assert "\x1b" not in row
    [row] = lines().feed(output("\x1b]0;t\x07"), 0)
    assert "\x1b" not in row


def test_a_prompt_shows_once_it_has_stood() -> None:
    it = lines()
    assert it.feed(output("$ deploy", partial="Deploy? [y/N] "), 10.0)
    assert it.next_due == 10.0 + PROMPT_SECONDS
    assert it.due(10.0) == []
    [row] = it.due(it.next_due)
    assert "Deploy? [y/N]" in row
    assert it.next_due == math.inf
    assert it.feed(output(partial="Deploy? [y/N] "), 20.0) == []
    assert it.due(30.0) == [], "the same prompt is not shown twice"


def test_a_line_that_is_finished_in_time_was_no_prompt() -> None:
    it = lines()
    it.feed(output(partial="compi"), 0.0)
    assert texts(it.feed(output("compiling"), 0.1)) == ["compiling"]
    assert it.next_due == math.inf


def test_typing_puts_a_prompt_off() -> None:
    it = lines()
    it.feed(output(partial="$ l"), 0.0)
    it.feed(output(partial="$ ls"), 0.5)
    assert it.next_due == 0.5 + PROMPT_SECONDS


def test_a_prompt_comes_again_after_output() -> None:
    it = lines()
    it.feed(output(partial="$ "), 0.0)
    assert len(it.due(5.0)) == 1
    it.feed(output("$ ls", "file", partial="$ "), 6.0)
    assert len(it.due(9.0)) == 1


def test_a_screen_shows_at_once_and_then_at_most_so_often() -> None:
    it = lines()
    assert texts(it.feed(screen(r0="top", r7="load 1"), 10.0)) == ["(screen +1 rows) load 1"]
    assert it.feed(screen(r7="load 2"), 10.1) == []
    assert it.feed(screen(r7="load 3"), 10.2) == []
    assert it.next_due == 10.0 + SCREEN_SECONDS
    assert texts(it.due(11.0)) == ["(screen) load 3"]


def test_a_pane_that_is_gone_is_forgotten() -> None:
    it = lines()
    it.feed(output(partial="$ "), 0.0)
    it.feed(numbered(PaneRemoved()), 0.1)
    assert it.due(9.0) == []


def test_a_burst_is_shortened_if_asked() -> None:
    burst = output(*[f"line {number}" for number in range(100)])
    assert len(lines().feed(burst, 0)) == 100
    shown = texts(lines(most_lines=10).feed(burst, 0))
    assert shown[:4] == ["line 0", "line 1", "line 2", "line 3"]
    assert shown[4] == "… 90 more lines …"
    assert shown[5:] == [f"line {number}" for number in range(94, 100)]


def test_what_was_cut_is_told() -> None:
    assert texts(lines().feed(output("a", cut=99), 0)) == ["a", "(99 bytes left out)"]


def test_columns_widen_for_long_names_and_stay() -> None:
    it = lines()
    long = Place(server="s", session="a-session-of-some-length", session_id="$1")
    it.feed(numbered(PaneBell(), long), 0)
    [row] = it.feed(output("x"), 0)
    assert row.index("pane.output") == len("09:00:01  ") + 24 + 2


@pytest.mark.parametrize(
    ("place", "servers", "expected"),
    [
        (PANE, 1, "work:2.0"),
        (PANE, 2, "default/work:2.0"),
        (Place(server="s", session="work", window=2), 1, "work:2"),
        (Place(server="s", session="work"), 1, "work"),
        (Place(server="/tmp/x/sock"), 1, "sock"),
        (Place(), 1, ""),
    ],
)
def test_places(place: Place, servers: int, expected: str) -> None:
    assert place_text(place, servers=servers) == expected


def test_a_second_server_makes_places_name_theirs() -> None:
    it = lines()
    it.know_server("other")
    [row] = it.feed(output("x"), 0)
    assert "default/work:2.0" in row


def test_a_note() -> None:
    assert "-- 3 lost --" in lines().note("2026-11-23T09:00:01.004Z", "3 lost")


@pytest.mark.parametrize("kind", [*DATA_TYPES, Custom])
def test_every_type_has_a_text(kind: type[Data]) -> None:
    from tmuxpulse.cli.describe import _TEXTS

    assert kind in _TEXTS


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (WindowRenamed(name="b", previous="a"), "a → b"),
        (SessionAttached(client="/dev/pts/1", attached=1), "/dev/pts/1, 1 client now"),
        (PaneExited(), "ended"),
        (PaneExited(exit_status=2), "exit status 2"),
        (PaneExited(signal="9"), "ended by signal 9"),
        (PaneProgress(state="normal", percent=40), "40 % normal"),
        (PaneProgress(state="busy"), "busy"),
        (PaneError(line="boom", rule="python"), "boom  [python]"),
        (PaneOutput(mode="append", lines=("a",), partial="b"), "a\nb"),
        (PaneOutput(mode="screen", rows={"1": " "}), "(screen) cleared"),
        (CollectorTrouble(message="no answer", retry_s=2), "no answer; trying again in 2.0 s"),
        (CollectorTrouble(message="no answer", retry_s=None), "no answer"),
        (
            CommandFinished(exit_status=1, duration_s=75, command_line="make"),
            "make, exit status 1, after 1 m 15 s",
        ),
        (CommandFinished(), "command"),
        (
            AgentStatus(
                status="waiting", previous="busy", agent_type="a", reason="asks", evidence="ok?"
            ),
            "a: busy → waiting, asks: ok?",
        ),
        (
            AgentStatus(status="busy", previous="unknown", reason="runs make", evidence="make"),
            "busy, runs make",
        ),
        (
            AgentStatus(status="waiting", previous="waiting", reason="asks another thing"),
            "waiting, asks another thing",
        ),
        (
            SystemStats(
                panes=tuple(
                    PaneStats(
                        pane_id=f"%{n}", cpu_percent=n * 10.4, memory_bytes=3 << 30, processes=1
                    )
                    for n in range(7)
                )
            ),
            ", ".join(f"%{n} {n * 10.4:.0f} % 3.0 GiB" for n in (6, 5, 4, 3, 2)) + ", 2 more",
        ),
        (PaneBytes(data=b"abc", columns=80, rows=24), "3 bytes at 80x24"),
        (
            PaneBytes(data=b"abc", columns=80, rows=24, cut=5),
            "3 bytes at 80x24, 5 left out before",
        ),
        (Custom(name="custom.x", data={"a": 1}), '{"a":1}'),
        (
            PaneMoved(index=1, previous=0, window_id="@1", previous_window_id="@1", active=True),
            "index 0 → 1",
        ),
        (
            PaneMoved(index=1, previous=0, window_id="@2", previous_window_id="@1", active=True),
            "from @1 to @2, index 1",
        ),
    ],
)
def test_texts(data: Data, expected: str) -> None:
    assert describe(data) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.44, "0.4 s"), (12.3, "12 s"), (200, "3 m 20 s"), (7500, "2 h 5 m")]
)
def test_durations(seconds: float, expected: str) -> None:
    assert duration(seconds) == expected
