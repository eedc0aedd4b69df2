"""Writes what the full screen shows into a file of the user's."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from tmuxpulse.cli.lines import place_text
from tmuxpulse.cli.screen.cells import harmless
from tmuxpulse.cli.screen.log import Note, clock, summary, where
from tmuxpulse.cli.screen.model import Model

TEXT_SUFFIXES = (".txt", ".log", ".text")


def exported(model: Model, now: float, *, as_text: bool) -> bytes:
    """What is shown: of a pane its text, else the events, after the panes when it is text.

    Args:
        model: what is shown.
        now: seconds since the epoch.
        as_text: not JSON lines.
    """
    if model.mode in ("pane", "timeline"):
        return _pane_as(model, as_text=as_text)
    servers = len(model.board.servers)
    if not as_text:
        entries = [entry for entry in model.all_events() if not isinstance(entry, Note)]
        return b"".join(entry.line + b"\n" for entry in entries)
    lines = [
        f"{pane.kind(now):8} {place_text(pane.place, servers=servers):20} "
        f"{harmless(pane.program):12} {harmless(pane.text)}".rstrip()
        for pane in model.panes(now)
    ]
    lines += [""]
    lines += [
        f"{clock(entry)}  {where(entry, servers):20}  {harmless(summary(entry))}".rstrip()
        for entry in model.all_events()
    ]
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")


def _pane_as(model: Model, *, as_text: bool) -> bytes:
    if model.mode == "timeline":
        turns = model.turns()
        if not as_text:
            return b"".join(msgspec.json.encode(turn) + b"\n" for turn in turns)
        lines = [f"{clock(Note(turn.at, ''))}  {turn.status:8}  {turn.why}" for turn in turns]
    elif not as_text:
        key = model.chosen or ("", "")
        shown = {"server": key[0], "pane_id": key[1], "rows": model.rows()}
        return msgspec.json.encode(shown) + b"\n"
    else:
        lines = list(model.rows())
    return "".join(f"{harmless(line)}\n" for line in lines).encode("utf-8", "replace")


def write_export(name: str, model: Model, now: float) -> str:
    """Write a file that was not there, for its user only; gives what to tell the user."""
    path = Path(name).expanduser()
    data = exported(model, now, as_text=path.suffix in TEXT_SUFFIXES)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:  # noqa: PTH123  # it is open
            file.write(data)
    except FileExistsError:
        return f"{path} is there already; nothing was written"
    except OSError as error:
        return f"cannot write {path}: {error.strerror}"
    count = data.count(b"\n")
    return f"wrote {count} line{'' if count == 1 else 's'} to {path}"
