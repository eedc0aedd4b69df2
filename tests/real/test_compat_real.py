"""The place of an orchestrator's tmux helpers: with a server and without, tmux itself agrees."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.imports import imported
from tests.real.served import DEADLINE_SECONDS, Served, place
from tmuxpulse.compat import live, tmux_core
from tmuxpulse.compat.live import LIVE
from tmuxpulse.compat.tmux_core import SessionInfo, TmuxCommand, WindowInfo
from tmuxpulse.compat.world import name_of

Forks = list[list[str]]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A tmux with much in it, which is this program's own."""
    with place() as found:
        for name in ("TMUXPULSE_RUNTIME_DIR", "TMUX_TMPDIR"):
            monkeypatch.setenv(name, found.env[name])
        monkeypatch.setenv("TMUX", f"{found.folder / 's'},1,0")
        for name in ("ANSWER_SECONDS", "OPEN_SECONDS"):  # a busy machine is no server that hangs
            monkeypatch.setattr(live, name, DEADLINE_SECONDS)
        _forget()
        yield found
        _forget()


def _forget() -> None:
    LIVE.close()
    LIVE._begin()


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> Forks:
    """The commands that were run in this process."""
    found: Forks = []
    run = subprocess.Popen.__init__

    def noted(self: Any, args: Any, *rest: Any, **more: Any) -> None:
        found.append(list(args))
        run(self, args, *rest, **more)

    monkeypatch.setattr(subprocess.Popen, "__init__", noted)
    return found


def furnish(served: Served) -> None:
    tmux = served.tmux
    size = ("-x", "100", "-y", "30")
    tmux("new-session", "-d", "-s", "zeta", "-n", "Claude-Agent", *size, "exec cat")
    tmux("new-window", "-d", "-t", "zeta:5", "-n", "a|b: c'd", "printf 'one\\ntwo ü\\n'; exec cat")
    tmux("split-window", "-d", "-t", "zeta:5", "seq 300; exec cat")
    tmux("new-session", "-d", "-s", "alpha beta", "-x", "80", "-y", "24", "exec cat")
    tmux("new-session", "-d", "-s", "grouped", "-t", "zeta")
    tmux("link-window", "-d", "-s", "zeta:5", "-t", "alpha beta:9")
    tmux("rename-session", "-t", "alpha beta", "ÄÖ x")
    # Until the shells have gone: what runs would change later.
    commands = ("list-panes", "-a", "-F", "#{pane_current_command}")
    until(lambda: set(tmux(*commands).split()) == {"cat"}, served)


def as_tmux_says(served: Served) -> dict[str, Any]:
    """What the known helpers would have asked for, by another way of asking."""
    sessions = {}
    for line in served.tmux(
        "list-sessions", "-F",
        "#{session_windows}\t#{session_created}\t#{session_attached}\t#{session_name}",
    ).splitlines():  # fmt: skip
        count, created, attached, name = line.split("\t")
        sessions[name] = SessionInfo(name, int(count), created, attached != "0")
    windows: dict[str, list[WindowInfo]] = {}
    for line in served.tmux(
        "list-windows", "-a", "-F",
        "#{window_index}\t#{window_active}\t#{window_panes}\t#{window_layout}"
        "\t#{pane_current_command}\t#{session_name}\t#{window_name}",
    ).splitlines():  # fmt: skip
        index, active, panes, layout, command, session, name = line.split("\t")
        windows.setdefault(session, []).append(
            WindowInfo(session, int(index), name, active == "1", int(panes), layout, command)
        )
    return {"sessions": sessions, "windows": windows}


def until(holds: Callable[[], Any], served: Served) -> None:
    served.until(holds)


