"""The full screen on a terminal that we are: what it writes, byte for byte."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator

import pytest

from tests.real.stage import DEADLINE_SECONDS, Stage, stage

SYNCHRONISED = b"\x1b[?2026$p"  # asks whether the terminal can show a picture at once
CAN = b"\x1b[?2026;2$y"
BEGIN, END = b"\x1b[?2026h", b"\x1b[?2026l"


class Terminal:
    """A terminal with the full screen on it.

    Attributes:
        wrote: all that came to the terminal.
    """

    def __init__(self, it: Stage, *, can_synchronise: bool) -> None:
        self.wrote = b""
        self._answer = can_synchronise
        self._master, slave = pty.openpty()
        self.resize(100, 30)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tmuxpulse", "watch", "-S", str(it.watched)],
            stdin=slave, stdout=slave, stderr=subprocess.PIPE,
            env=it.env | {"TERM": "xterm-256color"}, start_new_session=True,
        )  # fmt: skip
        os.close(slave)

    def resize(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def press(self, data: bytes) -> None:
        os.write(self._master, data)

    def until(self, holds: Callable[[], object]) -> None:
        """Read, and answer what is asked, until something holds of what was written."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.wrote[-2000:]
            if select.select([self._master], [], [], 0.1)[0]:
                data = os.read(self._master, 1 << 16)
                self.wrote += data
                if self._answer and SYNCHRONISED in self.wrote:
                    self._answer = False  # it asks once
                    self.press(CAN)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.communicate()
        os.close(self._master)


@pytest.fixture
def ticking() -> Iterator[Stage]:
    with stage() as it:
        it.tmux("new-session", "-d", "-s", "work", "-n", "log", "-x", "80", "-y", "24", "exec cat")
        yield it


def say(it: Stage, text: str) -> None:
    it.tmux("send-keys", "-t", "work", "-l", text)
    it.tmux("send-keys", "-t", "work", "Enter")


@pytest.mark.parametrize("can", [True, False])
def test_a_picture_is_shown_at_once_where_the_terminal_can(ticking: Stage, can: bool) -> None:
    terminal = Terminal(ticking, can_synchronise=can)
    try:
        terminal.until(lambda: b"runs cat" in terminal.wrote)
        terminal.wrote = b""
        say(ticking, "hello there")
        terminal.until(lambda: b"hello there" in terminal.wrote)
        if not can:
            assert BEGIN not in terminal.wrote
            return
        # Whatever is drawn is drawn between the two; nothing is cleared to be drawn again.
        terminal.until(lambda: terminal.wrote.endswith(END))
        frames = re.findall(rb"\x1b\[\?2026h(.*?)\x1b\[\?2026l", terminal.wrote, re.DOTALL)
        assert any(b"hello there" in frame for frame in frames)
        assert b"\x1b[2J" not in terminal.wrote
    finally:
        terminal.close()


def test_only_rows_that_changed_are_written(ticking: Stage) -> None:
    terminal = Terminal(ticking, can_synchronise=False)
    try:
        terminal.until(lambda: b"runs cat" in terminal.wrote and b"quit" in terminal.wrote)
        say(ticking, "settled")
        terminal.until(lambda: terminal.wrote.count(b"settled") >= 3)  # list, screen, event
        terminal.wrote = b""
        terminal.press(b"\t")  # the other list has the keys: two headings change
        terminal.until(lambda: terminal.wrote)
        terminal.until(lambda: b"events" in terminal.wrote and b"PANE" in terminal.wrote)
        assert b"Enter" not in terminal.wrote, "the row of keys did not change"
        assert len(terminal.wrote) < 2500
    finally:
        terminal.close()


def test_a_terminal_that_is_closed_ends_it(ticking: Stage) -> None:
    terminal = Terminal(ticking, can_synchronise=False)
    terminal.until(lambda: b"runs cat" in terminal.wrote)
    os.close(terminal._master)
    code = terminal.process.wait(DEADLINE_SECONDS)
    assert terminal.process.stderr is not None
    assert terminal.process.stderr.read() == b""
    terminal.process.stderr.close()
    assert code in (0, 128 + signal.SIGHUP)
