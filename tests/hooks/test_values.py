"""Any value becomes bounded JSON, and no code of its own is run for that."""

from __future__ import annotations

import enum
import sys
from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmuxpulse.hooks.values import CUT, LEFT_OUT, MAX_CHARACTERS, MAX_ITEMS, MAX_TEXT, Bounded
from tmuxpulse.serve.emit import MAX_DATA_BYTES


def told(value: Any) -> Any:
    return Bounded().value(value)


class Angry(type):
    """A metaclass that lets nobody ask anything of its classes."""

    def __eq__(cls, other: object) -> bool:
        raise AssertionError("compared")

    def __hash__(cls) -> int:
        raise AssertionError("hashed")

    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise AssertionError("named")

    def mro(cls) -> list[type]:
        return type.mro(cls)


class Hostile(metaclass=Angry):
    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"asked for {name}")

    def __repr__(self) -> str:
        raise AssertionError("shown")

    __str__ = __repr__


class HostileText(str):
    __slots__ = ()

    def __getitem__(self, key: Any) -> str:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError

    def encode(self, *_: Any) -> bytes:
        raise AssertionError

    __str__ = __repr__ = lambda _self: sys.exit("run")


class HostileList(list[Any]):
    def __iter__(self) -> Any:
        raise AssertionError

    def __len__(self) -> int:
        raise AssertionError


class HostileDict(dict[Any, Any]):
    def items(self) -> Any:
        raise AssertionError

    __iter__ = __len__ = items


class HostileNumber(int):
    def __index__(self) -> int:
        raise AssertionError

    __int__ = __str__ = __repr__ = __index__  # type: ignore[assignment]


class Colour(enum.IntEnum):
    RED = 3


Pair = namedtuple("Pair", "a b")  # noqa: PYI024  # as hosts have them


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (-(2**53) + 1, -(2**53) + 1),
        (2**60, str(2**60)),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ("a\u0000\x1b[31m", "a\u0000\x1b[31m"),
        ("\ud800x", "?x"),
        ("x" * 600, "x" * MAX_TEXT + CUT),
        (b"secret", "<6 bytes>"),
        ([1, "a", None], [1, "a", None]),
        ((1, (2,)), [1, [2]]),
        ({7}, [7]),
        ({"a": 1, 2: "b", None: 3}, {"a": 1, "2": "b", "None": 3}),
        ([[[[[1]]]]], [[[[LEFT_OUT]]]]),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(int, b=2), {"b": 2}),
        (Pair(1, 2), [1, 2]),
        (Colour.RED, 3),
        (Path("/a"), f"<{type(Path()).__module__}.{type(Path()).__name__}>"),
        (object(), "<object>"),
        (object, "<type>"),
        (print, "<builtin_function_or_method>"),
    ],
)
def test_what_a_value_is_told_as(value: Any, expected: Any) -> None:
    assert told(value) == expected


@pytest.mark.parametrize(
    ("make", "expected"),  # pytest asks what it is given
    [
        (Hostile, f"<{__name__}.Hostile>"),
        (lambda: Hostile, f"<{__name__}.Angry>"),
        (lambda: HostileText("abc"), "abc"),
        (lambda: HostileList([1]), [1]),
        (lambda: HostileDict(a=HostileNumber(4)), {"a": 4}),
        (lambda: [Hostile()], [f"<{__name__}.Hostile>"]),
    ],
    ids=["object", "class", "text", "list", "dict", "inside"],
)
def test_no_code_of_a_value_is_run(make: Callable[[], Any], expected: Any) -> None:
    found = told(make())
    assert type(found) in (str, list, dict)
    assert found == expected


def test_what_is_endless_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert told(loop) == [[[[LEFT_OUT]]]]
    assert told(10**5000) == f"<int of {(10**5000).bit_length()} bits>"
    assert told(list(range(1000))) == [*range(MAX_ITEMS), CUT]
    assert len(told({n: n for n in range(1000)})) == MAX_ITEMS + 1


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]))
    | st.binary()
    | st.builds(object),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
)


@given(st.lists(VALUES))
def test_anything_is_json_and_small_enough_for_an_event(values: list[Any]) -> None:
    bounded = Bounded()
    data = {str(at): bounded.value(value) for at, value in enumerate(values[:MAX_ITEMS])}
    assert len(msgspec.json.encode(data)) < MAX_DATA_BYTES - 1000


def test_the_worst_text_is_small_enough_for_an_event() -> None:
    worst = ["\x01" * 500] * 100  # six bytes each in JSON
    assert len(msgspec.json.encode(told(worst))) < MAX_DATA_BYTES - 1000
    assert MAX_CHARACTERS * 6 < MAX_DATA_BYTES - 1000
