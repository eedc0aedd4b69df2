"""What a person reads about an event, in a few words: one function for each type.

Pure. Where it happened and when is `lines`' part; that the text can do no harm to a terminal, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tmuxpulse import events as ev

SHOWN_ROW_CHARACTERS = 160
SHOWN_PANES = 5


def describe(data: ev.Data) -> str:
    """An event's text; empty where the type says it all."""
    return _TEXTS[type(data)](data)


def duration(seconds: float) -> str:
    """Such as ``0.4 s``, ``12 s``, ``3 m 20 s``, ``2 h 5 m``."""
    if seconds < 10:  # noqa: PLR2004  # below it, tenths tell something
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004  # seconds in a minute
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004  # minutes in an hour
        return f"{minutes} m {rest} s"
    return f"{minutes // 60} h {minutes % 60} m"


def size(count: int) -> str:
    """Such as ``512 KiB``, ``1.4 GiB``."""
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:  # noqa: PLR2004  # of each unit in the next
            return f"{amount:.0f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def _server_up(data: ev.ServerUp) -> str:
    return f"tmux {data.version} (pid {data.pid}) on {data.socket}, by {data.engine}"


def _trouble(data: ev.CollectorTrouble) -> str:
    again = "" if data.retry_s is None else f"; trying again in {duration(data.retry_s)}"
    return f"{data.message}{again}"


def _renamed(data: ev.SessionRenamed | ev.WindowRenamed) -> str:
    return f"{data.previous} → {data.name}"


def _clients(data: ev.SessionAttached | ev.SessionDetached) -> str:
    count = f"{data.attached} client{'' if data.attached == 1 else 's'}"
    return f"{data.client}, {count} now"


def _pane_created(data: ev.PaneCreated) -> str:
    return f"{data.command} in {data.path}, {data.width}x{data.height}"


def _pane_moved(data: ev.PaneMoved) -> str:
    if data.window_id != data.previous_window_id:
        return f"from {data.previous_window_id} to {data.window_id}, index {data.index}"
    return f"index {data.previous} → {data.index}"


def _output(data: ev.PaneOutput) -> str:
    if data.mode == "append":
        return "\n".join((*data.lines, data.partial)) if data.partial else "\n".join(data.lines)
    return _rows(data.rows)


def _rows(rows: dict[str, str]) -> str:
    """The last changed row that shows something stands for all of them."""
    numbers = sorted((number for number in rows if rows[number].strip()), key=int)
    if not numbers:
        return "(screen) cleared"
    text = rows[numbers[-1]].strip()
    if len(text) > SHOWN_ROW_CHARACTERS:
        text = f"{text[:SHOWN_ROW_CHARACTERS]}…"
    more = f" +{len(rows) - 1} rows" if len(rows) > 1 else ""
    return f"(screen{more}) {text}"


def _matched(data: ev.PaneError | ev.PaneWarning) -> str:
    return f"{data.line}  [{data.rule}]" if data.rule else data.line


def _exited(data: ev.PaneExited) -> str:
    if data.signal:
        return f"ended by signal {data.signal}"
    return "ended" if data.exit_status is None else f"exit status {data.exit_status}"


def _progress(data: ev.PaneProgress) -> str:
    return data.state if data.percent is None else f"{data.percent} % {data.state}"


def _finished(data: ev.CommandFinished) -> str:
    parts = [data.command_line or "command"]
    if data.exit_status is not None:
        parts.append(f"exit status {data.exit_status}")
    if data.duration_s is not None:
        parts.append(f"after {duration(data.duration_s)}")
    return ", ".join(parts)


def _agent(data: ev.AgentStatus) -> str:
    """Such as ``claude: busy → waiting, asks for permission: Do you want to proceed?``."""
    who = f"{data.agent_type}: " if data.agent_type else ""
    was = "" if data.previous in ("unknown", data.status) else f"{data.previous} → "
    why = f", {data.reason}" if data.reason else ""
    what = data.evidence.strip()
    # A program's name that the reason names already tells nothing more.
    shown = f": {what}" if what and what not in data.reason else ""
    return f"{who}{was}{data.status}{why}{shown}"


def _bytes(data: ev.PaneBytes) -> str:
    cut = f", {data.cut} left out before" if data.cut else ""
    return f"{len(data.data)} bytes at {data.columns}x{data.rows}{cut}"


def _stats(data: ev.SystemStats) -> str:
    """The panes that use most."""
    most = sorted(data.panes, key=lambda pane: (-pane.cpu_percent, -pane.memory_bytes))
    texts = [
        f"{pane.pane_id} {pane.cpu_percent:.0f} % {size(pane.memory_bytes)}"
        for pane in most[:SHOWN_PANES]
    ]
    more = len(most) - len(texts)
    return ", ".join(texts) + (f", {more} more" if more else "")


def _custom(data: ev.Custom) -> str:
    return msgspec.json.encode(data.data).decode()


def _nothing(_: ev.Data) -> str:
    return ""


_TEXTS: dict[type[ev.Data], Callable[[Any], str]] = {
    ev.ServerUp: _server_up,
    ev.ServerDown: lambda data: data.reason,
    ev.ServerGoodbye: lambda data: data.reason,
    ev.CollectorTrouble: _trouble,
    ev.SessionCreated: lambda data: data.name,
    ev.SessionRemoved: _nothing,
    ev.SessionRenamed: _renamed,
    ev.SessionAttached: _clients,
    ev.SessionDetached: _clients,
    ev.WindowCreated: lambda data: data.name,
    ev.WindowRemoved: _nothing,
    ev.WindowRenamed: _renamed,
    ev.WindowActivated: _nothing,
    ev.WindowMoved: lambda data: f"index {data.previous} → {data.index}",
    ev.WindowLayout: lambda data: "zoomed" if data.zoomed else "",
    ev.PaneCreated: _pane_created,
    ev.PaneRemoved: _nothing,
    ev.PaneActivated: _nothing,
    ev.PaneMoved: _pane_moved,
    ev.PaneResized: lambda data: f"{data.width}x{data.height}",
    ev.PaneOutput: _output,
    ev.PaneError: _matched,
    ev.PaneWarning: _matched,
    ev.PaneCommand: lambda data: f"{data.previous} → {data.command}",
    ev.PanePath: lambda data: data.path,
    ev.PaneExited: _exited,
    ev.PaneTitle: lambda data: data.title,
    ev.PaneBell: _nothing,
    ev.PaneNotification: lambda data: ": ".join(filter(None, (data.title, data.body))),
    ev.PaneProgress: _progress,
    ev.PaneSilence: lambda data: f"quiet for {duration(data.seconds)}",
    ev.CommandStarted: lambda data: data.command_line or "",
    ev.CommandFinished: _finished,
    ev.AgentStatus: _agent,
    ev.PaneBytes: _bytes,
    ev.SystemStats: _stats,
    ev.Custom: _custom,
}