def test_with_a_server_and_without_it_is_what_tmux_says(served: Served, forks: Forks) -> None:
    furnish(served)
    commands = TmuxCommand()
    until(lambda: commands.batch_get_all_sessions_and_windows() == as_tmux_says(served), served)
    forks.clear()
    alone = commands.batch_get_all_sessions_and_windows()
    panes = commands.get_panes()
    status = commands.get_json_status()
    assert len(forks) == 3  # one for each question
    served.serve()
    LIVE._quiet_until = 0.0
    until(lambda: commands.batch_get_all_sessions_and_windows() == as_tmux_says(served), served)
    until(lambda: commands.get_panes() == panes, served)
    forks.clear()
    assert commands.batch_get_all_sessions_and_windows() == alone
    assert list(alone["sessions"]) == ["grouped", "zeta", "ÄÖ x"]  # as tmux sorts them
    assert commands.get_json_status() == status
    assert tmux_core.get_json_status() == status
    assert commands.get_panes("zeta", 5) == [
        one for one in panes if one.window == 5 and one.session == "zeta"
    ]
    assert [one.name for one in commands.get_sessions()] == list(alone["sessions"])
    assert commands.get_windows("zeta") == alone["windows"]["zeta"]
    assert commands.has_session("zeta")
    assert not commands.has_session("zet")
    assert forks == []
    agents = {one["name"]: one["agents"] for one in json.loads(status)["sessions"]}
    assert agents["zeta"] == []


