"""One control client: its process, what it says, and commands over it.

`Connection.listen` keeps the client while its session lives; `Connection.run` runs tmux commands
over it, like `Channel.run`, without a fork.

The client knows nothing of panes and states, and does not decide when to attach again.
"""

from __future__ import annotations

import os
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import trio

from tmuxpulse.collect.command import ANSWER_SECONDS, Tmux, end_process
from tmuxpulse.errors import (
    ControlBroken,
    TmuxCommandFailed,
    TmuxNotFound,
    TmuxTimeout,
    TmuxUnavailable,
)
from tmuxpulse.tmux.control import ControlParser, Reply, notifications_in
from tmuxpulse.tmux.notifications import Notification

# `pause-after`, else a client that stands still blocks the programs in the panes; `ignore-size`,
# so that windows keep the size that people's terminals give them. `-E` leaves the session's
# environment as it is.
FLAGS = "read-only,ignore-size,pause-after=1"
END_SECONDS = 1.0
_READ_BYTES = 1 << 16
_WRITE_BYTES = 1 << 14  # a quarter of what the pipe to the client holds


class _Question:
    """Commands that were sent together, and what they have answered so far."""

    def __init__(self, commands: int, *, quiet: bool) -> None:
        self.left = commands
        self.quiet = quiet  # commands that print nothing: the body is notifications
        self.lines: list[bytes] = []
        self.complaints: list[bytes] = []
        self.done = trio.Event()


