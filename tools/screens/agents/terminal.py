"""One pane of a real tmux of its own: keys go in, what can be known of the pane comes out."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tmuxpulse.tmux.signals import Bell, Notification, Progress
from tmuxpulse.tmux.text import TextStream

_KEY_SECONDS: Final = 0.25
_POLL_SECONDS: Final = 0.2
_BAR: Final = "\x1f"  # stands in no title
_FORMAT: Final = _BAR.join(
    f"#{{{name}}}"
    for name in (
        "cursor_y", "cursor_x", "alternate_on", "pane_current_command", "pane_pid", "pane_title"
    )
)  # fmt: skip


class NotSeen(Exception):
    """A screen that a scenario waited for did not come; the message holds the one that was."""


@dataclass(frozen=True)
class Sight:
    """What a pane shows, and what else is known of it.

    Attributes:
        children: the descendants of the pane's first process; a ``+`` before those that are in the
            foreground.
        signals: the last progress, and notifications and bells since the last look.
    """

    rows: tuple[str, ...]
    cursor_row: int
    cursor_column: int
    alternate: bool
    title: str
    foreground: str
    children: tuple[str, ...]
    signals: tuple[dict[str, str | int], ...]


class Terminal:
    """A pane with a shell.

    Args:
        name: of tmux's socket; nobody else's.
        width: in cells.
        height: in rows.
        folder: where the shell starts.
        environment: all of it.
    """

    def __init__(
        self, name: str, width: int, height: int, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._tmux = ["tmux", "-u", "-L", name, "-f", "/dev/null"]
        self._environment = dict(environment)
        self._raw = Path(tempfile.mkdtemp(prefix="screens-")) / "raw"
        self._raw.touch()
        self._read = 0
        self._stream = TextStream()
        self._progress: Progress | None = None
        size = ["-x", str(width), "-y", str(height)]
        self._do("new-session", "-d", *size, "-c", str(folder), "bash --rcfile ~/.bashrc")
        self._do("set", "-g", "default-terminal", "tmux-256color")
        self._do("pipe-pane", "-O", f"cat >> {self._raw}")

    def close(self) -> None:
        """End tmux and all that runs in it."""
        subprocess.run(
            [*self._tmux, "kill-server"], check=False, capture_output=True, env=self._environment
        )
        shutil.rmtree(self._raw.parent)

    def type(self, text: str) -> None:
        """Type a text."""
        self._do("send-keys", "-l", text)
        time.sleep(_KEY_SECONDS)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, by tmux's names."""
        for key in keys:
            self._do("send-keys", key)
            time.sleep(_KEY_SECONDS)

    def text(self) -> str:
        """Give the visible screen."""
        return self._do("capture-pane", "-p")

    def wait(self, pattern: str, seconds: float = 30.0) -> None:
        """Wait until the screen holds a pattern.

        Raises:
            NotSeen: it did not come.
        """
        until = time.monotonic() + seconds
        while not re.search(pattern, text := self.text(), re.MULTILINE):
            if time.monotonic() > until:
                raise NotSeen(f"no {pattern!r} in\n{text}")
            time.sleep(_POLL_SECONDS)

    def rest(self, still_seconds: float, seconds: float = 20.0) -> None:
        """Wait until the screen stays as it is.

        Raises:
            NotSeen: it never did.
        """
        until = time.monotonic() + seconds
        known, since = self.text(), time.monotonic()
        while time.monotonic() - since < still_seconds:
            time.sleep(_POLL_SECONDS)
            if (text := self.text()) != known:
                known, since = text, time.monotonic()
            if time.monotonic() > until:
                raise NotSeen(f"no rest in\n{text}")

    def look(self) -> Sight:
        """Take down what is there now."""
        row, column, alternate, command, pid, title = (
            self._do("display-message", "-p", _FORMAT).rstrip("\n").split(_BAR)
        )
        return Sight(
            rows=tuple(line.rstrip() for line in self.text().split("\n")[:-1]),
            cursor_row=int(row),
            cursor_column=int(column),
            alternate=alternate == "1",
            title=title.rstrip(),
            foreground=command,
            children=_children(int(pid)),
            signals=self._signals(),
        )

    def _signals(self) -> tuple[dict[str, str | int], ...]:
        data = self._raw.read_bytes()
        found: list[dict[str, str | int]] = []
        for start in range(self._read, len(data), 8192):
            self._stream.feed(data[start : start + 8192])
            for signal in self._stream.take(1 << 20).signals:
                match signal:
                    case Progress():
                        self._progress = signal
                    case Notification(title=title, body=body):
                        found.append({"kind": "notification", "title": title, "body": body})
                    case Bell() if {"kind": "bell"} not in found:
                        found.append({"kind": "bell"})
        self._read = len(data)
        if self._progress is not None:
            told: dict[str, str | int] = {"kind": "progress", "state": self._progress.state}
            if self._progress.percent is not None:
                told["percent"] = self._progress.percent
            found.append(told)
        return tuple(found)

    def _do(self, *command: str) -> str:
        done = subprocess.run(
            [*self._tmux, *command],
            check=True,
            capture_output=True,
            text=True,
            env=self._environment,
        )
        return done.stdout


def _children(pid: int) -> tuple[str, ...]:
    """Name a process's descendants."""
    try:
        top = psutil.Process(pid)
        return tuple(
            ("+" if _in_foreground(child.pid) else "") + child.name()
            for child in top.children(recursive=True)
            if child.status() != psutil.STATUS_ZOMBIE
        )
    except (psutil.NoSuchProcess, FileNotFoundError):
        return ()  # one ended while we looked


def _in_foreground(pid: int) -> bool:
    """Whether a process is in its terminal's foreground group (fields 5 and 8 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[2] == fields[5]
