"""What a service manager is given so that the server runs in the background: units as text.

Pure: nothing is written or started here. Names and directives are those of systemd.unit(5),
systemd.service(5), systemd.socket(5) and launchd.plist(5).
"""

from __future__ import annotations

import plistlib
from collections.abc import Sequence

SERVICE = "tmuxpulse.service"
SOCKET = "tmuxpulse.socket"
LABEL = "dev.tmuxpulse.serve"
PLIST = f"{LABEL}.plist"
WATCHDOG_SECONDS = 60

_SERVICE = """\
# Made by `tmuxpulse service install`; it is replaced by the next one.
[Unit]
Description=tmuxpulse: what every tmux pane is doing, live

[Service]
Type=notify
ExecStart={command}
ExecReload=kill -HUP $MAINPID
Restart=on-failure
RestartSec=2
WatchdogSec={watchdog}
TimeoutStopSec=20
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes

[Install]
WantedBy=default.target
"""

_SOCKET = """\
# Made by `tmuxpulse service install`; it is replaced by the next one.
[Unit]
Description=tmuxpulse is started by its first client

[Socket]
ListenStream=%t/tmuxpulse/tmuxpulse.sock
ListenStream=127.0.0.1:{port}
SocketMode=0600
DirectoryMode=0700

[Install]
WantedBy=sockets.target
"""


def systemd_service(command: Sequence[str]) -> str:
    """The unit that runs a command as the server."""
    return _SERVICE.format(command=" ".join(map(systemd_word, command)), watchdog=WATCHDOG_SECONDS)


def systemd_socket(port: int) -> str:
    """The unit that listens for the server, and starts it for its first client."""
    return _SOCKET.format(port=port)


def systemd_word(text: str) -> str:
    """A word of a command line, as systemd reads it: quotes, specifiers, variables."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    escaped = escaped.replace("%", "%%").replace("$", "$$")
    plain = escaped and not set(escaped) & set(" \t\"'\\;")
    return escaped if plain else f'"{escaped}"'


def launchd_plist(command: Sequence[str], log: str) -> str:
    """The agent of launchd that runs a command as the server.

    Args:
        command: its words.
        log: the file that takes what it says.
    """
    return plistlib.dumps(
        {
            "Label": LABEL,
            "ProgramArguments": list(command),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ProcessType": "Background",
            "StandardErrorPath": log,
            "Umask": 0o077,
        },
        sort_keys=False,
    ).decode()
