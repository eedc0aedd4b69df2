"""The full screen of a replay: the same, and keys that steer the player."""

from __future__ import annotations

import math
import time

import trio

from tmuxpulse.cli.embedded import open_embedded
from tmuxpulse.cli.screen.app import App
from tmuxpulse.cli.screen.model import Model
from tmuxpulse.cli.screen.paint import Player as Shown
from tmuxpulse.cli.screen.show import ALL_BUT_STATS, Look, bring_feed
from tmuxpulse.client.groups import unwrapped
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.recording.player import Player

STEP_SECONDS = 10.0
LEAST_SPEED, MOST_SPEED = 0.125, 1000.0


class Steering:
    """What keys do to a player.

    Args:
        player: of the recording.
        speed: at which it plays.
    """

    def __init__(self, player: Player, speed: float) -> None:
        self._player = player
        self._speed = speed

    def shown(self) -> Shown:
        """Where the player is."""
        player = self._player
        state = "plays"
        if player.is_paused:
            state = "PAUSED"
        elif player.finished.is_set():
            state = "at its end"
        return Shown(player.position, self._speed, state)

    def steer(self, task: str) -> None:
        """Do what a key asks for."""
        player = self._player
        match task:
            case "pause":
                (player.resume if player.is_paused else player.pause)()
            case "seek_back":
                player.seek(player.position - STEP_SECONDS)
            case "seek_on":
                player.seek(player.position + STEP_SECONDS)
            case "slower" | "faster":
                self._speed = next_speed(self._speed, faster=task == "faster")
                player.change_speed(self._speed)


def next_speed(speed: float, *, faster: bool) -> float:
    """Double or half, within bounds; what is as fast as it goes becomes the fastest that counts."""
    if math.isinf(speed):
        return speed if faster else MOST_SPEED
    return min(max(speed * (2 if faster else 0.5), LEAST_SPEED), MOST_SPEED)


async def show_replay(player: Player, speed: float, look: Look) -> int:
    """Show a recording until the user quits; at its end it stays.

    Args:
        player: of the recording.
        speed: at which it plays at first.
        look: how the screen is.
    """
    steering = Steering(player, speed)
    model = Model(look.keys, wanted=look.wanted, replay=True)
    app = App(
        model,
        look=look.table,
        colours=look.colours,
        colour=look.colour,
        player=steering.shown,
        steer=steering.steer,
    )
    settings = CollectSettings(runtime_dir="")
    with unwrapped():
        async with open_embedded(settings, ALL_BUT_STATS, collector=player) as feed:
            model.begin(feed.beginning, time.time())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(bring_feed, feed, model)
                await app.run()
                nursery.cancel_scope.cancel()
    return 0
