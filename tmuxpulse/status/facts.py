"""All that is known of a pane at one time: what evidence adds up to, without a judgement.

Evidence of different kinds that was seen at the same time adds up to the same facts in any order.
Evidence older than what is known of its kind changes nothing.
"""

from __future__ import annotations

from typing import Final

import msgspec

from tmuxpulse.status.evidence import (
    MAX_CELLS,
    Evidence,
    Exited,
    Output,
    Process,
    Processes,
    Report,
    Resized,
    Rhythm,
    Screen,
    Signals,
)
from tmuxpulse.tmux.signals import (
    Bell,
    CommandEnd,
    CommandInput,
    CommandStart,
    Notification,
    Progress,
    Prompt,
    Signal,
    Title,
)

TAIL_ROWS: Final = 60
KEPT_OUTPUTS: Final = 32
KEPT_RESIZES: Final = 4
REDRAW_SECONDS: Final = 1.0  # what is printed so soon after a change of size is no work
WORKING_SHARE: Final = 0.05  # of a processor; who uses more in the background is at work
NEVER: Final = float("-inf")

SHELLS: Final = frozenset(
    [
        "bash",
        "zsh",
        "fish",
        "sh",
        "dash",
        "ash",
        "ksh",
        "mksh",
        "tcsh",
        "csh",
        "nu",
        "elvish",
        "xonsh",
        "pwsh",
        "busybox",
    ]
)
# What these run elsewhere is not seen here; marks and prompts may come from there.
REMOTE: Final = frozenset(
    [
        "ssh",
        "mosh-client",
        "docker",
        "podman",
        "kubectl",
        "su",
        "sudo",
        "doas",
        "machinectl",
        "lxc",
        "tmux",
        "screen",
        "script",
    ]
)


