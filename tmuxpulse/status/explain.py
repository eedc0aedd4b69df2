"""Why a status is what it is, in words a person can check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tmuxpulse.status.facts import NEVER, Facts
from tmuxpulse.status.sighting import Sighting
from tmuxpulse.status.verdict import Claim, Known, Layer, Opinion


def opinions(claims: Sequence[tuple[Claim, str]], now: float) -> tuple[Opinion, ...]:
    """Say of each claim whether it won, and why not; the one that won comes first."""
    winner = next((claim for claim, void in claims if not void), None)
    found = []
    for claim, void in claims:
        if claim is winner:
            outcome = "won"
        elif void:
            outcome = f"lost: {void}"
        elif winner is not None:
            outcome = f"lost: {winner.layer} goes before" if not claim.sure else "lost"
            if claim.sure:
                outcome = f"lost: {winner.rule} goes before"
        found.append(Opinion(claim, _age(claim.at, now), outcome))
    return tuple(sorted(found, key=lambda opinion: opinion.outcome != "won"))


def known_facts(facts: Facts, sighting: Sighting, now: float) -> tuple[Known, ...]:
    """Say what is known, layer by layer."""
    return tuple(
        Known(layer, text, _age(at, now))
        for layer, text, at in _facts(facts, sighting)
        if at != NEVER
    )


def _facts(facts: Facts, sighting: Sighting) -> Iterator[tuple[Layer, str, float]]:
    if facts.exited is not None:
        status = facts.exited.exit_status
        yield "exit", f"its program ended, exit status {status}", facts.exited.at
    if facts.report is not None:
        report = facts.report
        text = f"{report.source} reported {report.status}"
        yield "report", f"{text}: {report.reason}" if report.reason else text, report.at
    mark = facts.mark
    if mark.running is not None:
        what = "a command runs" if mark.running else "at the prompt"
        command = f"; last command {mark.command_line!r}" if mark.command_line else ""
        status_text = "" if mark.exit_status is None else f", exit status {mark.exit_status}"
        yield "control", f"{what}{command}{status_text}", mark.at
    yield "control", f"title {facts.title!r}", facts.title_at
    if facts.progress is not None:
        yield "control", f"progress {facts.progress.state}", facts.progress_at
    yield "control", f"notified {facts.notification!r}", facts.notified_at
    yield "control", "rang the bell", facts.bell_at
    if facts.processes is not None:
        names = " ".join(facts.names) or "not known"
        yield "process", f"foreground {names}", facts.command_at
        if facts.background:
            yield (
                "process",
                f"background at work: {' '.join(facts.background)}",
                facts.background_at,
            )
    shown = facts.shown
    if shown is not None:
        prompt = sighting.sight.prompt
        text = f"{len(shown.rows)} rows" + (f", at the prompt {prompt!r}" if prompt else "")
        yield "screen", text, shown.at
    last = facts.rhythm.last
    if last is not None:
        yield "rhythm", "printed", last


def _age(at: float, now: float) -> float:
    return 0.0 if at == NEVER else round(max(0.0, now - at), 3)
