"""`tmuxpulse token`: make, list, revoke and rotate tokens.

A token is printed once, when it is made, and kept nowhere by this program. None is ever taken from
the command line: arguments are visible to everybody on the machine.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec

from tmuxpulse.cli.options import Subparsers, add_command, say
from tmuxpulse.cli.terminal import printable
from tmuxpulse.config.places import state_dir
from tmuxpulse.errors import UsageError
from tmuxpulse.serve.audit_log import append_now
from tmuxpulse.serve.grants import SCOPES, Scope
from tmuxpulse.serve.token_store import Record, TokenStore
from tmuxpulse.serve.tokens import Secret

DESCRIPTION = """\
Tokens let programs and browsers in over TCP. Your own programs on this machine need none: they use
the Unix socket. A running server notices changes by itself, within half a second.

  token create NAME    make one; it is printed once, and never again
  token list           what there is
  token revoke NAME    end one, and its connections
  token rotate NAME    put a new one in its place

scopes:
  read     sessions, windows, panes, their status
  output   what is printed
  write    commands; [server] write in config.toml has to allow it too
  emit     events of one's own
  admin    one-time tokens for browsers; sees all sessions
"""
EXAMPLES = """\
examples:
  tmuxpulse token create laptop --file ~/.tmuxpulse-token
  tmuxpulse token create ci --scope read --session 'build-*' --expires 12h
  tmuxpulse watch --url wss://pulse.example:8765/ --token-file ~/.tmuxpulse-token
