"""Wraps what a host program calls: how long it took, how it ended, and the arguments asked for.

What a call returns or raises is passed on as it is. Nothing here raises: what cannot be wrapped is
left as it was, with a warning.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from functools import update_wrapper
from types import ModuleType
from typing import Any, TypeVar, cast

from tmuxpulse.hooks.report import Names, Report
from tmuxpulse.hooks.teller import is_off, logger
from tmuxpulse.hooks.values import named

Function = TypeVar("Function", bound=Callable[..., Any])
MARK = "__tmuxpulse_event__"
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_-]+", re.ASCII)
_IS_COROUTINE = 0x80 | 0x100  # CO_COROUTINE, CO_ITERABLE_COROUTINE of `inspect`
_NOTHING = object()


def emits(
    event_type: str, *, arguments: Names = (), place: Mapping[str, str] | None = None
) -> Callable[[Function], Function]:
    """Make each call of a function an event: ``@emits("task.assigned", arguments=["task"])``.

    Its data: ``call`` (the function's name), ``outcome`` (``returned``, ``raised`` with ``error``,
    the exception's type; ``cancelled``), ``duration_s``, and ``arguments``. Works on functions,
    coroutine functions, methods, static and class methods. Of a generator function the call is
    told, not the iteration.

    Args:
        event_type: a name; ``custom.`` comes before it.
        arguments: which arguments are told, by name; or a mapping from names to functions that
            pick what is told of each. None are by default.
        place: where it happened: ``session``, ``window``, ``pane`` and the names of the arguments
            that hold them. By default the pane that this program runs in.
    """

    def decorate(function: Function) -> Function:
        if is_off():
            return function
        try:
            return cast("Function", _wrapped(function, event_type, arguments, place or {}))
        except Exception as error:  # noqa: BLE001  # whatever it is, the host goes on
            logger.warning("%r is not told of: %s", event_type, error)
            return function

    return decorate


def instrument(
    target: object,
    methods: Iterable[str] | Mapping[str, str],
    *,
    arguments: Names = (),
    place: Mapping[str, str] | None = None,
) -> Callable[[], None]:
    """Make each call of an object's methods an event, without touching its source.

    Args:
        target: an object, a class or a module.
        methods: names; the event is ``custom.``, the name of the class or module, and the method's.
            Or a mapping from names to event types.
        arguments: as of `emits`; each method tells those of them that it has.
        place: as of `emits`.

    Returns:
        What puts everything back as it was.
    """
    undos: list[Callable[[], None]] = []
    if is_off():
        return lambda: None
    for name, event_type in _named(target, methods):
        try:
            undos.append(_instrument_one(target, name, event_type, arguments, place or {}))
        except Exception as error:  # noqa: BLE001, PERF203  # whatever it is, the host goes on
            logger.warning("%r is not told of: %s", name, error)

    def undo() -> None:
        while undos:
            one = undos.pop()
            try:
                one()
            except Exception as error:  # noqa: BLE001  # the same
                logger.warning("cannot be put back: %s", error)

    return undo


# --- one function -----------------------------------------------------------------------------


def _wrapped(function: Any, event_type: str, arguments: Names, place: Mapping[str, str]) -> Any:  # noqa: ANN401  # any callable
    kind = type(function)
    if kind in (staticmethod, classmethod):
        return kind(_wrapped(function.__func__, event_type, arguments, place))
    if getattr(function, MARK, None) is not None:
        return function  # told of already
    if isinstance(function, type) or not callable(function):
        raise TypeError(f"{named(kind)} is no function")
    report = Report(function, event_type, arguments, place)
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    is_coroutine = getattr(code, "co_flags", 0) & _IS_COROUTINE
    wrapper = _coroutine(function, report) if is_coroutine else _plain(function, report)
    update_wrapper(wrapper, function)
    setattr(wrapper, MARK, report.event_type)
    return wrapper


def _plain(function: Callable[..., Any], report: Report) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # the host's own
        given = report.given(args, kwargs)
        began = time.perf_counter()
        try:
            found = function(*args, **kwargs)
        except BaseException as error:
            report.ended(given, began, error)
            raise
        report.ended(given, began, None)
        return found

    return call


def _coroutine(function: Callable[..., Any], report: Report) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # the host's own
        given = report.given(args, kwargs)
        began = time.perf_counter()
        try:
            found = await function(*args, **kwargs)
        except BaseException as error:
            report.ended(given, began, error)
            raise
        report.ended(given, began, None)
        return found

    return call


# --- many -------------------------------------------------------------------------------------


def _named(target: object, methods: Iterable[str] | Mapping[str, str]) -> list[tuple[str, str]]:
    """Names of methods, each with the type of its event."""
    try:
        if isinstance(methods, Mapping):
            return list(methods.items())
        if isinstance(methods, str):
            methods = (methods,)
        if isinstance(target, ModuleType):
            owner = target.__name__.rpartition(".")[2]
        else:
            kind = target if isinstance(target, type) else type(target)
            owner = named(kind)[1:-1].rpartition(".")[2]
        owner = _NOT_IN_NAME.sub("_", owner)
        return [(one, f"{owner}.{_NOT_IN_NAME.sub('_', one)}") for one in methods]
    except Exception as error:  # noqa: BLE001  # whatever it is, the host goes on
        logger.warning("nothing is told of: %s", error)
        return []


def _instrument_one(
    target: object, name: str, event_type: str, arguments: Names, place: Mapping[str, str]
) -> Callable[[], None]:
    own = target.__dict__ if hasattr(target, "__dict__") else {}
    was = own.get(name, _NOTHING)
    raw = _raw(target, name) if isinstance(target, type) else getattr(target, name)
    setattr(target, name, _wrapped(raw, event_type, arguments, place))

    def undo() -> None:
        if was is _NOTHING:
            delattr(target, name)
        else:
            setattr(target, name, was)

    return undo


def _raw(kind: type, name: str) -> object:
    """A class's attribute as it was written: a static method is one."""
    for base in type.mro(kind):
        if name in base.__dict__:
            return base.__dict__[name]
    raise AttributeError(f"{kind.__name__} has no {name}")
