"""What two lists of a tmux server tell about what its panes are doing. Values only."""

from __future__ import annotations

from tmuxpulse.status.evidence import Evidence, Exited, Processes, Resized, Signals
from tmuxpulse.tmux.formats import Listing, PaneRow
from tmuxpulse.tmux.signals import Title

LATE_SECONDS = 0.25  # what a change of size made a program draw may come before the list


def evidence_of(was: PaneRow | None, row: PaneRow, now: float, *, drawn: bool) -> list[Evidence]:
    """Say what is new about a pane.

    Args:
        was: what the last list said of it; None when it is new.
        row: what this one says.
        now: when.
        drawn: whether its program was made to draw anew.
    """
    found: list[Evidence] = []
    if drawn:
        found += [Resized(at=now - LATE_SECONDS), Resized(at=now)]
    runs = (row.pane_current_command, row.pane_pid)
    if was is None or (was.pane_current_command, was.pane_pid) != runs or _revived(was, row):
        found.append(Processes(at=now, command=row.pane_current_command, pid=row.pane_pid))
    if row.pane_title != ("" if was is None else was.pane_title):
        found.append(Signals(at=now, signals=(Title(row.pane_title),)))
    if row.pane_dead and (was is None or _ending(was) != _ending(row)):
        found.append(Exited(at=now, exit_status=row.pane_dead_status, signal=row.pane_dead_signal))
    return found


def drawn_anew(before: Listing, after: Listing) -> set[str]:
    """The panes whose program was made to draw anew: another size or layout, or a new client."""
    attached = {(client.name, client.session_id) for client in before.clients}
    sessions = {
        client.session_id
        for client in after.clients
        if (client.name, client.session_id) not in attached
    }
    sizes = {row.pane_id: _size(row) for row in before.panes}
    return {
        row.pane_id
        for row in after.panes
        if row.pane_id in sizes and (row.session_id in sessions or sizes[row.pane_id] != _size(row))
    }


def _size(row: PaneRow) -> tuple[int, int, str, bool]:
    return row.pane_width, row.pane_height, row.window_layout, row.window_zoomed_flag


def _ending(row: PaneRow) -> tuple[bool, int | None, str | None]:
    return row.pane_dead, row.pane_dead_status, row.pane_dead_signal


def _revived(was: PaneRow, row: PaneRow) -> bool:
    return was.pane_dead and not row.pane_dead
