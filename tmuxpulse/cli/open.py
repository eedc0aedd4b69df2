"""`tmuxpulse open`: the page in a browser, which gets in by a one-time token.

The token is in no argument of any process: every user of the machine can read those. What the
browser is given is the name of a file that only this user can read, and that leads to the page with
the token in its fragment, which no browser sends to a server. How tokens are made and judged is the
server's business.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import html
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from tmuxpulse.cli.options import Subparsers, add_command, log_to_stderr, say
from tmuxpulse.config.places import default_unix_socket, replay_sockets, runtime_dir
from tmuxpulse.errors import ServerUnavailable, UsageError

TICKET_SECONDS = 60  # how long the server takes the token; after it the file leads nowhere
LOOPBACK = ("localhost", "127.0.0.1", "::1")
PREFIX, SUFFIX = "open-", ".html"

DESCRIPTION = """\
Open the page of your running server (`tmuxpulse serve`) in the browser. The page gets in by a token
that works once, within 60 seconds.

From another machine: ssh -L 8765:127.0.0.1:8765 HOST, then run there `tmuxpulse open --print` and
put the address that it prints into the browser here.
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-{sha256}'; base-uri 'none'; form-action 'none'">
<title>tmuxpulse</title>
<p>If nothing else shows here, allow scripts, or run: tmuxpulse open --print</p>
<script>{script}</script>
</html>
"""  # noqa: E501  # a policy is one line


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "open", run, summary=summary, description=DESCRIPTION)
    parser.add_argument(
        "--print",
        "--no-browser",
        dest="print_only",
        action="store_true",
        help="print the address with its token instead of starting a browser",
    )
    parser.add_argument(
        "--replay",
        action="store_true",
        help="the page of the newest `tmuxpulse replay --serve`",
    )
    parser.add_argument(
        "--url",
        metavar="URL",
        help="the address at which the browser finds the page, such as http://localhost:9000/"
        " through ssh -L (default: the one that the server says)",
    )


def run(options: argparse.Namespace) -> int:
    """Open the page."""
    log_to_stderr(options.verbose)
    directory = runtime_dir()
    remove_leftovers(directory, time.time())
    chosen = None if options.url is None else page_url(options.url)
    if options.replay:
        issued_url, token = _ask_a_replay(replay_sockets(directory))
    else:
        issued_url, token = _ask_for_ticket(default_unix_socket(directory))
    url = chosen or issued_url
    address = f"{url}#token={token}"
    if not options.print_only:
        if has_screen(os.environ) and _open(directory, address):
            say(f"opening {url}; if no browser shows it: tmuxpulse open --print")
            return 0
        say("no browser can be started here; open this address in one:")
    print(address)
    say(f"the address works once, within {TICKET_SECONDS} s; whoever opens it gets in")
    return 0


def page_url(text: str) -> str:
    """Read an address of the page: https, or http on this machine. No token goes anywhere else.

    Raises:
        UsageError: it is no such address.
    """
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    plain = text.isascii() and text.isprintable() and " " not in text
    if not host or not plain or parts.username is not None or not secure:
        raise UsageError(
            f"{text!r:.200} is not an address of the page, such as http://localhost:9000/"
            " (beyond this machine only https)"
        )
    name = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{name}{'' if port is None else f':{port}'}{parts.path or '/'}"


def has_screen(environ: Mapping[str, str]) -> bool:
    """Tell whether there can be a browser for the page: those for terminals run no script."""
    return sys.platform == "darwin" or any(
        environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )


def redirect_page(address: str) -> str:
    """A page that leads to an address, and can do nothing else whatever the address holds."""
    quoted = json.dumps(address)  # ASCII only; and no end of a script, no entity:
    for sign in "<>&":
        quoted = quoted.replace(sign, f"\\u{ord(sign):04x}")
    script = f"location.replace({quoted})"
    sha256 = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _PAGE.format(sha256=html.escape(sha256), script=script)


def write_redirect(directory: Path, address: str) -> Path:
    """Write a file that leads to an address and that only this user can read."""
    path = directory / f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:  # noqa: PTH123  # a descriptor
        file.write(redirect_page(address))
    return path


def remove_leftovers(directory: Path, now: float) -> None:
    """Remove files of runs that were killed; their tickets have expired.

    Args:
        directory: where they are.
        now: seconds since the epoch.
    """
    for path in directory.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):  # another run was faster
            if path.lstat().st_mtime < now - TICKET_SECONDS:
                path.unlink()


def _open(directory: Path, address: str) -> bool:
    """Start the browser. It reads the file when it likes, perhaps after we have ended."""
    import webbrowser

    path = write_redirect(directory, address)
    opened = False
    try:
        with suppress(webbrowser.Error):
            opened = webbrowser.open(path.as_uri())
    finally:
        if opened:
            _remove_later(path, TICKET_SECONDS)
        else:
            path.unlink(missing_ok=True)
    return opened


def _remove_later(path: Path, seconds: float) -> None:
    """Leave a process behind that removes a file. It knows no more than the file's name."""
    subprocess.run(
        ["/bin/sh", "-c", '(sleep "$1"; rm -f -- "$2") &', "sh", str(seconds), str(path)],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )


def _ask_a_replay(sockets: Sequence[str]) -> tuple[str, str]:
    """As `_ask_for_ticket`, of the first server there is; one that was killed leaves its socket."""
    for unix_socket in sockets:
        with suppress(ServerUnavailable):
            return _ask_for_ticket(unix_socket)
    raise ServerUnavailable("no recording is served: tmuxpulse replay FILE --serve")


def _ask_for_ticket(unix_socket: str) -> tuple[str, str]:
    """A one-time token of the user's own server, and where the page is.

    Raises:
        ServerUnavailable: no server of the user's runs, or it is of another release.
        ServerError: it refused.
    """
    import trio

    from tmuxpulse.client.connection import open_connection
    from tmuxpulse.client.groups import unwrapped
    from tmuxpulse.wire import Ticket, TicketIssued

    async def ask() -> tuple[str, str]:
        async with open_connection(unix_socket=unix_socket) as connection:
            reply = await connection.request(Ticket())
        if not isinstance(reply, TicketIssued):
            raise ServerUnavailable("the tmuxpulse server did not give a ticket")
        return reply.url, reply.token

    with unwrapped():
        return trio.run(ask)
