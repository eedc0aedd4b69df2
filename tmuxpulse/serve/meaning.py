"""What a command means: what it needs, which pane it is for, what tmux is to do. Pure.

Names are looked up in the state that the caller may see; nothing else is found.
"""

from __future__ import annotations

from tmuxpulse.errors import RequestError
from tmuxpulse.serve.grants import Scope
from tmuxpulse.serve.target import Spot, find_pane, find_session, find_window
from tmuxpulse.tmux import orders
from tmuxpulse.wire import (
    AnyCommand,
    Capture,
    Interrupt,
    KillPane,
    NewWindow,
    PaneStatus,
    Rename,
    Select,
    SendKeys,
    SendText,
    Split,
    Target,
    Tree,
)


def scope_of(command: AnyCommand) -> Scope:
    """What a command needs."""
    match command:
        case PaneStatus():
            return "read"
        case Capture():
            return "output"
    return "write"


def name_of(command: AnyCommand) -> str:
    """The command's name on the wire."""
    return str(type(command).__struct_config__.tag)


def resolve(command: AnyCommand, tree: Tree) -> tuple[str, str, list[orders.Order]]:
    """The server, the id of what is meant, and what tmux is to do.

    Raises:
        RequestError: nothing, or more than one thing, has that name.
    """
    target = command.target
    made: list[orders.Order]
    match command:
        case Rename(name=name) if target.window is None and target.pane is None:
            session = find_session(tree, target)
            place, made = session.id, [orders.RenameSession(session.id, name)]
        case Rename(name=name):
            session, window = find_window(tree, target)
            place, made = window.id, [orders.RenameWindow(window.id, name)]
        case NewWindow(name=name, path=path):
            session = find_session(tree, target)
            place, made = session.id, [orders.NewWindow(session.id, name=name, path=path)]
        case _:
            spot = find_pane(tree, target)
            session, place = spot.session, spot.pane.id
            made = _to_pane(command, target, spot)
    return session.server, place, made


def _to_pane(command: AnyCommand, target: Target, spot: Spot) -> list[orders.Order]:
    pane_id = spot.pane.id
    made: list[orders.Order] = []  # none for status: the state tells
    match command:
        case SendText(text=text, enter=enter):
            made = [orders.SendText(pane_id, text, enter=enter)]
        case SendKeys(keys=keys):
            made = [orders.SendKeys(pane_id, tuple(keys))]
        case Interrupt():
            made = [orders.Interrupt(pane_id)]
        case Select():
            made = [_select(target, spot)]
        case Split(direction=direction, path=path):
            made = [orders.Split(pane_id, horizontal=direction == "right", path=path)]
        case KillPane():
            if target.pane is None:
                raise RequestError("INVALID_REQUEST", "target: name the pane that is to end")
            made = [orders.KillPane(pane_id)]
        case Capture(lines=lines, styled=styled):
            made = [orders.Capture(pane_id, lines=lines, styled=styled)]
    return made


def _select(target: Target, spot: Spot) -> orders.Order:
    if target.pane is not None:
        return orders.Select(pane_id=spot.pane.id)
    return orders.Select(window_id=spot.window.id, session_id=spot.session.id)


def one_server(servers: list[str]) -> str:
    """The tmux server of all commands of a batch.

    Raises:
        RequestError: there are several: a batch is one run of tmux.
    """
    if len(set(servers)) > 1:
        raise RequestError("INVALID_REQUEST", "a batch is for one tmux server")
    return servers[0]


def safe_fields(command: AnyCommand) -> dict[str, int]:
    """What the audit log may know of what was typed."""
    match command:
        case SendText(text=text):
            return {"characters": len(text)}
        case SendKeys(keys=keys):
            return {"keys": len(keys)}
    return {}
