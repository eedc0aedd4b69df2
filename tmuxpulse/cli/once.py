"""One look at tmux, without a collector: what `ls` shows when no tmuxpulse server runs.

It asks each tmux server three times and opens nothing in it: no pipe, no client that stays.
Secrets in last lines and titles are masked, as a server does.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from tmuxpulse.collect import sockets
from tmuxpulse.collect.command import Tmux, identify
from tmuxpulse.collect.screens import parse_screens, screen_commands
from tmuxpulse.collect.secrets import without_secrets
from tmuxpulse.collect.views import server_view, session_views
from tmuxpulse.errors import TmuxUnavailable
from tmuxpulse.redaction.redactor import Redactor
from tmuxpulse.tmux.formats import listing_commands, parse_listing
from tmuxpulse.tmux.state import from_listing
from tmuxpulse.wire import ServerView, SessionView, Tree


async def look_once(paths: Iterable[str], redactor: Redactor | None = None) -> Tree:
    """Give what the tmux servers on these sockets hold now.

    Args:
        paths: of the sockets.
        redactor: masks secrets; without it those that are known without being told.

    Raises:
        TmuxError: one of them does not answer, or in a way that cannot be understood.
    """
    redactor = redactor or Redactor()
    program = sockets.find_program()
    tree = Tree(servers=[], sessions=[])
    for path in paths:
        server, sessions = await _look(path, program, redactor)
        tree.servers.append(server)
        tree.sessions.extend(sessions)
    return tree


async def _look(
    path: str, program: str, redactor: Redactor
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

    def last_line(pane_id: str) -> str:
        # All rows, since a secret may wrap into the last one.
        screen = redactor.screen(screens.get(pane_id, []), state.panes[pane_id].width)
        return next((row for row in reversed(screen.rows) if row), "")

    return server_view(name, path, identity, "none"), session_views(name, state, last_line)


async def _run(tmux: Tmux, commands: list[str]) -> bytes:
    script = "".join(f"{command}\n" for command in commands).encode()
    return await tmux.run("source-file", "-", script=script, check=False)
