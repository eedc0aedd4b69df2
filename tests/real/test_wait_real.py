"""`wait` and `send` with a real tmux, with a server and without."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.real.served import DEADLINE_SECONDS, Served, place


@pytest.fixture
def served() -> Iterator[Served]:
    with place() as one:
        one.tmux("new-session", "-d", "-s", "build", "-n", "w", "-x", "80", "-y", "24", "exec cat")
        yield one


def waiting(served: Served, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*(sys.executable, "-m", "tmuxpulse", "wait", "--json", "--timeout", "30"), *arguments],
        env=served.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, dict[str, Any]]:
    out, err = process.communicate(timeout=2 * DEADLINE_SECONDS)
    assert out, err
    return process.returncode, json.loads(out)


@pytest.mark.parametrize("has_server", [True, False])
def test_panes_come_print_and_go(served: Served, has_server: bool) -> None:
    if has_server:
        served.serve()
    where = ("-S", str(served.folder / "s"))
    code, found = ended(waiting(served, *where, "--pane", "w", "command == cat and not gone"))
    assert (code, found["panes"][0]["by"]) == (0, "state")

    process = waiting(served, *where, "--pane", "late", "--missing-ok", "output ~ /^word \\d$/")
    served.tmux("new-session", "-d", "-s", "late", "while :; do echo word 7; sleep 0.2; done")
    code, found = ended(process)
    assert (code, found["held"]) == (0, True)
    assert found["panes"][0]["session"] == "late"
    assert found["panes"][0]["text"] == "word 7"

    process = waiting(served, *where, "--pane", "late", "--pane", "build", "--any", "gone")
    served.tmux("kill-session", "-t", "late")
    code, found = ended(process)
    assert code == 0
    assert [one["target"] for one in found["panes"]] == ["late"]

    code, found = ended(waiting(served, *where, "--pane", "late", "status == ready"))
    assert (code, found["held"]) == (3, False)
    code, found = ended(
        waiting(served, *where, "--timeout", "0.2", "--pane", "build", "command == no")
    )
    assert (code, found["panes"][0]["command"]) == (5, "cat")


def test_what_is_sent_is_what_is_waited_for(served: Served) -> None:
    served.serve("--write", "local")
    process = waiting(served, "--pane", "build", "output ~ /^done with '\\$x'$/ and idle 300ms")
    # What is printed before the wait begins does not count: say it until it is heard.
    for _ in range(100):
        served.run("send", "build", "done with '$x'", "--enter")
        try:
            process.wait(1.0)
            break
        except subprocess.TimeoutExpired:
            continue
    code, found = ended(process)
    assert (code, found["held"]) == (0, True)


def test_send_needs_what_the_server_allows(served: Served) -> None:
    served.serve()
    done = served.run("send", "build", "rm -rf x", "--enter", check=False)
    assert done.returncode == 4
    assert "commands are off" in done.stderr
    assert "rm" not in served.tmux("capture-pane", "-p", "-t", "build")


def test_send_over_an_address_by_what_the_token_grants(served: Served) -> None:
    served.serve("--write", "local")
    for name, scope in (("reader", "output"), ("writer", "write")):
        file = str(served.folder / name)
        served.token(name, "--scope", "read", "--scope", scope, "--file", file)
    where = ("--url", served.url, "--token-file")
    arguments = ("send", "w", "typed", "--enter", *where)
    refused = served.run(*arguments, str(served.folder / "reader"), check=False)
    assert refused.returncode == 4
    assert "token" in refused.stderr
    done = served.run(*arguments, str(served.folder / "writer"), "--json")
    assert json.loads(done.stdout)["results"][0]["ok"] is True
    served.until(lambda: "typed" in served.tmux("capture-pane", "-p", "-t", "build"))
