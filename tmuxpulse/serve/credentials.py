"""Who is at the other end of a Unix socket, as the kernel says. What follows is not decided here.

Linux answers `SO_PEERCRED`, macOS and FreeBSD what ``getpeereid`` asks: `LOCAL_PEERCRED`.
"""

from __future__ import annotations

import socket
import struct
import sys

import trio

_UCRED = struct.Struct("=iII")
_XUCRED_HEAD = struct.Struct("=IIh")
_XUCRED_VERSION = 0
_XUCRED_GROUPS = 16
_XUCRED_BYTES = 128  # more than any has: 76 on macOS, 88 on FreeBSD
_SO_PEERCRED = getattr(socket, "SO_PEERCRED", 17)
_SOL_LOCAL, _LOCAL_PEERCRED = 0, 1


def peer_uid(stream: trio.SocketStream, *, platform: str = sys.platform) -> int | None:
    """Give the user id of a Unix socket's peer, from when it connected.

    Returns:
        None: the peer has left, or this is a system that we do not know how to ask.
    """
    asked = next((name for name in _QUESTIONS if platform.startswith(name)), None)
    if asked is None:
        return None
    level, option, size, uid_in = _QUESTIONS[asked]
    try:
        credentials = stream.socket.getsockopt(level, option, size)
    except OSError:
        return None
    return uid_in(credentials)


def uid_in_ucred(credentials: bytes) -> int | None:
    """The user in Linux's ``struct ucred``: pid, uid, gid; None: it is no such thing."""
    return int(_UCRED.unpack(credentials)[1]) if len(credentials) == _UCRED.size else None


def uid_in_xucred(credentials: bytes) -> int | None:
    """The user in BSD's ``struct xucred``: version, uid, groups; None: it is no such thing."""
    if len(credentials) < _XUCRED_HEAD.size:
        return None
    version, uid, groups = _XUCRED_HEAD.unpack_from(credentials)
    return int(uid) if version == _XUCRED_VERSION and 0 < groups <= _XUCRED_GROUPS else None


# What to ask the kernel of each system: level, option, how many bytes at most; how to read them.
_QUESTIONS = {
    "linux": (socket.SOL_SOCKET, _SO_PEERCRED, _UCRED.size, uid_in_ucred),
    "darwin": (_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES, uid_in_xucred),
    "freebsd": (_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED_BYTES, uid_in_xucred),
}
