"""`quote` against the parser of a real tmux: what goes in comes out, and nothing else happens."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tmuxpulse.tmux.control import ControlParser, Reply, quote

DEADLINE_SECONDS = 60

# What tmux's parser gives a meaning to, somewhere.
PIECES = [
    "'",
    '"',
    "\\",
    ";",
    "#",
    "{",
    "}",
    "$",
    "~",
    "%",
    "=",
    " ",
    "\t",
    "-",
    "(",
    ")",
    "`",
    "\x1b",
]
PIECES += [
    "$HOME",
    "${HOME}",
    "~root",
    "#{pid}",
    "#(id)",
    "%if 1",
    "%endif",
    "%hidden X=1",
    "\\;",
    " ; ",
]
PIECES += [
    "'\\''",
    "kill-server",
    "; set -g @canary dead",
    "' ; set -g @canary dead ; '",
    "\\u0041",
    "\\101",
]
PIECES += ["é", "🚀", "\x7f", "\x01", "\u2028", "\u00a0"]

values = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(
    st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=20
)

Run = Callable[[str], list[bytes]]


class Server:
    """One tmux server for the module, on a socket of its own."""

    def __init__(self, directory: str) -> None:
        self.env = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "HOME": "/nonexistent",
            "SHELL": "/bin/sh",
            "TMUX_TMPDIR": directory,
        }
        self.tmux = ["tmux", "-u", "-L", "quote", "-f", "/dev/null"]

    def run(self, *arguments: str, script: str = "") -> bytes:
        done = subprocess.run(
            [*self.tmux, *arguments],
            input=script.encode(),
            capture_output=True,
            check=False,
            env=self.env,
            timeout=DEADLINE_SECONDS,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout

    def source(self, script: str) -> list[bytes]:
        """What the commands print, read by tmux as a file."""
        *lines, end = self.run("source-file", "-", script=script).split(b"\n")
        assert end == b""
        return lines

    def control(self, script: str) -> list[bytes]:
        """What the commands print, sent over a control connection."""
        # The empty line at the end detaches.
        heard = self.run("-C", "attach-session", "-f", "ignore-size", script=f"{script}\n")
        replies = [item for item in ControlParser().feed(heard) if isinstance(item, Reply)]
        ours = [reply for reply in replies if reply.flags]
        assert all(reply.ok for reply in replies)
        assert len(ours) == script.count("\n")
        return [line for reply in ours for line in reply.lines]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    # A short path: the name of a socket is at most about a hundred bytes long.
    with tempfile.TemporaryDirectory(prefix="tp-", dir="/tmp") as directory:
        one = Server(directory)
        one.run("new-session", "-d", "-x", "80", "-y", "24", "cat")
        try:
            yield one
        finally:
            one.run("kill-server")


@pytest.mark.parametrize("way", ["source", "control"])
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(batch=PIECES)
@example(batch=[a + b for a in PIECES[:12] for b in PIECES[:12]])
@given(batch=st.lists(values, min_size=20, max_size=60))
def test_every_value_arrives_as_it_is(server: Server, way: str, batch: list[str]) -> None:
    run: Run = getattr(server, way)
    script = "set -g @canary alive\n"
    for value in batch:
        script += f"set -g @value {quote(value)}\nshow-options -gv @value\n"
    script += "show-options -gv @canary\n"
    assert run(script) == [value.encode() for value in [*batch, "alive"]]
