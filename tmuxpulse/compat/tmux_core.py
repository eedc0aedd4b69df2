"""In the place of an orchestrator's own ``tmux_core``: the same names, without a fork where it can.

    from tmuxpulse.compat.tmux_core import TmuxCommand, TmuxCommandError

While a tmuxpulse server runs, questions are answered from its live state; else by tmux itself, one
run for a whole batch. Both give the same. The tmux server is the one that a plain ``tmux`` command
of this program would use. Everything may be called from any thread, and in a forked child.

Where nothing runs the answer is empty, as in the shape that is known; when tmux is not there, hangs
or fails, a `TmuxCommandError` says so.
"""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from tmuxpulse.compat.forked import ask_screens, ask_world
from tmuxpulse.compat.live import LIVE
from tmuxpulse.compat.patterns import AgentStatus, TmuxPatterns, TmuxValidation
from tmuxpulse.compat.world import PaneInfo, SessionInfo, Target, WindowInfo, World, name_of
from tmuxpulse.errors import TmuxCommandFailed, TmuxNotFound, TmuxUnavailable
from tmuxpulse.errors import TmuxError as TmuxCommandError

__all__ = [
    "AgentStatus",
    "BatchOperations",
    "PaneInfo",
    "SessionInfo",
    "TmuxCommand",
    "TmuxCommandError",
    "TmuxPatterns",
    "TmuxValidation",
    "WindowInfo",
    "batch_capture_panes",
    "batch_get_all_sessions_and_windows",
    "get_json_status",
]

LINES = 50
READS = frozenset({
    "capture-pane", "display-message", "has-session", "info", "list-buffers", "list-clients",
    "list-commands", "list-keys", "list-panes", "list-sessions", "list-windows", "ls", "lsc", "lsp",
    "lsw", "show-buffer", "show-environment", "show-hooks", "show-messages", "show-options",
    "show-window-options",
})  # fmt: skip
_WITH_VALUE = ("-L", "-S", "-T", "-f")  # flags of tmux itself, before its command


