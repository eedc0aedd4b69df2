"""The answers of tmux itself: one run for any number of questions."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Sequence

from tmuxpulse.collect.sockets import find_program, usual_socket
from tmuxpulse.compat.world import World, from_state
from tmuxpulse.errors import TmuxCommandFailed, TmuxNotFound, TmuxTimeout, TmuxUnavailable
from tmuxpulse.tmux.control import quote
from tmuxpulse.tmux.formats import client_format, pane_format, parse_listing
from tmuxpulse.tmux.outcomes import output_text
from tmuxpulse.tmux.state import from_listing

ANSWER_SECONDS = 10.0
_NOBODY_THERE = (b"no server running", b"error connecting", b"lost server", b"server exited")


def ask_world() -> World:
    """List everything.

    Raises:
        TmuxUnavailable: no server runs.
        TmuxError: it does not answer, or there is no tmux.
    """
    nonce = secrets.token_hex(8)
    answer = _run(
        [
            *("list-clients", "-F", client_format(nonce), ";"),
            *("list-panes", "-a", "-F", pane_format(nonce)),
        ]
    )
    return from_state(from_listing(parse_listing(answer, nonce)))


def ask_screens(targets: Sequence[str], lines: int) -> dict[str, str]:
    """What panes show, and so many lines above it; those that are not there are left out.

    Raises:
        TmuxUnavailable: no server runs.
        TmuxError: it does not answer, or there is no tmux.
    """
    nonce = secrets.token_hex(8)
    script = "".join(
        f"capture-pane -p -t {quoted} -S {-lines} ; display-message -p '{nonce} {number}'\n"
        for number, quoted in enumerate(map(_quoted, targets))
        if quoted is not None
    )
    # tmux goes on with the next line where one fails, but says so by its exit status.
    answer = _run(["source-file", "-"], script.encode(), check=False) if script else b""
    parts = re.split(rb"(?m)^%b (\d+)\n" % nonce.encode(), answer)
    return {
        targets[int(number)]: f"{output_text(shown)}\n"
        for shown, number in zip(parts[::2], parts[1::2], strict=False)
    }


def _quoted(target: str) -> str | None:
    try:
        return quote(target) if target else None
    except ValueError:
        return None  # no name has that in it


def _run(arguments: Sequence[str], script: bytes = b"", *, check: bool = True) -> bytes:
    program, socket = find_program(), usual_socket()
    try:
        done = subprocess.run(
            [program, "-N", "-u", "-S", socket, *arguments],
            input=script,
            capture_output=True,
            check=False,
            timeout=ANSWER_SECONDS,
        )
    except OSError as error:
        raise TmuxNotFound(f"cannot run {program}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise TmuxTimeout(
            f"tmux on {socket} gave no answer in {ANSWER_SECONDS:g} s", seconds=ANSWER_SECONDS
        ) from None
    if done.returncode != 0:
        if done.stderr.strip().startswith(_NOBODY_THERE):
            raise TmuxUnavailable(f"no tmux server on {socket}", socket=socket)
        if check:
            said = " ".join(done.stderr.decode("utf-8", "replace").split())
            raise TmuxCommandFailed(f"tmux: {said:.300}", stderr=said, returncode=done.returncode)
    return done.stdout
