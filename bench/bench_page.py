"""What the page bears: its first view, the time of its frames while events rush in, its memory.

Method: first a real tmux with panes of which nothing comes, watched by a tmuxpulse of its own
(`page_first.js`): the first view is the time from the beginning of the navigation until panes are
painted, each time in a browser context of its own, so that nothing is cached. Then the whole server
with a collector that makes events up (`page_source.py`), and the page in headless Chromium
(`page_frames.js`) as a person has it, 1440 by 900, the list, a pane and the live events in view.
Frames are the intervals of ``requestAnimationFrame``; memory is the JS heap after a collection, ten
times in the window. Goals: first view 300 ms, frames p95 <= 50 ms, a flat heap.

    bench_page.py [--panes 100] [--rate 5000] [--seconds 60] [--views 20]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from stage import report, served, stage

HERE = Path(__file__).parent
QUIET_PANES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--panes", type=int, default=100)
    parser.add_argument("--rate", type=int, default=5000, help="events a second")
    parser.add_argument("--seconds", type=float, default=60, help="of the flood; 0: without it")
    parser.add_argument("--views", type=int, default=20, help="how often the page is opened")
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None or shutil.which("node") is None:
        sys.exit("this needs chromium and node: tools/system-packages chromium node npm")
    os.environ["CHROMIUM"] = chromium
    found = {"first view, ms": first_view(arguments.views)}
    if arguments.seconds:
        found |= flood(arguments.panes, arguments.rate, arguments.seconds)
    report("page", {**vars(arguments), **found})


def first_view(times: int) -> dict[str, Any]:
    """Open the page of a quiet server."""
    with stage(QUIET_PANES) as tmux, served(tmux) as (_, address):
        page = address.replace("ws://", "http://").removesuffix("monitor")
        return look("page_first.js", f"{page}#token={os.environ['TOKEN']}", str(times))


def flood(panes: int, rate: int, seconds: float) -> dict[str, Any]:
    """Have the page open while events rush in."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ}
        for name in ("RUNTIME", "STATE"):
            path = Path(folder) / name
            path.mkdir(mode=0o700)
            env[f"TMUXPULSE_{name}_DIR"] = str(path)
        create = [sys.executable, "-m", "tmuxpulse", "token", "create", "bench", "--json"]
        made = subprocess.run(create, env=env, capture_output=True, check=True)
        token = json.loads(made.stdout)["token"]
        source = [sys.executable, str(HERE / "page_source.py")]
        command = [*source, str(panes), str(rate)]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as server:
            try:
                assert server.stdout is not None
                url = server.stdout.readline().split(" ready: ")[1].split(" ")[0].strip()
                return look("page_frames.js", f"{url}#token={token}", str(seconds))
            finally:
                server.terminate()


def look(script: str, *arguments: str) -> dict[str, Any]:
    """Run a script that drives the browser: what it prints."""
    command = ["node", str(HERE / script), *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