class Connection:
    """A control client attached to one session.

    Args:
        tmux: how to reach the server.
        session_id: the session, such as ``$3``.
        heard: is given every notification, in order.

    Attributes:
        session_id: the session.
        names: what tmux may call this client.
    """

    def __init__(self, tmux: Tmux, session_id: str, heard: Callable[[Notification], None]) -> None:
        self.session_id = session_id
        self.names: set[str] = set()
        self._tmux = tmux
        self._heard = heard
        self._scope = trio.CancelScope()
        self._questions: deque[_Question] = deque()
        self._attached = False
        self._closing = False
        self._stdin = -1
        self._complaint = ""

    @property
    def ready(self) -> bool:
        """Whether it has attached and can be asked."""
        return self._attached and not self._closing and self._stdin >= 0

    def close(self) -> None:
        """Let the client go; `listen` returns when it is gone."""
        self._closing = True
        self._scope.cancel()

    async def listen(self, attached: Callable[[], None]) -> None:
        """Attach, and read until the client ends or is closed.

        When cancelled, the client is detached first, and killed if that takes longer than a second.

        Args:
            attached: called once, when the first answer has come.

        Raises:
            TmuxNotFound: the program is not there.
            TmuxTimeout: no answer in time; clients of another release than the server's can hang.
            TmuxCommandFailed: tmux refused to attach.
            TmuxUnavailable: the client ended before it could be asked anything.
            ControlBroken: what tmux says cannot be understood.
        """
        process = await self._start()
        try:
            with self._scope:
                self._scope.deadline = trio.current_time() + ANSWER_SECONDS
                hello = self._send(["display-message -p '#{client_name}'"])
                await self._read(process, hello, attached)
        finally:
            self._hang_up()
            await _end(process)
        if self._attached or self._closing:
            return
        if self._scope.cancelled_caught:
            raise self._too_slow(ANSWER_SECONDS)
        raise TmuxCommandFailed(
            f"tmux does not let a control client attach: {self._complaint or 'it ended at once'}",
            stderr=self._complaint,
            returncode=process.returncode or 0,
        )

    async def run(
        self, commands: Sequence[str], *, seconds: float = ANSWER_SECONDS, check: bool = False
    ) -> bytes:
        """Run tmux commands in order and give what they printed together.

        A command that fails prints nothing and does not stop the others. When cancelled, the
        commands still run and their answer is thrown away.

        Args:
            commands: each one line, quoted by the caller.
            seconds: how long the answer may take; then the client is let go.
            check: whether a failing command is an error.

        Raises:
            TmuxUnavailable: the client has ended.
            TmuxTimeout: no answer in time.
            TmuxCommandFailed: with `check`, tmux refused a command.
        """
        lines: list[bytes] = []
        with trio.move_on_after(seconds):
            for batch in _batches(commands):
                question = self._send(batch)
                await question.done.wait()
                if question.left:
                    raise self._ended()
                if check and question.complaints:
                    text = question.complaints[0].decode("utf-8", "replace")
                    raise TmuxCommandFailed(f"tmux: {text}", stderr=text, returncode=1)
                lines += question.lines
            return b"".join(line + b"\n" for line in lines)
        self.close()
        raise self._too_slow(seconds)

    def tell(self, command: str) -> None:
        """Send a command that prints nothing; what it causes to be announced is heard.

        A client that has ended, or is let go because it does not read, needs none.
        """
        with suppress(TmuxUnavailable, TmuxTimeout):
            self._send([command], quiet=True)

    async def _start(self) -> trio.Process:
        read, self._stdin = os.pipe()
        os.set_blocking(self._stdin, False)
        try:
            process = await trio.lowlevel.open_process(
                self._tmux.argv(
                    "-C", "attach-session", "-E", "-f", FLAGS, "-t", f"{self.session_id}:"
                ),
                stdin=read,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C in our terminal must not kill it
            )
        except OSError as error:
            self._hang_up()
            raise TmuxNotFound(f"cannot run {self._tmux.program}: {error.strerror}") from None
        except BaseException:
            self._hang_up()
            raise
        finally:
            os.close(read)
        self.names.add(f"client-{process.pid}")  # what every release calls one without a terminal
        return process

    async def _read(
        self, process: trio.Process, hello: _Question, attached: Callable[[], None]
    ) -> None:
        if process.stdout is None:
            raise AssertionError("started with a pipe")
        parser = ControlParser()
        while data := await process.stdout.receive_some(_READ_BYTES):
            for item in parser.feed(bytes(data)):
                if not isinstance(item, Reply):
                    self._heard(item)
                elif item.flags == 1:
                    self._answer(item)
                elif not item.ok:
                    self._complaint = b" ".join(item.lines).decode("utf-8", "replace")
            if parser.broken is not None:
                parser.feed(b"")  # raises it
            if not self._attached and not hello.left:
                self._scope.deadline = float("inf")
                self.names.update(line.decode("utf-8", "replace") for line in hello.lines)
                self._attached = True
                attached()

    def _answer(self, reply: Reply) -> None:
        if not self._questions:
            raise ControlBroken("tmux answers a command that was not sent")
        question = self._questions[0]
        (question.lines if reply.ok else question.complaints).extend(reply.lines)
        question.left -= 1
        if not question.left:
            self._questions.popleft()
            question.done.set()
        if question.quiet:
            for notification in notifications_in(reply):
                self._heard(notification)

    def _send(self, commands: Sequence[str], *, quiet: bool = False) -> _Question:
        """Write commands in one go: what is written and what is waited for cannot differ."""
        question = _Question(len(commands), quiet=quiet)
        data = "".join(f"{command}\n" for command in commands).encode("utf-8", "surrogateescape")
        if self._stdin < 0:
            raise self._ended()
        try:
            written = os.write(self._stdin, data)
        except BlockingIOError:
            written = 0
        except BrokenPipeError:
            self.close()
            raise self._ended() from None
        if written < len(data):  # it has not read for long; half a command must not be ended later
            self.close()
            raise self._too_slow(0)
        self._questions.append(question)
        return question

    def _hang_up(self) -> None:
        """Send nothing more; whoever waits for an answer learns that there is none."""
        if self._stdin >= 0:
            os.close(self._stdin)
            self._stdin = -1
        for question in self._questions:
            question.done.set()
        self._questions.clear()

    def _ended(self) -> TmuxUnavailable:
        return TmuxUnavailable(
            f"the control client of session {self.session_id} has ended", socket=self._tmux.socket
        )

    def _too_slow(self, seconds: float) -> TmuxTimeout:
        return TmuxTimeout(
            f"tmux on {self._tmux.socket} gave a control client no answer in {seconds:g} s",
            seconds=seconds,
        )


async def _end(process: trio.Process) -> None:
    """Wait for a client whose input has ended; kill it when it takes too long.

    What it still says has to be read: a client that cannot say it stays in the server for ever,
    and `kill-server` then never ends (tmux #5444).
    """
    if process.stdout is None:
        raise AssertionError("started with a pipe")
    with trio.CancelScope(shield=True):
        with trio.move_on_after(END_SECONDS) as waiting:
            while await process.stdout.receive_some(_READ_BYTES):
                pass
            await process.wait()
        if waiting.cancelled_caught:
            process.kill()
        await end_process(process)
        await process.stdout.aclose()


def _batches(commands: Sequence[str]) -> Iterator[list[str]]:
    """Cut a long list of commands so that each part fits into the pipe at once."""
    batch: list[str] = []
    size = 0
    for command in commands:
        length = len(command.encode("utf-8", "surrogateescape")) + 1
        if batch and size + length > _WRITE_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(command)
        size += length
    if batch:
        yield batch
