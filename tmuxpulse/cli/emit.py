"""`tmuxpulse emit`: tell the server of an event of one's own, or what the program in a pane does.

As a hook of an agent (`--from-hook`) it prints nothing, ends well whatever happens, and does so
within a second: an agent is never hurt by it.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

import msgspec

from tmuxpulse.agent_hooks.descent import agent_has_terminal
from tmuxpulse.agent_hooks.meaning import AGENT_TYPES, meaning
from tmuxpulse.cli.options import STATUSES, Subparsers, add_command, add_server_options, say
from tmuxpulse.client.brief import ask
from tmuxpulse.collect.sockets import own_pane, socket_name
from tmuxpulse.config.places import default_unix_socket, runtime_dir
from tmuxpulse.errors import RequestError, TmuxpulseError, UsageError

if TYPE_CHECKING:
    from tmuxpulse.wire import AnyReply

STATUS = "agent.status"
ASK_SECONDS = 5.0
HOOK_SECONDS = 0.8  # for all that a hook does once it runs
HOOK_ASK_SECONDS = 0.6
MAX_HOOK_BYTES = 4 << 20
DESCRIPTION = """\
Tell your tmuxpulse server of something: an event of your own (custom.NAME), or what the program in
a pane is doing (agent.status). Inside tmux it is about the pane it is called in, unless said
otherwise.
"""
EXAMPLES = """\
examples:
  tmuxpulse emit custom.deploy --data env=staging --data version=1.4
  tmuxpulse emit custom.build --data '{"ok": true, "seconds": 31}' --nowhere
  tmuxpulse emit agent.status --status waiting --reason 'asks for a review' --agent reviewer
