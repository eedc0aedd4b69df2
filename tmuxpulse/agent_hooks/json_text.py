"""Where things are in a JSON text, so that a part can be changed and the rest stays as it is. Pure.

It reads spans and renders values; what they mean is not known here.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn

import msgspec

from tmuxpulse.errors import UsageError

_BLANK: Final = re.compile(r"[ \t\r\n]*")
_LINE_START: Final = re.compile(r"\r?\n[ \t]*")


class Item(msgspec.Struct, frozen=True):
    """A member of an object, or an element of an array.

    Attributes:
        key: of a member; empty for an element.
        start: where it begins, a member with its key.
        at: where its value begins.
        end: behind its value.
        value: what it is.
    """

    key: str
    start: int
    at: int
    end: int
    value: Any


def parse(text: str, where: str) -> object:
    """Read a JSON text.

    Args:
        text: all of it.
        where: the name of the file.

    Raises:
        UsageError: it is no JSON; with the line.
    """
    try:
        found: object = json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise UsageError(f"{where}:{error.lineno}: not JSON: {error.msg}; nothing done") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where}:1: not JSON: {error}; nothing done") from None
    return found


def items(text: str, start: int) -> list[Item]:
    """The parts of the object or array that begins at `start`, of a text that `parse` takes."""
    decoder = json.JSONDecoder()
    is_object = text[start] == "{"
    at = _skip(text, start + 1)
    found = []
    while text[at] not in "}]":
        begin, key = at, ""
        if is_object:
            key, at = decoder.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        value, end = decoder.raw_decode(text, at)
        found.append(Item(key, begin, at, end, value))
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return found


def member(text: str, start: int, key: str) -> Item | None:
    """The member of an object that counts: of several with the same key, the last."""
    return next((one for one in reversed(items(text, start)) if one.key == key), None)


def begin(text: str) -> int:
    """Where the value of the whole text begins."""
    return _skip(text, 0)


def append(text: str, start: int, key: str, value: object) -> str:
    """Put a part behind the last one of an object or array, written as its neighbours are.

    Args:
        text: all of it.
        start: where the object or array begins.
        key: of a new member; empty for an element.
        value: what it is to be.
    """
    there = items(text, start)
    if there:
        gap = _gap(text, start, there)
        return _put(text, there[-1].end, "," + gap + render(key, value, gap, _unit(text)))
    if start != begin(text):
        # Unlike what is made anew around a part: who takes it out sees what was there before it.
        return _put(text, start + 1, " " + render(key, value, " ", ""))
    own = _indent_at(text, start)
    gap = own + _unit(text)
    return _put(text, start + 1, gap + render(key, value, gap, _unit(text)) + own)


def remove(text: str, start: int, item: Item) -> str:
    """Take a part out of the object or array that begins at `start`; the inverse of `append`."""
    there = items(text, start)
    place = there.index(item)
    if len(there) == 1:
        own = _indent_at(text, start) if "\n" in text[start : item.start] else ""
        end = item.end + len(own) if text.startswith(own, item.end) else item.end
        return text[: start + 1] + text[end:]
    if place:
        return text[: there[place - 1].end] + text[item.end :]
    return text[: item.start] + text[there[1].start :]


def replace(text: str, item: Item, value: object) -> str:
    """Put another value in the place of an item's."""
    gap = _indent_at(text, item.at)
    return text[: item.at] + render("", value, gap, _unit(text)) + text[item.end :]


def render(key: str, value: object, gap: str, unit: str) -> str:
    """Write a part down.

    Args:
        key: of a member; empty for an element.
        value: what it is.
        gap: what stands before it: with a line's end, it is written on several lines.
        unit: one step of indentation.
    """
    if "\n" in gap:
        written = json.dumps(value, indent=unit, ensure_ascii=False).replace("\n", gap)
    else:
        written = json.dumps(value, ensure_ascii=False)
    return f"{json.dumps(key, ensure_ascii=False)}: {written}" if key else written


def _gap(text: str, start: int, there: list[Item]) -> str:
    if len(there) > 1:
        before = text[there[-2].end : there[-1].start]
        return before[before.index(",") + 1 :]
    before = text[start + 1 : there[0].start]
    return before if "\n" in before else " "


def _unit(text: str) -> str:
    """One step of indentation: that of the first member of all."""
    first = _LINE_START.match(text, begin(text) + 1)
    found = first[0].lstrip("\r\n") if first else ""
    return found or "  "


def _indent_at(text: str, at: int) -> str:
    """A line's end, and the blanks that the line at this place begins with."""
    line = text.rfind("\n", 0, at) + 1
    blanks = re.compile(r"[ \t]*").match(text, line)
    before = text[max(0, line - 2) : line] if line else text
    end = "\r\n" if "\r\n" in before else "\n"
    return end + (blanks[0] if blanks else "")


def _put(text: str, at: int, more: str) -> str:
    return text[:at] + more + text[at:]


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no value of JSON")
