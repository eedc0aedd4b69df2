"""What the rules see on a pane's screen, and for how long they have seen it.

A screen that changes because the pane changed its size is not new evidence. A rule that `lasts`
holds on when its row has left the screen, until another rule is seen or another program runs.
"""

from __future__ import annotations

import msgspec

from tmuxpulse.status.book import Book, Sight
from tmuxpulse.status.facts import NEVER, REDRAW_SECONDS, Facts
from tmuxpulse.status.matching import Hit


class Sighting(msgspec.Struct, frozen=True):
    """What is seen.

    Attributes:
        sight: the rules that match now.
        began: since when the first of them is the first.
        changed: when what it shows changed last.
        held: a rule that lasts, seen earlier; None while any other one is seen.
        held_at: when it was seen first.
        held_for: the program and command it was seen with.
    """

    sight: Sight = Sight()
    began: float = NEVER
    changed: float = NEVER
    held: Hit | None = None
    held_at: float = NEVER
    held_for: tuple[object, ...] = ()


def sighted(book: Book, before: Sighting, facts: Facts) -> Sighting:
    """Look at the screen again.

    Args:
        book: the rules.
        before: what was seen at an earlier time.
        facts: what is known now.
    """
    screen = facts.shown
    if screen is None:
        return before
    sight = book.look(screen, facts.names, facts.title, facts.notification)
    first = sight.hits[0] if sight.hits else None
    known = before.sight.hits[0] if before.sight.hits else None
    at = screen.at
    began = before.began if _rule(first) == _rule(known) else at
    same = _rule(first) == _rule(known) and _shown(first) == _shown(known)
    redrawn = any(resized <= at < resized + REDRAW_SECONDS for resized in facts.resizes)
    changed = before.changed if same or (redrawn and began == before.began) else max(began, at)
    held, held_at, held_for = before.held, before.held_at, before.held_for
    running = (facts.program, facts.command_at, facts.mark.at)
    if sight.prompt is not None or held_for != running:
        held = None
    lasting = next((hit for hit in sight.hits if hit.rule.lasts), None)
    if lasting is not None and sight.prompt is None:
        if held is None or held.rule.name != lasting.rule.name:
            held_at = at
        held, held_for = lasting, running
    return Sighting(sight, began, changed, held, held_at, held_for)


def _rule(hit: Hit | None) -> str:
    return hit.rule.name if hit else ""


def _shown(hit: Hit | None) -> str:
    return hit.evidence if hit else ""
