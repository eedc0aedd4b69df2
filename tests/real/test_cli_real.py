"""The command line as people use it: real processes, a real tmux, a real server."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import secrets
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

DEADLINE_SECONDS = 60


class Bench:
    """A private place to run in: no tmux of the user's, no server of the user's."""

    def __init__(self, folder: Path) -> None:
        self.program = shutil.which("tmux") or "tmux"
        self.runtime = folder / "run"
        self.sockets = folder / "tmux"
        self.sockets.mkdir()
        unwanted = ("TMUX", "TMUX_PANE", "NO_COLOR", "CLICOLOR_FORCE")
        self.env = {name: value for name, value in os.environ.items() if name not in unwanted}
        self.env |= {
            "TMUXPULSE_RUNTIME_DIR": str(self.runtime),
            "TMUXPULSE_STATE_DIR": str(folder / "state"),
            "TMUX_TMPDIR": str(self.sockets),
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
        }
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, **more: Any) -> subprocess.Popen[str]:
        more = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
        process = subprocess.Popen(
            [sys.executable, "-m", "tmuxpulse", *arguments],
            env=self.env,
            text=True,
            stdin=subprocess.DEVNULL,
            **more,
        )
        self.processes.append(process)
        return process

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tmuxpulse", *arguments],
            env=self.env,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=DEADLINE_SECONDS,
        )

    def tmux(self, *arguments: str) -> str:
        done = subprocess.run(
            [self.program, "-f", "/dev/null", "-L", "bench", *arguments],
            env=self.env,
            text=True,
            capture_output=True,
            check=True,
            timeout=DEADLINE_SECONDS,
        )
        return done.stdout

    def serve(self) -> tuple[subprocess.Popen[str], str]:
        server = self.start("serve", "--port", "0")
        ready = line_of(server)
        found = re.search(r"ready: (http://\S+)", ready)
        assert found, ready
        return server, found[1]

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(DEADLINE_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        with contextlib.suppress(subprocess.CalledProcessError):
            self.tmux("kill-server")


@pytest.fixture
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    it = Bench(tmp_path_factory.mktemp(f"c{secrets.token_hex(2)}"))
    try:
        yield it
    finally:
        it.close()


def line_of(process: subprocess.Popen[str], stream: str = "stdout") -> str:
    """The next line, in time."""
    pipe = getattr(process, stream)
    until = time.monotonic() + DEADLINE_SECONDS
    found = b""
    while not found.endswith(b"\n"):
        left = until - time.monotonic()
        assert left > 0, f"no line; so far {found!r}"
        if select.select([pipe], [], [], left)[0]:
            byte = os.read(pipe.fileno(), 1)
            assert byte, f"it ended: {process.stderr and process.stderr.read()}"
            found += byte
    return found.decode()


def line_with(process: subprocess.Popen[str], text: str) -> str:
    while text not in (found := line_of(process)):
        pass
    return found


def tick_from(process: subprocess.Popen[str], number: int) -> None:
    """Read on to a tick of this number or a later one."""
    while True:
        found = re.search(r"tick (\d+)", line_with(process, "tick"))
        if found and int(found[1]) >= number:
            return


def end_of(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and standard error."""
    code = process.wait(DEADLINE_SECONDS)
    return code, process.stderr.read() if process.stderr else ""


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ticking(bench: Bench) -> None:
    bench.tmux("new-session", "-d", "-s", "work", "while :; do echo tick; sleep 0.2; done")


def test_watch_shows_what_a_pane_prints(bench: Bench) -> None:
    ticking(bench)
    watch = bench.start("watch", "--type", "pane.output")
    found = line_of(watch)
    while "(screen" in found:  # rows, until its pipe is open
        found = line_of(watch)
    assert re.search(r"\d\d:\d\d:\d\d  work:0\.0 +pane\.output +tick\n", found)
    watch.send_signal(signal.SIGINT)
    assert end_of(watch) == (130, "")
    until(lambda: bench.tmux("list-panes", "-F", "#{pane_pipe}").strip() == "0")


def test_watch_in_json(bench: Bench) -> None:
    ticking(bench)
    watch = bench.start("watch", "--json")
    assert json.loads(line_of(watch))["type"] == "server.up"
    while (event := json.loads(line_with(watch, '"pane.output"')))["data"]["mode"] == "screen":
        pass  # rows, until its pipe is open
    assert event["session"] == "work"
    assert "tick" in event["data"]["lines"]
    watch.send_signal(signal.SIGTERM)
    assert end_of(watch) == (143, "")


def test_watch_filters(bench: Bench) -> None:
    ticking(bench)
    bench.tmux("new-session", "-d", "-s", "other", "while :; do echo tock; sleep 0.1; done")
    watch = bench.start("watch", "--json", "--session", "work", "--type", "pane.*", "--grep", "TI")
    for _ in range(3):
        event = json.loads(line_of(watch))
        assert event["session"] == "work"
        assert event["type"] == "pane.output"


