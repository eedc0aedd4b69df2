"""SIGHUP: which settings take effect at once, and which need a new start. Said in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable

from tmuxpulse.config.features import AT_ONCE as SWITCHED_AT_ONCE
from tmuxpulse.config.features import switched_on
from tmuxpulse.config.settings import CollectSettings, ServeSettings
from tmuxpulse.errors import UsageError
from tmuxpulse.serve.house import House
from tmuxpulse.serve.tls import Tls

AT_ONCE = {"allowed_hosts", "allowed_origins", "grace_seconds", *SWITCHED_AT_ONCE}
_TOLD_ELSEWHERE = {"judges", "measures"}  # as features

Reload = Callable[[], tuple[ServeSettings, CollectSettings]]

logger = logging.getLogger(__name__)


def read_again(
    reload: Reload | None,
    now: tuple[ServeSettings, CollectSettings],
    house: House,
    tls: Tls | None,
) -> tuple[ServeSettings, CollectSettings]:
    """Take new settings and certificates as far as that can be done; else keep what there is.

    Limits hold for connections that come from now on.

    Returns:
        What is in force; the caller takes care of the door.
    """
    try:
        if tls is not None:
            tls.reload()
        found = now if reload is None else reload()
    except UsageError as error:
        logger.error("SIGHUP: nothing was changed: %s", error)  # noqa: TRY400  # for its reader
        return now
    later = needing_a_start(now, found)
    if later:
        logger.warning("SIGHUP: these take effect at the next start: %s", ", ".join(later))
    house.limits = found[0].limits
    house.write = found[0].server.write
    house.switch(switched_on(*found))
    house.audit.record("settings.reloaded", who="server")
    logger.info("SIGHUP: settings, tokens and certificates were read again")
    return found


def needing_a_start(
    before: tuple[ServeSettings, CollectSettings], after: tuple[ServeSettings, CollectSettings]
) -> list[str]:
    """The names of the settings that differ and cannot be changed in a server that runs."""
    tables = (
        ("server", before[0].server, after[0].server),
        ("audit", before[0].audit, after[0].audit),
        ("history", before[0].history, after[0].history),
        ("features", before[0].features, after[0].features),
        ("tmux", before[1], after[1]),
    )
    return [
        field if field == "redaction" else f"{table}.{field}"
        for table, old, new in tables
        for field in old.__struct_fields__
        if getattr(old, field) != getattr(new, field) and field not in AT_ONCE | _TOLD_ELSEWHERE
    ]
