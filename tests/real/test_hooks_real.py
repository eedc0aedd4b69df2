"""Host programs whose calls are told of; the server runs, hangs, dies or is not there."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.imports import imported
from tests.real.served import DEADLINE_SECONDS, Client, Served, place

HOST = """
import os, sys, json, time
from tmuxpulse.hooks import emits, flush, counts, teller

@emits("work.done", arguments=["n"])
def work(n, secret="SECRET"):
    return n
"""


@pytest.fixture
def served() -> Iterator[Served]:
    with place() as found:
        found.tmux("new-session", "-d", "-s", "a", "-x", "80", "-y", "24", "cat")
        yield found


def host(served: Served, script: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a host program to its end; whatever happens, it says nothing and ends well."""
    done = subprocess.run(
        [sys.executable, "-c", HOST + script],
        env={**served.env, "PYTHONPATH": str(Path(__file__).parents[2]), **environ},
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        timeout=4 * DEADLINE_SECONDS,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done


def events(client: Client, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        one = client.next()
        if one["type"].startswith("custom."):
            found.append(one)
    return found


def test_calls_are_told_where_they_happen_up_to_the_last_one(served: Served) -> None:
    token = served.token("t", "--scope", "read")
    served.serve()
    pane = served.tmux("list-panes", "-t", "a", "-F", "#{pane_id}")
    inside = {"TMUX": f"{served.folder / 's'},1,0", "TMUX_PANE": pane}
    with served.client(token) as client:
        client.ask(action="subscribe", filters={"types": ["custom.*"]})
        # It ends at once; what waits is told then. (Half a second may be short on a busy machine.)
        host(served, "teller.EXIT_SECONDS = 60.0; work(1); work(2)", **inside)
        first, second = events(client, 2)
        assert (first["type"], first["session"], first["pane_id"]) == (
            "custom.work.done",
            "a",
            pane,
        )
        assert first["data"].pop("duration_s") >= 0
        assert first["data"] == {"call": "work", "outcome": "returned", "arguments": {"n": 1}}
        assert second["data"]["arguments"] == {"n": 2}
        # A pane of a tmux that is not watched, and no pane at all, are nowhere in particular.
        host(served, "work(3); assert flush(60)", TMUX="/nowhere,1,0", TMUX_PANE="%7")
        host(served, "work(4); assert flush(60)")
        for event in events(client, 2):
            assert "session" not in event
        assert "SECRET" not in json.dumps(client.seen)


def test_more_than_the_server_takes_a_second_is_told_in_order(served: Served) -> None:
    token = served.token("t", "--scope", "read")
    served.serve("--config", str(settings(served, "[limits]\nmessages_per_second = 1000\n")))
    script = "for n in range(400): work(n)\nassert flush(60); print(json.dumps(counts()))"
    with served.client(token) as client:
        client.ask(action="subscribe", filters={"types": ["custom.*"]})
        assert json.loads(host(served, script).stdout) == [400, 0, 0, 0, 0]
        assert [one["data"]["arguments"]["n"] for one in events(client, 400)] == list(range(400))


def settings(served: Served, text: str) -> Path:
    file = served.folder / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    return file


def test_a_server_that_hangs_costs_a_full_queue_and_nothing_else(served: Served) -> None:
    served.serve()
    os.kill(served.pid, signal.SIGSTOP)
    try:
        script = "for n in range(5000): work(n)\nprint(json.dumps(counts()))"
        told, waiting, dropped, unheard, refused = json.loads(host(served, script).stdout)
    finally:
        os.kill(served.pid, signal.SIGCONT)
    assert (told, unheard, refused) == (0, 0, 0)
    assert 999 <= waiting <= 1000
    assert waiting + dropped in (4999, 5000)


def test_a_server_that_dies_is_not_missed(served: Served) -> None:
    served.serve()
    script = f"""
work(1); assert flush(60)
os.kill({served.pid}, 9)
for n in range(2000): work(n)
flush(60)
work(1); flush(60)
found = counts()
assert found.told >= 1 and sum(found) == 2002, found
"""
    host(served, script)


def test_a_forked_child_has_a_connection_of_its_own(served: Served) -> None:
    token = served.token("t", "--scope", "read")
    served.serve()
    script = """
work(1); assert flush(60)
if os.fork() == 0:
    work(2); ok = flush(60)
    os._exit(0 if ok and counts().told == 2 else 1)
assert os.wait()[1] == 0
work(3); assert flush(60)
assert counts().told == 2
"""
    with served.client(token) as client:
        client.ask(action="subscribe", filters={"types": ["custom.*"]})
        host(served, script)
        assert [one["data"]["arguments"]["n"] for one in events(client, 3)] == [1, 2, 3]


def test_many_threads_and_a_collector_of_garbage_tell_together(served: Served) -> None:
    token = served.token("t", "--scope", "read")
    served.serve("--config", str(settings(served, "[limits]\nmessages_per_second = 1000\n")))
    script = """
import threading
class Dies:
    def __del__(self): work("del")
def many():
    for n in range(25): work(n); Dies()
threads = [threading.Thread(target=many) for _ in range(4)]
[one.start() for one in threads]; [one.join() for one in threads]
assert flush(60) and counts().told == 200
"""
    with served.client(token) as client:
        client.ask(action="subscribe", filters={"types": ["custom.*"]})
        host(served, script)
        found = [one["data"]["arguments"]["n"] for one in events(client, 200)]
        assert found.count("del") == 100


@pytest.mark.parametrize("part", ["hooks", "emit"])
def test_a_server_that_wants_none_of_it_hears_none(served: Served, part: str) -> None:
    served.serve("--config", str(settings(served, f"[features]\n{part} = false\n")))
    script = "work(1); flush(60); work(2); print(json.dumps(counts()))"
    assert json.loads(host(served, script).stdout) == [0, 0, 0, 2, 0]


@pytest.mark.parametrize("environ", [{}, {"TMUXPULSE_EVENTS": "0"}])
def test_without_a_server_nothing_happens(served: Served, environ: dict[str, str]) -> None:
    script = "work(1); flush(60); work(2); print(json.dumps(counts()))"
    unheard = 0 if environ else 2
    assert json.loads(host(served, script, **environ).stdout) == [0, 0, 0, unheard, 0]
    assert not (served.folder / "run").exists()  # not even a directory is made
    host(served, "for n in range(100): work(n)")  # and it ends while nobody was found yet


def test_at_the_interpreters_end_nothing_is_raised(served: Served) -> None:
    served.serve()
    script = """
import atexit, threading
atexit.register(work, 1)
class Late:
    def __del__(self): work(2)
keep = Late()
sys.modules["keep"] = keep
threading.Timer(0.01, work, [3]).start()
"""
    host(served, script)


def test_it_costs_no_library_to_import() -> None:
    loaded = imported("import tmuxpulse, tmuxpulse.hooks")
    heavy = {"trio", "libtmux", "msgspec", "asyncio", "h11", "inspect", "psutil"}
    assert {name.partition(".")[0] for name in loaded} & heavy == set()
    rooms = {name for name in loaded if name.startswith("tmuxpulse.")}
    assert {name for name in rooms if not name.startswith("tmuxpulse.hooks")} == set()
