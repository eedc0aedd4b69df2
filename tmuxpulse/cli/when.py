"""Times on the command line: how long ago, a date, or a date and time."""

from __future__ import annotations

import argparse
import re
from datetime import datetime, timedelta, timezone

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGO = re.compile(r"([0-9]{1,6})([smhdw])", re.ASCII)
EXAMPLES = "90s, 30m, 2h, 7d, 2w ago, or a date or time such as 2026-11-23 or 2026-11-23T10:30"


def when(text: str) -> datetime:
    """A time; without a zone it is local.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    ago = _AGO.fullmatch(text)
    try:
        if ago:
            return datetime.now(timezone.utc) - timedelta(seconds=int(ago[1]) * _UNITS[ago[2]])
        return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone()
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time; give 2h, 7d, 2026-11-23 or 2026-11-23T10:30"
        ) from None
