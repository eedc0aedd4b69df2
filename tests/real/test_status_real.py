"""What panes are doing, in a real tmux: the right status at the end of each story."""

from __future__ import annotations

import os
import pty
import signal
import sys
from collections.abc import AsyncIterator, Callable
from itertools import groupby
from pathlib import Path

import psutil
import pytest
import trio

from tests.real.harness import PrivateServer, eventually, private_server
from tmuxpulse import events as ev
from tmuxpulse.collect.collector import run_collector
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.filters import EVERYTHING
from tmuxpulse.hub.hub import Hub, Source
from tmuxpulse.hub.reader import Reader
from tmuxpulse.tmux.reports import Report
from tmuxpulse.wire import PaneExplanation, PaneView

# A shell that marks its prompts and commands, as `shell-init` makes it do.
MARKS = r"""
PS1='$ '
PS0='\e]133;C\a'
PROMPT_COMMAND='printf "\e]133;D;%s\a\e]133;A\a" $?'
"""


class Live:
    """A tmux server that is watched."""

    def __init__(self, server: PrivateServer, hub: Hub) -> None:
        self.server = server
        self.hub = hub

    @property
    def source(self) -> Source:
        return next(iter(self.hub.sources.values()))

    def pane(self, pane_id: str = "%0") -> PaneView | None:
        panes = (
            pane
            for session in self.hub.snapshot().sessions
            for window in session.windows
            for pane in window.panes
        )
        return next((pane for pane in panes if pane.id == pane_id), None)

    def why(self, pane_id: str = "%0") -> PaneExplanation:
        found = self.source.explain(pane_id)
        assert found is not None
        return found

    def told(self, pane_id: str = "%0") -> list[ev.Data]:
        """What was told of a pane but its output."""
        return [
            event.numbered.event.data
            for event in self.hub.last(frozenset({EVERYTHING}), 10_000).events
            if event.numbered.event.place.pane_id == pane_id
            and event.numbered.event.type != "pane.output"
        ]

    def statuses(self, pane_id: str = "%0") -> list[str]:
        return [data.status for data in self.told(pane_id) if isinstance(data, ev.AgentStatus)]

    async def until(self, status: str, rule: str = "", pane_id: str = "%0") -> PaneView:
        """Wait until a pane has a status, and nothing else is about to be told."""

        async def settled() -> bool:
            pane = self.pane(pane_id)
            if pane is None or pane.status != status:
                return False
            why = self.why(pane_id)
            return why.pending is None and why.rule.startswith(rule)

        try:
            await eventually(settled)
        except AssertionError:
            shown = await self.server.run("capture-pane", "-p", "-t", pane_id)
            raise AssertionError(f"never {status}: {self.why(pane_id)}\n{shown}") from None
        found = self.pane(pane_id)
        assert found is not None
        return found

    async def stays(self, status: str, pane_id: str = "%0") -> None:
        """See that for two seconds nothing else is told."""
        before = self.statuses(pane_id)
        await trio.sleep(2)
        assert self.statuses(pane_id) == before, self.why(pane_id)
        await self.until(status, pane_id=pane_id)

    async def keys(self, *keys: str, pane_id: str = "%0") -> None:
        await self.server.run("send-keys", "-t", pane_id, *keys)

    async def shows(self, text: str, pane_id: str = "%0") -> None:
        async def shown() -> bool:
            return text in await self.server.run("capture-pane", "-p", "-t", pane_id)

        await eventually(shown)


@pytest.fixture
async def live(tmp_path: Path) -> AsyncIterator[Live]:
    with private_server() as server:
        hub = Hub()
        settings = CollectSettings(
            sockets=(server.tmux.socket,),
            engine="pipe",
            rules_dir=str(tmp_path / "rules"),
            runtime_dir=str(tmp_path),
        )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(hub.run)
            await nursery.start(run_collector, hub, settings)
            yield Live(server, hub)
            nursery.cancel_scope.cancel()


