"""How long ago something was, in few characters. Pure; the caller has the clock."""

from __future__ import annotations

from datetime import datetime

UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"))


def seconds_since(timestamp: str, now: float) -> float | None:
    """How long ago a timestamp of the protocol was; None: there is none.

    Args:
        timestamp: RFC 3339; empty when not known.
        now: seconds since the epoch.
    """
    try:
        then = datetime.fromisoformat(timestamp.replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return max(0.0, now - then)


def short(seconds: float) -> str:
    """Such as ``12s``, ``3m``, ``2h``, ``40d``."""
    for unit, letter in UNITS:
        if seconds >= unit:
            return f"{int(seconds // unit)}{letter}"
    return f"{int(seconds)}s"
