"""The layers: what each of them says about a pane, and which one is believed.

In this order, the first that is there: the program's end; a report that nothing newer contradicts;
a question on the screen that waits for an answer; work behind a prompt; a shell's marks at a
prompt; title, progress and notification; the screen; a rule that lasts; and last what is only
assumed: an unsure rule, a command that runs, the rhythm of the output. `docs/reference/status.md`
says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tmuxpulse.status.facts import NEVER, REMOTE, Facts
from tmuxpulse.status.matching import Hit
from tmuxpulse.status.rules import DWELL_SECONDS
from tmuxpulse.status.sighting import Sighting
from tmuxpulse.status.verdict import Claim, Layer

GRACE_SECONDS: Final = 1.0  # a screen may lag behind what its program reported
SETTLE_SECONDS: Final = 3.0  # but not for so long
_LIST_SECONDS: Final = 0.5  # a list may tell of a program that has just ended
ACTIVE_SECONDS: Final = 2.0  # who printed so recently may be at work
_ACTIVE_OUTPUTS: Final = 3  # a key that is typed is echoed once
_ACTIVE_BYTES: Final = 400
OVERTAKEN: Final = frozenset[Layer](("report", "control"))  # layers whose claims get too old

# A user who ended a command, or a reader who had read enough, is no failure.
_ENDED_ON_PURPOSE: Final = {130: "interrupted", 141: "ended early", 143: "ended"}
_STOPPED: Final = frozenset((146, 147, 148, 149, 150))
# Their exit status 1 is an answer.
_ANSWERS: Final = frozenset(
    [
        "grep",
        "egrep",
        "fgrep",
        "rg",
        "ag",
        "ack",
        "diff",
        "cmp",
        "test",
        "[",
        "[[",
        "which",
        "type",
        "pgrep",
        "false",
        "expr",
    ]
)
_SIGNALS: Final = {
    132: "illegal instruction",
    134: "aborted",
    135: "bus error",
    136: "floating point exception",
    137: "killed",
    139: "segmentation fault",
}


def claims(facts: Facts, sighting: Sighting, now: float) -> Iterator[tuple[Claim, str]]:
    """Say what each layer says; those that nobody asks for are not made.

    Args:
        facts: what is known.
        sighting: what the rules see.
        now: the time.

    Yields:
        Each claim with what makes it void, empty when nothing does. The first one that is not void
        is believed.
    """
    yield from ((claim, "") for claim in _exit(facts))
    yield from ((claim, _overtaken(claim, facts, sighting, now)) for claim in _report(facts))
    screen = [_of_hit(hit, sighting, sighting.began) for hit in sighting.sight.hits[:1]]
    question = [c for c in screen if c.status == "waiting" and c.sure]
    marks = list(_marks(facts, sighting))
    at_prompt = any(claim.sure for claim, void in marks if not void)
    yield from ((claim, "the shell is at its prompt" if at_prompt else "") for claim in question)
    yield from ((claim, "") for claim in _background(facts, sighting))
    yield from (mark for mark in marks if mark[0].sure)
    control = list(_control(facts, sighting))
    yield from ((c, _overtaken(c, facts, sighting, now)) for c in control if c.sure)
    yield from ((claim, "") for claim in screen if claim.sure and claim not in question)
    yield from ((claim, "") for claim in _held(sighting))
    yield from ((claim, "") for claim in screen if not claim.sure)
    yield from ((c, _overtaken(c, facts, sighting, now)) for c in control if not c.sure)
    rhythm = list(_rhythm(facts, now))
    if sighting.sight.agent and not rhythm:
        yield _no_rule(sighting), ""
    yield from (mark for mark in marks if not mark[0].sure)
    yield from ((claim, "") for claim in _process(facts, sighting, busy=bool(rhythm)))
    yield from ((claim, "") for claim in rhythm)
    yield _nothing(facts), ""


def _exit(facts: Facts) -> Iterator[Claim]:
    exited = facts.exited
    if exited is None or facts.command_at > exited.at:
        return
    failed = bool(exited.exit_status or exited.signal)
    how = f"signal {exited.signal}" if exited.signal else f"exit status {exited.exit_status}"
    known = exited.signal or exited.exit_status is not None
    yield Claim(
        layer="exit",
        status="error" if failed else "ready",
        reason=f"its program ended with {how}" if known else "its program ended",
        rule="exit.failed" if failed else "exit.ended",
        confidence=1.0,
        dwell=0.1,
        at=exited.at,
        sure=True,
    )


def _report(facts: Facts) -> Iterator[Claim]:
    report = facts.report
    if report is not None:
        yield Claim(
            layer="report",
            status=report.status,
            reason=report.reason or "it says so",
            rule=f"report.{report.source}",
            confidence=0.95,
            dwell=0.1,
            at=report.at,
            sure=True,
            agent_type=report.agent_type,
        )


def _overtaken(claim: Claim, facts: Facts, sighting: Sighting, now: float) -> str:
    """What is newer than a claim and contradicts it; empty when nothing does."""
    mark = facts.mark
    if claim.layer == "report" and mark.running is not None and mark.at > claim.at:
        return "the shell's marks are newer"
    if mark.running is False and mark.at > claim.at:
        return "the shell came to its prompt since"
    if facts.in_shell and facts.command_at > claim.at:
        return "the program ended since"
    first = sighting.sight.hits[0] if sighting.sight.hits else None
    if first is None or not first.rule.sure or first.rule.state in (claim.status, "keep"):
        return ""
    # Text that stays while a user types is no news; a counter that goes on is.
    seen = sighting.changed if first.rule.state == "busy" else sighting.began
    settled = claim.at < seen and now >= seen + SETTLE_SECONDS
    return "the screen is newer" if settled or seen > claim.at + GRACE_SECONDS else ""


def _of_hit(hit: Hit, sighting: Sighting, at: float) -> Claim:
    rule = hit.rule
    return Claim(
        layer="screen" if hit.row >= 0 else "control",
        status=rule.state,
        reason=rule.reason,
        rule=rule.name,
        evidence=hit.evidence,
        confidence=rule.confidence,
        dwell=rule.dwell,
        at=at,
        sure=rule.sure,
        agent_type=sighting.sight.agent,
    )


def _background(facts: Facts, sighting: Sighting) -> Iterator[Claim]:
    if facts.background and facts.in_shell and not sighting.sight.at_start:
        names = ", ".join(facts.background[:3])
        yield Claim(
            layer="process",
            status="busy",
            reason=f"{names} works in the background",
            rule="process.background",
            evidence=names,
            confidence=0.8,
            dwell=0.5,
            at=facts.background_at,
            sure=True,
        )


def _marks(facts: Facts, sighting: Sighting) -> Iterator[tuple[Claim, str]]:
    mark = facts.mark
    if mark.running is None:
        return
    command = (mark.command_line or ("" if mark.running else sighting.sight.command_line)).strip()
    command = command[:200]
    if mark.running:
        yield (
            Claim(
                layer="control",
                status="busy",
                # Its arguments are text that was typed, which not everybody may see.
                reason=f"runs {_name(command)}" if command else "a command runs",
                rule="control.command-runs",
                evidence=command,
                confidence=0.9,
                dwell=DWELL_SECONDS["busy"],
                at=mark.at,
            ),
            "",
        )
        return
    # A program that was started without a mark: the marks are of an earlier time.
    other = facts.program if facts.command_at > mark.at + _LIST_SECONDS else ""
    void = f"{other} runs since" if other and other not in REMOTE else ""
    status, reason = _ended(mark.exit_status, command)
    yield (
        Claim(
            layer="control",
            status="error" if status else "ready",
            reason=reason,
            rule="control.command-failed" if status else "control.prompt",
            evidence=command,
            confidence=0.95,
            dwell=DWELL_SECONDS["error" if status else "ready"],
            at=mark.at,
            sure=True,
        ),
        void,
    )


def _name(command: str) -> str:
    """The name of the program in a command line."""
    return command.split(maxsplit=1)[0].rpartition("/")[2] if command else ""


def _ended(status: int | None, command: str) -> tuple[bool, str]:
    """Whether a command failed, and what to say of it."""
    if not status or status in _STOPPED:
        return False, "at a shell prompt"
    name = _name(command)
    if status in _ENDED_ON_PURPOSE:
        return False, f"at a shell prompt; the last command was {_ENDED_ON_PURPOSE[status]}"
    if status == 1 and name in _ANSWERS:
        return False, f"at a shell prompt; {name} answered with status 1"
    what = _SIGNALS.get(status, f"exit status {status}")
    return True, f"{name}: {what}" if name else f"the last command failed: {what}"


def _control(facts: Facts, sighting: Sighting) -> Iterator[Claim]:
    for hit in sighting.sight.titles[:1]:
        yield _of_hit(hit, sighting, facts.title_at)
    for hit in sighting.sight.notifications[:1]:
        yield _of_hit(hit, sighting, facts.notified_at)
    progress = facts.progress
    if progress is None or progress.state == "none":
        return
    failed = progress.state == "error"
    percent = "" if progress.percent is None else f" {progress.percent} %"
    yield Claim(
        layer="control",
        status="error" if failed else "busy",
        reason="its progress failed" if failed else f"tells its progress{percent}",
        rule="control.progress-failed" if failed else "control.progress",
        evidence=f"{progress.state}{percent}",
        confidence=0.85,
        dwell=DWELL_SECONDS["error" if failed else "busy"],
        at=facts.progress_at,
        sure=True,
    )


def _held(sighting: Sighting) -> Iterator[Claim]:
    if sighting.held is not None:
        yield _of_hit(sighting.held, sighting, sighting.held_at)


def _process(facts: Facts, sighting: Sighting, *, busy: bool) -> Iterator[Claim]:
    processes = facts.processes
    if processes is None:
        return
    if not facts.in_shell:
        name = facts.program or processes.command
        yield Claim(
            layer="process",
            status="busy",
            reason=f"runs {name}",
            rule="process.runs",
            evidence=name,
            confidence=0.6,
            dwell=0.3,
            at=facts.command_at,
            agent_type=sighting.sight.agent,
        )
        return
    # A loop of the shell's own has no process; but a prompt is never in the first column.
    works = sighting.sight.at_start or (busy and sighting.sight.prompt is None)
    yield Claim(
        layer="process",
        status="busy" if works else "ready",
        reason="the shell itself runs something" if works else "at a shell prompt",
        rule="process.shell-works" if works else "process.shell",
        evidence=processes.command,
        confidence=0.5 if facts.shown is None or works else 0.7,
        dwell=DWELL_SECONDS["busy" if works else "ready"],
        at=facts.command_at,
    )


def _rhythm(facts: Facts, now: float) -> Iterator[Claim]:
    rhythm = facts.rhythm
    # The same sum as the time at which it is judged again: a difference rounds another way.
    recent = [(at, count) for at, count in rhythm.outputs if now < at + ACTIVE_SECONDS]
    count = sum(size for _, size in recent)
    if len(recent) >= _ACTIVE_OUTPUTS or count >= _ACTIVE_BYTES:
        yield Claim(
            layer="rhythm",
            status="busy",
            reason="it prints",
            rule="rhythm.prints",
            evidence=f"{count} bytes in {ACTIVE_SECONDS:g} s",
            confidence=0.4,
            dwell=0.5,
            at=recent[0][0],
        )


def prints_steadily(facts: Facts, now: float) -> bool:
    """Whether it is known, without a look at each output, that its rhythm is that of work."""
    if facts.resizes or len(facts.outputs) < _ACTIVE_OUTPUTS:
        return False
    return now < facts.outputs[-_ACTIVE_OUTPUTS][0] + ACTIVE_SECONDS


def _no_rule(sighting: Sighting) -> Claim:
    return Claim(
        layer="screen",
        status="unknown",
        reason="no rule knows what it shows",
        rule="screen.no-rule",
        confidence=0.0,
        dwell=DWELL_SECONDS["unknown"],
        at=sighting.changed,
        agent_type=sighting.sight.agent,
    )


def _nothing(facts: Facts) -> Claim:
    return Claim(
        layer="screen",
        status="unknown",
        reason="nothing tells what it is doing",
        rule="screen.nothing",
        confidence=0.0,
        dwell=DWELL_SECONDS["unknown"],
        at=facts.shown.at if facts.shown else NEVER,
    )
