"""Nurseries raise groups; callers of an engine expect one `TmuxError`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tmuxpulse.errors import TmuxError


@contextmanager
def one_tmux_error() -> Iterator[None]:
    """Raise the first `TmuxError` of a group that holds nothing else.

    Any other group goes on whole: a bug, or a cancellation, is not hidden by a tmux error beside
    it. (``except*`` would say this, from Python 3.11 on.)
    """
    try:
        yield
    except BaseException as error:
        split: Any = getattr(error, "split", None)
        if split is None:
            raise
        ours, rest = split(TmuxError)
        if ours is None or rest is not None:
            raise
        while not isinstance(ours, TmuxError):
            ours = ours.exceptions[0]
        raise ours from None
