"""One look at tmux, without a collector: what `ls` shows when no tmuxpulse server runs.

It asks each tmux server three times and opens nothing in it: no pipe, no client that stays.
Secrets in last lines and titles are masked, as a server does. What a pane is doing is told from
that one look, so since when is not known, nor what works in the background.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence

import msgspec
import trio

from tmuxpulse.collect import sockets
from tmuxpulse.collect.command import Tmux, identify
from tmuxpulse.collect.processes import Found, look
from tmuxpulse.collect.rulebook import load_book
from tmuxpulse.collect.screens import Shown, parse_screens, screen_commands
from tmuxpulse.collect.secrets import without_secrets
from tmuxpulse.collect.views import PaneNow, server_view, session_views
from tmuxpulse.errors import TmuxUnavailable
from tmuxpulse.events import AgentStatus
from tmuxpulse.redaction.redactor import Redactor
from tmuxpulse.status.book import Book
from tmuxpulse.status.evidence import Evidence, Exited, Processes, Screen, Signals
from tmuxpulse.status.pane import PaneStatus
from tmuxpulse.tmux.formats import listing_commands, parse_listing
from tmuxpulse.tmux.signals import Title
from tmuxpulse.tmux.state import Pane, from_listing
from tmuxpulse.wire import ServerView, SessionView, Tree

SETTLED_SECONDS = 60.0  # by then a status that lasts was told


async def look_once(
    paths: Iterable[str], redactor: Redactor | None = None, book: Book | None = None
) -> Tree:
    """Give what the tmux servers on these sockets hold now.

    Args:
        paths: of the sockets.
        redactor: masks secrets; without it those that are known without being told.
        book: the rules that statuses are told by; without it the shipped ones.

    Raises:
        TmuxError: one of them does not answer, or in a way that cannot be understood.
    """
    redactor = redactor or Redactor()
    book = book or load_book()
    program = sockets.find_program()
    tree = Tree(servers=[], sessions=[])
    for path in paths:
        server, sessions = await _look(path, program, redactor, book)
        tree.servers.append(server)
        tree.sessions.extend(sessions)
    return tree


async def _look(
    path: str, program: str, redactor: Redactor, book: Book
) -> tuple[ServerView, list[SessionView]]:
    name = sockets.socket_name(path)
    if not sockets.is_alive(path):
        return server_view(name, path, None, ""), []
    tmux = Tmux(sockets.program_of(sockets.peer_pid(path), program), path)
    try:
        identity = await identify(tmux)
        nonce = secrets.token_hex(6)
        listing = parse_listing(await _run(tmux, listing_commands(nonce)), nonce)
        state = from_listing(without_secrets(listing, redactor))
        body = await _run(tmux, screen_commands(list(state.panes), nonce))
    except TmuxUnavailable:  # it ended meanwhile
        return server_view(name, path, None, ""), []
    screens = parse_screens(body, nonce)
    pids = {pane.id: pane.pid for pane in state.panes.values() if not pane.dead}
    processes = await trio.to_thread.run_sync(look, pids)

    def now(pane_id: str) -> PaneNow:
        pane = state.panes[pane_id]
        shown = screens.get(pane_id, Shown(rows=[]))
        # All rows, since a secret may wrap into the last one.
        rows = redactor.screen(shown.rows, pane.width).rows
        last_line = next((row for row in reversed(rows) if row), "")
        return PaneNow(last_line, judge_once(book, pane, shown, rows, processes.get(pane_id)))

    return server_view(name, path, identity, "none"), session_views(name, state, now)


def judge_once(
    book: Book, pane: Pane, shown: Shown, rows: Sequence[str], found: Found | None
) -> AgentStatus:
    """Say what a pane is doing, from one look at it.

    Args:
        book: the rules.
        pane: what tmux lists of it.
        shown: its screen.
        rows: the screen's rows without secrets.
        found: what runs in it, if that was seen.
    """
    program = found.program if found is not None and found.program != pane.command else ""
    evidence: list[Evidence] = [
        Processes(
            at=0.0,
            command=pane.command,
            program=program,
            pid=pane.pid,
            children=None if found is None else found.children,
        ),
        Signals(at=0.0, signals=(Title(pane.title),)),
        Screen(
            at=0.0,
            rows=tuple(rows),
            cursor_row=shown.cursor_row,
            cursor_column=shown.cursor_column,
            alternate=shown.alternate,
            width=pane.width,
            height=pane.height,
            told=True,
        ),
    ]
    if pane.dead:
        evidence.append(Exited(at=0.0, exit_status=pane.exit_status, signal=pane.signal))
    status = PaneStatus(book, silence_seconds=None)
    events = [event for one in evidence for event in status.saw(one, 0.0)]
    while (due := status.due) is not None and due < SETTLED_SECONDS:
        events += status.tick(due)
    told = [event for event in events if isinstance(event, AgentStatus)]
    nothing = AgentStatus(status="unknown", previous="unknown")
    return msgspec.structs.replace(told[-1] if told else nothing, since="")


async def _run(tmux: Tmux, commands: list[str]) -> bytes:
    script = "".join(f"{command}\n" for command in commands).encode()
    return await tmux.run("source-file", "-", script=script, check=False)
