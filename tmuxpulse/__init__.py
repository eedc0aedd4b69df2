"""tmuxpulse: every pane of every tmux session, live.

import tmuxpulse

with tmuxpulse.connect() as monitor:
    for event in monitor.events(types=["agent.status"]):
        print(event.session, event.data)

`connect_trio` and `connect_asyncio` are the same for programs with an event loop. Nothing is
imported before it is used: `tmuxpulse` itself costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # for type checkers, which know the name; `typing` itself takes its time
if TYPE_CHECKING:
    from tmuxpulse.client.blocking import Monitor, connect
    from tmuxpulse.client.on_asyncio import AsyncioMonitor, connect_asyncio
    from tmuxpulse.client.on_trio import TrioMonitor, connect_trio
    from tmuxpulse.client.view import Event, Gap, Restarted

__version__ = "0.1.0"

__all__ = [
    "AsyncioMonitor",
    "Event",
    "Gap",
    "Monitor",
    "Restarted",
    "TrioMonitor",
    "__version__",
    "connect",
    "connect_asyncio",
    "connect_trio",
]

_WHERE = {
    "AsyncioMonitor": "on_asyncio",
    "Event": "view",
    "Gap": "view",
    "Monitor": "blocking",
    "Restarted": "view",
    "TrioMonitor": "on_trio",
    "connect": "blocking",
    "connect_asyncio": "on_asyncio",
    "connect_trio": "on_trio",
}


def commit() -> str:
    """The commit that this was built from, with what the work tree had changed; or ``unknown``."""
    from pkgutil import get_data  # importlib.resources would take 15 ms more

    try:
        return (get_data("tmuxpulse", "BUILD") or b"").decode().strip() or "unknown"
    except OSError:  # not built: a work tree
        return "unknown"


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"tmuxpulse.client.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_WHERE]