@pytest.fixture
def agent(tmp_path: Path) -> str:
    """The actor under an agent's name; tmux sees an interpreter."""
    path = tmp_path / "claude"
    text = Path(__file__).with_name("actor.py").read_text()
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return str(path)


async def start_agent(live: Live, agent: str) -> None:
    await live.server.new_session("one", agent)
    pane = await live.until("ready", "claude.")
    assert pane.agent_type == "claude"
    assert pane.command != "claude"


async def start_bash(live: Live, tmp_path: Path, *, marks: bool) -> None:
    rc = tmp_path / "rc"
    rc.write_text(MARKS if marks else "PS1='$ '\n")
    await live.server.new_session("one", "bash", "--noprofile", "--rcfile", str(rc), "-i")
    await live.until("ready")
    if marks:  # the first prompt was there before its marks could be heard
        await live.keys("true", "Enter")
        await live.until("ready", "control.prompt")


async def test_escape_during_work(live: Live, agent: str) -> None:
    await start_agent(live, agent)
    await live.keys("w")
    pane = await live.until("busy", "claude.")
    assert live.source.report("%0", Report(status="busy", source="claude-code"))
    await live.stays("busy")
    await live.keys("Escape")  # which no hook tells of
    pane = await live.until("ready", "claude.")
    assert pane.agent_type == "claude"
    await live.stays("ready")


async def test_a_permission_that_is_granted_without_a_hook(live: Live, agent: str) -> None:
    await start_agent(live, agent)
    await live.keys("p")
    await live.shows("Do you want to proceed?")
    live.source.report("%0", Report(status="waiting", reason="wants Bash", source="claude-code"))
    pane = await live.until("waiting", "report.")
    assert pane.reason == "wants Bash"
    await live.keys("1")
    await live.until("busy", "claude.")
    await live.stays("busy")
    await live.keys("d")
    await live.until("ready", "claude.")


async def test_work_in_the_background_of_a_prompt(live: Live, tmp_path: Path) -> None:
    await start_bash(live, tmp_path, marks=True)
    await live.keys("sleep 1000 &", "Enter")
    await live.shows("[1] ")
    await live.keys("(while :; do :; done) &", "Enter")
    await live.until("busy", "process.background")
    await live.stays("busy")
    await live.keys("kill %2", "Enter")
    await live.until("ready", "control.prompt")
    await live.stays("ready")
    await live.keys("kill %1", "Enter")


@pytest.mark.parametrize("shell", [True, False])
async def test_a_storm_of_sizes(live: Live, agent: str, tmp_path: Path, *, shell: bool) -> None:
    if shell:
        await start_bash(live, tmp_path, marks=False)
    else:
        await start_agent(live, agent)
    before = live.statuses()
    for step in range(30):
        await live.server.run("resize-window", "-t", "one", "-x", str(60 + step * 2), "-y", "20")
        await trio.sleep(0.03)
    await live.stays("ready")
    assert live.statuses() == before


async def test_a_session_that_is_attached_again(live: Live, agent: str) -> None:
    await start_agent(live, agent)
    before = live.statuses()
    for columns in (100, 70, 120):
        await attach_for_a_while(live, columns)
    await live.stays("ready")
    assert live.statuses() == before
    kinds = {type(event.numbered.event.data) for event in live.hub.ring.newest_first()}
    assert {ev.SessionAttached, ev.SessionDetached, ev.PaneResized} <= kinds


