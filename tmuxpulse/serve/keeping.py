"""What the server writes to disk, the audit log and the history, and what is said when it cannot.

A disk that is full or gone stops neither the server nor the other of the two.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tmuxpulse.config.settings import ServeSettings
from tmuxpulse.events import CollectorTrouble, Event, Place
from tmuxpulse.history.history import History
from tmuxpulse.history.retention import Retention
from tmuxpulse.hub.hub import Hub
from tmuxpulse.serve.audit import Audit

logger = logging.getLogger(__name__)

DATABASE = "history.db"


@contextmanager
def open_audit(settings: ServeSettings, hub: Hub, problems: dict[str, str]) -> Iterator[Audit]:
    """The audit log.

    Args:
        settings: where it is, and how much is kept.
        hub: where trouble is published.
        problems: where it is noted while it lasts.
    """

    def trouble(message: str) -> None:
        logger.error("the audit log cannot be written: %s", message)
        problems["audit"] = message
        _publish(hub, f"audit log: {message}")

    def recovered() -> None:
        logger.warning("the audit log is written again")
        problems.pop("audit", None)

    with Audit.open(
        Path(settings.state_dir),
        settings.audit,
        on_trouble=trouble,
        on_recovered=recovered,
    ) as audit:
        yield audit


@contextmanager
def open_history(
    settings: ServeSettings, hub: Hub, problems: dict[str, str]
) -> Iterator[History | None]:
    """The history, which is given all of `hub`'s events from now on; None: it is switched off.

    Args:
        settings: where it is, and how much is kept.
        hub: nothing may have been published in it; trouble is.
        problems: where it is noted while it lasts.

    Raises:
        UsageError: its files are not private.
    """
    wanted = settings.history
    if not wanted.enabled:
        yield None
        return

    def trouble(message: str) -> None:
        logger.error("history: %s", message)
        problems["history"] = message
        _publish(hub, f"history: {message}")

    def recovered(lost: int) -> None:
        missing = f"; {lost} events are missing in it" if lost else ""
        logger.warning("history is kept again%s", missing)
        problems.pop("history", None)
        if lost:
            _publish(hub, f"history: it is kept again{missing}")

    directory, journal_dir = history_places(settings.state_dir, settings.runtime_dir)
    with History.open(
        directory / DATABASE,
        hub.epoch,
        output=wanted.output,
        keep=Retention(days=wanted.days, max_bytes=wanted.max_bytes),
        journal_dir=journal_dir,
        on_trouble=trouble,
        on_recovered=recovered,
    ) as history:
        hub.keeper = history
        try:
            yield history
        finally:
            hub.keeper = None


def history_places(state_dir: str, runtime_dir: str) -> tuple[Path, Path]:
    """Where the database and its journal are; both are made, for this user alone.

    Args:
        state_dir: private to the user.
        runtime_dir: the same, best in memory; empty: none.
    """
    directory = Path(state_dir) / "history"
    journal_dir = Path(runtime_dir) / "history" if runtime_dir else directory
    for path in (directory, journal_dir):
        path.mkdir(mode=0o700, exist_ok=True)
    return directory, journal_dir


def _publish(hub: Hub, message: str) -> None:
    hub.publish(Event(Place(), CollectorTrouble(message=message, retry_s=None)))
