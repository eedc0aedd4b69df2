"""Looks at panes: what the chosen one shows, in colour, from whoever brings the events.

tmux is asked at most so often, since each look is a run of tmux. In between, what the pane prints
is known from events.
"""

from __future__ import annotations

import msgspec
import trio

from tmuxpulse.cli.embedded import EmbeddedFeed
from tmuxpulse.cli.feed import Feed, ServerFeed
from tmuxpulse.cli.screen.model import Model, Sight
from tmuxpulse.cli.screen.pane import Key
from tmuxpulse.errors import RequestError, ServerError, TmuxError
from tmuxpulse.styles import Screen
from tmuxpulse.tmux import orders
from tmuxpulse.wire import Batch, BatchResult
from tmuxpulse.wire.commands import Capture, Target

LOOK_SECONDS = 0.3
CHOICE_SECONDS = 0.1  # who runs through the list does not want to see each pane
DEADLINE_SECONDS = 3.0
VIEW_LINES = 500  # of what scrolled away, in the view of a pane
BESIDE_LINES = 50  # beside the list: below a dead program tmux writes a line that scrolls


async def look_at_chosen(model: Model, feed: Feed) -> None:
    """Keep the model's sight of the chosen pane fresh, until cancelled.

    A pane that cannot be looked at is shown by what is known from events.
    """
    if not isinstance(feed, ServerFeed | EmbeddedFeed):
        return
    looked: tuple[object, ...] = ()
    looked_at = -LOOK_SECONDS
    while True:
        await trio.sleep(CHOICE_SECONDS)
        pane = None if model.frozen is not None else model.pane
        if pane is None:
            continue
        lines = VIEW_LINES if model.mode == "pane" else BESIDE_LINES
        wanted = (pane.key, lines, pane.outputs, pane.size)
        is_another = wanted[:2] != looked[:2]
        if wanted == looked or (not is_another and trio.current_time() < looked_at + LOOK_SECONDS):
            continue
        looked, looked_at = wanted, trio.current_time()
        finished = pane.lines
        screen = await _look(feed, pane.key, lines)
        if screen is not None:
            model.see(Sight(pane.key, tuple(screen.rows), finished, screen.styles))


async def _look(feed: ServerFeed | EmbeddedFeed, key: Key, lines: int) -> Screen | None:
    server, pane_id = key
    try:
        with trio.move_on_after(DEADLINE_SECONDS):
            if isinstance(feed, ServerFeed):
                target = Target(server=server, pane=pane_id)
                capture = Capture(target=target, lines=lines, styled=True)
                reply = await feed.connection.request(Batch(commands=[capture]))
                if isinstance(reply, BatchResult) and reply.results[0].ok:
                    return screen_of(reply.results[0].output)
            elif server in feed.hub.sources:
                order = orders.Capture(pane_id, lines, styled=True)
                source = feed.hub.sources[server]
                found = await source.perform([order], seconds=DEADLINE_SECONDS)
                return found[0].screen if found and found[0].ok else None
    except (RequestError, ServerError, TmuxError):
        return None  # it is not allowed, or gone: the events tell what they can
    return None


def screen_of(output: object) -> Screen | None:
    """The screen in what a server gave; None: of a release that tells it otherwise."""
    try:
        return msgspec.convert(output, Screen)
    except msgspec.ValidationError:
        return None
