"""Every shipped rule, on screens and lines that it is for and that it is not for."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from tests.status.screens import book, screen
from tmuxpulse import events as ev
from tmuxpulse.status.lines import LineReader
from tmuxpulse.status.rules import load
from tmuxpulse.status.shipped import FILES, shipped

FOLDER = Path(__file__).parent / "examples"
RULES = Path(__file__).parents[2] / "tmuxpulse" / "status" / "rules"


class RuleExamples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Screens, or titles, that a rule wins on (`yes`) and does not match (`no`).

    Attributes:
        real: whether the texts are of a real program; else they are as its descriptions say.
    """

    name: str
    yes: tuple[str, ...]
    no: tuple[str, ...]
    command: str = ""
    alternate: bool = False
    title: bool = False
    real: bool = False


class LineExamples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Lines of which the last one is told by a rule (`yes`), or none is (`no`)."""

    name: str
    yes: tuple[str, ...]
    no: tuple[str, ...]
    real: bool = False


class Examples(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: tuple[RuleExamples, ...] = ()
    line: tuple[LineExamples, ...] = ()


FILES_READ = {
    path.stem: msgspec.toml.decode(path.read_text(encoding="utf-8"), type=Examples)
    for path in sorted(FOLDER.glob("*.toml"))
}
RULE_CASES = [(family, case) for family, file in FILES_READ.items() for case in file.rule]
LINE_CASES = [(family, case) for family, file in FILES_READ.items() for case in file.line]


def seen(case: RuleExamples, text: str):
    if case.title:
        sight = book().look(screen(""), (case.command,), text)
        return sight.titles
    alternate = case.alternate
    return book().look(screen(text, alternate=alternate), (case.command,)).hits


def told(text: str) -> list[tuple[str, str]]:
    reader = LineReader(book().line_rules, book().line_gate)
    events = reader.read(text.split("\n"))
    return [(e.rule, e.line) for e in events if isinstance(e, ev.PaneError | ev.PaneWarning)]


@pytest.mark.parametrize(("family", "case"), RULE_CASES, ids=lambda x: getattr(x, "name", x))
def test_a_rule_sees_what_it_is_for_and_nothing_else(family, case):
    name = f"{family}.{case.name}"
    for text in case.yes:
        hits = seen(case, text)
        assert hits, f"nothing matches:\n{text}"
        assert hits[0].rule.name == name, text
    for text in case.no:
        assert name not in [hit.rule.name for hit in seen(case, text)], text


@pytest.mark.parametrize(("family", "case"), LINE_CASES, ids=lambda x: getattr(x, "name", x))
def test_a_line_rule_tells_what_it_is_for_and_nothing_else(family, case):
    name = f"{family}.{case.name}"
    for text in case.yes:
        assert told(text)[-1:] == [(name, text.split("\n")[-1].strip())], text
    for text in case.no:
        assert name not in [rule for rule, _ in told(text)], text


def test_every_rule_has_examples():
    families, _ = load(shipped())
    rules = {rule.name for family in families for rule in family.rules}
    lines = {rule.name for family in families for rule in family.lines}
    with_examples = {f"{f}.{c.name}" for f, c in RULE_CASES if len(c.yes) >= 2 and c.no}
    lines_with_examples = {f"{f}.{c.name}" for f, c in LINE_CASES if len(c.yes) >= 2 and c.no}
    assert rules - with_examples == set()
    assert lines - lines_with_examples == set()
    assert with_examples - rules == set()
    assert lines_with_examples - lines == set()


def test_no_shipped_rule_is_refused():
    _, complaints = load([], own=shipped())
    assert complaints == ()


def test_the_list_of_files_is_whole():
    assert sorted(path.stem for path in RULES.glob("*.toml")) == sorted(FILES)


def test_shipped_rules_say_when_they_were_seen():
    for path in RULES.glob("*.toml"):
        text = path.read_text(encoding="utf-8")
        assert re.search(r'^date = "\d{4}-\d\d-\d\d"$', text, re.MULTILINE), path.name
        assert re.search(r'^seen = "\S', text, re.MULTILINE), path.name
