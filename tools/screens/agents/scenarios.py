"""What is done with each agent program, and what a careful person says of each screen.

The model is scripted, so that it is known what the program does: it works as long as the model does
not end its answer, and waits for a person when a tool call needs permission.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tools.screens.agents.programs import Agent
from tools.screens.agents.steps import Pause, Press, Rest, Shot, Step, Type, Wait

_TYPED: Final = 'why does it say "esc to interrupt" and "Do you want to proceed?"'
_FAILED: Final = "(?i)error|key is not known|overloaded|too many requests"
# What is asked, what the end of the answer holds, what that resembles.
_ALIKE: Final = (
    ("dialogs", "how would you ask", "Overwrite prices.py", "questions quoted in an answer"),
    ("rhetoric", "which rounding", "Do you want to proceed", "a question that ends an answer"),
    ("spinners", "how do you look at work", "Waiting for openai", "spinners quoted in an answer"),
    ("log", "why did the build fail", "ELIFECYCLE", "errors quoted in an answer"),
    ("diff", "show the change", "no test failed", "error words in a diff"),
    ("choices", "what can we do", "Esc to cancel", "a list of choices in an answer"),
)


@dataclass(frozen=True)
class Scenario:
    """One run of a program.

    Attributes:
        name: of the run.
        width: in cells.
        height: in rows.
        steps: from its start.
    """

    name: str
    width: int
    height: int
    steps: tuple[Step, ...]


def scenarios(agent: Agent) -> tuple[Scenario, ...]:
    """Give all that is done with a program."""
    work = _with_tools if agent.tools else _without_tools
    return (
        Scenario("small", 80, 24, (*_start(agent, shots=True), *_talk(agent), *work(agent))),
        Scenario("large", 120, 40, (*_start(agent, shots=True), *_talk(agent), *work(agent))),
        Scenario("fails", 97, 31, (*_start(agent), *_fails(agent))),
        Scenario("alike", 80, 24, (*_start(agent), *_alike(agent))),
        Scenario("alike-odd", 101, 33, (*_start(agent), *_alike(agent))),
        Scenario("menus", 80, 24, (*_start(agent), *_menus(agent))),
    )


def ask(text: str) -> tuple[Step, ...]:
    """Say something to the model."""
    return Type(text), Pause(0.3), Press("Enter")


def _stop(agent: Agent) -> tuple[Step, ...]:
    return Press(*agent.stop), Rest()


def _start(agent: Agent, *, shots: bool = False) -> tuple[Step, ...]:
    boot: list[Step] = []
    for step in agent.boot:
        known = isinstance(step, Shot) and not shots
        boot.append(Wait(step.pattern) if isinstance(step, Shot) and known else step)
        if isinstance(step, Shot) and known:
            boot.append(Pause(0.5))
    fresh: list[Step] = [Shot("fresh", "ready", agent.prompt)] if shots else []
    return (
        Type(agent.command),
        Press("Enter"),
        *boot,
        Wait(agent.prompt, 60.0),
        Rest(2.5),
        *fresh,
    )


def _talk(agent: Agent) -> tuple[Step, ...]:
    typing: tuple[Step, ...] = (
        Type("and then"),
        Shot("streaming-typed", "busy", "and then", still=False),
        Press(*agent.clear),
    )
    return (
        Type("round the tot"),
        Shot("typed", "ready", "round the tot"),
        Press(*agent.clear),
        *ask("what does prices.py do"),
        Wait("from 100 upwards"),
        Rest(),
        Shot("answered", "ready", "from 100 upwards"),
        *ask("take your time"),
        Pause(3.0),
        Shot("first-token", "busy", "take your time", still=False),
        *_stop(agent),
        Shot("interrupted", "ready", "take your time"),
        Press(*agent.clear),
        *ask("tell me the story"),
        Pause(5.0),
        Shot("streaming", "busy", "shop", still=False),
        *(typing if agent.tools else ()),
        *_stop(agent),
        Press(*agent.clear),
    )


def _with_tools(agent: Agent) -> tuple[Step, ...]:
    return (
        *ask("run the tests"),
        Wait(agent.asks),
        Shot("asks-command", "waiting", agent.asks),
        Press("Down"),
        Shot("asks-command-2", "waiting", agent.asks),
        Press("Escape"),
        Rest(),
        Shot("denied", "ready"),
        Press(*agent.clear),
        *ask("run the slow job"),
        Wait(agent.asks),
        Pause(0.5),
        Press("Enter"),
        Pause(4.0),
        Shot("tool-runs", "busy", "sleep 47", still=False),
        *_stop(agent),
        Shot("tool-stopped", "ready"),
        Press(*agent.clear),
        *ask("write a changelog"),
        Wait(agent.asks),
        Shot("asks-file", "waiting", agent.asks),
        Press("Enter"),
        Wait("That is done"),
        Rest(),
        Shot("done", "ready", "That is done", lookalike="a granted question above the prompt"),
        *ask("round the total"),
        Wait(agent.asks),
        Shot("asks-edit", "waiting", agent.asks),
        Press("Escape"),
        Rest(),
    )


def _without_tools(agent: Agent) -> tuple[Step, ...]:
    return (
        *ask("suggest a command"),
        Wait(r"Run shell command.*\[Yes\]"),
        Shot("asks-command", "waiting", agent.asks),
        Type("d"),
        Shot("asks-command-2", "waiting", agent.asks),
        Press("C-u"),
        Type("n"),
        Press("Enter"),
        Rest(),
        Shot("denied", "ready", agent.prompt, lookalike="an answered question above the prompt"),
        *ask("give it as a file"),
        Wait(r"Create new file.*\[Yes\]"),
        Shot("asks-file", "waiting", agent.asks),
        Type("y"),
        Press("Enter"),
        Wait("Commit"),
        Rest(),
        Shot("done", "ready", agent.prompt, lookalike="a granted question above the prompt"),
        *ask("/run sleep 3; echo ran"),
        Pause(1.0),
        Shot("tool-runs", "busy", "sleep 3", still=False),
        Wait(r"\(Y\)es"),
        Shot("asks-output", "waiting", agent.asks),
        Type("n"),
        Press("Enter"),
        Rest(),
    )


def _fails(agent: Agent) -> tuple[Step, ...]:
    steps: list[Step] = []
    for status, text in ((401, "do you know me"), (500, "is the service up"), (429, "once more")):
        steps += ask(text)
        if status in agent.retries:
            steps += (
                Pause(4.0),
                Shot(f"retries-{status}", "busy", text, "an error above work", still=False),
                *_stop(agent),
            )
        else:
            steps += (Pause(2.0), Rest(6.0), Shot(f"error-{status}", "error", _FAILED))
        steps += (Press(*agent.clear),)
        steps += ask("what does prices.py do")
        steps += (
            Pause(2.0),
            Rest(),
            Shot(f"after-error-{status}", "ready", "upwards", "an error above the last answer"),
        )
    return tuple(steps)


def _alike(agent: Agent) -> tuple[Step, ...]:
    steps: list[Step] = []
    for name, text, anchor, like in _ALIKE:
        steps += ask(text)
        steps += (Wait(anchor), Rest(), Shot(name, "ready", anchor, lookalike=like))
    steps += (
        Type(_TYPED),
        Shot("typed-words", "ready", "interrupt", lookalike="a spinner and a question being typed"),
        Press(*agent.clear),
        *ask("how would you ask"),
        Wait("Overwrite prices.py"),
        Rest(),
        *ask("take your time"),
        Pause(3.0),
        Shot(
            "works-below-dialogs", "busy", "Overwrite", "quoted questions above work", still=False
        ),
        *_stop(agent),
        Press(*agent.clear),
        *ask("why did the build fail"),
        Wait("ELIFECYCLE"),
        Rest(),
        *ask("take your time"),
        Pause(3.0),
        Shot("works-below-errors", "busy", "ELIFE", "quoted errors above work", still=False),
        *_stop(agent),
        Press(*agent.clear),
    )
    if agent.tools:
        steps += (
            *ask("how do you look at work"),
            Wait("Waiting for openai"),
            Rest(),
            *ask("run the tests"),
            Wait(agent.asks),
            Shot("asks-below-spinners", "waiting", agent.asks, "quoted spinners above a question"),
            Press("Escape"),
            Rest(),
        )
    return tuple(steps)


def _menus(agent: Agent) -> tuple[Step, ...]:
    steps: list[Step] = [
        *ask("what does prices.py do"),
        Wait("from 100 upwards"),
        Rest(),
        Shot("before-menus", "ready", "from 100 upwards"),
        Type("/"),
        Pause(1.0),
        Shot("commands", "ready", "/", "a menu of commands", keeps=True),
        Press("Escape", *agent.clear),
        Press("BSpace"),
    ]
    for name, opens in (("models", agent.models), ("help", agent.help)):
        if opens is not None:
            steps += ask(opens[0])
            steps += (
                Pause(1.5),
                Shot(name, "ready", opens[1], f"a question: {name}", keeps=True),
                Press("Escape"),
                Rest(),
                Press(*agent.clear),
            )
    if agent.name in ("claude", "gemini", "qwen"):
        steps += (
            *ask("start the server"),
            Wait(agent.asks),
            Pause(0.5),
            Press("Enter"),
            Wait("That is done"),
            Rest(2.0),
            Shot("background", "busy", "That is done", "a prompt, with a job behind it"),
        )
    steps += (*agent.quit, Rest(), Shot("left", "ready", r"\$ *$", "an agent's screen above"))
    return tuple(steps)
