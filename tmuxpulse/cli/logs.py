"""The log of a server: for people, or one JSON object a line for programs.

An object has ``time`` (RFC 3339, UTC), ``level`` (``debug``, ``info``, ``warning``, ``error``,
``critical``), ``logger`` and ``message``; where they apply ``client``, ``peer`` and ``code``, and
``exception`` with the traceback of an error of ours. Tokens and what panes print are in no log:
nobody logs them.
"""

from __future__ import annotations

import logging
import sys
from datetime import datetime, timezone
from types import TracebackType

import msgspec

FIELDS = ("client", "peer", "code")  # what a call may tell beside its message, with `extra`
LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)  # by how often -v was given
MAX_MESSAGE = 4000
MAX_EXCEPTION = 20_000

logger = logging.getLogger(__name__)


class JsonFormatter(logging.Formatter):
    """Makes a line of each record."""

    def format(self, record: logging.LogRecord) -> str:
        """The object, without a newline in it or after it."""
        when = datetime.fromtimestamp(record.created, timezone.utc)
        told: dict[str, object] = {
            "time": when.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage()[:MAX_MESSAGE],
        }
        told |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0] is not None:
            told["exception"] = self.formatException(record.exc_info)[-MAX_EXCEPTION:]
        return msgspec.json.encode(_encodable(told)).decode()


def log_as_json(verbose: int) -> None:
    """Let everything that this process says on standard error be JSON lines.

    That includes warnings of Python and the error that ends it.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=LEVELS[min(verbose, 2)], handlers=[handler])
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught


def is_json() -> bool:
    """Whether `log_as_json` was called."""
    return any(isinstance(one.formatter, JsonFormatter) for one in logging.getLogger().handlers)


def _log_uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    logger.critical("ended by an error", exc_info=(kind, error, traceback))


def _encodable(told: dict[str, object]) -> dict[str, object]:
    """Text that no UTF-8 can say, such as of a file's name, is escaped."""
    return {
        name: value.encode("utf-8", "backslashreplace").decode()
        if isinstance(value, str)
        else value
        for name, value in told.items()
    }
