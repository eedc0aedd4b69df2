"""Programs tell a real server what they do, from panes of a real tmux."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.served import Client, Served, place
from tmuxpulse.agent_hooks.program import claude_code_command, codex_command
from tmuxpulse.cli.shell_init import snippet

# A hook gives up within a second, whatever the machine does; here it is to be heard.
PATIENT = (
    "import sys; from tmuxpulse.cli import emit, main;"
    " emit.HOOK_SECONDS = emit.HOOK_ASK_SECONDS = 60.0; sys.exit(main.main())"
)
PROGRAM = [sys.executable, "-c", PATIENT]


@pytest.fixture
def served() -> Iterator[Served]:
    with place() as found:
        yield found


def pane_env(served: Served, *command: str) -> str:
    """A shell line that runs a command as a program of the tests' own tmuxpulse."""
    keep = {key: served.env[key] for key in ("TMUXPULSE_RUNTIME_DIR", "XDG_CONFIG_HOME")}
    return shlex.join(["env", *(f"{key}={value}" for key, value in keep.items()), *command])


def split(served: Served, client: Client, line: str) -> str:
    """Run a shell line in a new pane once the server knows that pane; give its id."""
    go = served.folder / "go"
    go.unlink(missing_ok=True)
    wait = f"until [ -e {go} ]; do sleep 0.1; done"
    made = ("split-window", "-d", "-P", "-F", "#{pane_id}", "-t", "a")
    pane = served.tmux(*made, f"{wait}; {line}")
    served.until(lambda: client.ask(action="snapshot", target={"pane": pane})["type"] != "error")
    go.touch()
    return pane


def test_hooks_that_run_in_a_pane_set_its_status(served: Served) -> None:
    served.tmux("new-session", "-d", "-s", "a", "-x", "80", "-y", "24", "cat")
    token = served.token("t", "--scope", "read")
    served.serve()
    with served.client(token) as client:
        client.say(action="subscribe", id=1, filters={"types": ["agent.status"]})
        client.until(lambda one: one.get("id") == 1)
        hook = pane_env(served, "sh", "-c", claude_code_command(PROGRAM))
        said = {"hook_event_name": "PermissionRequest", "tool_name": "Bash", "tool_input": "SECRET"}
        (served.folder / "said").write_text(json.dumps(said))
        pane = split(served, client, f"{hook} < {served.folder}/said; cat")
        event = client.until(lambda one: one.get("data", {}).get("status") == "waiting")
        assert (event["pane_id"], event["data"]["agent_type"]) == (pane, "claude")
        assert event["data"]["reason"] == "wants a permission for Bash"
        assert "SECRET" not in json.dumps(event)
        notify = codex_command(PROGRAM)
        finished = '{"type":"agent-turn-complete"}'
        ends = pane_env(served, *notify, finished)
        split(served, client, f"{ends}; cat")
        event = client.until(lambda one: one.get("data", {}).get("agent_type") == "codex")
        assert event["data"]["status"] == "ready"


def test_an_event_of_ones_own_and_a_refusal(served: Served) -> None:
    served.tmux("new-session", "-d", "-s", "a", "-x", "80", "-y", "24", "cat")
    token = served.token("t", "--scope", "read")
    file = served.folder / "token"
    served.token("e", "--scope", "emit", "--scope", "read", "--file", str(file))
    served.serve()
    with served.client(token) as client:
        client.say(action="subscribe", id=1, filters={"types": ["custom.*"]})
        client.until(lambda one: one.get("id") == 1)
        done = served.run("emit", "custom.deploy", "--data", "to=x", "--pane", "a:0.0", "--json")
        assert json.loads(done.stdout)["type"] == "emit.accepted"
        event = client.until(lambda one: one.get("type") == "custom.deploy")
        assert (event["session"], event["pane"], event["data"]) == ("a", 0, {"to": "x"})
        where = ("--url", served.url, "--token-file", str(file))
        served.run("emit", "custom.far", *where, "--nowhere")
        event = client.until(lambda one: one.get("type") == "custom.far")
        assert "session" not in event
        refused = served.run("emit", "custom.x", "--session", "nobody", check=False)
        assert refused.returncode == 1
        assert refused.stderr == "tmuxpulse: no such session, window or pane\n"


def test_commands_of_a_shell_with_our_marks_are_told_exactly(
    served: Served, tmp_path: Path
) -> None:
    rc = tmp_path / "rc"
    rc.write_text("PS1='$ '\n" + snippet("bash"))
    served.tmux(
        *("new-session", "-d", "-s", "a", "-x", "80", "-y", "24"),
        f"bash --noprofile --rcfile {rc}",
    )
    token = served.token("t", "--scope", "read", "--scope", "output")
    served.serve()
    with served.client(token) as client:
        client.say(action="subscribe", id=1, filters={"types": ["command.*"]})
        client.until(lambda one: one.get("id") == 1)
        served.tmux("send-keys", "-t", "a", "-l", "sh -c 'exit 3'")
        served.tmux("send-keys", "-t", "a", "Enter")
        started = client.until(lambda one: one.get("type") == "command.started")
        finished = client.until(lambda one: one.get("type") == "command.finished")
        assert started["data"]["command_line"] == "sh -c 'exit 3'"
        assert finished["data"]["exit_status"] == 3
