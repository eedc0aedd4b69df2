"""Nurseries raise groups; callers of a client expect one error.

Nothing of tmuxpulse is known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def unwrapped() -> Iterator[None]:
    """Raise the one exception that a group holds, however deep, as itself.

    A group with several exceptions goes on whole: none of them is hidden. (``except*`` cannot say
    this, and exists from Python 3.11 on only.)
    """
    try:
        yield
    except BaseException as error:
        found = single(error)
        if found is error:
            raise
        context = found.__context__
        try:
            raise found
        finally:
            found.__context__ = context  # else its traceback would end in the group around it
            del found, error, context


def single(error: BaseException) -> BaseException:
    """Give the one exception inside nested groups, or `error` when there are several."""
    found = error
    while True:
        inner: tuple[BaseException, ...] | None = getattr(found, "exceptions", None)
        if not isinstance(inner, tuple) or not hasattr(found, "split"):
            return found
        if len(inner) != 1:
            return error
        found = inner[0]
