"""How many files and sockets this process may have open."""

from __future__ import annotations

import logging
import resource

WANTED = 65_536  # connections, two FIFOs a pane, and room

logger = logging.getLogger(__name__)


def raise_descriptor_limit() -> int:
    """Raise the soft limit as far as the hard one lets, up to `WANTED`; give what holds.

    The usual soft limit of 1,024 is for programs that use ``select``; this one does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS has a further limit that it does not tell
        logger.info("at most %d files and sockets at once: ulimit -n", soft)
        return soft
    return wanted
