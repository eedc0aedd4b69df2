"""Makes the cases of agent programs anew.

    sudo python -m tools.screens.agents --path FOLDER[:FOLDER…] [claude codex …] [--run NAME]

`README.md` beside this file says what has to be there.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from tools.screens.agents import cases, world
from tools.screens.agents.programs import AGENTS, SERVICE, Agent
from tools.screens.agents.scenarios import Scenario, scenarios
from tools.screens.agents.steps import Pause, Press, Rest, Shot, Step, Type, Wait
from tools.screens.agents.terminal import NotSeen, Terminal
from tools.screens.model_server import ModelServer

FOLDER: Final = Path("tests/data/screens/agents").resolve()
_STILL_SECONDS: Final = 0.8


class Run:
    """One run of one program."""

    def __init__(self, agent: Agent, scenario: Scenario, terminal: Terminal, version: str) -> None:
        self._agent = agent
        self._scenario = scenario
        self._terminal = terminal
        self._version = version
        self._typed: list[str] = []
        self._last = ""
        self.made = 0

    def do(self, step: Step) -> None:
        """Take a step.

        Raises:
            NotSeen: the screen that it waits for did not come.
        """
        match step:
            case Type(text):
                self._typed.append(text)
                self._terminal.type(text)
            case Press(keys):
                self._typed += [f"<{key}>" for key in keys]
                self._terminal.press(*keys)
            case Wait(pattern, seconds):
                self._terminal.wait(pattern, seconds)
            case Rest(seconds):
                self._terminal.rest(seconds)
            case Pause(seconds):
                time.sleep(seconds)
            case Shot():
                self._shoot(step)

    def _shoot(self, shot: Shot) -> None:
        if shot.pattern:
            self._terminal.wait(shot.pattern)
        time.sleep(_STILL_SECONDS)
        if shot.still:
            self._terminal.rest(_STILL_SECONDS)
        sight = self._terminal.look()
        if shot.pattern and not re.search(shot.pattern, "\n".join(sight.rows), re.MULTILINE):
            raise NotSeen(f"{shot.pattern!r} has gone")
        name = f"{self._agent.name}-{self._scenario.name}-{shot.name}"
        about: dict[str, str | int] = {
            "program": self._agent.name,
            "version": self._version,
            "tmux": _first_line("tmux", "-V"),
            "command": f"python -m tools.screens.agents {self._agent.name}"
            f" --run {self._scenario.name}",
            "typed": " ".join(self._typed[-8:]),
            "width": self._scenario.width,
            "height": self._scenario.height,
        }
        label = cases.Label(shot.status, shot.lookalike, self._last if shot.keeps else "")
        cases.write(FOLDER, name, about, sight, label)
        self.made += 1
        if not shot.keeps:
            self._last = name


def main() -> int:
    """Run the scenarios; a run that does not go as it should is told, and the others go on."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="all if none is named")
    parser.add_argument("--path", default="", help="folders of the programs")
    parser.add_argument("--run", action="append", help="only runs of this name")
    parser.add_argument("--log", type=Path, help="where the model's requests are written")
    options = parser.parse_args()
    world.enter(sys.argv[1:])
    port = int(SERVICE.rpartition(":")[2])
    server = ModelServer(port, str(world.PROJECT), options.log)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    failed = 0
    for agent in AGENTS:
        if options.programs and agent.name not in options.programs:
            continue
        for scenario in scenarios(agent):
            if options.run and scenario.name not in options.run:
                continue
            failed += not _run(agent, scenario, options.path)
    return 1 if failed else 0


def _run(agent: Agent, scenario: Scenario, path: str) -> bool:
    world.furnish(agent.files)
    environment = world.environment(path, agent.environment)
    version = _first_line(*agent.version.split(), environment=environment)
    name = f"screens-{agent.name}-{scenario.name}"
    terminal = Terminal(name, scenario.width, scenario.height, world.PROJECT, environment)
    run = Run(agent, scenario, terminal, version)
    try:
        for step in scenario.steps:
            run.do(step)
    except NotSeen as reason:
        print(f"{agent.name} {scenario.name}: {run.made} cases, then {step}: {reason}", flush=True)
        return False
    finally:
        terminal.close()
    print(f"{agent.name} {scenario.name}: {run.made} cases", flush=True)
    return True


def _first_line(*command: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=environment,
    )  # fmt: skip
    return done.stdout.partition("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
