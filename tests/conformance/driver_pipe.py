"""The driver of `tmuxpulse pipe`; README.md has the contract, docs/reference/pipe.md the lines.

    python -m tests.conformance.driver_pipe

What it puts in is the protocol's own `subscribe`; what comes out is the protocol's own too, and is
only given the shorter words of a report here.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tmuxpulse.wire import decode_message

Report = dict[str, Any]

END = "custom.end"
OWN = '{"type":"pipe.'  # a line that is not of the protocol
_END_SECONDS = 60.0
_REFUSED = 4  # the pipe's exit code where the server does not want it


@contextlib.contextmanager
def pipe(client: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """Start it; at the end of the block it is gone."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tmuxpulse", "pipe", "--follow", "--reconnect"]
        command += ["--url", client["url"]]
        if client.get("token"):
            path = Path(folder) / "token"
            path.touch(mode=0o600)
            path.write_text(client["token"] + "\n")
            command += ["--token-file", str(path)]
        with subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def main() -> int:
    """Follow the client's part to its end."""
    client = json.load(sys.stdin)
    request = {"action": "subscribe", "filters": client["filters"], "snapshot": client["snapshot"]}
    with pipe(client) as process:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise RuntimeError("no pipes")
        with contextlib.suppress(BrokenPipeError):  # refused already; it says so
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.close()
        pause = client.get("pause_s", 0)
        for line in process.stdout:
            if decode_message(line.encode()) is None and not line.startswith(OWN):
                continue  # of another release; the pipe leaves those to who reads it
            said = json.loads(line)
            if said["type"] == END:
                return 0
            report = report_of(said)
            if report is not None:
                sys.stdout.write(json.dumps(report) + "\n")
                sys.stdout.flush()
            if said["type"] == "subscription.confirmed":
                time.sleep(pause)
        complaint = process.stderr.read()
        code = process.wait(_END_SECONDS)
    if code == _REFUSED:
        return 0
    sys.stderr.write(complaint)
    return code or 1


def report_of(said: dict[str, Any]) -> Report | None:
    """What a line of the pipe's output means; None: nothing that a report is for."""
    report: Report | None = None
    match said["type"]:
        case "subscription.confirmed" | "pipe.open":
            report = {"state": "open"}
        case "pipe.cut":
            report = None if said["code"] is None else {"refused": said["code"]}
        case "snapshot.data":
            report = {"snapshot": [session["name"] for session in said["data"]["sessions"]]}
        case "stream.gap":
            gap = {name: said.get(name) for name in ("from", "to", "dropped", "only", "reason")}
            report = {"gap": {**gap, "reason": gap["reason"] or "slow"}}
        case "stream.reset":
            report = {"reset": said["reason"]}
        case "stream.epoch":
            report = {"epoch": said["epoch"]}
        case "stream.lag" | "stream.mark":
            pass
        case kind if "seq" in said:
            report = {"event": said["seq"], "type": kind}
            if kind.startswith("custom."):
                report["data"] = said["data"]
        case _:
            report = {"unexpected": said}
    return report


if __name__ == "__main__":
    sys.exit(main())