class TmuxCommand:
    """Commands to tmux, and what it holds. To be inherited from.

    Attributes:
        logger: of this module.
    """

    def __init__(self) -> None:
        self.logger = logging.getLogger(__name__)

    # --- commands ----------------------------------------------------------------------------

    @staticmethod
    def execute_command(cmd: Sequence[str], check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command, such as ``["tmux", "new-window", "-t", "api"]``; it is run as it is.

        Only what does nothing but ``capture-pane -p`` is answered by a server that runs.

        Args:
            cmd: the program and its arguments.
            check: whether a failure is raised, too.

        Returns:
            What it printed, as text.

        Raises:
            TmuxCommandFailed: it failed, and `check` is set.
            TmuxNotFound: there is no such program.
        """
        wanted = _capture_of(cmd)
        if wanted is not None:
            target, lines = wanted
            shown = LIVE.screens([target], lines).get(target)
            if shown is not None:
                return subprocess.CompletedProcess(list(cmd), 0, shown, "")
        changes = _changes(cmd)
        if changes:
            LIVE.changed()
        try:
            done = subprocess.run(
                list(cmd), capture_output=True, encoding="utf-8", errors="replace", check=False
            )
        except OSError as error:
            raise TmuxNotFound(f"cannot run {cmd[0]}: {error.strerror}") from None
        finally:
            if changes:
                LIVE.changed()
        if check and done.returncode != 0:
            said = " ".join(done.stderr.split())
            raise TmuxCommandFailed(
                f"{' '.join(cmd):.200}: {said:.300}", stderr=said, returncode=done.returncode
            )
        return done

    def send_keys(
        self, target: Target, *keys: str, literal: bool = False, enter: bool = False
    ) -> bool:
        """Press keys in a pane, or type texts as they are (`literal`); then Enter, if it is said.

        Returns:
            Whether tmux did it.

        Raises:
            TmuxNotFound: there is no tmux.
        """
        name = name_of(target)
        sent = [("-l", "--", *keys)] if literal else [("--", *keys)]
        for arguments in [*(sent if keys else []), *([("Enter",)] if enter else [])]:
            command = ["tmux", "send-keys", "-t", name, *arguments]
            try:
                self.execute_command(command)
            except TmuxCommandFailed as error:
                self.logger.warning("nothing was typed: %s", error)
                return False
        return True

    # --- what there is -----------------------------------------------------------------------

    def batch_get_all_sessions_and_windows(self) -> dict[str, Any]:
        """All sessions and windows at once.

        Returns:
            ``{"sessions": {name: SessionInfo}, "windows": {name: [WindowInfo, …]}}``, sessions by
            name; both are empty where no tmux server runs.

        Raises:
            TmuxCommandError: tmux does not answer, or there is none.
        """
        world = _world()
        return {"sessions": world.sessions, "windows": world.windows}

    def get_sessions(self) -> list[SessionInfo]:
        """All sessions; as `batch_get_all_sessions_and_windows`."""
        return list(_world().sessions.values())

    def get_windows(self, session: str | None = None) -> list[WindowInfo]:
        """The windows of a session, or all; as `batch_get_all_sessions_and_windows`."""
        windows = _world().windows
        chosen = windows.values() if session is None else [windows.get(session, [])]
        return [window for some in chosen for window in some]

    def get_panes(self, session: str | None = None, window: int | None = None) -> list[PaneInfo]:
        """The panes of a session or window, or all; as `batch_get_all_sessions_and_windows`."""
        return [
            pane
            for pane in _world().panes
            if session in (None, pane.session) and window in (None, pane.window)
        ]

    def has_session(self, name: str) -> bool:
        """Tell whether there is a session of this name; as `batch_get_all_sessions_and_windows`."""
        return name in _world().sessions

    # --- what is shown -----------------------------------------------------------------------

    def batch_capture_panes(self, targets: Iterable[Target], lines: int = LINES) -> dict[str, str]:
        """What panes show, each with so many lines of what scrolled away above it.

        Args:
            targets: ``(session, window)``, ``(session, window, pane)``, or a text as tmux takes it.
            lines: of history.

        Returns:
            By target (``session:window``), as ``tmux capture-pane -p`` prints it; an empty text
            where there is no such pane. Cut at its beginning where it has more than 256 KiB.

        Raises:
            TmuxCommandError: tmux does not answer, or there is none.
        """
        lines = max(0, lines)
        names = list(dict.fromkeys(map(name_of, targets)))
        found = LIVE.screens(names, lines) if names else {}
        rest = [name for name in names if name not in found]
        if rest:
            with suppress(TmuxUnavailable):
                found |= ask_screens(rest, lines)
        return {name: found.get(name, "") for name in names}

    def capture_pane(self, target: Target, lines: int = LINES) -> str:
        """What one pane shows; as `batch_capture_panes`."""
        return self.batch_capture_panes([target], lines)[name_of(target)]

    # --- as text -----------------------------------------------------------------------------

    def get_json_status(self) -> str:
        """All sessions and the agents in them, as JSON for scripts.

        Returns:
            ``{"sessions": [{"name", "windows", "created", "attached", "agents": [{"window",
            "name", "type", "process"}]}]}``.

        Raises:
            TmuxCommandError: tmux does not answer, or there is none.
        """
        data = self.batch_get_all_sessions_and_windows()
        sessions = [
            {
                "name": session.name,
                "windows": session.windows,
                "created": session.created,
                "attached": session.attached,
                "agents": [
                    {
                        "window": window.index,
                        "name": window.name,
                        "type": TmuxPatterns.detect_window_type(
                            window.name, window.current_command
                        ),
                        "process": window.current_command,
                    }
                    for window in data["windows"].get(session.name, [])
                    if TmuxPatterns.is_claude_process(window.current_command)
                ],
            }
            for session in data["sessions"].values()
        ]
        found = msgspec.json.encode({"sessions": sessions})
        return msgspec.json.format(found, indent=2).decode()


BatchOperations = TmuxCommand  # by its other name
_DEFAULT = TmuxCommand()


def batch_get_all_sessions_and_windows() -> dict[str, Any]:
    """As the method of `TmuxCommand`."""
    return _DEFAULT.batch_get_all_sessions_and_windows()


def batch_capture_panes(targets: Iterable[Target], lines: int = LINES) -> dict[str, str]:
    """As the method of `TmuxCommand`."""
    return _DEFAULT.batch_capture_panes(targets, lines)


def get_json_status() -> str:
    """As the method of `TmuxCommand`."""
    return _DEFAULT.get_json_status()


def _world() -> World:
    found = LIVE.world()
    if found is not None:
        return found
    try:
        return ask_world()
    except TmuxUnavailable:
        return World()


def _changes(cmd: Sequence[str]) -> bool:
    """Tell whether a command may change what tmux holds; whatever is not known to be harmless."""
    if not cmd or not cmd[0].endswith("tmux") or ";" in cmd:
        return True  # a script of the host's may run tmux
    words = iter(cmd[1:])
    for word in words:
        if word in _WITH_VALUE:
            next(words, None)
        elif word == "-c" or not word.startswith("-"):
            return word not in READS
    return True  # alone it makes a session


def _capture_of(cmd: Sequence[str]) -> tuple[str, int] | None:
    """The target and lines of a command that is ``tmux capture-pane -p -t TARGET [-S -N]``."""
    if list(cmd[:2]) != ["tmux", "capture-pane"]:
        return None
    target, lines, prints = "", 0, False
    words = iter(cmd[2:])
    for word in words:
        if word == "-p":
            prints = True
        elif word == "-t":
            target = next(words, "")
        elif word == "-S":
            start = next(words, "")
            if not (start[:1] == "-" and start[1:].isascii() and start[1:].isdigit()):
                return None
            lines = int(start[1:])
        else:
            return None
    return (target, lines) if prints and target else None
