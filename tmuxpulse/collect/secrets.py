"""What masks secrets, and the titles and names that it masks before the state is made of them.

Shells put command lines into titles, and tmux names windows after commands. Names of sessions stay:
they are chosen by a person, and what one is allowed to see is told by them.
"""

from __future__ import annotations

import msgspec

from tmuxpulse.config.settings import RedactionTable
from tmuxpulse.redaction.redactor import Redactor, make_redactor
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


def _masked(row: PaneRow, redactor: Redactor) -> PaneRow:
    found = {field: redactor.redact_line(getattr(row, field)) for field in MASKED}
    changed = {field: one.text for field, one in found.items() if one.count}
    return msgspec.structs.replace(row, **changed) if changed else row
