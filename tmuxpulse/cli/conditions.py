"""What `tmuxpulse wait` waits for, as an expression: text in, a tree out. Pure.

    status in (ready, error) or not exists
    output ~ /listening on [0-9]+/ and command == node

Written by hand so that what is wrong is said with its place. What a pane is like is not known here.
"""

from __future__ import annotations

import re
from typing import NoReturn, Union, get_args

import msgspec

from tmuxpulse.errors import RequestError, UsageError
from tmuxpulse.events import Status
from tmuxpulse.filters import Filter, check_filter
from tmuxpulse.status.pattern import Pattern, PatternRefused

MAX_CHARACTERS = 2000
MAX_DEPTH = 20
MAX_PATTERN_CHARACTERS = 200
MAX_IDLE_SECONDS = 7 * 86400.0
MAX_EXIT_STATUS = 255

STATUSES: tuple[str, ...] = get_args(Status)
TEXTS = ("command", "title", "path", "agent", "reason", "line")  # fields that hold a text
FIELDS = ("status", *TEXTS, "exit", "output", "event", "idle", "exists", "gone")
_EQUAL = ("==", "!=", "in", "not in")
_OPERATORS = {
    "status": _EQUAL,
    **dict.fromkeys(TEXTS, (*_EQUAL, "~", "!~")),
    "exit": _EQUAL,
    "output": ("~",),
    "event": ("==", "in"),
}

_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"[A-Za-z0-9_.\-%@:*?+]+")
_OPERATOR = re.compile(r"==|!=|!~|~|=|<=|>=|<|>")
_STRING = re.compile(r"""(["'])((?:\\.|(?!\1)[^\\])*)\1""", re.DOTALL)
_REGEX = re.compile(r"/((?:\\.|[^/\\])*)/(i?)", re.DOTALL)
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)", re.ASCII)
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


class OneOf(msgspec.Struct, frozen=True):
    """A field is, or is not, one of some values."""

    field: str
    values: tuple[str, ...]
    negated: bool = False


class Matches(msgspec.Struct, frozen=True):
    """A pattern is found in a field, or is not."""

    field: str
    pattern: Pattern
    negated: bool = False


class Happened(msgspec.Struct, frozen=True):
    """Something came since the wait began.

    Attributes:
        number: tells it from others of one condition.
        kind: ``output``, ``event`` or ``exit``.
        pattern: of ``output``.
        values: of ``event``: types, or globs of them; of ``exit``: numbers.
        negated: of ``exit``: any other number.
    """

    number: int
    kind: str
    pattern: Pattern | None = None
    values: tuple[str, ...] = ()
    negated: bool = False


class Idle(msgspec.Struct, frozen=True):
    """It has printed nothing for so long."""

    seconds: float


class Present(msgspec.Struct, frozen=True):
    """It is there, or is not."""

    there: bool


class Not(msgspec.Struct, frozen=True):
    """The opposite."""

    part: Condition


class All(msgspec.Struct, frozen=True):
    """All of them."""

    parts: tuple[Condition, ...]


class Any(msgspec.Struct, frozen=True):
    """Any of them."""

    parts: tuple[Condition, ...]


Condition = Union[OneOf, Matches, Happened, Idle, Present, Not, All, Any]  # noqa: UP007  # Python 3.10


class ConditionError(UsageError):
    """A condition cannot be understood.

    Attributes:
        column: where, from 1.
    """

    def __init__(self, column: int, message: str) -> None:
        super().__init__(f"condition, column {column}: {message}")
        self.column = column


def parse(text: str) -> Condition:
    """Read a condition.

    Raises:
        ConditionError: it is none; nothing else, whatever the text holds.
    """
    if len(text) > MAX_CHARACTERS:
        raise ConditionError(MAX_CHARACTERS, f"it has more than {MAX_CHARACTERS} characters")
    return _Parser(text).whole()


