"""The edge of one connection, beyond which its exceptions do not go."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import cast


async def run_bounded(
    run: Callable[[], Awaitable[None]],
    logger: logging.Logger,
    name: str,
    on_error: Callable[[], None] = lambda: None,
) -> None:
    """Run until it ends; log an exception, and call `on_error`, instead of raising it.

    Cancellation goes on, also out of a group that holds an exception beside it (a connection that
    fails in the moment of a shutdown). ``except*`` would say this, from Python 3.11 on.
    """
    try:
        await run()
    except Exception:
        on_error()
        logger.exception("connection %s ended by an error", name)
    except BaseException as error:
        split = getattr(error, "split", None)
        if split is None:  # not a group: Cancelled, KeyboardInterrupt
            raise
        ours, rest = split(Exception)
        if ours is None:
            raise
        on_error()
        logger.error("connection %s ended by an error", name, exc_info=ours)  # noqa: TRY400  # a part of it
        raise cast("BaseException", rest) from None
