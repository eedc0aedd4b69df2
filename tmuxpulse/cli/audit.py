"""`tmuxpulse audit`: what was written down, and whether it still is as it was.

Lines come from files that somebody may have changed: nothing of them reaches the terminal but as
plain text. Files are read line by line, however large they are.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from tmuxpulse.cli.options import Subparsers, add_command, say
from tmuxpulse.cli.terminal import harmless_json, printable
from tmuxpulse.cli.when import EXAMPLES as TIMES
from tmuxpulse.cli.when import when
from tmuxpulse.config.places import state_dir
from tmuxpulse.serve.audit_chain import CURRENT, Head, Piece, link_of
from tmuxpulse.serve.audit_files import read_head
from tmuxpulse.serve.audit_log import places
from tmuxpulse.serve.audit_reading import Snapshot, open_snapshot
from tmuxpulse.serve.audit_verify import Finding, Verdict, verify

DESCRIPTION = """\
The audit log: every connection, login, failure, subscription, command and change of a token;
never what was typed, never a token. Each line holds the hash of the one before it.

  audit show     print it, oldest first
  audit verify   look for lines that were changed, dropped, added or moved
  audit head     print number and hash of the last line, to note them somewhere else
  audit path     print where it is

exit code of verify: 0 when it is unbroken, 1 when it is not
"""
EXAMPLES = """\
examples:
  tmuxpulse audit show --since 2h
  tmuxpulse audit show --since 2026-11-23 --action 'login.*' --who 'token:*'
  tmuxpulse audit verify --head "$(cat noted-yesterday)"