def test_watch_ends_quietly_when_nobody_reads(bench: Bench) -> None:
    bench.tmux("new-session", "-d", "-s", "quiet", "sleep 1000")
    watch = bench.start("watch", "--json")
    line_of(watch)
    assert watch.stdout is not None
    watch.stdout.close()
    assert end_of(watch) == (0, "")


def test_watch_waits_for_tmux(bench: Bench) -> None:
    watch = bench.start("watch", "-L", "bench")
    assert watch.stderr is not None
    assert "no tmux server is running yet" in watch.stderr.readline()
    ticking(bench)
    line_with(watch, "tick")


def test_watch_and_ls_through_a_server(bench: Bench) -> None:
    ticking(bench)
    server, url = bench.serve()
    token = str(bench.runtime.parent / "token")
    bench.run("token", "create", "watch", "--file", token)
    for arguments in ([], ["--url", url, "--token-file", token], ["-L", "bench"]):
        watch = bench.start("watch", "--no-reconnect", "--type", "pane.output", *arguments)
        assert "tick" in line_of(watch)
        listed = json.loads(bench.run("ls", "--json", *arguments).stdout)
        assert [one["name"] for one in listed["sessions"]] == ["work"]
        [found] = [one for one in listed["servers"] if one["up"]]
        assert found["engine"] == "pipe", "it came from the server, which watches by pipes"
    server.send_signal(signal.SIGINT)
    assert end_of(server)[0] == 0
    code, said = end_of(watch)
    assert code == 3
    assert said.count("\n") == 1
    assert "shutting down" in said
    assert not [path for path in bench.runtime.rglob("*") if path.is_socket()]


def numbered(bench: Bench) -> None:
    counts = "n=0; while :; do echo tick $n; n=$((n+1)); sleep 0.1; done"
    bench.tmux("new-session", "-d", "-s", "work", counts)


def ticks(line: str) -> list[int]:
    """The numbers in an event."""
    return [int(text.split()[1]) for text in json.loads(line)["data"]["lines"]]


def next_tick(process: subprocess.Popen[str]) -> int:
    """The last number in the next event; as lines, or as rows where another watch has the pipe."""
    return int(re.findall(r"tick (\d+)", line_with(process, "tick "))[-1])


def test_watch_goes_on_when_its_server_is_gone_and_when_one_is_there_again(bench: Bench) -> None:
    numbered(bench)
    server, _ = bench.serve()
    lines = bench.start("watch", "--type", "pane.output")
    json_lines = bench.start("watch", "--json", "--type", "pane.output")
    line_with(lines, "tick")
    before = json.loads(line_of(json_lines))
    server.send_signal(signal.SIGINT)
    assert end_of(server)[0] == 0
    # Without a server this process takes its place.
    while (found := json.loads(line_of(json_lines)))["type"] == "pane.output":
        before = found
    while found["type"] != "stream.reset":
        found = json.loads(line_of(json_lines))
    assert found["reason"] == "epoch"
    after = json.loads(line_of(json_lines))
    assert (after["type"], after["pane_id"]) == ("pane.output", before["pane_id"])
    tick_from(lines, next_tick(json_lines))
    # And gives it back.
    server, _ = bench.serve()
    while json.loads(line_of(json_lines))["type"] == "pane.output":
        pass
    tick_from(lines, next_tick(json_lines))
    for watch in (lines, json_lines):
        # Each goes back in its own time, and shows what it sees itself until then.
        first, ours, theirs = (line_of(watch, "stderr") for _ in range(3))
        watch.send_signal(signal.SIGINT)
        assert end_of(watch) == (130, "")
        assert "shutting down; waiting until it is back" in first
        assert "from within this process; what happened meanwhile is missing" in ours
        assert "goes on, through the tmuxpulse server" in theirs


def test_a_connection_that_is_cut_costs_no_event(bench: Bench) -> None:
    numbered(bench)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.proxy", "--to", str(bench.runtime / "tmuxpulse.sock")],
        cwd=Path(__file__).parents[2], env=bench.env, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as proxy:  # fmt: skip
        assert proxy.stdin is not None
        port = json.loads(line_of(proxy))["port"]
        bench.env["TMUXPULSE_SERVER_ALLOWED_HOSTS"] = f"127.0.0.1:{port}"
        bench.serve()
        through = ("--url", f"http://127.0.0.1:{port}")
        watch = bench.start("watch", "--json", "--type", "pane.output", *through)
        seen = ticks(line_of(watch))
        proxy.stdin.write('{"cut": "reset"}\n')
        proxy.stdin.flush()
        assert "waiting until it is back" in line_of(watch, "stderr")
        back = line_of(watch, "stderr")
        while len(seen) < 30:
            seen += ticks(line_of(watch))
        watch.send_signal(signal.SIGINT)
        assert end_of(watch) == (130, "")
        proxy.stdin.close()
    assert seen == list(range(seen[0], seen[0] + len(seen)))
    assert "watching goes on, through the tmuxpulse server" in back
    assert "missing" not in back


def test_watch_looks_itself_where_the_server_does_not(bench: Bench) -> None:
    server = bench.start("serve", "--port", "0", "-L", "elsewhere")
    line_of(server)
    ticking(bench)
    watch = bench.start("watch", "-L", "bench", "--type", "pane.output")
    assert "tick" in line_of(watch)


