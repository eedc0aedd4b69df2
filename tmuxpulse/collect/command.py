"""One-shot runs of the ``tmux`` program, with a deadline."""

from __future__ import annotations

import subprocess

import msgspec
import trio

from tmuxpulse.errors import TmuxCommandFailed, TmuxNotFound, TmuxTimeout, TmuxUnavailable

ANSWER_SECONDS = 5.0
_NOBODY_THERE = (b"no server running", b"error connecting", b"lost server", b"server exited")


class Tmux(msgspec.Struct, frozen=True):
    """How to reach one server.

    Attributes:
        program: the ``tmux`` to run; the server's own release, since others can hang.
        socket: the path of its socket.
    """

    program: str
    socket: str

    def argv(self, *arguments: str) -> list[str]:
        """A command line that never starts a server (``-N``) and always speaks UTF-8 (``-u``)."""
        return [self.program, "-N", "-u", "-S", self.socket, *arguments]

    async def run(
        self,
        *arguments: str,
        script: bytes = b"",
        seconds: float = ANSWER_SECONDS,
        check: bool = True,
    ) -> bytes:
        """Run one client and give what it printed.

        Args:
            arguments: a tmux command; ``source-file -`` reads `script`.
            script: its standard input.
            seconds: how long an answer may take; then the client is ended.
            check: False takes what was printed although some command failed.

        Raises:
            TmuxNotFound: the program is not there.
            TmuxUnavailable: no server answers on the socket.
            TmuxTimeout: no answer in time.
            TmuxCommandFailed: tmux refused the command.
        """
        done: subprocess.CompletedProcess[bytes] | None = None
        try:
            with trio.move_on_after(seconds):
                done = await trio.run_process(
                    self.argv(*arguments),
                    stdin=script,
                    capture_stdout=True,
                    capture_stderr=True,
                    check=False,
                )
        except OSError as error:
            raise TmuxNotFound(f"cannot run {self.program}: {error.strerror}") from None
        if done is None:
            raise TmuxTimeout(
                f"tmux on {self.socket} gave no answer in {seconds:g} s", seconds=seconds
            )
        if done.returncode != 0:
            said = done.stderr.strip()
            text = said.decode("utf-8", "replace")
            if said.startswith(_NOBODY_THERE):
                raise TmuxUnavailable(f"no tmux server on {self.socket}", socket=self.socket)
            if check:
                raise TmuxCommandFailed(
                    f"tmux {arguments[0]}: {text}", stderr=text, returncode=done.returncode
                )
        return done.stdout


class Identity(msgspec.Struct, frozen=True):
    """Which run of tmux a server is.

    Attributes:
        start_time: seconds since the epoch.
        version: the release, such as ``3.3a``.
    """

    pid: int
    start_time: int
    version: str

    @property
    def release(self) -> tuple[int, int]:
        """The release as numbers; a development head counts as later than any release."""
        digits = "".join(c if c.isdigit() or c == "." else " " for c in self.version).split()
        if self.version.startswith(("master", "openbsd")) or not digits:
            return (99, 0)
        major, _, minor = digits[0].partition(".")
        return int(major or 0), int(minor.split(".")[0] or 0)


async def identify(tmux: Tmux) -> Identity:
    """Ask a server who it is.

    Raises:
        TmuxError: as `Tmux.run`.
    """
    answer = await tmux.run("display-message", "-p", "#{pid} #{start_time} #{version}")
    pid, start_time, version = answer.decode("utf-8", "replace").split(maxsplit=2)
    return Identity(int(pid), int(start_time), version.strip())


async def end_process(process: trio.Process, *, seconds: float = 1.0) -> None:
    """Let a child end, and end it when it does not; returns when it is gone."""
    with trio.CancelScope(shield=True):
        with trio.move_on_after(seconds):
            await process.wait()
            return
        process.kill()
        await process.wait()
