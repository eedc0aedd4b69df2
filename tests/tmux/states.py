"""Consistent states of a tmux server, for laws."""

from __future__ import annotations

from hypothesis import strategies as st

from tmuxpulse.tmux.state import Client, Link, LinkKey, Pane, Session, State, Window

NAMES = st.sampled_from(["a", "b", "vim", "übung", "with space", ""])
SESSIONS = [f"${number}" for number in (0, 2, 10)]
WINDOWS = [f"@{number}" for number in range(5)]
PANES = [f"%{number}" for number in range(8)]


@st.composite
def states(draw: st.DrawFn) -> State:
    """Every window is in a session, every pane in a window, one of each is active."""
    sessions = draw(st.lists(st.sampled_from(SESSIONS), unique=True))
    links: dict[LinkKey, Link] = {}
    for session in sessions:
        indexes = draw(st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True))
        active = draw(st.sampled_from(indexes))
        for index in indexes:  # one window at several indexes of a session is possible, too
            window = draw(st.sampled_from(WINDOWS))
            links[LinkKey(session, index)] = Link(window, index == active)
    used = list(dict.fromkeys(link.window_id for link in links.values()))
    windows = {
        window: Window(
            window, draw(NAMES), draw(st.sampled_from(["l1", "l2"])), draw(st.booleans())
        )
        for window in used
    }
    spare = draw(st.permutations(PANES))
    panes: dict[str, Pane] = {}
    for window in used:
        inside = [spare.pop() for _ in range(draw(st.integers(1, 2))) if spare]
        active_pane = draw(st.sampled_from(inside)) if inside else None
        for index, pane in enumerate(inside):
            dead = draw(st.booleans())
            panes[pane] = Pane(
                id=pane,
                window_id=window,
                index=index,
                active=pane == active_pane,
                command=draw(NAMES),
                pid=draw(st.integers(1, 3)),
                title=draw(NAMES),
                path=draw(NAMES),
                width=draw(st.integers(1, 2)),
                height=draw(st.integers(1, 2)),
                dead=dead,
                exit_status=draw(st.sampled_from([None, 0, 1])) if dead else None,
                signal=draw(st.sampled_from([None, "9"])) if dead else None,
            )
    clients = {}
    if sessions:
        for name in draw(st.lists(st.sampled_from(["/dev/pts/1", "/dev/pts/2"]), unique=True)):
            clients[name] = Client(name, draw(st.sampled_from(sessions)), draw(st.booleans()))
    return State(
        {one: Session(one, draw(NAMES), 1000 + int(one[1:])) for one in sessions},
        windows,
        links,
        panes,
        clients,
    )
