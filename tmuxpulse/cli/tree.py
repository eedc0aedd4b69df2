"""A snapshot as text, and the part of one that filters leave. Pure."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tmuxpulse.cli.ages import seconds_since, short
from tmuxpulse.cli.terminal import (
    BOLD,
    CYAN,
    DIM,
    GREEN,
    MAGENTA,
    RED,
    YELLOW,
    cells,
    clipped,
    padded,
    printable,
    styled,
)
from tmuxpulse.events import Event, PaneCreated, Place
from tmuxpulse.filters import Filter, compile_filters
from tmuxpulse.wire import PaneView, SessionView, Tree, WindowView

COMMAND_CELLS = 16
PATH_CELLS = 32
STATUS_CELLS = 8
AGE_CELLS = 4

_STATUS_COLOURS = {"busy": GREEN, "ready": CYAN, "waiting": YELLOW, "error": RED, "dead": MAGENTA}


def select(tree: Tree, wanted: Filter) -> Tree:
    """The panes that a filter admits, and what holds them; an empty filter leaves everything.

    Sessions, windows, panes and texts are compared as for events; of statuses, a pane's own.
    """
    if wanted == Filter():
        return tree
    admits = compile_filters(
        [
            Filter(
                sessions=wanted.sessions,
                windows=wanted.windows,
                panes=wanted.panes,
                contains=wanted.contains,
            )
        ]
    )
    statuses = wanted.statuses

    def keeps(session: SessionView, window: WindowView, pane: PaneView) -> bool:
        if statuses and pane.status not in statuses:
            return False
        place = Place(
            server=session.server,
            session=session.name,
            window=window.index,
            window_name=window.name,
            pane=pane.index,
            session_id=session.id,
            window_id=window.id,
            pane_id=pane.id,
        )
        return admits(Event(place, _as_data(pane)))

    sessions = []
    for session in tree.sessions:
        windows = []
        for window in session.windows:
            panes = [pane for pane in window.panes if keeps(session, window, pane)]
            if panes:
                windows.append(msgspec.structs.replace(window, panes=panes))
        if windows:
            sessions.append(msgspec.structs.replace(session, windows=windows))
    return Tree(servers=tree.servers, sessions=sessions)


def tree_lines(
    tree: Tree, *, colour: bool, width: int | None, home: str = "", now: float | None = None
) -> list[str]:
    """A line for each session, window and pane.

    Args:
        tree: the state.
        colour: whether to use it.
        width: of the terminal, in columns; lines are cut there. None: nothing is cut.
        home: shortened to ``~`` in paths.
        now: seconds since the epoch; None: since when a status holds is not told.
    """

    def paint(text: str, *codes: str) -> str:
        return styled(text, *codes) if colour else text

    several = len({session.server for session in tree.sessions}) > 1
    lines: list[str] = []
    for session in tree.sessions:
        name = printable(session.name)
        where = f" on {printable(session.server)}" if several else ""
        attached = f" ({session.attached} attached)" if session.attached else ""
        lines.append(paint(name, BOLD, GREEN) + paint(where + attached, DIM))
        for window in session.windows:
            mark = "*" if window.active else " "
            zoomed = " (zoomed)" if window.zoomed else ""
            lines.append(
                f"  {paint(f'{window.index}:{printable(window.name)}', BOLD)}{mark}"
                f"{paint(zoomed, DIM)}"
            )
            lines += [
                _pane_line(pane, paint=paint, width=width, home=home, now=now)
                for pane in window.panes
            ]
    return lines


def status_lines(tree: Tree, *, colour: bool, width: int | None, now: float) -> list[str]:
    """A line for each pane, the one that is in its status for longest first.

    Args:
        tree: the state, of the panes that are wanted.
        colour: whether to use it.
        width: of the terminal, in columns; lines are cut there. None: nothing is cut.
        now: seconds since the epoch.
    """

    def paint(text: str, *codes: str) -> str:
        return styled(text, *codes) if colour else text

    several = len({session.server for session in tree.sessions}) > 1
    found: dict[tuple[str, str], tuple[float, str, PaneView]] = {}
    for session in tree.sessions:
        for window in session.windows:
            for pane in window.panes:
                name = f"{session.server}/{session.name}" if several else session.name
                since = seconds_since(pane.status_since, now)
                # A window that several sessions show has its panes once.
                found.setdefault(
                    (session.server, pane.id),
                    (-1.0 if since is None else since, f"{name}:{window.index}.{pane.index}", pane),
                )
    rows = sorted(found.values(), key=lambda row: -row[0])
    places = max((cells(printable(place)) for _, place, _ in rows), default=0)
    lines = []
    for since, place, pane in rows:
        columns = [
            padded(_status(pane), STATUS_CELLS),
            padded("" if since < 0 else short(since), AGE_CELLS),
            padded(printable(place), places),
            padded(clipped(printable(_program(pane)), COMMAND_CELLS), COMMAND_CELLS),
        ]
        left = "  ".join(columns)
        last = printable(pane.last_line.strip())
        rest = ": ".join(filter(None, (printable(pane.reason), last)))
        if width is not None:
            rest = clipped(rest, max(width - cells(left) - 2, 0))
        columns[0] = paint(columns[0], *status_codes(_status(pane)))
        columns[2] = paint(columns[2], BOLD)
        lines.append(f"{'  '.join(columns)}  {rest}".rstrip())
    return lines


def sockets_text(tree: Tree) -> str:
    """The sockets that are looked at, or the first of many."""
    if not tree.servers:
        return "any socket of yours"
    more = f" or {counted(len(tree.servers) - 1, 'other socket')}" if len(tree.servers) > 1 else ""
    return f"{printable(tree.servers[0].socket)}{more}"


def counted(number: int, what: str) -> str:
    """Such as ``1 pane`` and ``2 panes``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _pane_line(
    pane: PaneView, *, paint: Callable[..., str], width: int | None, home: str, now: float | None
) -> str:
    mark = "*" if pane.active else " "
    status = _status(pane)
    path = _shortened(printable(pane.path), home)
    columns = [
        f"    .{pane.index}{mark}",
        padded(pane.id, 5),
        padded(clipped(printable(pane.command), COMMAND_CELLS), COMMAND_CELLS),
        padded(status, STATUS_CELLS) + padded(_age(pane, now), AGE_CELLS),
        padded(f"{pane.width}x{pane.height}", 7),
        padded(path if cells(path) <= PATH_CELLS else _end_of(path), PATH_CELLS),
    ]
    left = "  ".join(columns)
    title = printable(pane.title)
    last = printable(pane.last_line.strip())
    rest = "  ".join(filter(None, (f"[{title}]" if title else "", last)))
    if width is not None:
        rest = clipped(rest, max(width - cells(left) - 2, 0))
    columns[3] = paint(columns[3], *status_codes(status))
    columns[1], columns[4] = paint(columns[1], DIM), paint(columns[4], DIM)
    return f"{'  '.join(columns)}  {paint(rest, DIM)}".rstrip()


