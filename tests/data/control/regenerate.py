"""Record what a real tmux says on control connections, into the `.bin` files beside this script.

Run it as `python tests/data/control/regenerate.py`. It starts tmux servers of its own, on sockets
in private directories, and ends them. Each file is one connection from its first byte to its last,
as tmux wrote it; the tests say what each has to contain. The tmux version goes to `version.txt`.
"""

from __future__ import annotations

import contextlib
import os
import pty
import random
import re
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
DEADLINE_SECONDS = 10
# Every byte value at least once, and enough for several lines of output; the tests make it again.
NOISE = bytes(range(256)) + random.Random(7).randbytes(8000)
# What a body may hold without ending its block.
MARKERS = [
    "%end 1363006971 2 1",
    "%begin 1363006971 3 1",
    "%error 1 1 1",
    "%output %0 not output",
    "%exit",
    "",
    "last line",
]


class Server:
    """A private tmux server with one session of one pane that runs `cat`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.env = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
            "SHELL": "/bin/sh",
            "HOME": str(directory),
        }
        self.tmux = ["tmux", "-u", "-S", str(directory / "socket"), "-f", "/dev/null"]
        self.run("new-session", "-d", "-s", "main", "-n", "first", "-x", "80", "-y", "24", "cat")
        self.run("set-option", "-g", "automatic-rename", "off")

    def run(self, *arguments: str, check: bool = True) -> None:
        subprocess.run(
            [*self.tmux, *arguments],
            cwd=self.directory,
            env=self.env,
            check=check,
            capture_output=not check,
            timeout=DEADLINE_SECONDS,
        )


class Client:
    """A control client whose output is kept."""

    def __init__(self, server: Server, *arguments: str, terminal: bool = False) -> None:
        command = [*server.tmux, "-CC" if terminal else "-C", *arguments]
        self.heard = b""
        if terminal:
            self.fd, inner = pty.openpty()
            self.process = subprocess.Popen(
                command, stdin=inner, stdout=inner, stderr=inner, env=server.env
            )
            os.close(inner)
            self.writer = self.fd
        else:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=server.env
            )
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.fd = self.process.stdout.fileno()
            self.writer = self.process.stdin.fileno()

    def _read(self, timeout: float) -> bool:
        if not select.select([self.fd], [], [], timeout)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the end of a terminal whose other side is closed
            return False
        self.heard += data
        return bool(data)

    def wait_for(self, pattern: bytes, *, since: int = 0) -> None:
        """Read until the pattern has come; `since` is how much was heard before."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while re.search(pattern, self.heard[since:], re.MULTILINE | re.DOTALL) is None:
            if time.monotonic() > deadline or not self._read(0.2):
                raise TimeoutError(f"{pattern!r} did not come; heard {self.heard!r}")

    def send(self, command: str, then: bytes = rb"^%(end|error) \d+ \d+ 1\r?$") -> None:
        """Send a command and wait for its answer, or for what `then` describes."""
        since = len(self.heard)
        os.write(self.writer, command.encode() + b"\n")
        self.wait_for(then, since=since)

    def finish(self) -> bytes:
        """Read to the end."""
        while self._read(0.2):
            if self.process.poll() is not None and not select.select([self.fd], [], [], 0)[0]:
                break
        self.process.wait(DEADLINE_SECONDS)
        return self.heard


@contextlib.contextmanager
def server() -> Iterator[Server]:
    """Run a private server; nothing of it is left afterwards."""
    with tempfile.TemporaryDirectory() as directory:
        one = Server(Path(directory))
        try:
            yield one
        finally:
            one.run("kill-server", check=False)


def lifecycle() -> bytes:
    """Sessions, windows and panes come, are renamed and go, inside and outside the session."""
    with server() as tmux:
        client = Client(tmux, "attach-session", "-t", "=main:")
        client.wait_for(rb"^%session-changed")
        client.send("new-window -d -n second cat", rb"%window-add @1")
        client.send("rename-window -t :1 'two  words\té 🚀'", rb"%window-renamed @1")
        client.send("split-window -t :0 cat", rb"%window-pane-changed .*%layout-change @0")
        client.send("resize-pane -Z -t %2", rb"%layout-change @0 \S+ \S+ \S*Z")
        client.send("select-window -t :1", rb"%session-window-changed \$0 @1")
        client.send("resize-pane -Z -t %2", rb"%layout-change @0")
        client.send("copy-mode -t %1", rb"%pane-mode-changed %1")
        client.send("new-session -d -s other -n far cat", rb"%sessions-changed")
        client.send("rename-session -t =other: 'an other'", rb"%session-renamed \$1")
        client.send("new-window -d -t '=an other:' -n far2 cat", rb"%unlinked-window-add @3")
        client.send("rename-window -t @3 'far away'", rb"%unlinked-window-renamed @3")
        client.send("kill-window -t @3", rb"%unlinked-window-close @3")
        other = Client(tmux, "attach-session", "-t", "=an other:")
        other.wait_for(rb"^%session-changed")
        client.wait_for(rb"%client-session-changed")
        other.send("switch-client -t =main:", rb"%session-changed \$0")
        client.wait_for(rb"%client-session-changed .*%client-session-changed")
        other.send("detach-client", rb"%exit")
        other.finish()
        client.wait_for(rb"%client-detached")
        client.send("switch-client -t '=an other:'", rb"%session-changed \$1")
        client.send("switch-client -t '=main:'", rb"%session-changed \$0 main")
        client.send("kill-session -t '=an other:'", rb"%sessions-changed")
        tmux.run("kill-server")
        return client.finish()


