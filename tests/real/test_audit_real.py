"""The audit log with real processes, a real limit of the file system, and a real SIGKILL."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tmuxpulse.serve import audit_files
from tmuxpulse.serve.audit_log import places
from tmuxpulse.serve.audit_reading import open_snapshot
from tmuxpulse.serve.audit_verify import Verdict, verify

WAIT_SECONDS = 60.0

APPEND = """
import sys
from pathlib import Path
from tmuxpulse.serve import audit_files
from tmuxpulse.serve.audit_entry import body
from tmuxpulse.serve.audit_log import AuditLog, places
audit_files.LOCK_SECONDS = 60.0
log = AuditLog(*places(Path(sys.argv[1])), max_bytes=4096, keep=1000)
for n in range(int(sys.argv[3])):
    log.append([body(0.0, "did", sys.argv[2], {"x": n})])
"""

# A server whose files may grow to 6,000 bytes, then (at a line on standard input) to any size.
FULL = """
import resource, sys
from pathlib import Path
import trio
from tmuxpulse.config.settings import AuditTable
from tmuxpulse.serve.audit import Audit

def say(text):
    print(text, flush=True)

async def main():
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, most))
    with Audit.open(Path(sys.argv[1]), AuditTable(), on_trouble=lambda m: say("trouble: " + m),
                    on_recovered=lambda: say("recovered")) as audit:
        async with trio.open_nursery() as nursery:
            await nursery.start(audit.run)
            for n in range(10_100):
                audit.record("did", who="owner", x=n)
                if n < 200:
                    await trio.sleep(0)
            await trio.to_thread.run_sync(sys.stdin.readline)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            await trio.to_thread.run_sync(sys.stdin.readline)
            nursery.cancel_scope.cancel()

trio.run(main)
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(audit_files, "LOCK_SECONDS", WAIT_SECONDS)
    tmp_path.chmod(0o700)
    return tmp_path


def judge(state: Path) -> Verdict:
    with open_snapshot(*places(state)) as snapshot:
        return verify(snapshot.pieces(), snapshot.head)


def values(state: Path, who: str) -> list[int]:
    with open_snapshot(*places(state)) as snapshot:
        lines = [json.loads(piece.data) for piece in snapshot.pieces()]
    return [line["x"] for line in lines if line["who"] == who and line["action"] == "did"]


def kept_and_lost(state: Path) -> int:
    """How many entries there are, and how many are said to be lost."""
    lost = [int(one.text.split()[2]) for one in judge(state).notes if one.kind == "lost"]
    return len(values(state, "owner")) + sum(lost)


def wait_for_entries(state: Path, enough: int) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while judge(state).last.n < enough:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_processes_that_write_at_once_make_one_chain(state: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", APPEND, str(state), f"w{number}", "60"])
        for number in range(4)
    ]
    for _ in range(20):
        assert judge(state).unbroken  # also while they write
    assert [writer.wait(WAIT_SECONDS) for writer in writers] == [0] * 4
    verdict = judge(state)
    assert verdict.unbroken
    assert verdict.notes == []
    for number in range(4):
        assert values(state, f"w{number}") == list(range(60))


def test_a_writer_that_is_killed_leaves_a_chain_that_goes_on(state: Path) -> None:
    for round_ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", APPEND, str(state), "victim", "100000"])
        enough = judge(state).last.n + 20
        wait_for_entries(state, enough)
        writer.kill()
        writer.wait(WAIT_SECONDS)
        subprocess.run(
            [sys.executable, "-c", APPEND, str(state), f"after{round_}", "3"], check=True
        )
        assert judge(state).unbroken
        assert values(state, f"after{round_}") == [0, 1, 2]


def test_a_server_goes_on_when_files_may_not_grow_and_says_so(state: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", FULL, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    try:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stdout.readline() == "trouble: File too large\n"
        assert judge(state).unbroken  # nothing half-written
        server.stdin.write("more room\n")
        assert server.stdout.readline() == "recovered\n"
        until = time.monotonic() + WAIT_SECONDS
        while kept_and_lost(state) < 10_100:  # at its end it has two seconds for what is left
            assert time.monotonic() < until
            time.sleep(0.05)
        server.stdin.write("end\n")
        assert server.wait(WAIT_SECONDS) == 0
    finally:
        server.kill()
        server.wait()
        for stream in (server.stdin, server.stdout):
            assert stream is not None
            stream.close()
    verdict = judge(state)
    assert verdict.unbroken
    assert kept_and_lost(state) == 10_100
    written = values(state, "owner")
    assert written == sorted(written)
