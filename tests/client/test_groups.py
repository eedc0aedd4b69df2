"""One error out of a group, or the group as it is."""

from __future__ import annotations

import pytest
import trio

from tmuxpulse.client.groups import first_of, unwrapped
from tmuxpulse.errors import ServerError, ServerRefused, ServerUnavailable


async def fail(error: Exception) -> None:
    raise error


async def together(*errors: Exception) -> None:
    async with trio.open_nursery() as nursery:
        for error in errors:
            nursery.start_soon(fail, error)


async def test_the_first_of_one_kind() -> None:
    with pytest.raises(ServerError), first_of(ServerError):
        await together(ServerRefused("a", code="x"), ServerUnavailable("b"))
    with pytest.raises(ServerUnavailable), first_of(ServerError):
        await together(ServerUnavailable("b"))
    with pytest.raises(ServerRefused), first_of(ServerError):
        raise ServerRefused("a", code="x")


async def test_another_one_beside_it_is_not_hidden() -> None:
    with pytest.raises(BaseException) as caught, first_of(ServerError):  # noqa: PT011  # a group
        await together(ServerUnavailable("b"), KeyError("bug"))
    assert len(getattr(caught.value, "exceptions", ())) == 2
    with pytest.raises(KeyError), first_of(ServerError):
        await together(KeyError("bug"))


async def test_one_alone_is_unwrapped() -> None:
    with pytest.raises(KeyError), unwrapped():
        await together(KeyError("x"))
