"""Whether the agent that has started this hook runs in a terminal, or apart from one.

Some agents leave their work to a process in the background that serves all panes: what it has as
`TMUX_PANE` is the pane of whoever came first. Such a process has no terminal; an agent that works
in its pane has the pane's. A hook may have none of its own: Claude Code starts its hooks in a
session of their own. So shells without one are passed over, and the first other ancestor counts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

_MOST: Final = 16
_PS_SECONDS: Final = 0.5
_SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "ash", "ksh", "mksh", "fish", "busybox"})


class Process(msgspec.Struct, frozen=True):
    """A process: its program, who started it, and whether it has a controlling terminal."""

    name: str
    parent: int
    has_terminal: bool


def agent_has_terminal() -> bool:
    """Tell whether the agent that has started this process has a terminal.

    Raises:
        OSError: the system does not tell.
        ValueError: it tells what nobody understands.
    """
    known = None if Path("/proc/self/stat").exists() else _from_ps()
    pid = os.getppid()
    for _ in range(_MOST):
        found = _from_proc(pid) if known is None else known.get(pid)
        if found is None:
            return False
        if found.has_terminal or found.name not in _SHELLS:
            return found.has_terminal
        pid = found.parent
    return False


def parse_stat(text: str) -> Process:
    """Read ``/proc/PID/stat`` (proc(5)); the name in it may hold anything."""
    before, _, after = text.rpartition(")")
    _state, parent, _group, _session, terminal = after.split()[:5]
    return Process(before.partition("(")[2], int(parent), terminal != "0")


def parse_ps(text: str) -> dict[int, Process]:
    """Read what ``ps -axo pid=,ppid=,tty=,comm=`` prints; some give a path as the name."""
    rows = (line.split(maxsplit=3) for line in text.splitlines())
    return {
        int(row[0]): Process(
            row[3].rsplit("/", maxsplit=1)[-1].removeprefix("-"),
            int(row[1]),
            not row[2].startswith(("?", "-")),
        )
        for row in rows
        if len(row) > 3  # noqa: PLR2004  # its four columns
    }


def _from_proc(pid: int) -> Process:
    return parse_stat(Path(f"/proc/{pid}/stat").read_text(errors="replace"))


def _from_ps() -> Mapping[int, Process]:
    import subprocess  # 10 ms, which Linux need not wait for

    command = ["ps", "-axo", "pid=,ppid=,tty=,comm="]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_PS_SECONDS
        )
    except subprocess.SubprocessError as error:
        raise OSError(f"ps does not tell: {error}") from None
    return parse_ps(done.stdout)
