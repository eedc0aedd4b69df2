"""A snapshot as text, and filtered."""

from __future__ import annotations

import msgspec
import pytest

from tmuxpulse.cli.tree import counted, select, sockets_text, status_lines, tree_lines
from tmuxpulse.events import Status
from tmuxpulse.filters import Filter
from tmuxpulse.wire import PaneView, ServerView, SessionView, Tree, WindowView


def pane(number: int, *, status: Status = "unknown", last_line: str = "", **more: int) -> PaneView:
    return PaneView(
        id=f"%{number}",
        index=number,
        active=number == 0,
        command="sh",
        pid=1,
        title="",
        path="/home/me/src",
        width=80,
        height=24,
        status=status,
        last_line=last_line,
        dead=bool(more),
        exit_status=more.get("exit_status"),
    )


def session(name: str, *panes: PaneView, server: str = "default") -> SessionView:
    window = WindowView(id="@1", index=0, name="w", active=True, layout="x", panes=list(panes))
    return SessionView(server=server, id="$1", name=name, attached=1, windows=[window])


def tree(*sessions: SessionView) -> Tree:
    server = ServerView(name="default", socket="/tmp/s", up=True)
    return Tree(servers=[server], sessions=list(sessions))


def panes_in(found: Tree) -> list[str]:
    return [one.id for s in found.sessions for window in s.windows for one in window.panes]


STATE = tree(session("a", pane(0), pane(1, status="waiting", last_line="Deploy?")), session("b"))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(), ["%0", "%1"]),
        (Filter(sessions=("a",)), ["%0", "%1"]),
        (Filter(sessions=("b",)), []),
        (Filter(panes=("a:0.1",)), ["%1"]),
        (Filter(windows=("w",), panes=("%0",)), ["%0"]),
        (Filter(statuses=("waiting",)), ["%1"]),
        (Filter(contains=("DEPLOY",)), ["%1"]),
        (Filter(types=("pane.bell",), severity=("error",)), ["%0", "%1"]),
    ],
)
def test_filters_choose_panes(wanted: Filter, expected: list[str]) -> None:
    assert panes_in(select(STATE, wanted)) == expected


def test_what_holds_no_pane_any_more_goes() -> None:
    assert [one.name for one in select(STATE, Filter(panes=("%1",))).sessions] == ["a"]


def test_lines() -> None:
    rows = tree_lines(STATE, colour=False, width=None, home="/home/me")
    assert rows[0] == "a (1 attached)"
    assert rows[1] == "  0:w*"
    assert rows[2].split() == [".0*", "%0", "sh", "-", "80x24", "~/src"]
    assert rows[3].split() == [".1", "%1", "sh", "waiting", "80x24", "~/src", "Deploy?"]


def since(number: int, timestamp: str, **fields: str) -> PaneView:
    told = {"status": "waiting", "status_since": timestamp, **fields}
    return msgspec.structs.replace(pane(number), **told)


NOW = 1_795_424_475.0  # 2026-11-23T09:01:15Z


def test_a_status_tells_for_how_long() -> None:
    state = tree(session("a", since(0, "2026-11-23T09:00:00.000Z")))
    row = tree_lines(state, colour=False, width=None, now=NOW)[2]
    assert row.split()[3:6] == ["waiting", "1m", "80x24"]


def test_who_waits_longest_comes_first() -> None:
    state = tree(
        session("a", since(0, "2026-11-23T09:01:00.000Z", reason="asks", last_line="[y/N]")),
        session("b", since(1, "2026-11-23T09:00:00.000Z", agent_type="claude"), since(2, "")),
    )
    rows = status_lines(state, colour=False, width=None, now=NOW)
    assert [row.split() for row in rows] == [
        ["waiting", "1m", "b:0.1", "claude"],
        ["waiting", "15s", "a:0.0", "sh", "asks:", "[y/N]"],
        ["waiting", "b:0.2", "sh"],
    ]
    assert "\x1b[33mwaiting" in status_lines(state, colour=True, width=40, now=NOW)[0]


def test_a_pane_of_two_sessions_waits_once() -> None:
    state = tree(session("a", pane(0)), session("b", pane(0)), session("c", pane(0), server="x"))
    rows = status_lines(state, colour=False, width=None, now=NOW)
    assert [row.split()[1] for row in rows] == ["default/a:0.0", "x/c:0.0"]


def test_several_servers_are_named() -> None:
    rows = tree_lines(tree(session("a"), session("a", server="x")), colour=False, width=None)
    assert rows[0] == "a on default (1 attached)"


def test_a_dead_pane_tells_how_it_ended() -> None:
    rows = tree_lines(tree(session("a", pane(0, exit_status=3))), colour=True, width=None)
    assert "\x1b[31mexit 3" in rows[2]


def test_lines_end_where_the_terminal_does() -> None:
    state = tree(session("a", pane(0, last_line="x" * 500)))
    assert max(map(len, tree_lines(state, colour=False, width=120))) == 120


def test_names_do_no_harm() -> None:
    rows = tree_lines(
        tree(session("\x1b[2J", pane(0, last_line="\x1b]0;"))), colour=False, width=99
    )
    assert "\x1b" not in "".join(rows)


def test_words() -> None:
    assert counted(1, "pane") == "1 pane"
    assert counted(2, "pane") == "2 panes"
    assert sockets_text(Tree(servers=[], sessions=[])) == "any socket of yours"
    servers = [ServerView(name=name, socket=f"/{name}", up=False) for name in "abc"]
    assert sockets_text(Tree(servers=servers, sessions=[])) == "/a or 2 other sockets"