def test_ls_without_a_server_touches_nothing(bench: Bench) -> None:
    bench.tmux("new-session", "-d", "-s", "wörk", "-n", "ed it", "echo héllo; sleep 1000")
    until(lambda: "héllo" in bench.run("ls", "--no-color").stdout)
    rows = bench.run("ls").stdout.splitlines()
    assert rows[0] == "wörk"
    assert rows[1] == "  0:ed it*"
    assert "80x24" in rows[2]
    assert rows[2].endswith("héllo")
    assert bench.tmux("list-panes", "-F", "#{pane_pipe}").strip() == "0"
    assert bench.run("ls", "--session", "other").stdout == ""


def test_ls_without_tmux(bench: Bench) -> None:
    listed = bench.run("ls")
    assert (listed.returncode, listed.stdout) == (3, "")
    assert listed.stderr.count("\n") == 1
    assert "no tmux server is running" in listed.stderr


def test_no_tmux_program(bench: Bench, tmp_path: Path) -> None:
    bench.env["PATH"] = str(tmp_path)
    for command in ("watch", "ls", "demo", "serve"):
        ran = bench.run(command)
        assert ran.returncode == 3, command
        assert ran.stderr.count("\n") == 1
        assert "install tmux" in ran.stderr
    assert bench.run("doctor").returncode == 1


def test_doctor(bench: Bench) -> None:
    ran = bench.run("doctor")
    assert ran.returncode == 0
    assert re.search(r"^warn +tmux servers", ran.stdout, re.MULTILINE)
    ticking(bench)
    bench.serve()
    found = json.loads(bench.run("doctor", "--json").stdout)
    assert found["ok"] is True
    texts = {check["name"]: check["text"] for check in found["checks"]}
    assert "bench (tmux" in texts["tmuxpulse server"]
    assert "pid" in texts["tmux bench"]


def demo_traces(bench: Bench) -> list[str]:
    """Processes of a demo and its directory; nothing when it left nothing."""
    found = [str(path) for path in bench.runtime.glob("demo-*")]
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if os.fsencode(bench.runtime) + b"/demo-" in entry.read_bytes():
                found.append(str(entry))
    return found


def leaves_no_trace(bench: Bench) -> None:
    assert not list(bench.runtime.glob("demo-*"))
    until(lambda: demo_traces(bench) == [])  # who was hung up on takes a moment to go


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_demo_is_gone_without_a_trace(bench: Bench, number: int, code: int) -> None:
    demo = bench.start("demo")
    line_with(demo, "compiling")
    assert demo_traces(bench)
    demo.send_signal(number)
    assert end_of(demo) == (code, "")
    leaves_no_trace(bench)


def test_demo_ends_with_its_reader_and_by_itself(bench: Bench) -> None:
    demo = bench.start("demo", "--json")
    line_of(demo)
    assert demo.stdout is not None
    demo.stdout.close()
    assert end_of(demo) == (0, "")
    demo = bench.start("demo", "--session", "shop")
    line_with(demo, "Deploy to production? [y/N]")
    demo.send_signal(signal.SIGINT)
    assert end_of(demo) == (130, "")
    assert bench.run("demo", "--seconds", "1").returncode == 0
    leaves_no_trace(bench)


def test_a_killed_demo_ends_too(bench: Bench) -> None:
    demo = bench.start("demo")
    line_with(demo, "compiling")
    demo.kill()
    demo.wait()
    until(lambda: not [trace for trace in demo_traces(bench) if trace.startswith("/proc")])
    assert bench.run("demo", "--seconds", "0.1").returncode == 0
    leaves_no_trace(bench)


def test_watch_shows_the_demo_if_there_is_nothing_else(bench: Bench) -> None:
    watch = bench.start("watch", "--demo-if-none")
    line_with(watch, "compiling")
    watch.send_signal(signal.SIGINT)
    code, said = end_of(watch)
    assert code == 130
    assert "demo" in said
    ticking(bench)
    watch = bench.start("watch", "--demo-if-none")
    line_with(watch, "tick")


def on_a_terminal(bench: Bench, *arguments: str) -> bytes:
    """What a command wrote to a terminal until Ctrl-C, which it got when a tick was seen."""
    ticking(bench)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("hhhh", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "tmuxpulse", *arguments],
        env=bench.env | {"TERM": "xterm-256color"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    seen = b""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while b"tick" not in seen and time.monotonic() < deadline:
        if select.select([master], [], [], 1)[0]:
            seen += os.read(master, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE_SECONDS) == 130
    os.close(master)
    return seen


def test_on_a_terminal_lines_are_in_colour(bench: Bench) -> None:
    seen = on_a_terminal(bench, "watch", "--lines")
    assert b"watching 1 session and 1 pane" in seen
    assert b"\x1b[2mpane.output" in seen


def test_on_a_terminal_no_command_is_watch_on_the_full_screen(bench: Bench) -> None:
    seen = on_a_terminal(bench)
    assert b"\x1b[?1049h" in seen
    assert b" tmuxpulse " in seen