"""
MAX_LAST = 100_000
_FIRST_KEYS = ("n", "time", "action", "who", "peer")
_PLAIN = re.compile(r"[^\s\"'=]+")


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command, with its own commands."""
    parser = add_command(subparsers, "audit", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    own = parser.add_subparsers(metavar="COMMAND", dest="audit_command", required=True)
    show = own.add_parser(
        "show",
        help="print it, oldest first",
        description="Print the entries of the audit log, oldest first, times in your zone.",
        allow_abbrev=False,
    )
    show.add_argument(
        "--since",
        type=when,
        metavar="WHEN",
        help=f"only what happened since: {TIMES}",
    )
    for option, dest, text in (
        ("--action", "actions", "only actions like this glob, such as 'login.*'; may be repeated"),
        ("--who", "whose", "only what these did, such as 'token:*' or nobody; may be repeated"),
    ):
        show.add_argument(option, dest=dest, metavar="GLOB", action="append", default=[], help=text)
    show.add_argument("-n", dest="last", type=_count, metavar="N", help="only the last N of them")
    show.add_argument("--json", action="store_true", help="the lines as they are")
    check = own.add_parser(
        "verify",
        help="look for changes",
        description="Look for entries that were changed, dropped, added or moved.\n"
        "Exit code 0: it is unbroken; 1: it is not.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    check.add_argument(
        "--head",
        type=_hash,
        action="append",
        default=[],
        metavar="HASH",
        help="what `audit head` printed once: that line has to be there; may be repeated",
    )
    check.add_argument("--json", action="store_true", help="one JSON object")
    own.add_parser(
        "head",
        help="print number and hash of the last line",
        description="Print number and hash of the last entry: note them on another machine, and"
        " give them to `audit verify --head` later.",
        allow_abbrev=False,
    )
    own.add_parser(
        "path",
        help="print where it is",
        description="Print the path of the audit log.",
        allow_abbrev=False,
    )


def run(options: argparse.Namespace) -> int:
    """Do one of its commands."""
    directory, head = places(state_dir())
    if options.audit_command == "path":
        print(directory / CURRENT)
        return 0
    if options.audit_command == "head":
        return _head(read_head(head))
    with open_snapshot(directory, head) as snapshot:
        if options.audit_command == "verify":
            return _verify(snapshot, options)
        if not snapshot.exists:
            say(f"no audit log yet: {directory / CURRENT}")
        return _show(snapshot, options)


# --- verify and head ----------------------------------------------------------------------


def _head(head: Head | None) -> int:
    if head is None:
        say("no audit log yet, or its head is gone")
    else:
        print(head)
    return 0


def _verify(snapshot: Snapshot, options: argparse.Namespace) -> int:
    verdict = verify(snapshot.pieces(), snapshot.head, options.head)
    if snapshot.head_problem:
        verdict.findings.append(Finding("head", "", 0, snapshot.head_problem))
    if options.json:
        print(harmless_json(msgspec.json.encode(_as_json(verdict)).decode()))
    else:
        for note in verdict.notes:
            print(_told("note: ", note))
        for finding in verdict.findings:
            print(_told("", finding))
        print(_summary(verdict))
    return 0 if verdict.unbroken else 1


def _as_json(verdict: Verdict) -> dict[str, Any]:
    return {
        "unbroken": verdict.unbroken,
        "entries": verdict.entries,
        "first": verdict.first,
        "last": verdict.last,
        "findings": verdict.findings,
        "left_out": verdict.left_out,
        "notes": verdict.notes,
    }


def _told(before: str, finding: Finding) -> str:
    place = f"{finding.file}:{finding.line}: " if finding.line else ""
    return printable(f"{before}{place}{finding.kind}: {finding.text}")


def _summary(verdict: Verdict) -> str:
    if not verdict.entries and verdict.unbroken:
        return "no audit log yet"
    entries = f"{verdict.entries:,} entries, n {verdict.first} to {verdict.last.n}"
    if verdict.unbroken:
        return f"{entries}, unbroken"
    more = f", {verdict.left_out:,} of them not shown" if verdict.left_out else ""
    return f"{entries}, {len(verdict.findings) + verdict.left_out:,} findings{more}"


# --- show ---------------------------------------------------------------------------------


def _show(snapshot: Snapshot, options: argparse.Namespace) -> int:
    wanted = _Wanted(options)
    shown: Iterator[Piece] | deque[Piece] = filter(wanted, snapshot.pieces())
    if options.last is not None:
        shown = deque(shown, maxlen=options.last)
    for piece in shown:
        text = piece.data.decode("utf-8", "replace").rstrip("\n")
        print(harmless_json(text) if options.json else printable(_line(_entry(piece) or {})))
    if wanted.damaged:
        say(f"{wanted.damaged} lines are no entries; see: tmuxpulse audit verify")
    return 0


class _Wanted:
    """Whether a line is asked for; counts those that are no entries."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._since: datetime | None = options.since
        self._actions: list[str] = options.actions
        self._whose: list[str] = options.whose
        self.damaged = 0

    def __call__(self, piece: Piece) -> bool:
        entry = _entry(piece)
        if entry is None:
            self.damaged += piece.begins
            return False
        at = _time(entry)
        return (
            (self._since is None or at is None or at >= self._since)
            and _is_like(str(entry["action"]), self._actions)
            and _is_like(str(entry.get("who", "")), self._whose)
        )


def _entry(piece: Piece) -> dict[str, Any] | None:
    if link_of(piece) is None:
        return None
    try:
        found = json.loads(piece.data)
    except (ValueError, RecursionError):  # what two readers do not both accept
        return None
    return found if isinstance(found, dict) else None


def _is_like(text: str, globs: list[str]) -> bool:
    return not globs or any(fnmatchcase(text, glob) for glob in globs)


def _time(entry: dict[str, Any]) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(entry.get("time")).replace("Z", "+00:00"))
        return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def _line(entry: dict[str, Any]) -> str:
    """An entry for people: local time, action, who, from where, and the rest as key=value."""
    at = _time(entry)
    try:
        when = at.astimezone().strftime("%Y-%m-%d %H:%M:%S%z") if at else str(entry.get("time"))
    except (OverflowError, ValueError, OSError):  # beyond what the zone is known for
        when = str(entry.get("time"))
    rest = [
        f"{_quoted(key)}={_quoted(value)}"
        for key, value in entry.items()
        if key not in (*_FIRST_KEYS, "prev")
    ]
    columns = [
        str(entry.get("n", "")).rjust(6),
        when,
        str(entry.get("action", "")).ljust(22),
        str(entry.get("who", "")).ljust(18),
        str(entry.get("peer", "")).ljust(15),
        *rest,
    ]
    return "  ".join([*columns[:5], " ".join(columns[5:])]).rstrip()


def _quoted(value: object) -> str:
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)


# --- arguments ----------------------------------------------------------------------------


def _count(text: str) -> int:
    count = int(text)
    if not 0 <= count <= MAX_LAST:
        raise ValueError(text)
    return count


def _hash(text: str) -> str:
    found = re.fullmatch(r"(?:[0-9]+:)?([0-9a-fA-F]{64})", text.strip(), re.ASCII)
    if not found:
        raise argparse.ArgumentTypeError("give what `audit head` printed, or the hash in it")
    return found[1].lower()


_count.__name__ = f"number up to {MAX_LAST}"
