"""How long from a change on a pane's screen to its status in a client, beyond its dwell.

Method: a private tmux server with quiet panes, some of which run a program under an agent's name; a
`tmuxpulse serve` on it; a client of the `websockets` library. An agent's screen is written to its
pane's terminal in turn: a prompt, work, a question. The time runs from the write to the arrival of
the status in the client; the dwell of the rule that gave it, for which a status has to hold before
it is told, is subtracted. Beside them, if asked for, panes that print.

    bench_status_latency.py [--panes 50] [--agents 5] [--rounds 20] [--printing 0]

The exit status is 1 when the slowest one in a hundred takes more than 150 ms beyond its dwell.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

from stage import TmuxStage, helper, pauses, percentiles, print_to, report, served, stage

from tmuxpulse.status.rules import DWELL_SECONDS, load
from tmuxpulse.status.shipped import shipped

BOUND_MS: Final = 150
AGENT: Final = "import signal\nsignal.pause()\n"
LINE: Final = "\u2500" * 30
SCREENS: Final = {
    "ready": ("\u25cf Ready.", LINE, "\u276f ", LINE, "  ? for shortcuts"),
    "busy": (
        "\u25cf Ready.",
        "\u273b Pondering\u2026 (3s \u00b7 \u2193 21 tokens)",
        *(LINE, "\u276f ", LINE, "  esc to interrupt"),
    ),
    "waiting": (
        *("\u25cf Ready.", LINE, " Bash command", "   rm -r build", " Do you want to proceed?"),
        *(" \u276f 1. Yes", "   2. No", "", " Esc to cancel"),
    ),
}


def start_agents(tmux: TmuxStage, directory: Path, count: int) -> dict[str, str]:
    """Start programs under an agent's name: their panes and terminals."""
    program = directory / "claude"
    program.write_text(f"#!{sys.executable}\n{AGENT}", encoding="utf-8")
    program.chmod(0o755)
    rows = [
        tmux.run(
            *("new-window", "-d", "-P", "-F", "#{pane_id} #{pane_tty}", "-t", "s0:", str(program))
        ).split()
        for _ in range(count)
    ]
    return dict(rows)


def draw(status: str) -> str:
    """The whole screen of an agent, with the cursor where it types."""
    rows = SCREENS[status]
    return "\x1b[H\x1b[2J" + "\r\n".join(rows) + f"\x1b[{len(rows) - 2};3H"


def measured(tmux: TmuxStage, agents: dict[str, str], rounds: int) -> dict[str, Any]:
    """Change the screens, and see when that is told."""
    changes: list[tuple[int, str, str]] = []
    with served(tmux) as (_, url):
        time.sleep(1.5)
        for terminal in agents.values():
            print_to(terminal, draw("ready"))
        time.sleep(3)
        with helper("listener.py", url, "1") as reader:
            turns = [status for _ in range(rounds) for status in ("busy", "waiting", "ready")]
            gaps = pauses(len(turns) * len(agents), 4.0 / len(agents))
            for status in turns:
                for pane, terminal in agents.items():
                    changes.append((time.monotonic_ns(), pane, status))
                    print_to(terminal, draw(status))
                    time.sleep(gaps.pop())
            time.sleep(2)
            out, _ = reader.communicate(timeout=20)
    return judged(changes, json.loads(out)["statuses"])


def judged(
    changes: list[tuple[int, str, str]], told: list[tuple[int, str, str, str]]
) -> dict[str, Any]:
    """Find the status of each change; what is beyond the dwell of its rule."""
    dwells = {rule.name: rule.dwell for family in load(shipped())[0] for rule in family.rules}
    beyond: dict[str, list[float]] = {status: [] for status in SCREENS}
    lost = 0
    for began, pane, status in changes:
        found = next(
            (one for one in told if one[0] > began and one[1] == pane and one[2] == status), None
        )
        if found is None or found[0] - began > 3e9:
            lost += 1
            continue
        dwell = dwells.get(found[3], DWELL_SECONDS[status])
        beyond[status].append((found[0] - began) / 1e6 - dwell * 1000)
    together = [value for values in beyond.values() for value in values]
    return {
        "beyond the dwell": {**percentiles(together), "lost": lost},
        **{status: percentiles(values) for status, values in beyond.items() if values},
    }


def print_on(terminals: list[str], ended: threading.Event) -> None:
    """Print a line in each of some panes ten times a second."""
    while not ended.wait(0.1):
        for terminal in terminals:
            print_to(terminal, "one more line of a log\r\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--panes", type=int, default=50)
    parser.add_argument("--agents", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--printing", type=int, default=0, help="panes that print meanwhile")
    arguments = parser.parse_args()
    with stage(arguments.panes) as tmux, tempfile.TemporaryDirectory() as directory:
        agents = start_agents(tmux, Path(directory), arguments.agents)
        ended = threading.Event()
        noisy = list(tmux.terminals.values())[: arguments.printing]
        printer = threading.Thread(target=print_on, args=(noisy, ended))
        printer.start()
        try:
            results = measured(tmux, agents, arguments.rounds)
        finally:
            ended.set()
            printer.join()
    report("status latency", {"asked": vars(arguments), **results})
    worst = results["beyond the dwell"]
    return int(worst["p99_ms"] > BOUND_MS or worst["lost"] > 0)


if __name__ == "__main__":
    sys.exit(main())
