"""The language of filters in the full screen: the options of the command line, on one line. Pure.

A word that is no option is a text to look for, as after ``--grep``.
"""

from __future__ import annotations

import argparse
import shlex
from typing import NoReturn

from tmuxpulse.cli.options import add_filter_options, filter_of
from tmuxpulse.errors import UsageError
from tmuxpulse.filters import Filter

_OPTIONS = {
    "sessions": "--session",
    "windows": "--window",
    "panes": "--pane",
    "types": "--type",
    "statuses": "--status",
    "severity": "--severity",
    "contains": "--grep",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def parse_filter(text: str) -> Filter:
    """What a person wrote as a filter; nothing is everything.

    Raises:
        UsageError: it is none; the message says what is allowed.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{error} in the filter".lower()) from None
    parser = _Parser(prog="filter", add_help=False, allow_abbrev=False)
    add_filter_options(parser)
    parser.add_argument("words", nargs="*")
    options = parser.parse_intermixed_args(words)
    options.contains = [*options.contains, *options.words]
    return filter_of(options)


def filter_text(wanted: Filter) -> str:
    """A filter as `parse_filter` reads it."""
    parts = [
        part
        for field, option in _OPTIONS.items()
        for value in getattr(wanted, field)
        for part in (option, value)
    ]
    return shlex.join(parts)
