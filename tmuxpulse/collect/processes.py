"""The processes of panes: what descends from their first one, and what is in the foreground.

These functions block, on a busy machine for milliseconds: they are for a worker thread. Processes
end at any time, and some may not be looked at; what cannot be seen is left out. Without psutil
nothing is seen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tmuxpulse.collect.programs import is_shell, name_of, program_of
from tmuxpulse.status.evidence import Process

if TYPE_CHECKING:
    import psutil

MAX_PROCESSES = 200  # of one pane; of more, the first are told

_LETTERS = {"running": "R", "stopped": "T", "tracing-stop": "T", "zombie": "Z", "disk-sleep": "D"}


class Found(msgspec.Struct, frozen=True):
    """What runs in a pane.

    Attributes:
        program: what the foreground program is called, where it is only an interpreter; else empty.
        children: what descends from the pane's first process.
    """

    program: str
    children: tuple[Process, ...]


def look(pids: Mapping[str, int]) -> dict[str, Found]:
    """Look at what runs in panes.

    Args:
        pids: the first process of each.

    Returns:
        What was found; panes whose process has ended, or may not be seen, are left out.
    """
    try:
        import psutil
    except ImportError:
        return {}
    found: dict[str, Found] = {}
    for key, pid in pids.items():
        try:
            found[key] = _look(psutil.Process(pid))
        except (psutil.Error, OSError):  # noqa: PERF203  # it is gone, or not ours
            continue
    return found


def tree(root: psutil.Process) -> Iterator[psutil.Process]:
    """Give a process and what descends from it, parents first.

    Raises:
        psutil.Error: the first one has ended.
    """
    import psutil

    yield root
    if not _tells_children(root.pid):
        yield from root.children(recursive=True)[:MAX_PROCESSES]
        return
    # Of all processes of a machine, psutil would read the parent.
    waiting, given = [root.pid], 0
    while waiting and given < MAX_PROCESSES:
        for pid in _children(waiting.pop(0)):
            try:
                child = psutil.Process(pid)
            except (psutil.Error, OSError):
                continue
            waiting.append(pid)
            given += 1
            yield child


def _look(root: psutil.Process) -> Found:
    import psutil

    children: list[Process] = []
    program: str | None = None
    for process in tree(root):
        try:
            seen, better = _seen(process)
        except (psutil.Error, OSError, ValueError):
            continue
        if process.pid != root.pid:
            children.append(seen)
        # The first one in the foreground leads it, but for a shell that only started it.
        if program is None and seen.foreground and (better or not is_shell(seen.name)):
            program = better
    return Found(program or "", tuple(children))


def _seen(process: psutil.Process) -> tuple[Process, str]:
    """One process, and what it runs if it is an interpreter."""
    with process.oneshot():
        arguments, name = process.cmdline(), process.name()
        times = process.cpu_times()
        state = str(process.status())
    seen = Process(
        pid=process.pid,
        name=name_of(arguments, name),
        cpu_seconds=times.user + times.system,
        state=_LETTERS.get(state, "S"),
        foreground=_is_in_foreground(process.pid),
    )
    return seen, program_of(arguments, name)


def _is_in_foreground(pid: int) -> bool:
    """Whether it is in its terminal's foreground group, where the system tells (Linux)."""
    if sys.platform != "linux":
        return False
    text = Path(f"/proc/{pid}/stat").read_bytes()
    # State, parent, group, session, terminal, the terminal's foreground group.
    fields = text[text.rindex(b")") + 2 :].split(maxsplit=6)
    return fields[2] == fields[5]


def _tells_children(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}/task/{pid}/children")  # noqa: PTH110  # it never raises


def _children(pid: int) -> list[int]:
    """The children of a process, of each of its threads."""
    found: list[int] = []
    folder = f"/proc/{pid}/task"
    try:
        threads = os.listdir(folder)  # noqa: PTH208  # names are what is wanted
    except OSError:
        return found
    for thread in threads:
        try:
            text = Path(f"{folder}/{thread}/children").read_bytes()
        except OSError:
            continue
        found += map(int, text.split())
    return found
