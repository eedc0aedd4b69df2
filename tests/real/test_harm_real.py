"""Do no harm: what a user's tmux is like while we watch, and after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HOOK_FILE = "hooks.txt"


class Tmux:
    """A private tmux server."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.socket = str(directory / "tmux.sock")

    def __call__(self, *arguments: str, check: bool = True) -> str:
        command = ["tmux", "-u", "-f", "/dev/null", "-S", self.socket, *arguments]
        return subprocess.run(command, check=check, capture_output=True, text=True).stdout.strip()

    def pid(self) -> int:
        return int(self("display-message", "-p", "#{pid}"))

    def show(self, target: str, text: str) -> str:
        return self("display-message", "-p", "-t", target, text)


@pytest.fixture
def tmux(tmp_path):
    tmux = Tmux(tmp_path)
    tmux("new-session", "-d", "-x", "80", "-y", "24", "-s", "keep", "cat")
    yield tmux
    tmux("kill-server", check=False)


class Watcher:
    """A tmuxpulse server in a process of its own."""

    def __init__(self, tmux: Tmux, *flags: str) -> None:
        self.runtime = tmux.directory / "run"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tmuxpulse", "serve", "-S", tmux.socket, "--port", "0", *flags],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "TMUXPULSE_RUNTIME_DIR": str(self.runtime)},
        )
        assert self.process.stdout is not None
        self.stdout = self.process.stdout
        assert "ready" in self.stdout.readline()

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(60) == 0
        self.stdout.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)
        self.stdout.close()

    def has_pipe(self, tmux: Tmux) -> bool:
        """Whether a pane's output goes into a FIFO of this run."""
        ours = f"/pipes/{self.process.pid}-"
        return any(ours in line.rpartition(" -> ")[2] for line in processes_of(tmux))

    def remains(self) -> list[str]:
        """FIFOs and directories of runs, below the runtime directory."""
        pipes = self.runtime / "pipes"
        return [str(path) for path in pipes.rglob("*")] if pipes.exists() else []


@pytest.fixture
def watcher(tmux):
    watcher = Watcher(tmux)
    yield watcher
    if watcher.process.poll() is None:
        watcher.stop()


def wait_for(condition, seconds: float = 60.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)
    return found


def processes_of(tmux: Tmux) -> list[str]:
    """Command lines of everything alive that has to do with this tmux, but the server itself."""
    found = []
    server = tmux.pid()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == server:
            continue
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            out = str((entry / "fd" / "1").readlink())
        except OSError:
            continue
        if str(tmux.directory) in line + out:
            found.append(f"{entry.name} {line} -> {out}")
    return found


def test_the_server_survives_hostile_rounds(tmux, watcher):
    pid = tmux.pid()
    for at in range(200):
        name = f"h{at}"
        tmux(
            *("new-session", "-d", "-s", name, "cat", ";"),
            *("new-window", "-d", "-t", f"{name}:", "cat", ";"),
            *("new-window", "-d", "-t", f"{name}:", "cat", ";"),
            *("split-window", "-d", "-t", f"{name}:", "cat"),
        )
        kind = at % 3
        if kind == 0:
            tmux("select-window", "-t", f"{name}:1", ";", "kill-session", "-t", name)
        elif kind == 1:
            kills = [
                word
                for window in (2, 1, 0)
                for word in ("kill-window", "-t", f"{name}:{window}", ";")
            ]
            tmux(*kills[:-1])
        else:
            rows = tmux("list-panes", "-s", "-t", name, "-F", "#{pane_pid}").split()
            for pane_pid in rows:
                os.kill(int(pane_pid), signal.SIGKILL)
        assert tmux.pid() == pid, f"round {at}"
    assert watcher.process.poll() is None


def test_what_a_user_sees_of_sessions_and_windows_is_as_without_us(tmux):
    tmux("set-option", "-g", "monitor-activity", "on")
    tmux("new-window", "-d", "-t", "keep:", "cat")
    tmux("split-window", "-d", "-t", "keep:1", "cat")
    facts = (
        "#{session_attached} #{session_attached_list} #{session_many_attached} #{window_width}x"
        "#{window_height} #{window_layout} #{window_bell_flag} #{window_active} #{pane_active}"
    )

    def listing() -> str:
        return "|".join([tmux("list-panes", "-a", "-F", facts), tmux("list-clients")])

    before = listing()
    watcher = Watcher(tmux)
    tmux.show("keep:", "#{session_attached}")
    wait_for(lambda: "0" not in tmux("list-panes", "-a", "-F", "#{pane_pipe}"))
    assert listing() == before
    # A bell in a window that is not the current one stays flagged, and so does activity.
    terminal = tmux.show("keep:1.0", "#{pane_tty}")
    with open(terminal, "w") as pane:
        pane.write("\a")
    wait_for(lambda: tmux.show("keep:1", "#{window_bell_flag}#{window_activity_flag}") == "11")
    time.sleep(1.2)  # longer than a list is old
    assert tmux.show("keep:1", "#{window_bell_flag}#{window_activity_flag}") == "11"
    watcher.stop()
    assert tmux("list-panes", "-a", "-F", "#{pane_pipe}").split() == ["0", "0", "0"]