class Mark(msgspec.Struct, frozen=True):
    """What a shell's marks (OSC 133) tell.

    Attributes:
        running: whether a command runs; None before any mark.
        at: since when.
        command_line: the command that runs, or the last one.
        exit_status: how the last one ended.
    """

    running: bool | None = None
    at: float = NEVER
    command_line: str | None = None
    exit_status: int | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a pane; a time is `NEVER` when there was nothing of the kind."""

    report: Report | None = None
    mark: Mark = Mark()
    title: str = ""
    title_at: float = NEVER
    progress: Progress | None = None
    progress_at: float = NEVER
    notification: str = ""
    notified_at: float = NEVER
    bell_at: float = NEVER
    processes: Processes | None = None
    command_at: float = NEVER
    background: tuple[str, ...] = ()
    background_at: float = NEVER
    screen: Screen | None = None
    tail: tuple[str, ...] = ()
    partial: str = ""
    tail_at: float = NEVER
    outputs: tuple[tuple[float, int], ...] = ()
    resizes: tuple[float, ...] = ()
    exited: Exited | None = None

    @property
    def shown(self) -> Screen | None:
        """The screen; of a pane that appends, what its last lines make up."""
        if self.screen is not None and self.screen.at >= self.tail_at:
            return self.screen
        if self.tail_at == NEVER:
            return None
        rows = (*self.tail, self.partial)
        return Screen(
            at=self.tail_at,
            rows=rows,
            cursor_row=len(rows) - 1,
            cursor_column=2 * MAX_CELLS if self.partial else 0,
            width=self.screen.width if self.screen else 0,
        )

    @property
    def rhythm(self) -> Rhythm:
        """Its last outputs, but for those that a change of size has caused."""
        if not self.resizes:
            return Rhythm(self.outputs, self.outputs[-1][0] if self.outputs else None)
        outputs = tuple(
            (at, count)
            for at, count in self.outputs
            if not any(resized <= at < resized + REDRAW_SECONDS for resized in self.resizes)
        )
        return Rhythm(outputs, outputs[-1][0] if outputs else None)

    @property
    def names(self) -> tuple[str, ...]:
        """What the foreground program is called."""
        found = self.processes
        if found is None:
            return ()
        children = [child.name for child in found.children or () if child.foreground]
        names = (found.command.lstrip("-"), found.program, *children)
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def program(self) -> str:
        """The foreground program; empty when not known, or when it is the shell."""
        found = self.processes
        if found is None:
            return ""
        command = found.program or found.command.lstrip("-")
        if command in SHELLS:  # tmux names the group's leader, which may have ended
            children = [child.name for child in found.children or () if child.foreground]
            command = next((name for name in reversed(children) if name not in SHELLS), "")
        return command

    @property
    def in_shell(self) -> bool:
        """Whether the foreground program is known to be a shell."""
        return self.processes is not None and not self.program and bool(self.processes.command)


def fold(facts: Facts, evidence: Evidence) -> Facts:
    """Add a piece of evidence."""
    match evidence:
        case Report() | Screen() | Exited():
            return _newer(facts, evidence)
        case Processes():
            return _processes(facts, evidence)
        case Output():
            return _output(facts, evidence)
        case Signals(at=at, signals=signals):
            for signal in signals:
                facts = _signal(facts, at, signal)
        case Resized(at=at):
            resizes = tuple(sorted({*facts.resizes, at}))[-KEPT_RESIZES:]
            facts = msgspec.structs.replace(facts, resizes=resizes)
    return facts


_FIELDS: Final[dict[type, str]] = {Report: "report", Screen: "screen", Exited: "exited"}


def _newer(facts: Facts, evidence: Report | Screen | Exited) -> Facts:
    field = _FIELDS[type(evidence)]
    known: Report | Screen | Exited | None = getattr(facts, field)
    if known is not None and known.at > evidence.at:
        return facts
    return msgspec.structs.replace(facts, **{field: evidence})


def _output(facts: Facts, output: Output) -> Facts:
    outputs = facts.outputs
    if output.bytes > 0:
        outputs = (*outputs, (output.at, output.bytes))[-KEPT_OUTPUTS:]
    if not output.appends or output.at < facts.tail_at:
        return msgspec.structs.replace(facts, outputs=outputs)
    tail = facts.tail
    if output.lines:
        lines = tuple(line[:MAX_CELLS] for line in output.lines[-TAIL_ROWS:])
        tail = (*tail, *lines)[-TAIL_ROWS:]
    return msgspec.structs.replace(
        facts,
        outputs=outputs,
        tail=tail,
        partial=output.partial[-MAX_CELLS:],
        tail_at=output.at,
    )


def _processes(facts: Facts, found: Processes) -> Facts:
    known = facts.processes
    if known is not None and known.at > found.at:
        return facts
    changed = known is None or (known.command, known.program) != (found.command, found.program)
    if known is not None and known.pid and found.pid and known.pid != found.pid:
        changed = True  # the pane was started anew, maybe with the same program
    facts = msgspec.structs.replace(
        facts, processes=found, command_at=found.at if changed else facts.command_at
    )
    if found.children is None:
        return facts
    at_work = tuple(sorted({child.name for child in _working(known, found)}))
    at = facts.background_at if facts.background == at_work else found.at
    return msgspec.structs.replace(facts, background=at_work, background_at=at)


def _working(known: Processes | None, found: Processes) -> list[Process]:
    """The children in the background that have used the processor since the last look."""
    if known is None or not known.children or found.at <= known.at:
        return []
    before = {child.pid: child for child in known.children}
    enough = (found.at - known.at) * WORKING_SHARE
    return [
        child
        for child in found.children or ()
        if not child.foreground
        and child.state not in ("T", "Z")
        and child.pid in before
        and child.cpu_seconds - before[child.pid].cpu_seconds >= enough
    ]


def _signal(facts: Facts, at: float, signal: Signal) -> Facts:
    match signal:
        case Title(text=text):
            if text == facts.title or at < facts.title_at:
                return facts
            return msgspec.structs.replace(facts, title=text, title_at=at)
        case Progress():
            return msgspec.structs.replace(facts, progress=signal, progress_at=at)
        case Notification(title=title, body=body):
            text = f"{title}: {body}" if title else body
            return msgspec.structs.replace(facts, notification=text, notified_at=at)
        case Bell():
            return msgspec.structs.replace(facts, bell_at=at)
        case _:
            return msgspec.structs.replace(facts, mark=_marked(facts.mark, at, signal))


def _marked(mark: Mark, at: float, signal: Signal) -> Mark:
    match signal:
        case CommandStart(command_line=command_line):
            return Mark(True, at, command_line, mark.exit_status)
        case CommandEnd(exit_status=status):
            return Mark(False, at, mark.command_line, status)
        case Prompt() | CommandInput() if mark.running is not False:
            return Mark(False, at, mark.command_line, None if mark.running else mark.exit_status)
        case _:
            return mark
