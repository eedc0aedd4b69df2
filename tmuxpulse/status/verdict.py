"""What is decided about a pane, and why: values only."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from tmuxpulse.events import Status

Layer: TypeAlias = Literal["exit", "report", "control", "process", "screen", "rhythm"]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What one layer says.

    Attributes:
        layer: which.
        status: what the pane is doing, it says; ``keep`` is whatever it was doing before.
        reason: why, for a person.
        rule: the name of the rule, ``family.name``; of a layer without rules ``layer.name``.
        evidence: the text that shows it.
        confidence: from 0 to 1.
        dwell: how long it has to hold before it is announced, in seconds.
        at: since when there is evidence for it.
        sure: whether it is more than an assumption.
        agent_type: the kind of agent, if it is one.
    """

    layer: Layer
    status: Status | Literal["keep"]
    reason: str
    rule: str
    evidence: str = ""
    confidence: float = 0.5
    dwell: float = 0.3
    at: float = 0.0
    sure: bool = False
    agent_type: str | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a pane is doing.

    Attributes:
        status: what.
        agent_type: the kind of agent, if it is one.
        reason: why, for a person.
        rule: the rule that says so.
        evidence: the text that shows it.
        confidence: from 0 to 1.
        since: since when.
    """

    status: Status = "unknown"
    agent_type: str | None = None
    reason: str = "nothing is known yet"
    rule: str = ""
    evidence: str = ""
    confidence: float = 0.0
    since: float = 0.0


class Opinion(msgspec.Struct, frozen=True):
    """A claim among the others.

    Attributes:
        claim: what was said.
        age: how old its evidence is, in seconds.
        outcome: ``won``, or why it lost.
    """

    claim: Claim
    age: float
    outcome: str


class Known(msgspec.Struct, frozen=True):
    """A piece of evidence, in words.

    Attributes:
        layer: whose.
        text: what is known.
        age: for how long, in seconds.
    """

    layer: Layer
    text: str
    age: float


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a pane's status is what it is.

    Attributes:
        announced: what was told last.
        verdict: what holds now; it may still have to dwell.
        dwell_left: seconds until it is announced; None when it is, or is no change.
        opinions: what the layers say, the one that won first.
        matched: names of further rules that match, best first.
        evidence: what is known.
    """

    announced: Verdict
    verdict: Verdict
    dwell_left: float | None
    opinions: tuple[Opinion, ...]
    matched: tuple[str, ...]
    evidence: tuple[Known, ...]