def replies() -> bytes:
    """Commands that answer, fail, cannot be parsed, come in lists, and hooks that answer too."""
    with server() as tmux:
        path = tmux.directory / "markers"
        path.write_text("\n".join(MARKERS))
        tmux.run("load-buffer", "-b", "markers", str(path))
        client = Client(tmux, "attach-session", "-f", "ignore-size", "-t", "=main:")
        client.wait_for(rb"^%session-changed")
        client.send("list-panes -a -F '#{session_id} #{window_id} #{pane_id} #{pane_width}'")
        client.send("show-buffer -b markers", rb"\nlast line\n%end \d+ \d+ 1\n")
        client.send("kill-window -t :99")
        client.send("no-such-command")
        client.send("display-message -p one ; display-message -p two", rb"two\n%end \d+ \d+ 1\n")
        client.send("set-hook -g after-list-sessions 'display-message -p hooked'")
        client.send("list-sessions -F '#{session_name}'", rb"hooked\n%end \d+ \d+ 0\n")
        client.send("if-shell -F 1 'display-message -p yes'", rb"yes\n%end \d+ \d+ \d\n")
        client.send("detach-client", rb"%exit")
        return client.finish()


def output() -> bytes:
    """A pane writes every byte there is, and more than fits into one line of output."""
    with server() as tmux:
        (tmux.directory / "noise").write_bytes(NOISE)
        client = Client(tmux, "attach-session", "-f", "ignore-size", "-t", "=main:")
        client.wait_for(rb"^%session-changed")
        # The terminal must not touch the bytes; the last ones say that all have come.
        program = "stty raw -echo; cat noise; printf THE-END; exec cat"
        client.send(f"new-window -n noise '{program}'", rb"THE-END\n")
        client.send("detach-client", rb"%exit")
        return client.finish()


def flow() -> bytes:
    """Flow control: output with its age, a pane paused and continued, and subscriptions."""
    with server() as tmux:
        client = Client(tmux, "attach-session", "-f", "ignore-size,pause-after=1", "-t", "=main:")
        client.wait_for(rb"^%session-changed")
        client.send("send-keys -t %0 'back\\slash' Enter", rb"%extended-output %0 .*slash")
        client.send("refresh-client -A '%0:pause'")
        client.send("refresh-client -A '%0:continue'")
        client.send("refresh-client -B 'a name:%*:#{pane_id} : #{window_name}'")
        client.send("refresh-client -B 'window:@*:#{window_panes}'")
        client.send("refresh-client -B 'session::#{session_name}'")
        client.send("refresh-client -B 'empty::#{@nothing}'")
        for name in (rb"a name", rb"window", rb"session", rb"empty"):
            client.wait_for(rb"^%subscription-changed " + name)
        client.send("kill-session", rb"%exit")
        return client.finish()


def terminal() -> bytes:
    """`-CC` on a terminal: an opener, CR LF, a closer."""
    with server() as tmux:
        client = Client(tmux, "attach-session", "-f", "ignore-size", "-t", "=main:", terminal=True)
        client.wait_for(rb"^%session-changed")
        client.send("display-message -p 'a reply'")
        client.send("new-window -d -n second cat", rb"%window-add @1")
        client.send("detach-client", rb"%exit")
        return client.finish()


def main() -> None:
    """Record everything."""
    for record in (lifecycle, replies, output, flow, terminal):
        (HERE / f"{record.__name__}.bin").write_bytes(record())
    version = subprocess.run(["tmux", "-V"], check=True, capture_output=True, text=True).stdout
    (HERE / "version.txt").write_text(version)


if __name__ == "__main__":
    main()
