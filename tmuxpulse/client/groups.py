"""Nurseries raise groups; callers of a client expect one error.

Nothing of tmuxpulse is known here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


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


@contextmanager
def first_of(kind: type[Exception]) -> Iterator[None]:
    """Raise the first exception of a group that holds nothing but those of one kind.

    Two tasks of a connection may learn of its end at once, each in its own way. Any other group
    goes on whole.
    """
    try:
        with unwrapped():
            yield
    except BaseException as error:
        split: Any = getattr(error, "split", None)
        if split is None:
            raise
        found, rest = split(kind)
        if found is None or rest is not None:
            raise
        while not isinstance(found, kind):
            found = found.exceptions[0]
        raise found from None


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
