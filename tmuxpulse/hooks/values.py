"""Any value of a host program as bounded JSON, without running any code of the host's.

A foreign object's ``repr`` can be slow, huge, secret or wrong, so it is not asked: what is no plain
value is told by the name of its type. Methods are those of the builtin types, never of a subclass.
"""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

MAX_CHARACTERS = 2000  # of all texts of an event; in the worst case six bytes each in JSON
MAX_TEXT = 500
MAX_ITEMS = 32
MAX_DEPTH = 4
MAX_NAME = 100
MAX_INTEGER_BITS = 53  # beyond it JavaScript rounds
MAX_WRITTEN_BITS = 256
CUT = "…"
LEFT_OUT = "<left out>"

_name_of = type.__dict__["__name__"].__get__
_module_of = type.__dict__["__module__"].__get__


class Bounded:
    """Values of one event: together they are bounded, too."""

    def __init__(self) -> None:
        self._left = MAX_CHARACTERS

    def text(self, text: str, most: int = MAX_TEXT) -> str:
        """A text, cut where it is too long; what no encoding has is replaced."""
        most = min(most, self._left)
        if most <= 0:
            return CUT
        found = str.__getitem__(text, slice(0, most + 1))
        if len(found) > most:
            found = found[:most] + CUT
        self._left -= len(found)
        return found.encode("utf-8", "replace").decode()

    def value(self, value: Any, depth: int = 0) -> Any:  # noqa: ANN401  # any value, as JSON
        """Anything, as what JSON can hold.

        Raises:
            Exception: a container changed while it was read, or the like.
        """
        kind = type(value)
        if value is None or kind is bool:
            return value
        self._left -= 1
        if self._left <= 0:
            return LEFT_OUT
        # By identity: to compare or to hash a class is to ask its metaclass.
        for base in (kind, *type.mro(kind)):
            for plain, read in _READERS:
                if base is plain:
                    return read(self, value, depth)
        return self.text(named(kind), MAX_NAME)

    def _integer(self, value: int, _depth: int) -> int | str:
        number = int.__index__(value)
        bits = number.bit_length()
        if bits <= MAX_INTEGER_BITS:
            return number
        if bits <= MAX_WRITTEN_BITS:
            return self.text(str(number))
        return f"<int of {bits} bits>"

    def _float(self, value: float, _depth: int) -> float | str:
        number = float.__float__(value)
        return number if math.isfinite(number) else str(number)

    def _text(self, value: str, _depth: int) -> str:
        return self.text(value)

    def _bytes(self, value: bytes, _depth: int) -> str:
        return f"<{bytes.__len__(value)} bytes>"

    def _items(self, base: Any, value: Any, depth: int) -> Any:  # noqa: ANN401  # list, tuple, set
        if depth >= MAX_DEPTH:
            return LEFT_OUT
        found = [self.value(one, depth + 1) for one in islice(base.__iter__(value), MAX_ITEMS)]
        if base.__len__(value) > MAX_ITEMS:
            found.append(CUT)
        return found

    def _mapping(self, value: dict[Any, Any], depth: int) -> Any:  # noqa: ANN401  # as JSON
        if depth >= MAX_DEPTH:
            return LEFT_OUT
        found: dict[str, Any] = {}
        for key, one in islice(dict.items(value), MAX_ITEMS):
            name = self.text(key, MAX_NAME) if type(key) is str else str(self.value(key, MAX_DEPTH))
            found[name] = self.value(one, depth + 1)
        if dict.__len__(value) > MAX_ITEMS:
            found[CUT] = CUT
        return found


def named(kind: type) -> str:
    """A type, by its name; whatever its metaclass says."""
    module, name = _module_of(kind), _name_of(kind)
    if type(module) is not str or module == "builtins":
        return f"<{name}>"
    return f"<{module}.{name}>"


def _each(base: type) -> Any:  # noqa: ANN401  # as the readers below
    return lambda bounded, value, depth: bounded._items(base, value, depth)  # noqa: SLF001


_READERS: tuple[tuple[type, Any], ...] = (
    (str, Bounded._text),  # noqa: SLF001  # of this module
    (int, Bounded._integer),  # noqa: SLF001
    (float, Bounded._float),  # noqa: SLF001
    (dict, Bounded._mapping),  # noqa: SLF001
    (list, _each(list)),
    (tuple, _each(tuple)),
    (set, _each(set)),
    (frozenset, _each(frozenset)),
    (bytes, Bounded._bytes),  # noqa: SLF001
)
