"""`tmuxpulse search`: the same as `history`, for a text."""

from __future__ import annotations

from tmuxpulse.cli.history import add_search_parser as add_parser

__all__ = ["add_parser"]
