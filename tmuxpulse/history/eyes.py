"""What a reader who may not see everything sees of a stored event.

Pure. Live, such a reader has a stream of its own (`serve.sights`). What is stored is the stream of
everything; here an event of it is shown as far as it concerns sessions that are seen, and nothing
in what is shown tells of others: no number, no name, no id.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tmuxpulse import events as ev

OUT_OF_SIGHT_TEXT = "watching failed"


class Eyes(msgspec.Struct, frozen=True, kw_only=True):
    """How much somebody sees.

    Attributes:
        sees: tells whether a session of that name is seen; None: all are.
        silence: takes what was printed or typed out of an event, or gives None when nothing else
            is in it; None: it is seen.
    """

    sees: Callable[[str], bool] | None = None
    silence: Callable[[ev.Event], ev.Event | None] | None = None

    @property
    def see_everything(self) -> bool:
        """Whether nothing is left out."""
        return self.sees is None and self.silence is None


EVERYTHING = Eyes()


def shown(event: ev.Event, eyes: Eyes) -> ev.Event | None:
    """The event as it is seen; None: it is not."""
    seen: ev.Event | None = event
    if eyes.sees is not None:
        seen = _of_seen_sessions(event, eyes.sees)
    if seen is not None and eyes.silence is not None:
        seen = eyes.silence(seen)
    return seen


def shown_place(place: ev.Place, sees: Callable[[str], bool]) -> ev.Place | None:
    """The place, if a session that is seen shows it, without the names of others."""
    if place.session is None:
        return None
    linked = tuple(name for name in place.linked_sessions if sees(name))
    if sees(place.session):
        return msgspec.structs.replace(place, linked_sessions=linked)
    if not linked:
        return None
    # Where the window is in the other session was not written down.
    return msgspec.structs.replace(
        place, session=linked[0], session_id=None, window=None, linked_sessions=linked[1:]
    )


def _of_seen_sessions(event: ev.Event, sees: Callable[[str], bool]) -> ev.Event | None:
    data = event.data
    if event.place.session is None:
        return _of_no_session(event)
    if isinstance(data, ev.SessionRenamed) and not (sees(data.name) and sees(data.previous)):
        return None  # it would tell the name that is not seen
    place = shown_place(event.place, sees)
    if place is None:
        return None
    if place.session != event.place.session and not isinstance(data, _OF_A_PANE):
        return None  # it happened to the other session, or to its list of windows
    if isinstance(data, ev.PaneMoved) and data.window_id != data.previous_window_id:
        data = msgspec.structs.replace(data, previous_window_id="")
    return ev.Event(place, data)


def _of_no_session(event: ev.Event) -> ev.Event | None:
    match event.data:
        case ev.CollectorTrouble() as trouble:  # its text may name anything
            data = msgspec.structs.replace(trouble, message=OUT_OF_SIGHT_TEXT)
            return ev.Event(event.place, data)
        case ev.ServerUp() | ev.ServerDown() | ev.ServerGoodbye():
            return event
    return None


_OF_A_PANE = tuple(
    kind for kind in ev.DATA_TYPES if kind.type.startswith(("pane.", "command.", "agent."))
)
