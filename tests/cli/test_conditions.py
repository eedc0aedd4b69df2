"""What `wait` waits for: how it is read, what is wrong with it, and when it holds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.cli.awaited import Awaited, Cause, speaks_of_presence, tells_of_the_past, types_for
from tmuxpulse.cli.conditions import (
    FIELDS,
    MAX_DEPTH,
    All,
    Any,
    ConditionError,
    Happened,
    Idle,
    Not,
    OneOf,
    Present,
    parse,
    parse_duration,
)
from tmuxpulse.events import (
    AgentStatus,
    CommandFinished,
    Custom,
    Data,
    Event,
    PaneBell,
    PaneCommand,
    PaneCreated,
    PaneExited,
    PaneOutput,
    PaneRemoved,
    PaneTitle,
    Place,
)
from tmuxpulse.wire import PaneView

VIEW = PaneView(
    id="%1",
    index=0,
    active=True,
    command="bash",
    pid=7,
    title="t",
    path="/srv",
    width=80,
    height=24,
    status="busy",
    last_line="$ make",
)
PLACE = Place(server="default", session="a", window=0, pane=0, pane_id="%1")


def event(data: Data) -> Event:
    return Event(PLACE, data)


def status(name: str, reason: str = "") -> AgentStatus:
    return AgentStatus(status=name, previous="busy", reason=reason)  # type: ignore[arg-type]


def awaited(text: str, view: PaneView | None = VIEW) -> Awaited:
    one = Awaited(parse(text), 100.0)
    one.see(view, 100.0)
    return one


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("status == ready", OneOf("status", ("ready",))),
        (" status  in(ready ,error ) ", OneOf("status", ("ready", "error"))),
        ("status not in (busy)", OneOf("status", ("busy",), negated=True)),
        ('path == "/a \\"b\\""', OneOf("path", ('/a "b"',))),
        ("title == ''", OneOf("title", ("",))),
        ("exit != 007", Happened(1, "exit", values=("7",), negated=True)),
        ("idle 1m30s", Idle(90.0)),
        ("exists", Present(there=True)),
        ("not gone", Not(Present(there=False))),
        ("event in (pane.bell, custom.*)", Happened(1, "event", values=("pane.bell", "custom.*"))),
        (
            "exists or gone and not exists",
            Any(
                (
                    Present(there=True),
                    All((Present(there=False), Not(Present(there=True)))),
                )
            ),
        ),
        (
            "(exists or gone) and idle 5",
            All((Any((Present(there=True), Present(there=False))), Idle(5.0))),
        ),
    ],
)
def test_a_condition_is_read(text: str, found: object) -> None:
    assert parse(text) == found


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("", 1, "not the end"),
        ("status", 7, "`==` or `!=` or `in` or `not in` is expected after `status`, not the end"),
        ("status = ready", 8, "not `=`"),
        ("status ~ /x/", 8, "not `~`"),
        ("status == reedy", 11, "a status is expected"),
        ("status in ready", 11, "`(` is expected, not `ready`"),
        ("status in (ready", 17, "not the end"),
        ("statsu == ready", 1, "not `statsu`"),
        ("status == ready or", 19, "not the end"),
        ("status == ready ready", 17, "`and`, `or` or the end is expected, not `ready`"),
        ("(exists", 8, "`)` is expected"),
        ("output ~ abc", 10, "between slashes"),
        ("output ~ /(/", 10, "refused"),
        ("output ~ /(a+)+b/", 10, "refused"),
        (f"output ~ /{'a' * 201}/", 10, "at most 200"),
        ("exit == 256", 9, "exit status"),
        ("idle 0", 6, "a time"),
        ("idle soon", 6, "a time"),
        ("event == [z-", 10, "a value is expected"),
        ("command ==", 11, "a value is expected, not the end"),
        ("not " * (MAX_DEPTH + 2) + "exists", 84, "nested"),
        ("exists " * 400, 2000, "characters"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, column: int, says: str) -> None:
    with pytest.raises(ConditionError, match=re.escape(says)) as failure:
        parse(text)
    assert failure.value.column == column
    assert f"column {column}:" in str(failure.value)


_SIGNS = ("and", "or", "not", "in", "(", ")", ",", "==", "!=", "~", "!~", "/a*/", "/(/i", "=")
_VALUES = ("ready", "busy", "7", "5s", '"x"', "'", "\\", "\n", "é", "custom.*")
_PIECES = st.sampled_from([*FIELDS, *_SIGNS, *_VALUES])


@settings(max_examples=100)
@given(st.one_of(st.text(max_size=40), st.lists(_PIECES, max_size=14).map(" ".join)))
def test_anything_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except ConditionError as error:
        assert 1 <= error.column <= len(text) + 1  # noqa: PT017  # either way
    else:
        one = Awaited(found, 0.0)
        one.see(VIEW, 0.0)
        one.take(event(PaneOutput(mode="append", lines=("x",))), 1.0)
        one.see(None, 2.0)
        assert types_for(found)


@settings(max_examples=100)
@given(
    st.lists(
        st.sampled_from(["exists", "gone", "status == busy", "idle 3"]), min_size=1, max_size=20
    )
)
def test_de_morgan(parts: list[str]) -> None:
    def holds(text: str) -> bool:
        return awaited(text).cause is not None

    assert holds(f"not ({' or '.join(parts)})") == holds(" and ".join(f"not {p}" for p in parts))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90.0), ("1.5", 1.5), ("90s", 90.0), ("1h30m", 5400.0), ("250ms", 0.25), ("2d", 172800)],
)
def test_a_duration(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "5 m", "m5", "1h-3m", "-5", "1e9", "5x", "٣s"])
def test_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        parse_duration(text)


def test_what_is_so_already_is_found_at_once() -> None:
    assert awaited("status == busy").cause == Cause("state")
    assert awaited("command == bash and path ~ /^.srv$/").cause == Cause("state")
    assert awaited("line ~ /MAKE/i").cause == Cause("state")
    assert awaited("status != busy").cause is None


def test_it_comes_to_hold_and_stops() -> None:
    one = awaited("status in (ready, error)")

    causes: list[Cause | None] = []
    for data in (status("ready", "shows its prompt"), PaneBell(), status("busy")):
        one.take(event(data), 101.0)
        causes.append(one.cause)
    first, second, third = causes
    assert first is not None
    assert first.by == "agent.status"
    assert "shows its prompt" in first.text
    assert second == first
    assert third is None


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("command == vim", PaneCommand(command="vim", previous="bash", pid=8)),
        ("title ~ /done/", PaneTitle(title="all done", previous="t")),
        ("agent == claude", AgentStatus(status="busy", previous="ready", agent_type="claude")),
        ("exit == 0", CommandFinished(exit_status=0)),
        ("exit != 0", PaneExited(exit_status=3)),
        ("event == pane.bell", PaneBell()),
        ("event == custom.*", Custom(name="custom.x", data={})),
        ("output ~ /on \\d+/", PaneOutput(mode="append", lines=("", "on 80"))),
        ("output ~ /name:/", PaneOutput(mode="append", partial="name: ")),
        ("output ~ /row/", PaneOutput(mode="screen", rows={"3": "a row"})),
        ("line == low", PaneOutput(mode="screen", rows={"10": "low", "9": "high"})),
        ("line == '> '", PaneOutput(mode="append", lines=("a",), partial="> ")),
        ("gone", PaneRemoved()),
    ],
)
def test_an_event_makes_it_so(text: str, data: Data) -> None:
    assert awaited(text).cause is None
    one = awaited(text)
    one.take(event(data), 101.0)
    assert one.cause is not None
    assert one.cause.by == event(data).type


def test_what_happened_stays_so() -> None:
    one = awaited("output ~ /ready/ and status == ready")
    one.take(event(PaneOutput(mode="append", lines=("ready",))), 101.0)
    one.take(event(PaneOutput(mode="append", lines=("more",))), 102.0)
    assert one.cause is None
    one.take(event(status("ready")), 103.0)
    assert one.cause is not None


def test_a_line_that_was_there_before_is_no_output() -> None:
    assert awaited("output ~ /make/").cause is None


def test_of_a_pane_that_is_not_there_nothing_holds_but_that() -> None:
    for text in ("status == busy", "not status == busy", "status != busy", "idle 1", "exists"):
        assert awaited(text, None).cause is None
    assert awaited("gone", None).cause == Cause("state")
    assert awaited("status == ready or gone", None).cause == Cause("state")
    one = awaited("exists and command == sh", None)
    made = PaneCreated(
        id="%1", index=0, active=True, command="sh", pid=1, title="", path="", width=80, height=24
    )
    one.take(event(made), 101.0)
    assert one.cause is not None


def test_idle_is_counted_from_the_beginning_and_from_the_last_output() -> None:
    one = awaited("idle 10s")
    assert one.next_at(100.0) == 110.0
    one.take(event(PaneOutput(mode="append", partial="x")), 105.0)
    one.pass_time(110.0)
    assert one.cause is None
    assert one.next_at(110.0) == 115.0
    one.pass_time(115.0)
    assert one.cause == Cause("time")


def test_only_what_can_matter_is_asked_for() -> None:
    assert "pane.output" not in types_for(parse("status == ready and not gone"))
    assert "pane.output" in types_for(parse("not (status == ready or idle 5)"))
    assert "pane.output" in types_for(parse("line ~ /x/"))
    assert "command.finished" in types_for(parse("exit == 0"))
    assert "custom.*" in types_for(parse("event == custom.*"))
    assert speaks_of_presence(parse("status == ready or not gone"))
    assert not speaks_of_presence(parse("status == ready"))
    assert tells_of_the_past(parse("not output ~ /x/"))
    assert not tells_of_the_past(parse("status == ready"))
