"""Why a status is what it is: who is asked, and what is printed."""

from __future__ import annotations

import pytest

from tests.cli.test_tree import pane
from tmuxpulse.cli.ages import seconds_since, short
from tmuxpulse.cli.explain import Explained, explained, target_of
from tmuxpulse.errors import UsageError
from tmuxpulse.wire import Known, Opinion, PaneExplanation, Pending, Target

INSIDE = {"TMUX": "/tmp/tmux-0/default,7,0", "TMUX_PANE": "%3"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%12", Target(pane="%12")),
        ("work", Target(session="work")),
        ("work:2", Target(session="work", window=2)),
        ("work:logs", Target(session="work", window="logs")),
        ("work:2.1", Target(session="work", window=2, pane=1)),
        (None, Target(pane="%3")),
    ],
)
def test_what_names_a_pane(text: str | None, expected: Target) -> None:
    assert target_of(text, INSIDE) == expected


@pytest.mark.parametrize(
    ("text", "environ"), [("%", {}), ("a.b.c", {}), ("work:2.x", {}), ("", {}), (None, {})]
)
def test_what_names_none(text: str | None, environ: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        target_of(text, environ)


FOUND = PaneExplanation(
    status="waiting",
    since="2026-11-23T09:00:00.000Z",
    reason="asks for permission",
    rule="claude.permission",
    evidence="Proceed?\x1b[2J",
    confidence=0.97,
    agent_type="claude",
    pending=Pending(status="busy", rule="claude.working", reason="works", in_s=0.2),
    opinions=[
        Opinion(
            layer="screen",
            status="waiting",
            reason="asks for permission",
            rule="claude.permission",
            evidence="Proceed?",
            confidence=0.97,
            sure=True,
            age_s=75.0,
            outcome="won",
        ),
        Opinion(
            layer="process",
            status="busy",
            reason="runs node",
            rule="process.runs",
            evidence="node",
            confidence=0.6,
            sure=False,
            age_s=3600.0,
            outcome="lost: screen goes before",
        ),
    ],
    matched=["claude.ready"],
    known=[Known(layer="control", text="title 'x'", age_s=4.0)],
)
NOW = 1_795_424_475.0  # 75 s later


def test_an_explanation_in_lines() -> None:
    lines = explained(Explained("default", pane(1), FOUND), colour=False, now=NOW)
    assert lines == [
        "%1 claude: waiting for 1 m 15 s",
        "  why    asks for permission",
        "  shows  Proceed?␛[2J",
        "  rule   claude.permission, 97% sure",
        "  next   busy in 0.2 s: works (claude.working)",
        "",
        "what each layer says, the first that counts on top",
        "  screen   waiting  claude.permission  1m   won",
        "           asks for permission: Proceed?",
        "  process  busy     process.runs       1h   lost: screen goes before",
        "           runs node",
        "",
        "further rules that match: claude.ready",
        "",
        "what is known, and for how long",
        "  control  4s   title 'x'",
    ]


def test_colour_does_no_harm() -> None:
    text = "\n".join(explained(Explained("d", pane(1), FOUND), colour=True, now=NOW))
    assert "\x1b[1;33mwaiting\x1b[0m" in text
    assert "\x1b[2J" not in text


def test_ages() -> None:
    assert seconds_since(FOUND.since, NOW) == 75.0
    assert seconds_since(FOUND.since, 0.0) == 0.0
    assert seconds_since("", NOW) is None
    assert [short(s) for s in (0.4, 59.9, 60, 3600, 86_400 * 40)] == [
        "0s",
        "59s",
        "1m",
        "1h",
        "40d",
    ]