def test_screens_are_what_tmux_prints(served: Served, forks: Forks) -> None:
    furnish(served)
    pane = served.tmux("list-panes", "-t", "zeta:5.1", "-F", "#{pane_id}").split()[-1]
    until(lambda: "300" in served.tmux("capture-pane", "-p", "-t", "zeta:5.1"), served)
    until(lambda: "two ü" in served.tmux("capture-pane", "-p", "-t", "zeta:5.0"), served)
    targets: list[Any] = [
        ("zeta", 5), ("zeta", 5, 1), pane, ("nobody", 0), ("zeta", 77), "=zeta:5", "zet:5.1",
        "it's:\n", "", "ÄÖ x:9.0",
    ]  # fmt: skip
    names = [name_of(one) for one in targets]

    def raw(name: str, lines: int) -> str:
        done = subprocess.run(
            [
                *("tmux", "-u", "-S", str(served.folder / "s")),
                *("capture-pane", "-p", "-t", name, "-S", f"-{lines}"),
            ],
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        return done.stdout if done.returncode == 0 and name else ""

    for lines in (0, 7, 50, 20_000):
        expected = {name: raw(name, lines) for name in names}
        assert [name for name, text in expected.items() if not text] == [
            "nobody:0", "zeta:77", "it's:\n", "",
        ]  # fmt: skip
        forks.clear()
        assert tmux_core.batch_capture_panes(targets, lines) == expected
        assert len(forks) == 1
    served.serve()
    LIVE._quiet_until = 0.0
    known = targets[:3] + targets[-1:]
    until(lambda: len(LIVE.screens([name_of(one) for one in known], 0)) == 4, served)
    for lines in (0, 7, 50):
        forks.clear()
        shown = tmux_core.batch_capture_panes(known, lines)
        assert forks == []
        assert shown == {name_of(one): raw(name_of(one), lines) for one in known}
        assert tmux_core.batch_capture_panes(targets, lines) == {
            name: raw(name, lines) for name in names
        }
        assert len(forks) == 1 + len(known) + len(names)  # ours, and those of `raw`
    forks.clear()
    done = TmuxCommand.execute_command(["tmux", "capture-pane", "-t", "zeta:5", "-p", "-S", "-5"])
    assert (done.returncode, forks) == (0, [])
    assert done.stdout == raw("zeta:5", 5)
    many = [("zeta", 5, at % 2) for at in range(3)] * 50
    assert len(tmux_core.batch_capture_panes(many, 3)) == 2


def test_what_the_host_changes_itself_is_seen_at_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SETTLE_SECONDS", DEADLINE_SECONDS)
    furnish(served)
    served.serve()
    commands = TmuxCommand()
    until(lambda: LIVE.world() is not None, served)
    for at in range(20, 25):
        commands.execute_command(["tmux", "new-window", "-d", "-t", f"zeta:{at}", "cat"])
        assert at in [one.index for one in commands.get_windows("zeta")]
    assert commands.send_keys(("zeta", 20), "hello ü; $x", literal=True, enter=True)
    until(lambda: "hello ü; $x" in commands.capture_pane(("zeta", 20), 0), served)
    assert not commands.send_keys("nobody:1", "x")
    with pytest.raises(tmux_core.TmuxCommandError, match="can't find"):
        commands.execute_command(["tmux", "kill-session", "-t", "nobody"])


def test_without_a_tmux_server_there_is_nothing(served: Served) -> None:
    nothing: dict[str, Any] = {"sessions": {}, "windows": {}}
    assert tmux_core.batch_get_all_sessions_and_windows() == nothing
    assert tmux_core.batch_capture_panes([("a", 0)]) == {"a:0": ""}
    assert json.loads(tmux_core.get_json_status()) == {"sessions": []}
    served.serve()
    LIVE._quiet_until = 0.0
    assert tmux_core.batch_get_all_sessions_and_windows() == nothing


def test_without_tmux_that_is_said(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(served.folder))
        patched.delenv("TMUXPULSE_TMUX", raising=False)
        for ask in (
            tmux_core.get_json_status,
            lambda: tmux_core.batch_capture_panes(["a:0"]),
            lambda: TmuxCommand().send_keys("a:0", "x"),
        ):
            with pytest.raises(tmux_core.TmuxCommandError, match="no"):
                ask()


def test_a_server_that_ends_comes_back_or_hangs_changes_no_answer(
    served: Served, forks: Forks, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(served)
    monkeypatch.setattr(live, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(live, "HUNG_SECONDS", 0.0)
    served.serve()
    until(lambda: LIVE.world() is not None, served)
    expected = tmux_core.get_json_status()
    served.stop()
    assert tmux_core.get_json_status() == expected
    served._server = None
    served.serve()
    until(lambda: LIVE.world() is not None, served)
    forks.clear()
    assert tmux_core.get_json_status() == expected
    assert forks == []
    assert LIVE._monitor is not None
    LIVE._monitor._timeout = 0.5
    monkeypatch.setattr(live, "OPEN_SECONDS", 0.5)
    os.kill(served.pid, signal.SIGSTOP)
    try:
        assert tmux_core.get_json_status() == expected  # asked over the open connection
        assert tmux_core.get_json_status() == expected  # and over a new one
        assert tmux_core.batch_capture_panes([("zeta", 0)])["zeta:0"]
    finally:
        os.kill(served.pid, signal.SIGCONT)
    assert len(forks) == 3


def test_switched_off_it_asks_tmux(served: Served, forks: Forks) -> None:
    furnish(served)
    file = served.folder / "config.toml"
    file.write_text("[features]\ncompat = false\n")
    file.chmod(0o600)
    served.serve("--config", str(file))
    forks.clear()
    assert LIVE.world() is None
    assert tmux_core.get_json_status()
    assert len(forks) == 1


def test_any_thread_may_ask(served: Served) -> None:
    furnish(served)
    served.serve()
    until(lambda: LIVE.world() is not None, served)
    expected = tmux_core.get_json_status()
    shown = tmux_core.batch_capture_panes([("zeta", 0)])
    wrong: list[Any] = []

    def ask() -> None:
        for _ in range(8):
            if tmux_core.get_json_status() != expected:
                wrong.append("status")
            if tmux_core.batch_capture_panes([("zeta", 0)]) != shown:
                wrong.append("screen")

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE_SECONDS)
    assert wrong == []


def test_a_forked_child_and_an_event_loop_may_ask(served: Served) -> None:
    furnish(served)
    served.serve()
    script = """
import asyncio, os, subprocess
from tmuxpulse.compat import live, tmux_core
from tmuxpulse.compat.live import LIVE
live.ANSWER_SECONDS = live.OPEN_SECONDS = 60.0  # a busy machine is no server that hangs
first = tmux_core.get_json_status()
def none(*_, **__): raise AssertionError("forked")
subprocess.Popen.__init__ = none
if os.fork() == 0:
    os._exit(0 if tmux_core.get_json_status() == first else 1)
assert os.wait()[1] == 0
async def main(): return tmux_core.get_json_status()
assert asyncio.run(main()) == first
assert LIVE._monitor is not None
"""
    until(lambda: LIVE.world() is not None, served)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={
            **served.env,
            "TMUX": os.environ["TMUX"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_it_imports_neither_the_server_nor_an_event_loop() -> None:
    loaded = imported(
        "import tmuxpulse, tmuxpulse.hooks, tmuxpulse.compat.tmux_core; tmuxpulse.connect"
    )
    assert {name.partition(".")[0] for name in loaded} & {
        "trio", "libtmux", "asyncio", "psutil", "urwid", "trio_websocket", "sqlite3",
    } == set()  # fmt: skip
    rooms = {name.split(".")[1] for name in loaded if name.startswith("tmuxpulse.")}
    assert rooms & {"serve", "hub", "history", "cli", "status", "redaction", "recording"} == set()
