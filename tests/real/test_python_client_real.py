"""The three faces of the Python client, a real server and a real tmux: everything one can ask."""

from __future__ import annotations

import time
from typing import Any

import pytest

import tmuxpulse
from tests.client.test_faces import FACES, run
from tests.real.served import DEADLINE_SECONDS, place
from tmuxpulse.errors import RequestError, ServerRefused
from tmuxpulse.events import AgentStatus, Custom, PaneOutput, SessionRenamed

SCOPES = [f"--scope={scope}" for scope in ("read", "output", "write", "emit")]


def rest() -> None:
    """Between two looks: a connection may ask a hundred times a second, and no more often."""
    time.sleep(0.02)


@pytest.mark.parametrize("face", FACES)
def test_everything_one_can_ask(face: str) -> None:
    with place() as served:
        served.tmux("new-session", "-d", "-s", "api", "-x", "80", "-y", "24", "sh")
        writer = served.token("writer", *SCOPES)
        reader = served.token("reader", "--scope", "read")
        served.serve("--write", "local")

        async def scene(monitor: Any) -> None:
            [session] = (await monitor.snapshot()).sessions
            pane = session.windows[0].panes[0].id
            await monitor.command("send-text", pane=pane, text="echo one$((1))two", enter=True)
            while True:
                [session] = (await monitor.snapshot(session="api", pane=pane)).sessions
                if "one1two" in session.windows[0].panes[0].screen:
                    break
                rest()
            batch = [{"command": "rename", "session": "api", "name": "web"}]
            assert [outcome.ok for outcome in await monitor.batch(batch, key="k")] == [True]
            assert [outcome.ok for outcome in await monitor.batch(batch, key="k")] == [True]
            with pytest.raises(RequestError) as refused:
                await monitor.snapshot(session="nobody")
            assert refused.value.code == "NOT_FOUND"
            assert (await monitor.explain(pane=pane)).pane.id == pane
            while (await monitor.snapshot()).sessions[0].name != "web":
                rest()  # tmux has done it; the server is about to hear of it
            await monitor.emit("custom.deploy", {"version": 3}, session="web")
            report = {"status": "waiting", "reason": "asks", "agent_type": "mine"}
            await monitor.emit("agent.status", report, session="web", pane=pane)
            deadline = time.monotonic() + DEADLINE_SECONDS
            found: list[tmuxpulse.Event] = []
            wanted = ["session.renamed", "custom.*", "agent.status"]
            while not any(one.type == "agent.status" for one in found):
                assert time.monotonic() < deadline
                rest()
                found = [event async for event in monitor.history(types=wanted)]
            for event in found:
                match event.data:
                    case SessionRenamed(name=name):
                        assert (name, event.session) == ("web", "web")
                    case Custom(name=name, data=data):
                        assert (name, data) == ("custom.deploy", {"version": 3})
                    case AgentStatus(agent_type=agent):
                        assert agent in ("mine", None)
            assert {event.type for event in found} >= {"session.renamed", "custom.deploy"}

        run(face, served.url, scene, token=writer)

        async def forbidden(monitor: Any) -> None:
            with pytest.raises(ServerRefused, match="write"):
                await monitor.command("interrupt", session="web")

        run(face, served.url, forbidden, token=reader)
        with pytest.raises(ServerRefused, match="token create"):
            run(face, served.url, forbidden, token="tp_" + "x" * 40)


def test_the_example_of_the_docs(monkeypatch: pytest.MonkeyPatch) -> None:
    with place() as served:
        served.tmux("new-session", "-d", "-s", "api", "-x", "80", "-y", "24", "cat")
        served.serve("--write", "local")
        monkeypatch.setenv("TMUXPULSE_RUNTIME_DIR", served.env["TMUXPULSE_RUNTIME_DIR"])
        with tmuxpulse.connect() as monitor:
            events = monitor.events(types=["pane.output"], snapshot=True)
            assert events.state is not None
            assert events.state.sessions[0].name == "api"
            monitor.command("send-text", session="api", text="hello", enter=True)
            for event in events:
                assert isinstance(event.data, PaneOutput)
                if "hello" in (*event.data.lines, event.data.partial):
                    break
            again = monitor.events(types="pane.output")
            monitor.command("send-text", session="api", text="goodbye", enter=True)
            assert again.next(timeout=DEADLINE_SECONDS).session == "api"