"""
DEFAULT_SCOPES: tuple[Scope, ...] = ("read", "output")
DEFAULT_EXPIRES = "90d"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_MOST_SECONDS = 10 * 366 * 86_400.0


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command, with its own commands."""
    parser = add_command(subparsers, "token", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    own = parser.add_subparsers(metavar="COMMAND", dest="token_command", required=True)
    create = own.add_parser(
        "create",
        help="make one",
        description="Make a token. It is printed, or written to a file, once and never again.",
        allow_abbrev=False,
    )
    create.add_argument("name", metavar="NAME", help="what you call it")
    create.add_argument(
        "--scope",
        dest="scopes",
        choices=SCOPES,
        action="append",
        default=[],
        help="what it grants; may be repeated (default: read and output)",
    )
    create.add_argument(
        "--session",
        dest="sessions",
        metavar="GLOB",
        action="append",
        default=[],
        help="only sessions with such a name are seen; may be repeated (default: all)",
    )
    create.add_argument(
        "--expires",
        type=_lifetime,
        default=DEFAULT_EXPIRES,
        metavar="TIME",
        help="how long it is good: 90s, 30m, 12h, 30d, 8w or never (default: %(default)s)",
    )
    _add_printing(create)
    listed = own.add_parser(
        "list",
        help="what there is",
        description="List tokens: names, what they grant and until when; never a token itself.",
        allow_abbrev=False,
    )
    listed.add_argument("--json", action="store_true", help="JSON, one object a line")
    revoke = own.add_parser(
        "revoke",
        help="end one or more",
        description="End tokens, and the connections that came in by them.",
        allow_abbrev=False,
    )
    revoke.add_argument("names", metavar="NAME", nargs="+", help="name or id")
    rotate = own.add_parser(
        "rotate",
        help="put a new one in its place",
        description="Make a new token that grants the same by the same name, and end the old one.",
        allow_abbrev=False,
    )
    rotate.add_argument("name", metavar="NAME", help="name or id")
    rotate.add_argument(
        "--grace",
        type=_lifetime,
        default="0s",
        metavar="TIME",
        help="how long the old one stays good (default: it ends at once)",
    )
    _add_printing(rotate)


def run(options: argparse.Namespace) -> int:
    """Do one of its commands."""
    directory = state_dir()
    store = TokenStore(directory / "tokens.json")
    commands = {"create": _create, "list": _list, "revoke": _revoke, "rotate": _rotate}
    return commands[options.token_command](store, directory, options)


# --- each of them ---------------------------------------------------------------------------


def _create(store: TokenStore, directory: Path, options: argparse.Namespace) -> int:
    scopes = tuple(cast("list[Scope]", options.scopes)) or DEFAULT_SCOPES
    with _delivery(options) as hand_over:
        secret, record = store.create(
            options.name,
            scopes,
            now=time.time(),
            sessions=tuple(options.sessions),
            seconds=options.expires,
        )
        hand_over(secret, record)
    _audit(directory, "token.created", record)
    return 0


def _rotate(store: TokenStore, directory: Path, options: argparse.Namespace) -> int:
    if options.grace is None:
        raise UsageError("--grace never would keep the old token for ever: make another instead")
    with _delivery(options) as hand_over:
        secret, record = store.rotate(options.name, now=time.time(), grace=options.grace)
        hand_over(secret, record)
    _audit(directory, "token.rotated", record)
    return 0


def _revoke(store: TokenStore, directory: Path, options: argparse.Namespace) -> int:
    for name in options.names:
        for record in store.revoke(name, now=time.time()):
            _audit(directory, "token.revoked", record)
            say(f"revoked {printable(record.name)} ({record.id})")
    return 0


def _list(store: TokenStore, directory: Path, options: argparse.Namespace) -> int:  # noqa: ARG001  # as the others
    now = time.time()
    if options.json:
        for record in store.records:
            print(msgspec.json.encode(_shown(record, now)).decode())
        return 0
    if not store.records:
        say("no tokens yet: tmuxpulse token create NAME")
        return 0
    rows = [("NAME", "ID", "STATE", "SCOPES", "SESSIONS", "CREATED", "EXPIRES")]
    rows += [
        (
            printable(record.name),
            record.id,
            _state(record, now),
            ",".join(record.scopes),
            printable(",".join(record.sessions)) or "all",
            _local(record.created_at),
            "never" if record.expires_at is None else _local(record.expires_at),
        )
        for record in store.records
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        print(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        )
    return 0


# --- giving a token to who asked for it -----------------------------------------------------


@contextmanager
def _delivery(options: argparse.Namespace) -> Iterator[Callable[[Secret, Record], None]]:
    """Lend what prints a token, or writes it to a private file that must not be there yet.

    The file is made before the token is: else there would be a token that nobody has.
    """
    if not options.file:
        yield partial(_print, as_json=options.json)
        return
    path = Path(options.file).expanduser()
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UsageError(
            f"cannot write the token to {path}: {error.strerror}; name a new file"
        ) from None

    def write(secret: Secret, _record: Record) -> None:
        os.write(fd, f"{secret.reveal()}\n".encode())
        say(f"the token is in {path}; use it with --token-file {path}")

    try:
        yield write
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)


def _print(secret: Secret, record: Record, *, as_json: bool) -> None:
    if as_json:
        shown = {**_shown(record, time.time()), "token": secret.reveal()}
        print(msgspec.json.encode(shown).decode())
        return
    print(secret.reveal(), flush=True)
    say("it will not be shown again; put it into a file (chmod 600) for --token-file")


def _add_printing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", metavar="FILE", help="write it to a new file, mode 0600")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


# --- words ----------------------------------------------------------------------------------


def _shown(record: Record, now: float) -> dict[str, Any]:
    """What may be told of a token: all but its hash."""
    told = msgspec.to_builtins(record)
    del told["hash"]
    return {**told, "state": _state(record, now)}


def _state(record: Record, now: float) -> str:
    if record.revoked_at is not None:
        return "revoked"
    return "live" if record.is_live(now) else "expired"


def _local(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _audit(directory: Path, action: str, record: Record) -> None:
    append_now(
        directory,
        action,
        who="command line",
        token=record.id,
        name=record.name,
        scopes=list(record.scopes),
        sessions=list(record.sessions),
    )


def _lifetime(text: str) -> float | None:
    if text == "never":
        return None
    found = re.fullmatch(r"(\d{1,9})([smhdw])", text)
    if found is None or (seconds := int(found[1]) * _UNITS[found[2]]) > _MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 30d, 12h or never")
    return float(seconds)