"""
_TARGET = re.compile(r"(?P<session>[^:]+):(?P<window>[^.:]+)\.(?P<pane>%?\d+)")


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "emit", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument("type", metavar="TYPE", nargs="?", help="custom.NAME or agent.status")
    parser.add_argument(
        "--data",
        metavar="JSON|KEY=VALUE",
        action="append",
        default=[],
        help="what to tell: a JSON object, or one text of it; may be repeated",
    )
    report = parser.add_argument_group("for agent.status")
    report.add_argument("--status", choices=STATUSES, help="what the program is doing")
    report.add_argument("--reason", metavar="TEXT", help="why, in a few words")
    report.add_argument("--agent", metavar="NAME", help="what kind of agent it is")
    where = parser.add_argument_group("where it happened")
    where.add_argument("--server", metavar="NAME", help="the tmux server, as ls shows it")
    where.add_argument("--session", metavar="NAME", help="name or id ($3)")
    where.add_argument("--window", metavar="WINDOW", help="name, index or id (@7)")
    where.add_argument("--pane", metavar="PANE", help="index, id (%%12) or session:window.pane")
    where.add_argument("--nowhere", action="store_true", help="nowhere in particular")
    parser.add_argument("--json", action="store_true", help="print the server's answer")
    parser.add_argument(
        "--from-hook",
        choices=tuple(AGENT_TYPES),
        help="be a hook of an agent program: read what it says (see tmuxpulse hooks)",
    )
    add_server_options(parser, "yours on this machine")


def run(options: argparse.Namespace) -> int:
    """Tell it."""
    if options.from_hook:
        _run_hook(options)
        return 0
    event = event_of(options, os.environ)
    if options.url is None:
        if options.token_file is not None or options.ca_file is not None:
            raise UsageError("--token-file and --ca-file are for a server at an address: add --url")
        answer: dict[str, Any] | AnyReply = tell(event, os.environ, seconds=ASK_SECONDS)
    else:
        answer = _tell_address(event, options)
    if options.json:
        print(msgspec.json.encode(answer).decode())
    return 0


def event_of(options: argparse.Namespace, environ: Mapping[str, str]) -> dict[str, Any]:
    """The event that the options describe.

    Args:
        options: of the command.
        environ: the environment; its pane is the place when none is named.

    Raises:
        UsageError: they describe none.
    """
    if not options.type:
        raise UsageError("name what to tell: custom.NAME or agent.status")
    data = data_of(options.data)
    said = {"status": options.status, "reason": options.reason, "agent_type": options.agent}
    said = {key: value for key, value in said.items() if value is not None}
    if options.type == STATUS:
        data = {**data, **said}
        if "status" not in data:
            raise UsageError("agent.status needs --status")
        if options.nowhere:
            raise UsageError("agent.status is about a pane: name it, without --nowhere")
    elif said:
        raise UsageError("--status, --reason and --agent are for agent.status")
    return {"type": options.type, **_place(options, environ), "data": data}


def data_of(parts: Sequence[str]) -> dict[str, Any]:
    """What ``--data`` adds up to.

    Raises:
        UsageError: a part is neither a JSON object nor KEY=VALUE.
    """
    data: dict[str, Any] = {}
    for part in parts:
        if part.lstrip().startswith("{"):
            try:
                data.update(msgspec.json.decode(part, type=dict[str, Any]))
            except msgspec.DecodeError as error:
                raise UsageError(f"--data: no JSON object: {error}") from None
            continue
        key, equals, value = part.partition("=")
        if not (key and equals):
            raise UsageError("--data: give a JSON object, or KEY=VALUE")
        data[key] = value
    return data


def tell(event: dict[str, Any], environ: Mapping[str, str], *, seconds: float) -> dict[str, Any]:
    """Tell the user's own server, and give its answer.

    Args:
        event: what.
        environ: the environment.
        seconds: to wait for it.

    Raises:
        TmuxpulseError: there is none, or it refuses.
    """
    path = default_unix_socket(runtime_dir(environ))
    try:
        return ask(path, {"action": "emit", "event": event}, seconds=seconds)
    except RequestError as error:
        inside = own_pane(environ)
        is_here = inside is not None and event.get("server") == socket_name(inside[0], environ)
        # A server with another TMUX_TMPDIR calls the same tmux by its path.
        if inside is None or not is_here or error.code != "NOT_FOUND":
            raise
    event = {**event, "server": inside[0]}
    return ask(path, {"action": "emit", "event": event}, seconds=seconds)


def _place(options: argparse.Namespace, environ: Mapping[str, str]) -> dict[str, Any]:
    named: dict[str, Any] = {
        key: value
        for key in ("server", "session", "window", "pane")
        if (value := getattr(options, key)) is not None
    }
    if options.nowhere:
        if named:
            raise UsageError("--nowhere, or a place: not both")
        return {}
    target = _TARGET.fullmatch(named.get("pane", ""))
    if target:
        return {**named, **target.groupdict()}
    inside = own_pane(environ)
    if named or inside is None or options.url is not None:
        return named
    return {"server": socket_name(inside[0], environ), "pane": inside[1]}


def _tell_address(event: dict[str, Any], options: argparse.Namespace) -> AnyReply:
    from tmuxpulse.cli.feed import token_of
    from tmuxpulse.cli.running import run_async
    from tmuxpulse.client.connection import open_connection
    from tmuxpulse.wire import Emit, EmitEvent

    token = token_of(options)
    answers: list[AnyReply] = []

    async def talk() -> int:
        async with open_connection(
            url=options.url, token=token, ca_file=options.ca_file
        ) as connection:
            request = Emit(event=msgspec.convert(event, EmitEvent))
            answers.append(await connection.request(request))
        return 0

    code = run_async(talk)
    if not answers:  # a signal came first
        raise SystemExit(code)
    return answers[0]


# --- as a hook ------------------------------------------------------------------------------


def _run_hook(options: argparse.Namespace) -> None:
    """Tell what an agent's hook says, if anybody listens; raises nothing, and does not stay."""
    signal.signal(signal.SIGALRM, _give_up)
    signal.setitimer(signal.ITIMER_REAL, HOOK_SECONDS)
    try:
        said = options.type.encode() if options.type else _read_all()
        event = hook_event(options.from_hook, said, os.environ)
        if event is not None and agent_has_terminal():
            tell(event, os.environ, seconds=HOOK_ASK_SECONDS)
    except (TmuxpulseError, OSError, ValueError, RecursionError) as error:
        if options.verbose:
            say(f"not told: {error}")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def hook_event(program: str, said: bytes, environ: Mapping[str, str]) -> dict[str, Any] | None:
    """What a hook's JSON has to say to the server; None: nothing, or it is in no pane.

    Args:
        program: the agent program.
        said: what it gave.
        environ: the environment.

    Raises:
        ValueError: that is no JSON.
    """
    inside = own_pane(environ)
    found = msgspec.json.decode(said) if inside is not None else None
    told = meaning(program, found) if isinstance(found, dict) else None
    if told is None or inside is None:
        return None
    data = {
        "status": told.status,
        "reason": told.reason,
        "agent_type": AGENT_TYPES[program],
        "source": program,
    }
    place = {"server": socket_name(inside[0], environ), "pane": inside[1]}
    return {"type": STATUS, **place, "data": data}


def _read_all() -> bytes:
    """Standard input to its end: who writes must not find it closed. Too much of it is nothing."""
    said = b""
    while chunk := os.read(sys.stdin.fileno(), 1 << 16):
        if len(said) <= MAX_HOOK_BYTES:
            said += chunk
    return said if len(said) <= MAX_HOOK_BYTES else b"null"


def _give_up(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)  # whatever it waits for, the agent does not
