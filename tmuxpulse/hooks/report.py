"""What is told of one function's calls: how each ended, how long it took, the arguments asked for.

Nothing of a call is read but what was asked for, and nothing here raises once a `Report` is made.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tmuxpulse.hooks.teller import TELLER, Item, logger
from tmuxpulse.hooks.values import Bounded, named

Names = Iterable[str] | Mapping[str, Callable[[Any], Any]]

PREFIX = "custom."
MAX_NAMES = 32
PLACES = ("server", "session", "window", "pane")
_TYPE = re.compile(r"custom\.[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}", re.ASCII)
_NOTHING = object()


class Given:
    """What is known of a call before it is made."""

    __slots__ = ("arguments", "place")

    def __init__(self, arguments: dict[str, Any], place: dict[str, Any]) -> None:
        self.arguments = arguments
        self.place = place


class Report:
    """Makes an event of each call of one function.

    Args:
        function: what is called.
        event_type: as the host wrote it.
        arguments: which are told.
        place: which say where it happened.

    Attributes:
        event_type: as the server takes it.

    Raises:
        ValueError: the type is no type of an event.
    """

    def __init__(
        self,
        function: Any,  # noqa: ANN401  # any callable
        event_type: str,
        arguments: Names,
        place: Mapping[str, str],
    ) -> None:
        name = event_type if event_type.startswith(PREFIX) else PREFIX + event_type
        if not _TYPE.fullmatch(name):
            raise ValueError("a type is 1 to 100 letters, digits, . _ -")
        self.event_type = name
        called = getattr(function, "__qualname__", None)
        self._call = called[:200] if type(called) is str else named(type(function))
        picks = dict(_picks(arguments))
        known = _parameters(function) if picks or place else {}
        self._picks = [
            (one, known[one], pick) for one, pick in picks.items() if known.get(one) is not None
        ]
        self._place = [
            (field, known[one])
            for field, one in place.items()
            if field in PLACES and known.get(one) is not None
        ]
        missing = [one for one in (*picks, *place.values()) if known.get(one) is None]
        if missing:
            logger.info("%s has no argument %s", self._call, ", ".join(missing))

    def given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given | None:
        """Read the arguments, before the call can change them; None: nobody would hear it."""
        if TELLER.is_quiet:
            return None
        found: dict[str, Any] = {}
        place: dict[str, Any] = {}
        try:
            bounded = Bounded()
            for name, parameter, pick in self._picks:
                value = parameter.of(args, kwargs)
                if value is not _NOTHING:
                    found[name] = _told(bounded, value, pick)
            for field, parameter in self._place:
                value = parameter.of(args, kwargs)
                if type(value) is str or (type(value) is int and field in ("window", "pane")):
                    place[field] = value
        except Exception as error:  # noqa: BLE001  # whatever it is, the host goes on
            logger.debug("%s: %s", self.event_type, named(type(error)))
        return Given(found, place)

    def ended(self, given: Given | None, began: float, error: BaseException | None) -> None:
        """Tell of a call that is over."""
        if given is None:
            TELLER.skip()
            return
        try:
            data = {
                "call": self._call,
                "outcome": "returned" if error is None else _outcome(error),
                "duration_s": round(time.perf_counter() - began, 6),
            }
            if error is not None:
                data["error"] = named(type(error))[1:-1]
            if given.arguments:
                data["arguments"] = given.arguments
        except Exception:  # noqa: BLE001  # memory or stack may be at its end
            return
        TELLER.tell(Item(self.event_type, data, given.place))


def _outcome(error: BaseException) -> str:
    """What ended it: cancelled by its event loop, closed by who awaited it, or a failure."""
    if isinstance(error, Exception):
        return "raised"
    name = named(type(error))
    return "cancelled" if "Cancelled" in name or name == "<GeneratorExit>" else "raised"


def _told(bounded: Bounded, value: Any, pick: Callable[[Any], Any] | None) -> Any:  # noqa: ANN401  # as JSON
    try:
        return bounded.value(value if pick is None else pick(value))
    except Exception as error:  # noqa: BLE001  # of the host's function, or a container that changes
        return named(type(error))


# --- arguments --------------------------------------------------------------------------------


class _Parameter:
    """Where an argument is in a call."""

    __slots__ = ("default", "name", "position")

    def __init__(self, name: str, position: int, default: object) -> None:
        self.name = name
        self.position = position  # -1: by its name only
        self.default = default

    def of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401  # the host's
        """The argument; `_NOTHING`: it is not there."""
        if 0 <= self.position < len(args):
            return args[self.position]
        return kwargs.get(self.name, self.default)


def _parameters(function: Any) -> dict[str, _Parameter]:  # noqa: ANN401  # any callable
    """The arguments that a function has, by name."""
    from inspect import Parameter, signature

    found: dict[str, _Parameter] = {}
    try:
        parameters = signature(function).parameters.values()
    except (TypeError, ValueError):  # some builtin functions have none
        return found
    for position, one in enumerate(parameters):
        if one.kind in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD):
            continue
        default = _NOTHING if one.default is Parameter.empty else one.default
        by_name = one.kind is Parameter.KEYWORD_ONLY
        found[one.name] = _Parameter(one.name, -1 if by_name else position, default)
    return found


def _picks(arguments: Names) -> Sequence[tuple[str, Callable[[Any], Any] | None]]:
    if isinstance(arguments, str):
        return [(arguments, None)]
    if isinstance(arguments, Mapping):
        return list(arguments.items())[:MAX_NAMES]
    return [(one, None) for one in arguments][:MAX_NAMES]
