"""`tmuxpulse send`: type into a pane, through the server, which decides whether that is allowed."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from typing import TYPE_CHECKING, Any

import msgspec

from tmuxpulse.cli.options import Subparsers, add_command, add_server_options
from tmuxpulse.client.brief import ask
from tmuxpulse.config.places import default_unix_socket, runtime_dir
from tmuxpulse.errors import RequestError, ServerRefused, TmuxpulseError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

ASK_SECONDS = 10.0
MAX_REQUEST_BYTES = 65_536  # of `wire`, which takes longer to load
MAX_TEXT_CHARACTERS = 16_384  # of one command; a longer text becomes several, in one run of tmux
DESCRIPTION = """\
Type a text into a pane, as it is, and press keys after it. It goes through your tmuxpulse server,
and only if that allows it: [server] write = "local" in config.toml, or tmuxpulse serve --write
local; a token needs the scope `write` as well.
"""
EXAMPLES = """\
examples:
  tmuxpulse send build 'make test' --enter
  tmuxpulse send api:0.1 --key C-c
  tmuxpulse send %12 --key Escape --key :wq --enter
  git diff --stat | tmuxpulse send notes -

exit codes: 0 done, 1 not done, 2 usage, 3 no server, 4 not allowed
"""


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "send", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument(
        "pane",
        metavar="PANE",
        help="id (%%12), session:window.pane, or the name of a session or window, for its active"
        " pane",
    )
    parser.add_argument(
        "text",
        metavar="TEXT",
        nargs="*",
        help="what to type; several are joined by spaces; -: what comes on standard input",
    )
    parser.add_argument(
        "--key",
        dest="keys",
        metavar="KEY",
        action="append",
        default=[],
        help="then press this key, by tmux's name for it, such as C-c, Up or Escape; may be"
        " repeated",
    )
    parser.add_argument("--enter", action="store_true", help="then press Enter")
    parser.add_argument("--server", metavar="NAME", help="the tmux server, as ls shows it")
    parser.add_argument(
        "--once",
        metavar="NAME",
        help="do it once: who says it again with the same name within ten minutes gets the same"
        " answer, and nothing is typed",
    )
    parser.add_argument("--json", action="store_true", help="print the server's answer")
    add_server_options(parser, "yours on this machine")


def run(options: argparse.Namespace) -> int:
    """Type it."""
    text = " ".join(options.text)
    if options.text == ["-"]:
        text = sys.stdin.buffer.read(MAX_REQUEST_BYTES + 1).decode("utf-8", "surrogateescape")
    commands = commands_of(text, options.keys, enter=options.enter)
    key = options.once or secrets.token_hex(16)
    answer = _send(options, commands, key)
    if options.json:
        print(msgspec.json.encode(answer).decode())
    problem = problem_of(answer)
    if problem is not None:
        raise TmuxpulseError(f"it was not typed: {problem}")
    return 0


def commands_of(text: str, keys: list[str], *, enter: bool) -> list[dict[str, Any]]:
    """What the server is asked to do, without a target.

    Args:
        text: to type.
        keys: to press after it.
        enter: whether to press Enter at the end.

    Raises:
        UsageError: it is nothing, or no text.
    """
    if not (text or keys or enter):
        raise UsageError("nothing to type: give a TEXT, --key or --enter")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UsageError("the text is not UTF-8") from None
    parts = [text[at : at + MAX_TEXT_CHARACTERS] for at in range(0, len(text), MAX_TEXT_CHARACTERS)]
    commands: list[dict[str, Any]] = [{"command": "send-text", "text": part} for part in parts]
    if keys:
        commands.append({"command": "send-keys", "keys": [*keys, *(["Enter"] if enter else [])]})
    elif enter and commands:
        commands[-1]["enter"] = True
    elif enter:
        commands.append({"command": "send-keys", "keys": ["Enter"]})
    return commands


def request_of(commands: list[dict[str, Any]], target: dict[str, Any], key: str) -> dict[str, Any]:
    """One request for all of it, so that it is typed in one go or not at all.

    Raises:
        UsageError: it is too long for one.
    """
    aimed = [{**command, "target": target} for command in commands]
    request: dict[str, Any] = {"action": "batch", "commands": aimed, "key": key}
    if len(msgspec.json.encode({**request, "id": 1})) > MAX_REQUEST_BYTES:
        raise UsageError(
            f"that is too long to type at once: a request has at most {MAX_REQUEST_BYTES} bytes"
        )
    return request


def problem_of(answer: dict[str, Any]) -> str | None:
    """Why it was not done; None: it was."""
    return next((str(one.get("error")) for one in answer["results"] if not one.get("ok")), None)


def targets_of(text: str, server: str | None) -> list[dict[str, Any]]:
    """What the name of a pane may mean, the likeliest first.

    Raises:
        UsageError: it is none.
    """
    from tmuxpulse.cli.explain import target_of

    found = target_of(text, os.environ)
    targets = [
        {
            name: value
            for name in found.__struct_fields__
            if (value := getattr(found, name)) is not None
        }
    ]
    if found.session == text:
        targets.append({"window": text})
    return [{**one, "server": server} for one in targets] if server is not None else targets


def _send(options: argparse.Namespace, commands: list[dict[str, Any]], key: str) -> dict[str, Any]:
    """Ask for it, by each meaning of the pane's name until one fits."""
    requests = [
        request_of(commands, target, key) for target in targets_of(options.pane, options.server)
    ]
    if options.url is None:
        if options.token_file is not None or options.ca_file is not None:
            raise UsageError("--token-file and --ca-file are for a server at an address: add --url")
        path = default_unix_socket(runtime_dir())
        return _first(requests, lambda request: ask(path, request, seconds=ASK_SECONDS))
    return _ask_address(options, requests)


def _first(
    requests: list[dict[str, Any]], send: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any]:
    *others, last = requests
    for request in others:
        answer = _unless_not_found(request, send)
        if answer is not None:
            return answer
    try:
        return send(last)
    except (RequestError, ServerRefused) as error:
        raise _explained(error) from None


def _unless_not_found(
    request: dict[str, Any], send: Callable[[dict[str, Any]], dict[str, Any]]
) -> dict[str, Any] | None:
    try:
        return send(request)
    except (RequestError, ServerRefused) as error:
        if error.code != "NOT_FOUND":
            raise _explained(error) from None
        return None


def _ask_address(options: argparse.Namespace, requests: list[dict[str, Any]]) -> dict[str, Any]:
    """Ask a server elsewhere."""
    from tmuxpulse.cli.feed import token_of
    from tmuxpulse.cli.running import run_async
    from tmuxpulse.client.connection import open_connection
    from tmuxpulse.wire import Batch

    token = token_of(options)

    def send(request: dict[str, Any]) -> dict[str, Any]:
        answers: list[dict[str, Any]] = []

        async def talk() -> int:
            async with open_connection(
                url=options.url, token=token, ca_file=options.ca_file
            ) as connection:
                commands = {name: value for name, value in request.items() if name != "action"}
                reply = await connection.request(msgspec.convert(commands, Batch))
                answers.append(msgspec.to_builtins(reply))
            return 0

        code = run_async(talk)
        if not answers:  # a signal came first
            raise SystemExit(code)
        return answers[0]

    return _first(requests, send)


def _explained(error: RequestError | ServerRefused) -> TmuxpulseError:
    """What to do about a refusal."""
    if error.code == "FORBIDDEN":
        return ServerRefused(f"{error}; see tmuxpulse send --help", code=error.code)
    if error.code == "NOT_FOUND":
        return RequestError(error.code, f"{error}; tmuxpulse ls lists them")
    return error