async def attach_for_a_while(live: Live, columns: int) -> None:
    """Attach a real client of some width through a terminal of its own, and end it."""
    ours, theirs = pty.openpty()
    try:
        import fcntl
        import struct
        import termios

        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        environ = {key: value for key, value in os.environ.items() if not key.startswith("TMUX")}
        process = await trio.lowlevel.open_process(
            [live.server.tmux.program, "-S", live.server.tmux.socket, "attach", "-t", "one"],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environ | {"TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(theirs)
        os.set_blocking(ours, False)
        try:
            await width_is(live, columns)
            drain(ours)
            await trio.sleep(0.3)  # as a person would look at it
            drain(ours)
        finally:
            process.terminate()
            await process.wait()
    finally:
        os.close(ours)

    async def alone() -> bool:
        return live.hub.snapshot().sessions[0].attached == 0

    await eventually(alone)


def drain(fd: int) -> None:
    try:
        while os.read(fd, 65536):
            pass
    except BlockingIOError:
        pass


async def width_is(live: Live, columns: int) -> None:
    async def known() -> bool:
        pane = live.pane()
        return pane is not None and pane.width == columns

    await eventually(known)


@pytest.mark.parametrize("marks", [True, False])
async def test_an_agent_that_is_killed(
    live: Live, agent: str, tmp_path: Path, *, marks: bool
) -> None:
    await start_bash(live, tmp_path, marks=marks)
    await live.keys(agent, "Enter")
    await live.until("ready", "claude.")
    await live.keys("w")
    await live.until("busy", "claude.")
    live.source.report("%0", Report(status="busy", source="claude-code"))
    kill(live, lambda process: any("claude" in word for word in process.cmdline()))

    async def is_gone() -> bool:  # which may be seen after the shell has told of the end
        now = live.pane()
        return now is not None and now.agent_type is None

    await eventually(is_gone)
    # Without marks only its screen is left, with a prompt in the middle.
    pane = await live.until("error" if marks else "ready")
    assert pane.agent_type is None
    if marks:
        assert live.why().rule == "control.command-failed"
        assert "killed" in pane.reason
    await live.stays(pane.status)
    await live.keys("true", "Enter")
    await live.until("ready")


def kill(live: Live, holds: Callable[[psutil.Process], bool]) -> None:
    pane = live.pane()
    assert pane is not None
    for process in psutil.Process(pane.pid).children(recursive=True):
        if holds(process):
            process.send_signal(signal.SIGKILL)


async def test_an_agent_that_is_killed_in_a_pane_that_stays(live: Live, agent: str) -> None:
    await start_agent(live, agent)
    await live.server.run("set", "-g", "remain-on-exit", "on")
    pane = live.pane()
    assert pane is not None
    os.kill(pane.pid, signal.SIGKILL)
    pane = await live.until("error", "exit.failed")
    assert pane.dead
    await live.server.run("respawn-pane", "-t", "%0")
    await live.until("ready", "claude.")


async def test_commands_of_a_shell_with_marks(live: Live, tmp_path: Path) -> None:
    await start_bash(live, tmp_path, marks=True)
    await live.keys("cat", "Enter")
    await live.until("busy")
    seen = trio.current_time()
    await trio.sleep(0.2)
    lasted = trio.current_time() - seen
    await live.keys("C-d")
    await live.until("ready", "control.prompt")
    await live.keys("(exit 3)", "Enter")
    pane = await live.until("error", "control.command-failed")
    assert "exit status 3" in pane.reason
    await live.stays("error")
    await live.keys("true", "Enter")
    await live.until("ready", "control.prompt")
    told = live.told()
    ended = [data for data in told if isinstance(data, ev.CommandFinished)]
    assert [data.exit_status for data in ended if data.duration_s is not None] == [0, 0, 3, 0]
    assert ended[-3].duration_s is not None
    assert ended[-3].duration_s >= lasted
    kinds = [data.type for data in told if data.type.startswith("command.")]
    first = kinds.index("command.started")
    assert kinds[first:] == ["command.started", "command.finished"] * 4
    # What took long on a busy machine was told as busy, too.
    others = [status for status, _ in groupby(one for one in live.statuses() if one != "busy")]
    assert others == ["ready", "error", "ready"]


async def test_a_failed_build_without_marks(live: Live, tmp_path: Path) -> None:
    await start_bash(live, tmp_path, marks=False)
    build = tmp_path / "build.sh"
    build.write_text("echo cc a.c; echo 'make: *** [Makefile:2: all] Error 1'; exit 2")
    await live.keys(f"sh {build}", "Enter")
    await live.until("error")
    assert [data.type for data in live.told() if data.type == "pane.error"] == ["pane.error"]
    await live.keys("clear", "Enter")
    await live.until("ready")


async def test_a_report_that_goes_stale(live: Live, tmp_path: Path) -> None:
    await start_bash(live, tmp_path, marks=False)
    live.source.report("%0", Report(status="busy", reason="deploys", source="emit"))
    pane = await live.until("busy", "report.emit")
    assert pane.reason == "deploys"
    await live.keys("cat; echo done", "Enter")

    async def runs() -> bool:
        now = live.pane()
        return now is not None and now.command == "cat"

    await eventually(runs)
    await live.keys("C-d")
    await live.until("ready")
    await live.stays("ready")
    lost = [one for one in live.why().opinions if one.layer == "report"]
    assert len(lost) == 1
    assert lost[0].outcome.startswith("lost")


async def test_a_question_is_answered(live: Live, tmp_path: Path) -> None:
    await start_bash(live, tmp_path, marks=False)
    await live.keys("read -p 'Overwrite a? [y/N] '", "Enter")
    pane = await live.until("waiting")
    assert pane.status_since
    assert live.why().evidence.startswith("Overwrite a?")
    await live.keys("y", "Enter")
    await live.until("ready")


async def test_a_rule_of_the_users(live: Live, tmp_path: Path) -> None:
    """Read when watching begins, so it is watched anew."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "deploy.toml").write_text(
        'version = 1\nfamily = "deploy"\n[[rule]]\nname = "asks"\nstate = "waiting"\n'
        'reason = "asks whether to deploy"\nregion = "cursor"\nany = [\'^Really deploy\\?\']\n'
        "priority = 95\n"
    )
    (rules / "wrong.toml").write_text("version = 1\nfamily = 7\n")
    hub = Hub()
    settings = CollectSettings(
        sockets=(live.server.tmux.socket,),
        engine="poll",
        rules_dir=str(rules),
        runtime_dir=str(tmp_path),
    )
    await live.server.new_session("one", "printf 'Really deploy? '; exec cat")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hub.run)
        await nursery.start(run_collector, hub, settings)
        other = Live(live.server, hub)
        pane = await other.until("waiting", "deploy.asks")
        assert pane.reason == "asks whether to deploy"
        nursery.cancel_scope.cancel()


async def test_what_processes_use(live: Live) -> None:
    await live.server.new_session("one", "while :; do :; done")
    with live.hub.reader() as reader:
        live.hub.move(reader, frozenset({EVERYTHING}))
        async with trio.open_nursery() as nursery:

            async def used() -> bool:
                found = [
                    event.numbered.event.data
                    for event in live.hub.ring.newest_first()
                    if isinstance(event.numbered.event.data, ev.SystemStats)
                ]
                return bool(found) and found[0].panes[0].cpu_percent > 5

            nursery.start_soon(drop, reader)
            await eventually(used)
            nursery.cancel_scope.cancel()


async def drop(reader: Reader) -> None:
    while True:
        await reader.receive()


async def test_at_rest_nobody_is_asked(live: Live, tmp_path: Path) -> None:
    """No screen is captured and no process looked at while nothing happens."""
    await start_bash(live, tmp_path, marks=False)

    async def is_at_rest() -> bool:
        seq, before = live.hub.seq, live.why().known
        await trio.sleep(2)
        after = live.why().known
        return (live.hub.seq, len(after)) == (seq, len(before)) and all(
            other.age_s > one.age_s + 1 for one, other in zip(before, after, strict=True)
        )

    await eventually(is_at_rest)
