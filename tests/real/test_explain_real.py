"""`tmuxpulse explain` of real panes: by itself, and from a server, which say the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio

from tests.real.harness import WAIT_SECONDS, PrivateServer, eventually, private_server
from tmuxpulse.cli import explain
from tmuxpulse.cli.explain import look
from tmuxpulse.cli.feed import Source
from tmuxpulse.cli.main import main
from tmuxpulse.collect import first_look
from tmuxpulse.config.settings import CollectSettings, ServerTable, ServeSettings
from tmuxpulse.errors import RequestError
from tmuxpulse.serve.app import serve
from tmuxpulse.wire import Target

ASKS = "printf 'Really? [y/N] '; exec cat"


@pytest.fixture
def tmux() -> Iterator[PrivateServer]:
    with private_server() as server:
        yield server


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    # A busy machine takes its time for a first look, and for a status.
    monkeypatch.setattr(first_look, "SECONDS", WAIT_SECONDS)
    monkeypatch.setattr(explain, "SETTLE_SECONDS", WAIT_SECONDS)


async def asking(tmux: PrivateServer) -> None:
    """Wait until the question is on the screen."""

    async def asks() -> bool:
        return "[y/N]" in await tmux.run("capture-pane", "-p", "-t", "one:0")

    await eventually(asks)


def source_of(tmux: PrivateServer, folder: Path) -> Source:
    collect = CollectSettings(sockets=(tmux.tmux.socket,), engine="pipe", runtime_dir=str(folder))
    return Source(url=None, unix_socket=str(folder / "u"), collect=collect)


async def test_by_itself_and_from_a_server(tmux: PrivateServer, tmp_path: Path) -> None:
    await tmux.new_session("one", "sh", "-c", ASKS)
    await asking(tmux)
    await tmux.run("new-window", "-d", "-t", "one:", "-n", "log", "cat")
    here = source_of(tmux, tmp_path)
    alone = await look(here, Target(session="one", window=0))
    assert (alone.explanation.status, alone.explanation.rule) == ("waiting", "general.yes-no")
    with pytest.raises(RequestError):
        await look(here, Target(session="two"))

    serving = ServeSettings(
        server=ServerTable(port=0), unix_socket=here.unix_socket, state_dir=str(tmp_path)
    )
    async with trio.open_nursery() as nursery:
        start = partial(serve, serving, here.collect, announce=print, signals=False)
        await nursery.start(start)

        async def is_told() -> bool:
            found = await look(here, Target(pane=alone.pane.id))
            return found.explanation.status == "waiting"

        await eventually(is_told)
        told = await look(here, Target(session="one", window=0))
        assert told.pane.id == alone.pane.id
        assert told.explanation.rule == "general.yes-no"
        with pytest.raises(RequestError):
            await look(here, Target(session="two"))
        nursery.cancel_scope.cancel()


def test_on_the_command_line(
    tmux: PrivateServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TMUXPULSE_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("TMUXPULSE_STATE_DIR", str(tmp_path / "state"))
    trio.run(partial(tmux.new_session, "one", "sh", "-c", ASKS))
    trio.run(asking, tmux)
    where = ["-S", tmux.tmux.socket]
    assert main(["explain", "one", *where, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["explanation"]["rule"] == "general.yes-no"
    assert main(["explain", found["pane"]["id"], *where]) == 0
    out = capsys.readouterr().out
    assert "waiting" in out
    assert "Really? [y/N]" in out
    assert main(["explain", "two", *where]) == 1
    assert "no such" in capsys.readouterr().err
    pane = found["pane"]["id"]
    monkeypatch.setenv("TMUX", f"{tmux.tmux.socket},1,0")
    monkeypatch.setenv("TMUX_PANE", pane)
    assert main(["explain"]) == 0
    assert capsys.readouterr().out.startswith(pane)
    subprocess.run(
        [tmux.tmux.program, "-S", tmux.tmux.socket, "kill-server"], check=True, capture_output=True
    )
    assert main(["explain", "one", *where]) == 3