def test_no_hook_of_attaching_fires_and_no_program_is_told_of_focus(tmux):
    log = tmux.directory / HOOK_FILE
    tmux("set-option", "-g", "focus-events", "on")
    hooks = ("client-attached", "client-detached", "client-session-changed", "session-created")
    for hook in (*hooks, "window-linked", "pane-focus-in", "pane-focus-out", "client-resized"):
        tmux("set-hook", "-g", hook, f"run-shell 'echo {hook} >>{log}'")
    tmux("respawn-pane", "-k", "-t", "keep:0", "printf '\\033[?1004h'; exec cat -v")
    # tmux itself tells a program its focus when it asks; from then on nothing may change.
    wait_for(lambda: "^[[O" in tmux("capture-pane", "-p", "-t", "keep:0"))
    watcher = Watcher(tmux)
    wait_for(lambda: tmux("list-panes", "-a", "-F", "#{pane_pipe}") == "1")
    tmux("send-keys", "-t", "keep:0", "typed by another", "Enter")
    wait_for(lambda: tmux("capture-pane", "-p", "-t", "keep:0").count("typed by another") == 2)
    watcher.stop()
    assert not log.exists()
    assert tmux("capture-pane", "-p", "-t", "keep:0").split("\n") == ["^[[Otyped by another"] * 2


def test_destroy_unattached_works_as_without_us(tmux, watcher):
    tmux("new-session", "-d", "-s", "doomed", "cat")
    # Attach a real client on a terminal of its own, then let it go.
    tmux("set-option", "-t", "doomed", "destroy-unattached", "on")
    client = subprocess.Popen(
        ["script", "-qfc", f"tmux -S {tmux.socket} attach -t doomed", "/dev/null"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TERM": "xterm"},
    )
    gone = lambda: "doomed" not in tmux("list-sessions", "-F", "#{session_name}")  # noqa: E731
    wait_for(lambda: tmux("list-clients") or gone())
    tmux("detach-client", "-s", "doomed", check=False)
    wait_for(gone)
    client.communicate(timeout=60)


def test_a_users_pipe_is_never_touched(tmux):
    own = tmux.directory / "own.txt"
    tmux("pipe-pane", "-O", "-t", "keep:0", f"cat >>{own}")
    watcher = Watcher(tmux)
    tmux("send-keys", "-t", "keep:0", "first", "Enter")
    wait_for(lambda: own.exists() and own.read_text().count("first") == 2)
    watcher.stop()
    tmux("send-keys", "-t", "keep:0", "second", "Enter")
    wait_for(lambda: own.read_text().count("second") == 2)
    assert tmux.show("keep:0", "#{pane_pipe}") == "1"


def test_a_user_who_takes_the_pipe_keeps_it(tmux, watcher):
    wait_for(lambda: tmux.show("keep:0", "#{pane_pipe}") == "1")
    own = tmux.directory / "own.txt"
    tmux("pipe-pane", "-O", "-t", "keep:0", f"cat >>{own}")  # replaces ours
    tmux("send-keys", "-t", "keep:0", "mine", "Enter")
    wait_for(lambda: own.exists() and own.read_text().count("mine") == 2)
    watcher.stop()
    tmux("send-keys", "-t", "keep:0", "still", "Enter")
    wait_for(lambda: own.read_text().count("still") == 2)


def test_nothing_is_left_after_a_clean_end(tmux, watcher):
    wait_for(lambda: watcher.has_pipe(tmux))
    watcher.stop()
    assert tmux.show("keep:0", "#{pane_pipe}") == "0"
    assert watcher.remains() == []
    wait_for(lambda: processes_of(tmux) == [])


def test_nothing_is_left_after_a_kill_and_a_new_start(tmux, watcher):
    wait_for(lambda: tmux.show("keep:0", "#{pane_pipe}") == "1")
    watcher.kill()
    again = Watcher(tmux)
    wait_for(lambda: again.has_pipe(tmux))
    again.stop()
    assert tmux.show("keep:0", "#{pane_pipe}") == "0"
    assert again.remains() == []
    wait_for(lambda: processes_of(tmux) == [])


def test_kill_server_works_while_we_watch_and_after_we_were_killed(tmux, watcher):
    pid = tmux.pid()
    tmux("kill-server")
    wait_for(lambda: not Path(f"/proc/{pid}").exists())
    tmux("new-session", "-d", "cat")
    wait_for(lambda: tmux("list-panes", "-a", "-F", "#{pane_pipe}") == "1")
    watcher.kill()
    pid = tmux.pid()
    tmux("kill-server")
    wait_for(lambda: not Path(f"/proc/{pid}").exists())


def test_a_server_whose_last_session_ends_may_end(tmux, watcher):
    wait_for(lambda: tmux.show("keep:0", "#{pane_pipe}") == "1")
    pid = tmux.pid()
    tmux("kill-session", "-t", "keep")
    wait_for(lambda: not Path(f"/proc/{pid}").exists())
