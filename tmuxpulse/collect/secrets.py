"""What masks secrets: in the titles and names that the state is made of, on screens in colour.

Shells put command lines into titles, and tmux names windows after commands. Names of sessions stay:
they are chosen by a person, and what one is allowed to see is told by them.
"""

from __future__ import annotations

import msgspec

from tmuxpulse.config.settings import RedactionTable
from tmuxpulse.redaction.redactor import Redactor, make_redactor
from tmuxpulse.styles import Screen, replaced
from tmuxpulse.tmux.formats import Listing, PaneRow

MASKED = ("pane_title", "window_name", "pane_current_path", "pane_current_command")


def redactor_of(settings: RedactionTable) -> Redactor:
    """What masks secrets, as the settings say.

    Raises:
        UsageError: one of their rules cannot be taken.
    """
    if not settings.enabled:
        return Redactor(())
    return make_redactor((rule.name, rule.pattern) for rule in settings.rules)


def without_secrets(listing: Listing, redactor: Redactor) -> Listing:
    """Give a list with its titles and names masked; the same one if there was nothing to mask."""
    panes = tuple(_masked(row, redactor) for row in listing.panes)
    if all(shown is row for shown, row in zip(panes, listing.panes)):  # noqa: B905  # equally long
        return listing
    return msgspec.structs.replace(listing, panes=panes)


def screen_without_secrets(screen: Screen, redactor: Redactor) -> Screen:
    """Give a screen with its secrets masked, and its runs where the text is now."""
    found = redactor.screen(screen.rows, screen.width)
    styles = [
        replaced(runs, found.masks[row]) if row in found.masks else runs
        for row, runs in enumerate(screen.styles)
    ]
    return msgspec.structs.replace(screen, rows=found.rows, styles=styles)


def _masked(row: PaneRow, redactor: Redactor) -> PaneRow:
    found = {field: redactor.redact_line(getattr(row, field)) for field in MASKED}
    changed = {field: one.text for field, one in found.items() if one.count}
    return msgspec.structs.replace(row, **changed) if changed else row
