"""One pane of a real tmux of its own: keys go in, what the collector would know of it comes out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tmuxpulse.collect.processes import Found, look
from tmuxpulse.status.evidence import Process
from tmuxpulse.tmux.signals import (
    Bell,
    CommandEnd,
    CommandInput,
    CommandStart,
    Notification,
    Progress,
    Prompt,
    Signal,
)
from tmuxpulse.tmux.text import TextStream
from tools.screens.corpus import WATCHED_SECONDS, End, SignalOfCase
from tools.screens.ordinary.steps import PROMPT
from tools.screens.ordinary.world import identity

_KEY_SECONDS: Final = 0.12
_POLL_SECONDS: Final = 0.1
_USED_SECONDS: Final = 1.5  # between two looks at what works in the background
_LEAST_SHARE: Final = 0.02
_MARKS: Final = 4  # of the last command and of the prompt behind it
_BUCKET_SECONDS: Final = 0.25
_PLAIN: Final[dict[type, Literal["bell", "prompt", "input"]]] = {
    Bell: "bell",
    Prompt: "prompt",
    CommandInput: "input",
}
_BAR: Final = "\x1f"  # stands in no title
_FIELDS: Final = (
    "cursor_y", "cursor_x", "alternate_on", "pane_current_command", "pane_pid", "pane_title",
    "pane_dead", "pane_dead_status", "pane_dead_signal", "pane_width", "pane_height",
)  # fmt: skip
_FORMAT: Final = _BAR.join(f"#{{{name}}}" for name in _FIELDS)


class NotSeen(Exception):
    """A screen that a run waited for did not come; the message holds the one that was."""


@dataclass(frozen=True)
class Sight:
    """What a pane shows, and what else is known of it."""

    rows: tuple[str, ...]
    fields: Mapping[str, str]
    runs: str
    children: tuple[str, ...]
    signals: tuple[SignalOfCase, ...]
    rhythm: tuple[tuple[float, int], ...]
    appends: bool
    wraps: tuple[int, ...]
    exited: End | None


class Terminal:
    """A pane with a shell.

    Args:
        name: of tmux's socket; nobody else's.
        shell: its command line.
        size: columns and rows.
        folder: where the shell starts.
        environment: all of it.
        stays: whether the pane stays when its program ends.
        user: whose it is.
    """

    def __init__(
        self,
        name: str,
        shell: str,
        size: tuple[int, int],
        folder: Path,
        environment: Mapping[str, str],
        *,
        stays: bool = False,
        user: str = "dev",
    ) -> None:
        self._tmux = ["tmux", "-u", "-L", name, "-f", "/dev/null"]
        self._environment = dict(environment)
        self._folder = folder
        self._identity = identity(user)
        self._box = Path("/run") / name
        self._box.mkdir(mode=0o777)
        self._box.chmod(0o777)
        fifo = self._box / "fifo"
        os.mkfifo(fifo)
        fifo.chmod(0o666)
        self._printed: list[tuple[float, bytes]] = []
        self._fifo = os.open(fifo, os.O_RDWR)  # so that it has a writer as long as we read
        self._closed = False
        threading.Thread(target=self._read, daemon=True).start()
        geometry = ["-x", str(size[0]), "-y", str(size[1])]
        self._do("new-session", "-d", *geometry, "-c", str(folder), "sleep 100")
        self._do("set", "-g", "default-terminal", "tmux-256color")
        if stays:
            self._do("set", "-g", "remain-on-exit", "on")
        self._do("pipe-pane", "-O", f"cat > {fifo}")
        # The shell starts when what it prints is read from its first byte on.
        self._do("respawn-pane", "-k", "-c", str(folder), shell)

    def close(self) -> None:
        """End tmux and all that runs in it."""
        subprocess.run(
            [*self._tmux, "kill-server"], check=False, capture_output=True, **self._identity
        )
        self._closed = True
        os.write(self._fifo, b"\n")
        shutil.rmtree(self._box)

    def type(self, text: str) -> None:
        """Type a text."""
        if text.endswith(";"):  # which would end tmux's command
            text = f"{text[:-1]}\\;"
        self._do("send-keys", "-l", "--", text)
        time.sleep(_KEY_SECONDS)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, by tmux's names."""
        for key in keys:
            self._do("send-keys", key)
            time.sleep(_KEY_SECONDS)

    def resize(self, width: int, height: int) -> None:
        """Give the pane another size."""
        self._do("resize-window", "-x", str(width), "-y", str(height))

    def text(self) -> str:
        """Give the visible screen."""
        return self._do("capture-pane", "-p")

    def wait(self, pattern: str, seconds: float = 40.0) -> None:
        """Wait until the screen holds a pattern.

        Raises:
            NotSeen: it did not come.
        """
        until = time.monotonic() + seconds
        while not re.search(pattern, text := self.text(), re.MULTILINE):
            if time.monotonic() > until:
                raise NotSeen(f"no {pattern!r} in\n{text}")
            time.sleep(_POLL_SECONDS)

    def wait_prompt(self, pattern: str = PROMPT, seconds: float = 60.0) -> None:
        """Wait until the cursor is behind a prompt.

        Raises:
            NotSeen: it never was.
        """
        until = time.monotonic() + seconds
        while True:
            row, column = self._do("display-message", "-p", "#{cursor_y} #{cursor_x}").split()
            text = self.text()
            line = text.split("\n")[int(row)]
            if int(column) and re.search(pattern, line.rstrip()):
                return
            if time.monotonic() > until:
                raise NotSeen(f"no prompt in\n{text}")
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
        pid = int(self._do("display-message", "-p", "#{pane_pid}"))
        first = look({"": pid}).get("", Found("", ()))
        found, used = first, 0.0
        if any(not child.foreground and child.state != "T" for child in first.children):
            time.sleep(_USED_SECONDS)
            found, used = look({"": pid}).get("", first), _USED_SECONDS
        told = self._do("display-message", "-p", _FORMAT, ";", "capture-pane", "-p")
        now = time.monotonic()
        line, _, screen = told.partition("\n")
        fields = dict(zip(_FIELDS, line.split(_BAR), strict=True))
        joined = self._do("capture-pane", "-p", "-J").split("\n")[:-1]
        signals, appends = self._read_stream()
        rows = tuple(row.rstrip() for row in screen.split("\n")[:-1])
        ended = None
        if fields["pane_dead"] == "1":
            status = fields["pane_dead_status"]
            ended = End(
                exit_status=int(status) if status else None,
                signal=fields["pane_dead_signal"] or None,
            )
        return Sight(
            rows=rows,
            fields=fields,
            runs="" if found.program == fields["pane_current_command"] else found.program,
            children=tuple(_named(child, first.children, used) for child in found.children)
            if ended is None
            else (),
            signals=signals,
            rhythm=self._rhythm(now),
            appends=appends and fields["alternate_on"] == "0",
            wraps=_wrapped(rows, joined, int(fields["pane_width"])),
            exited=ended,
        )

    def _read(self) -> None:
        while not self._closed:
            data = os.read(self._fifo, 65536)
            self._printed.append((time.monotonic(), data))
        os.close(self._fifo)

    def _rhythm(self, now: float) -> tuple[tuple[float, int], ...]:
        """What was printed lately: how long ago, how much."""
        found: dict[float, int] = {}
        for at, data in list(self._printed):
            if now - at <= WATCHED_SECONDS:
                age = round((now - at) // _BUCKET_SECONDS * _BUCKET_SECONDS, 2)
                found[age] = found.get(age, 0) + len(data)
        return tuple(sorted(found.items(), reverse=True))

    def _read_stream(self) -> tuple[tuple[SignalOfCase, ...], bool]:
        stream = TextStream()
        marks: list[SignalOfCase] = []
        last: dict[str, SignalOfCase] = {}
        for _, data in list(self._printed):
            for start in range(0, len(data), 8192):
                stream.feed(data[start : start + 8192])
                for signal in stream.take(1 << 20).signals:
                    told = _told(signal)
                    if told is None:
                        continue
                    if told.kind in ("prompt", "input", "start", "end"):
                        marks.append(told)
                    else:
                        last[told.kind] = told
        return (*marks[-_MARKS:], *last.values()), not stream.addresses_screen

    def _do(self, *command: str) -> str:
        done = subprocess.run(
            [*self._tmux, *command],
            check=True,
            capture_output=True,
            text=True,
            env=self._environment,
            cwd=self._folder,
            **self._identity,
        )
        return done.stdout


def _told(signal: Signal) -> SignalOfCase | None:
    match signal:
        case Progress(state=state, percent=percent):
            return SignalOfCase(kind="progress", state=state, percent=percent)
        case Notification(title=title, body=body):
            return SignalOfCase(kind="notification", title=title, body=body)
        case CommandStart(command_line=line):
            return SignalOfCase(kind="start", command_line=line)
        case CommandEnd(exit_status=status):
            return SignalOfCase(kind="end", exit_status=status)
        case _:  # a title is told by the list
            kind = _PLAIN.get(type(signal))
            return None if kind is None else SignalOfCase(kind=kind)


def _wrapped(rows: Sequence[str], joined: Sequence[str], width: int) -> tuple[int, ...]:
    """The numbers of the rows that run on into the next one.

    Args:
        rows: without their trailing blanks.
        joined: the same screen, rows that run on in one text, with their blanks.
        width: in cells.
    """
    found: list[int] = []
    lines = iter(joined)
    rest = ""
    for number, row in enumerate(rows):
        rest = rest or next(lines, "")
        if not rest.startswith(row):
            return ()  # it changed meanwhile
        rest = rest[len(row) :]
        if not rest.strip():
            rest = ""
            continue
        blanks = max(0, width - _cells(row))
        rest = rest[min(blanks, len(rest) - len(rest.lstrip())) :]
        found.append(number)
    return tuple(found)


def _cells(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def _named(child: Process, before: Sequence[Process], seconds: float) -> str:
    """A process: ``+`` in the foreground, its state if unusual, its use of a processor."""
    text = f"{'+' if child.foreground else ''}{child.name}"
    if child.state in ("T", "D", "Z"):
        text += f" {child.state}"
    used = next((one.cpu_seconds for one in before if one.pid == child.pid), child.cpu_seconds)
    share = (child.cpu_seconds - used) / seconds if seconds else 0.0
    return f"{text} {share:.0%}" if share >= _LEAST_SHARE else text
