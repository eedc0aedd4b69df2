"""Events as other things read them: lines of JSON, tables, a page, a terminal recording. Pure.

What comes from panes is hostile: a cell of a table must not become a formula, a line of a page no
element.
"""

from __future__ import annotations

import base64
import codecs
import csv
import html
import io
import json
from collections.abc import Iterable, Iterator

from tmuxpulse.errors import UsageError
from tmuxpulse.events import AgentStatus, PaneBytes, PaneOutput
from tmuxpulse.filters import text_of
from tmuxpulse.wire import Numbered

Line = tuple[Numbered, bytes]  # an event, and its JSON

COLUMNS = (
    *("timestamp", "seq", "type", "severity", "server", "session", "window", "pane", "pane_id"),
    "text",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 14px/1.45 system-ui, sans-serif; }}
body {{ margin: 1rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .15rem .6rem; border-bottom: 1px solid #8884; }}
td {{ font-family: ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }}
td:not(:last-child) {{ white-space: nowrap; }}
.warning td {{ background: #d9a40022; }} .error td {{ background: #e0404033; font-weight: 600; }}
</style></head><body><h1>{title}</h1>
<table><thead><tr><th>time</th><th>place</th><th>type</th><th>text</th></tr></thead><tbody>
"""  # noqa: E501  # CSS
_FOOT = "</tbody></table></body></html>\n"


def as_jsonl(events: Iterable[Line]) -> Iterator[str]:
    """The events' own JSON, one a line."""
    for _, line in events:
        yield line.decode() + "\n"


def as_csv(events: Iterable[Line]) -> Iterator[str]:
    """A table with a head (`COLUMNS`); RFC 4180, UTF-8.

    A text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for numbered, _ in events:
        event = numbered.event
        place = event.place
        row = (
            *(numbered.timestamp, numbered.seq, event.type, event.severity, place.server),
            *(place.session, place.window, place.pane, place.pane_id, said(numbered)),
        )
        writer.writerow([_cell(value) for value in row])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def as_html(events: Iterable[Line], title: str) -> Iterator[str]:
    """One page, which needs nothing else and runs nothing."""
    yield _HEAD.format(title=html.escape(_visible(title)))
    for numbered, _ in events:
        event = numbered.event
        place = event.place
        where = place.session or place.server or ""
        if place.session is not None and place.window is not None:
            where += f":{place.window}" + ("" if place.pane is None else f".{place.pane}")
        cells = (numbered.timestamp, where, event.type, said(numbered))
        row = "".join(f"<td>{html.escape(_visible(cell))}</td>" for cell in cells)
        yield f'<tr class="{event.severity}">{row}</tr>\n'
    yield _FOOT


def as_asciicast(
    events: Iterable[tuple[float, Numbered]], pane_id: str, *, began: float, title: str
) -> Iterator[str]:
    """A recording of one pane that ``asciinema`` plays (asciicast v2).

    Args:
        events: each with its time in seconds since the beginning.
        pane_id: whose bytes.
        began: seconds since the epoch.
        title: of the recording.

    Raises:
        UsageError: there are no bytes of that pane.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    size: tuple[int, int] | None = None
    first = 0.0
    for at, numbered in events:
        data = numbered.event.data
        if not isinstance(data, PaneBytes) or numbered.event.place.pane_id != pane_id:
            continue
        now = (data.columns, data.rows)
        if size is None:
            first = at
            header = {
                "version": 2, "width": now[0], "height": now[1], "timestamp": int(began + at),
                "title": title, "env": {"TERM": "xterm-256color"},
            }  # fmt: skip
            yield json.dumps(header) + "\n"
        elif now != size:
            yield json.dumps([round(at - first, 6), "r", f"{now[0]}x{now[1]}"]) + "\n"
        size = now
        text = decoder.decode(data.data)
        if text:
            yield json.dumps([round(at - first, 6), "o", text], ensure_ascii=False) + "\n"
    if size is None:
        raise UsageError(
            f"there are no terminal bytes of {pane_id}; record them with: tmuxpulse record --output"
        )


def said(numbered: Numbered) -> str:
    """What an event says, in one text."""
    data = numbered.event.data
    if isinstance(data, PaneBytes):
        return base64.b64encode(data.data).decode()
    if isinstance(data, AgentStatus):
        parts = [f"{data.previous} -> {data.status}", data.reason, data.evidence]
        return ": ".join(part for part in parts if part)
    if isinstance(data, PaneOutput):
        return text_of(data).strip("\n")
    return text_of(data)


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def _visible(text: object) -> str:
    """A text without what a page would not show, or show in another order."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in str(text))