def parse_duration(text: str) -> float:
    """Seconds of ``90``, ``90s``, ``10m``, ``1h30m``, ``250ms``.

    Raises:
        ValueError: it is no such time.
    """
    if re.fullmatch(r"\d{1,7}(\.\d{1,3})?", text, re.ASCII):
        return float(text)
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text or len(text) > 40:  # noqa: PLR2004  # more than any time needs
        raise ValueError(text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def leaves(condition: Condition) -> list[Condition]:
    """Everything in a condition that is neither ``and``, ``or`` nor ``not``."""
    match condition:
        case Not(part):
            return leaves(part)
        case All(parts) | Any(parts):
            return [leaf for part in parts for leaf in leaves(part)]
    return [condition]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._happened = 0

    def whole(self) -> Condition:
        found = self._any(0)
        self._space()
        if self._at < len(self._text):
            self._fail(f"`and`, `or` or the end is expected, not {self._here()}")
        return found

    # --- how conditions are joined ---------------------------------------------------------

    def _any(self, depth: int) -> Condition:
        parts = [self._all(depth)]
        while self._keyword("or"):
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _all(self, depth: int) -> Condition:
        parts = [self._not(depth)]
        while self._keyword("and"):
            parts.append(self._not(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _not(self, depth: int) -> Condition:
        if depth > MAX_DEPTH:
            self._fail(f"it is nested more than {MAX_DEPTH} deep")
        if self._keyword("not"):
            return Not(self._not(depth + 1))
        if self._sign("("):
            found = self._any(depth + 1)
            if not self._sign(")"):
                self._fail(f"`)` is expected, not {self._here()}")
            return found
        return self._leaf()

    # --- what is said of a pane ------------------------------------------------------------

    def _leaf(self) -> Condition:
        self._space()
        begin = self._at
        field = self._match(_WORD) or ""
        if field not in FIELDS:
            self._at = begin
            self._fail(f"one of {', '.join(FIELDS)} is expected, not {self._here()}")
        if field in ("exists", "gone"):
            return Present(field == "exists")
        if field == "idle":
            return Idle(self._duration())
        operator = self._operator(field)
        negated = operator in ("!=", "not in", "!~")
        if operator in ("~", "!~"):
            pattern = self._pattern()
            if field == "output":
                return Happened(self._next(), field, pattern=pattern)
            return Matches(field, pattern, negated)
        values = self._values(field) if operator in ("in", "not in") else (self._value(field),)
        if field in ("exit", "event"):
            return Happened(self._next(), field, values=values, negated=negated)
        return OneOf(field, values, negated)

    def _operator(self, field: str) -> str:
        known = _OPERATORS[field]
        self._space()
        begin = self._at
        found = self._match(_OPERATOR)
        if found is None:
            if self._keyword("in"):
                found = "in"
            elif self._keyword("not") and self._keyword("in"):
                found = "not in"
        if found is None or found not in known:
            self._at = begin
            expected = " or ".join(f"`{one}`" for one in known)
            self._fail(f"{expected} is expected after `{field}`, not {self._here()}")
        return found

    def _values(self, field: str) -> tuple[str, ...]:
        if not self._sign("("):
            self._fail(f"`(` is expected, not {self._here()}")
        values = [self._value(field)]
        while self._sign(","):
            values.append(self._value(field))
        if not self._sign(")"):
            self._fail(f"`,` or `)` is expected, not {self._here()}")
        return tuple(values)

    def _value(self, field: str) -> str:
        self._space()
        begin = self._at
        quoted = _STRING.match(self._text, begin)
        if quoted:
            self._at = quoted.end()
            value = re.sub(r"\\(.)", r"\1", quoted[2], flags=re.DOTALL)
        else:
            value = self._match(_WORD) or ""
        why = ""
        if not value and not quoted:
            why = f"a value is expected, not {self._here()}"
        elif field == "status" and value not in STATUSES:
            why = f"a status is expected ({', '.join(STATUSES)}), not {value!r}"
        elif field == "exit" and not _is_exit_status(value):
            why = f"an exit status is expected (0 to {MAX_EXIT_STATUS}), not {value!r}"
        elif field == "event" and (problem := _no_type(value)):
            why = problem
        if why:
            self._at = begin
            self._fail(why)
        return value if field != "exit" else str(int(value))

    def _pattern(self) -> Pattern:
        self._space()
        begin = self._at
        found = _REGEX.match(self._text, begin)
        if found is None:
            self._fail(f"a pattern between slashes is expected, not {self._here()}")
        if len(found[1]) > MAX_PATTERN_CHARACTERS:
            self._fail(f"a pattern has at most {MAX_PATTERN_CHARACTERS} characters")
        pattern = Pattern(found[1].replace("\\/", "/"), ignore_case=bool(found[2]))
        try:
            pattern.check()
        except PatternRefused as refused:
            self._fail(f"this pattern is refused: {refused}")
        self._at = found.end()
        return pattern

    def _duration(self) -> float:
        self._space()
        begin = self._at
        text = self._match(_WORD) or ""
        try:
            seconds = parse_duration(text)
        except ValueError:
            seconds = -1.0
        if not 0 < seconds <= MAX_IDLE_SECONDS:
            self._at = begin
            self._fail(f"a time such as 30s or 10m is expected, not {self._here()}")
        return seconds

    # --- signs and words -------------------------------------------------------------------

    def _next(self) -> int:
        self._happened += 1
        return self._happened

    def _space(self) -> None:
        found = _SPACE.match(self._text, self._at)
        if found:
            self._at = found.end()

    def _match(self, what: re.Pattern[str]) -> str | None:
        found = what.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found[0]

    def _keyword(self, word: str) -> bool:
        self._space()
        begin = self._at
        if self._match(_WORD) == word:
            return True
        self._at = begin
        return False

    def _sign(self, sign: str) -> bool:
        self._space()
        if not self._text.startswith(sign, self._at):
            return False
        self._at += len(sign)
        return True

    def _here(self) -> str:
        """What stands here, for a message."""
        self._space()
        if self._at >= len(self._text):
            return "the end"
        found = _WORD.match(self._text, self._at) or _OPERATOR.match(self._text, self._at)
        return f"`{found[0] if found else self._text[self._at]}`"

    def _fail(self, message: str) -> NoReturn:
        raise ConditionError(self._at + 1, message)


def _is_exit_status(text: str) -> bool:
    return re.fullmatch(r"\d{1,3}", text, re.ASCII) is not None and int(text) <= MAX_EXIT_STATUS


def _no_type(text: str) -> str:
    """Why this is no type of event; empty: it may be one."""
    try:
        check_filter(Filter(types=(text,)))
    except RequestError as error:
        return str(error)
    return ""
