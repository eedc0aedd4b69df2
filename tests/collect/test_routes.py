"""Each pane's output is taken from exactly one client, and nothing is lost before it is known."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.collect.routes import HELD_BYTES, Change, Routes
from tmuxpulse.tmux.formats import Listing, PaneRow


def listing(**shown: str) -> Listing:
    """Panes by session: ``s0="%0 %1"``."""
    return Listing(
        panes=tuple(row(f"${name[1:]}", pane) for name in shown for pane in shown[name].split()),
        clients=(),
    )


def row(session_id: str, pane_id: str) -> PaneRow:
    return PaneRow(
        session_id=session_id,
        window_id="@" + pane_id[1:],
        pane_id=pane_id,
        window_index=0,
        pane_index=0,
        window_active=True,
        pane_active=True,
        window_zoomed_flag=False,
        pane_dead=False,
        pane_pipe=False,
        alternate_on=False,
        pane_pid=1,
        pane_width=80,
        pane_height=24,
        pane_dead_status=None,
        pane_dead_signal=None,
        window_layout="",
        session_name=session_id,
        window_name="",
        pane_title="",
        pane_current_command="",
        pane_current_path="",
    )


def test_the_oldest_session_with_a_client_is_the_home() -> None:
    routes = Routes()
    changes = routes.settle(listing(s10="%0", s9="%0", s2="%0"), ["$10", "$9"])
    assert changes == [Change("%0", on=True)]
    assert routes.passes("$9", "%0", b"a")
    assert not routes.passes("$10", "%0", b"a")
    assert not routes.passes("$2", "%0", b"a")


def test_a_home_is_kept_while_it_lasts() -> None:
    routes = Routes()
    routes.settle(listing(s1="%0"), ["$0", "$1"])
    assert routes.settle(listing(s0="%0", s1="%0"), ["$0", "$1"]) == []
    assert routes.is_home("$1", "%0")


def test_a_pane_that_moved_is_said_to_have_been_lost() -> None:
    routes = Routes()
    routes.settle(listing(s0="%0"), ["$0", "$1"])
    changes = routes.settle(listing(s1="%0"), ["$0", "$1"])
    assert changes == [Change("%0", on=False), Change("%0", on=True)]


def test_what_a_new_pane_says_is_held_until_it_has_a_home() -> None:
    routes = Routes()
    for data in (b"a", b"b"):
        assert not routes.passes("$0", "%0", data)
        assert not routes.passes("$1", "%0", data)
    changes = routes.settle(listing(s0="%0", s1="%0"), ["$0", "$1"])
    assert changes == [Change("%0", on=True, held=(b"a", b"b"))]
    assert routes.passes("$0", "%0", b"c")
    # Given once.
    assert routes.lose("$0") == [Change("%0", on=False)]
    assert routes.settle(listing(s1="%0"), ["$1"]) == [Change("%0", on=True)]


def test_a_pane_born_after_the_listing_is_held_over_it() -> None:
    routes = Routes()
    routes.passes("$0", "%1", b"early")
    assert routes.settle(listing(s0="%0"), ["$0"]) == [Change("%0", on=True)]
    assert routes.settle(listing(s0="%0 %1"), ["$0"]) == [
        Change("%1", on=True, held=(b"early",)),
    ]


def test_a_pane_that_was_never_listed_is_forgotten() -> None:
    routes = Routes()
    routes.passes("$0", "%1", b"gone")
    routes.settle(listing(s0="%0"), ["$0"])
    routes.settle(listing(s0="%0"), ["$0"])
    assert routes.settle(listing(s0="%0 %1"), ["$0"]) == [Change("%1", on=True)]


def test_what_is_held_has_a_limit() -> None:
    routes = Routes()
    for number in range(5):
        routes.passes("$0", "%0", b"%d" % number * (HELD_BYTES // 4))
    (change,) = routes.settle(listing(s0="%0"), ["$0"])
    assert [data[:1] for data in change.held] == [b"1", b"2", b"3", b"4"]


def test_what_a_lost_client_heard_is_forgotten() -> None:
    routes = Routes()
    routes.passes("$0", "%0", b"half")
    assert routes.lose("$0") == []
    assert routes.settle(listing(s0="%0"), ["$0"]) == [Change("%0", on=True)]


def test_a_pane_that_closed_needs_no_word() -> None:
    routes = Routes()
    routes.settle(listing(s0="%0"), ["$0"])
    assert routes.settle(listing(), ["$0"]) == []
    assert not routes.is_home("$0", "%0")


SESSIONS = st.sampled_from(["$0", "$1", "$2"])
STEPS = st.one_of(
    st.tuples(st.just("print"), st.just("")),
    st.tuples(st.just("lose"), SESSIONS),
    st.tuples(st.just("settle"), st.sets(SESSIONS).map(lambda ids: " ".join(sorted(ids)))),
)


@settings(max_examples=200)
@given(shown=st.sets(SESSIONS, min_size=1), steps=st.lists(STEPS, max_size=20))
def test_between_on_and_off_everything_comes_once_and_in_order(
    shown: set[str], steps: list[tuple[str, str]]
) -> None:
    """Whichever clients come and go: no gap and no double while the pane is said to stream."""
    routes = Routes()
    panes = Listing(panes=tuple(row(session, "%0") for session in sorted(shown)), clients=())
    printed = 0
    on = False
    got: list[int] = []

    def take(changes: list[Change]) -> None:
        nonlocal on
        for change in changes:
            assert change.on != on
            on = change.on
            got.clear()
            got.extend(int(data) for data in change.held)

    for what, which in steps:
        if what == "print":
            passed = sum(routes.passes(s, "%0", b"%d" % printed) for s in sorted(shown))
            assert passed == on
            got.extend([printed] * passed)
            printed += 1
        elif what == "lose":
            take(routes.lose(which))
        else:
            take(routes.settle(panes, which.split()))
            assert on == bool(shown & set(which.split()))
        if on and got:
            assert got == list(range(got[0], printed))
