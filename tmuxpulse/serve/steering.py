"""Steering what a server plays from a recording. Pure: the player has the clock.

It is no command to tmux, so `write` in the settings does not matter; but all who watch see what one
of them does, so the token has to grant ``write``.
"""

from __future__ import annotations

import math
from typing import Protocol

from tmuxpulse.wire import Replay, ReplayState


class Steered(Protocol):
    """What plays a recording."""

    @property
    def position(self) -> float:
        """Where it is, in seconds from the beginning."""

    @property
    def duration(self) -> float | None:
        """How long all of it is, in seconds; None: that is not known yet."""

    @property
    def speed(self) -> float:
        """Times as fast as it was; infinity: as fast as everybody follows."""

    @property
    def is_paused(self) -> bool:
        """Whether it stands still."""

    @property
    def is_finished(self) -> bool:
        """Whether it is at its end."""

    def pause(self) -> None:
        """Stand still."""

    def resume(self) -> None:
        """Go on."""

    def change_speed(self, speed: float) -> None:
        """Go on at another speed."""

    def seek(self, seconds: float) -> None:
        """Go to another place, back or forth."""


def is_order(request: Replay) -> bool:
    """Whether a request is to change something."""
    return (request.play, request.seek_s, request.speed) != (None, None, None)


def steer(player: Steered, request: Replay) -> None:
    """Do what a request asks for."""
    if request.speed is not None:
        player.change_speed(request.speed)
    if request.seek_s is not None:
        player.seek(request.seek_s)
    match request.play:
        case "pause":
            player.pause()
        case "resume":
            player.resume()


def state_of(player: Steered, request: Replay, *, may_steer: bool) -> ReplayState:
    """Say where it is."""
    return ReplayState(
        id=request.id,
        position_s=round(player.position, 3),
        duration_s=player.duration,
        speed=None if math.isinf(player.speed) else player.speed,
        paused=player.is_paused,
        finished=player.is_finished,
        may_steer=may_steer,
    )
