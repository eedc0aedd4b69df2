"""The engine that asks again and again, through libtmux in a worker thread.

Slow and frugal with assumptions: it opens nothing in the user's server, no pipe and no client, and
it works with releases before 3.2. No pane streams; whoever wants output looks at the screens.

libtmux answers empty where tmux fails, so nothing is believed before its exit status is seen.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import trio

from tmuxpulse.collect import sockets
from tmuxpulse.collect.command import ANSWER_SECONDS, Identity, Tmux
from tmuxpulse.collect.engine import Sink
from tmuxpulse.collect.screens import Shown, cursor_format, parse_screens
from tmuxpulse.errors import TmuxCommandFailed, TmuxNotFound, TmuxTimeout, TmuxUnavailable
from tmuxpulse.tmux.formats import Listing, client_format, pane_format, parse_listing

if TYPE_CHECKING:
    from libtmux.common import tmux_cmd

END_SECONDS = 1.0
NO_SESSION = "no current target"  # what tmux says to a list when there is no session at all


class PollEngine:
    """Watches any server by asking it.

    Args:
        tmux: how to reach the server.
        identity: which run of tmux it is.
        interval_seconds: between two lists.
    """

    name: ClassVar[str] = "poll"
    sample_seconds: ClassVar[float] = 0.5

    def __init__(
        self, tmux: Tmux, identity: Identity, *, interval_seconds: float = sample_seconds
    ) -> None:
        self._interval_seconds = interval_seconds
        self._tmux = tmux
        self._identity = identity
        # One run at a time; also tells whether one is still going on.
        self._limiter = trio.CapacityLimiter(1)

    async def run(
        self, sink: Sink, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Watch until the server is gone; see `Engine.run`."""
        first = True
        try:
            began = trio.current_time()
            while (listing := await self._list()) is not None:
                sink.asked(trio.current_time() - began)
                sink.listing(listing)
                if first:
                    first = False
                    task_status.started()
                await trio.sleep(self._interval_seconds)
                began = trio.current_time()
            if first:
                raise TmuxUnavailable(
                    f"the tmux server on {self._tmux.socket} is gone", socket=self._tmux.socket
                )
        finally:
            # A run of tmux that was under way when we were cancelled ends in milliseconds.
            with trio.CancelScope(shield=True, deadline=trio.current_time() + END_SECONDS):
                async with self._limiter:
                    pass

    async def capture(self, pane_ids: Sequence[str]) -> dict[str, Shown]:
        """Read the visible screens of panes; see `Engine.capture`.

        A pane that is gone ends the run of tmux, so each of them costs one run more.
        """
        screens: dict[str, Shown] = {}
        rest = list(pane_ids)
        while rest:
            nonce = secrets.token_hex(6)
            arguments: list[str] = []
            for pane_id in rest:
                mark = f"{nonce}S {pane_id[1:]}"
                arguments += ["display-message", "-p", mark, ";"]
                arguments += ["display-message", "-p", "-t", pane_id, cursor_format(nonce), ";"]
                arguments += ["capture-pane", "-p", "-t", pane_id, ";"]
            # Something after the last screen, since libtmux drops empty lines at the end.
            answer = await self._ask(*arguments, "display-message", "-p", f"{nonce}Z")
            text = "\n".join(answer.stdout)
            reached = text.count(f"{nonce}S ")
            if answer.returncode == 0:
                text = text.removesuffix(f"{nonce}Z")
            elif not reached:
                raise self._failed(answer)
            else:
                text += "\n"
            screens.update(parse_screens(text.encode("utf-8", "surrogateescape"), nonce))
            rest = rest[reached:]
        return screens

    async def _list(self) -> Listing | None:
        """One list, or None when the server is gone."""
        nonce = secrets.token_hex(6)  # a new one each time: arguments can be seen in `ps`
        commands = (
            *("display-message", "-p", "#{pid} #{start_time}", ";"),
            *("list-clients", "-F", client_format(nonce), ";"),
            *("list-panes", "-a", "-F", pane_format(nonce)),
        )
        answer = await self._ask(*commands)
        if not _is_list(answer):
            if not sockets.is_alive(self._tmux.socket):
                return None
            # Somebody is there by now: most likely the server that took its place, which says so.
            answer = await self._ask(*commands)
            if not _is_list(answer):
                raise self._failed(answer)
        them, *lines = answer.stdout
        if them != f"{self._identity.pid} {self._identity.start_time}":
            return None
        body = "".join(f"{line}\n" for line in lines)
        return parse_listing(body.encode("utf-8", "surrogateescape"), nonce)

    async def _ask(self, *arguments: str) -> tmux_cmd:
        """Run tmux once in a thread.

        Cancelled or too late, the thread is left alone: libtmux cannot be interrupted. It ends as
        soon as tmux answers or its server dies.
        """
        with trio.move_on_after(ANSWER_SECONDS):
            return await trio.to_thread.run_sync(
                self._ask_blocking, arguments, abandon_on_cancel=True, limiter=self._limiter
            )
        raise TmuxTimeout(
            f"tmux on {self._tmux.socket} gave no answer in {ANSWER_SECONDS:g} s",
            seconds=ANSWER_SECONDS,
        )

    def _ask_blocking(self, arguments: Sequence[str]) -> tmux_cmd:
        import libtmux
        from libtmux.exc import TmuxCommandNotFound

        server = libtmux.Server(socket_path=self._tmux.socket, tmux_bin=self._tmux.program)
        try:
            # `-u` goes where libtmux puts the command: without it non-ASCII text becomes `_`.
            return server.cmd("-u", *arguments)
        except TmuxCommandNotFound:
            raise TmuxNotFound(f"cannot run {self._tmux.program}: it is not there") from None
        except OSError as error:
            raise TmuxNotFound(f"cannot run {self._tmux.program}: {error.strerror}") from None

    def _failed(self, answer: tmux_cmd) -> TmuxCommandFailed | TmuxUnavailable:
        text = " ".join(answer.stderr)
        if not sockets.is_alive(self._tmux.socket):
            return TmuxUnavailable(
                f"no tmux server on {self._tmux.socket}", socket=self._tmux.socket
            )
        return TmuxCommandFailed(f"tmux: {text}", stderr=text, returncode=answer.returncode)


def _is_list(answer: tmux_cmd) -> bool:
    """Tell an answer, be it an empty one, from a failure."""
    return bool(answer.stdout) and (answer.returncode == 0 or answer.stderr == [NO_SESSION])
