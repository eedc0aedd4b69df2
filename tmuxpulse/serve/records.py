"""What the server's parts need of the audit log. The log itself is `audit`."""

from __future__ import annotations

from typing import Protocol, Union

Value = Union[str, int, float, bool, list[str]]  # noqa: UP007  # evaluated on Python 3.10


class Records(Protocol):
    """Is told what happens; neither waits nor raises, whatever the disk does."""

    def record(self, action: str, *, who: str, **fields: Value) -> None:
        """Write down that `who` did something; never keystrokes, never tokens."""

    def record_look(self, *, who: str, **fields: Value) -> None:
        """Write down that `who` read a pane's screen; who goes on looking becomes few entries."""

    def record_failure(self, peer: str, why: str) -> None:
        """Write down that somebody was refused; many of one kind become one entry."""