def _program(pane: PaneView) -> str:
    return pane.agent_type or pane.command


def _age(pane: PaneView, now: float | None) -> str:
    since = None if now is None or pane.dead else seconds_since(pane.status_since, now)
    return "" if since is None else short(since)


def _status(pane: PaneView) -> str:
    if not pane.dead:
        return pane.status if pane.status != "unknown" else "-"
    if pane.signal:
        return f"sig {pane.signal}"
    return "dead" if pane.exit_status is None else f"exit {pane.exit_status}"


def status_codes(status: str) -> tuple[str, ...]:
    """The colours of a status, or of how a pane ended."""
    if status.startswith(("exit", "sig")):
        return (GREEN,) if status == "exit 0" else (RED,)
    code = _STATUS_COLOURS.get(status)
    return (code,) if code else (DIM,)


def _shortened(path: str, home: str) -> str:
    if home and (path == home or path.startswith(f"{home}/")):
        return f"~{path[len(home) :]}"
    return path


def _end_of(path: str) -> str:
    """The end of a path tells more than its beginning."""
    kept = path
    while kept and cells(kept) > PATH_CELLS - 1:
        kept = kept[1:]
    return f"…{kept}"


def _as_data(pane: PaneView) -> PaneCreated:
    fields = PaneCreated.__struct_fields__
    return PaneCreated(**{field: getattr(pane, field) for field in fields})
