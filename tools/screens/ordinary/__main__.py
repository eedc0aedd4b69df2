"""Makes the cases of ordinary programs anew.

    sudo python -m tools.screens.ordinary [FAMILY …] [--run NAME] [--rust FOLDER]

`README.md` in the folder above says what has to be there.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from functools import cache
from typing import Final

from tools.screens import corpus
from tools.screens.ordinary import world
from tools.screens.ordinary.families.all import FAMILIES, versions
from tools.screens.ordinary.steps import K, Outside, Pause, Prompt, Resize, Run, S, Step, T, W
from tools.screens.ordinary.terminal import NotSeen, Sight, Terminal

_STILL_SECONDS: Final = 0.6
_GOING_SECONDS: Final = 1.5


class Maker:
    """Does one run."""

    def __init__(self, run: Run, terminal: Terminal) -> None:
        self._run = run
        self._terminal = terminal
        self._typed: list[str] = []
        self._last = ""
        self._in_command = False
        self.made: list[str] = []

    def do(self, step: Step) -> None:
        """Take a step.

        Raises:
            NotSeen: the screen that it waits for did not come.
        """
        terminal = self._terminal
        if isinstance(step, str | T) and self._in_command:
            terminal.wait_prompt()
        self._in_command = isinstance(step, str)
        match step:
            case str() | T() | K():
                self._type(step)
            case W(pattern, seconds):
                terminal.wait(pattern, seconds)
            case Prompt(pattern):
                terminal.wait_prompt(pattern)
            case Pause(seconds):
                time.sleep(seconds)
            case Outside(script):
                subprocess.run(
                    ["bash", "-ec", script],
                    check=True,
                    cwd=world.HOME,
                    env=world.environment(),
                    **world.identity(self._run.user),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                )
            case Resize(width, height):
                terminal.resize(width, height)
            case S():
                self._shoot(step)

    def _type(self, step: str | T | K) -> None:
        match step:
            case K(keys):
                self._typed += [f"<{key}>" for key in keys]
                self._terminal.press(*keys)
            case T(text):
                self._typed.append(text)
                self._terminal.type(text)
            case _:
                self._typed.append(f"{step} <Enter>")
                self._terminal.type(step)
                self._terminal.press("Enter")

    def _shoot(self, shot: S) -> None:
        if shot.prompt:
            self._terminal.wait_prompt()
        if shot.pattern:
            self._terminal.wait(shot.pattern)
        if shot.still:
            self._terminal.rest(_STILL_SECONDS)
        else:
            time.sleep(_GOING_SECONDS)
        sight = self._terminal.look()
        if shot.pattern and not re.search(shot.pattern, "\n".join(sight.rows), re.MULTILINE):
            raise NotSeen(f"{shot.pattern!r} has gone")
        name = f"{self._run.name}-{shot.name}" if shot.name else self._run.name
        if name in self.made:
            raise ValueError(f"{name} twice")
        case = self._case(name, shot, sight)
        corpus.write(corpus.FOLDER / self._run.family / f"{name}.toml", case)
        self.made.append(name)
        self._last = name

    def _case(self, name: str, shot: S, sight: Sight) -> corpus.Case:
        rows = list(sight.rows)
        while rows and not rows[-1]:
            rows.pop()
        fields = sight.fields
        program = shot.program or self._run.program
        case = corpus.Case(
            program=program,
            version=_version(program),
            tmux=_first_line("tmux -V"),
            command=f"python -m tools.screens.ordinary --run {self._run.name}",
            typed=" ".join(self._typed),
            width=int(fields["pane_width"]),
            height=int(fields["pane_height"]),
            cursor_row=int(fields["cursor_y"]),
            cursor_column=int(fields["cursor_x"]),
            alternate=fields["alternate_on"] == "1",
            title=fields["pane_title"].rstrip(),
            foreground=fields["pane_current_command"],
            runs=sight.runs,
            children=sight.children,
            signals=sight.signals,
            rhythm=() if shot.still else sight.rhythm,
            appends=sight.appends,
            wraps=sight.wraps if sight.appends else (),
            exited=sight.exited,
            status=shot.status,  # type: ignore[arg-type]  # checked when the case is read
            errors=(),
            lookalike=shot.like,
            after=self._last if shot.keeps else "",
            split=corpus.split(name),
            rows="\n".join(rows),
        )
        if not shot.errors:
            return case
        lines = [*case.lines, *rows] if not case.appends else case.lines
        found = dict.fromkeys(line.strip() for line in lines if re.search(shot.errors, line))
        if not found:
            raise NotSeen(f"no line with {shot.errors!r} in\n{case.rows}")
        return corpus.with_errors(case, tuple(found))


def main() -> int:
    """Do the runs; one that does not go as it should is told, and the others go on."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="all if none is named")
    parser.add_argument("--run", action="append", help="only runs of this name")
    parser.add_argument("--rust", default="", help="a folder with a toolchain of Rust")
    options = parser.parse_args()
    world.enter(sys.argv[1:], options.rust)
    failed: list[str] = []
    for family, found in FAMILIES.items():
        if options.families and family not in options.families:
            continue
        for run in found:
            if options.run and run.name not in options.run:
                continue
            if not _do(run):
                failed.append(run.name)
    print("failed:", *failed)
    return 1 if failed else 0


def _do(run: Run) -> bool:
    step: Step = "the start"
    began = time.monotonic()
    maker: Maker | None = None
    try:
        world.furnish(run.before, run.user, alone=run.alone)
        terminal = Terminal(
            f"screens-{run.name}",
            run.shell,
            (run.width, run.height),
            world.HOME,
            world.environment(),
            stays=run.stays,
            user=run.user,
        )
        try:
            maker = Maker(run, terminal)
            if run.first:
                terminal.wait(run.first)
            else:
                terminal.wait_prompt()
            for step in run.steps:
                maker.do(step)
        finally:
            terminal.close()
    except (NotSeen, RuntimeError, ValueError, subprocess.CalledProcessError) as reason:
        made = len(maker.made) if maker else 0
        print(f"{run.name}: {made} cases, then {step!r}: {reason}", flush=True)
        return False
    print(f"{run.name}: {len(maker.made)} cases, {time.monotonic() - began:.1f} s", flush=True)
    return True


@cache
def _version(program: str) -> str:
    return _first_line(versions(program))


@cache
def _first_line(command: str) -> str:
    if not command:
        return ""
    done = subprocess.run(
        ["bash", "-c", f"{command} 2>&1"],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        env=world.environment(),
    )
    return done.stdout.strip().partition("\n")[0][:80]


if __name__ == "__main__":
    sys.exit(main())
