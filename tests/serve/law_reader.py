"""A client that trusts nothing: each object that comes is held against what was published.

It knows frames (wsproto) and the protocol's promises, and nothing of how the server keeps them. A
reader claims, for each stream, that it holds every event up to its position which its filters
admit, but for those it was told of.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from typing import Any

import msgspec
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Ping, TextMessage

from tests.serve.law_world import PORT, RING_EVENTS, Published, World, settled
from tmuxpulse import events as ev
from tmuxpulse.filters import Filter, Predicate, compile_filters
from tmuxpulse.serve.sights import EVERYTHING, Sight
from tmuxpulse.tmux.apply import apply
from tmuxpulse.tmux.state import Link, LinkKey, Pane, Session, State, Window
from tmuxpulse.wire import (
    SUBPROTOCOL,
    Epoch,
    Established,
    Gap,
    Lag,
    Mark,
    Numbered,
    Reset,
    SnapshotData,
    SubscriptionConfirmed,
    Tree,
    decode_message,
)

READ_BYTES = 65_536


class Wire:
    """One connection, from its first byte: frames in, objects out.

    Attributes:
        sight: what it may see.
        life: the run of the server that it was made to.
        status: the HTTP answer; empty before it came.
        code: of the close frame that came.
        ended: whether nothing more can come.
        until: epoch and number of the last event that may come by it: it was revoked then.
    """

    def __init__(
        self, sock: socket.socket, token: str | None, *, sight: Sight, life: int, joined: bool
    ) -> None:
        self.sight = sight
        self.life = life
        self.status = ""
        self.code: int | None = None
        self.ended = False
        self.until: tuple[str, int] | None = None
        self._sock = sock
        self._head = b""
        self._text = ""
        self._frames = Connection(ConnectionType.CLIENT)
        lines = [
            "GET / HTTP/1.1",
            f"Host: 127.0.0.1:{PORT}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            *([f"Sec-WebSocket-Protocol: {SUBPROTOCOL}"] if joined else []),
            *([f"Authorization: Bearer {token}"] if token is not None else []),
        ]
        self._send("\r\n".join([*lines, "", ""]).encode())

    def say(self, **request: object) -> None:
        """Send a request."""
        self._send(self._frames.send(TextMessage(data=json.dumps(request))))

    def read(self, size: int) -> tuple[int, list[str]]:
        """Read so many bytes at most: how many there were, and the objects that they completed."""
        try:
            data = self._sock.recv(size)
        except BlockingIOError:
            return 0, []
        except ConnectionError:
            data = b""
        if not data:
            self.close()
        return len(data), self._take(data)

    def close(self) -> None:
        """Go, in the middle of whatever was being sent."""
        self.ended = True
        self._sock.close()

    def abandon(self) -> socket.socket:
        """Stop reading and stay open, as when a cable is pulled; the caller closes the socket."""
        self.ended = True
        return self._sock

    def _take(self, data: bytes) -> list[str]:
        if not self.status:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return []
            self.status = head.split(b" ", 2)[1].decode()
        if self.status != "101" or not data:
            return []
        assert self.code is None, "bytes after the close frame"
        self._frames.receive_data(data)
        objects: list[str] = []
        for event in self._frames.events():
            if isinstance(event, TextMessage):
                self._text += event.data
                if event.message_finished:
                    objects += self._text.split("\n")
                    self._text = ""
            elif isinstance(event, Ping):
                self._send(self._frames.send(event.response()))
            elif isinstance(event, CloseConnection):
                self.code = event.code
                self._send(self._frames.send(event.response()))
        return objects

    def _send(self, data: bytes) -> None:
        with suppress(ConnectionError):  # that it has ended is seen when it is read
            assert self._sock.send(data) == len(data)


class Mirror:
    """What a client knows of tmux from a snapshot and the events after it."""

    def __init__(self, tree: Tree) -> None:
        self._begin, self._attached = _state_of(tree)
        self._events: list[ev.Event] = []

    def follow(self, event: ev.Event) -> None:
        """Take an event."""
        match event.data:
            case ev.SessionAttached(attached=count) | ev.SessionDetached(attached=count):
                self._attached[str(event.place.session_id)] = count
            case ev.SessionCreated(attached=count):
                self._attached[str(event.place.session_id)] = count
                self._events.append(event)
            case ev.SessionRemoved():
                self._attached.pop(str(event.place.session_id), None)
                self._events.append(event)
            case _:
                self._events.append(event)

    def state(self) -> tuple[State, dict[str, int]]:
        """What it comes to: the state without clients, and how many each session has."""
        self._begin = apply(self._begin, self._events)
        self._events.clear()
        return self._begin, self._attached


class Reader:
    """A client through all of its connections.

    Attributes:
        wanted: its filter now.
        sight: what it may see by now.
        token: what it comes in with.
        wire: its connection; None: it has none.
        position: epoch and number up to which it claims to hold everything.
        mirror: what it knows of tmux; None: it does not follow that.
    """

    def __init__(self, world: World, token: str | None, sight: Sight) -> None:
        self.token = token
        self.sight = sight
        self.wanted = Filter()
        self.wire: Wire | None = None
        self.position: tuple[str, int] | None = None
        self.mirror: Mirror | None = None
        self._world = world
        self._admits: Predicate = compile_filters([self.wanted])
        self._follows = False
        self._asked: dict[str, Any] = {}
        self._thinned: set[int] = set()  # told of as missing, above the position
        self._expects = ""  # the only type that may come next
        self._reset = False
        self._confirmed = False

    # --- what it does ------------------------------------------------------------------------

    async def connect(
        self, wanted: Filter, *, follows: bool, joined: bool, plain: bool, resume: bool = True
    ) -> bool:
        """Connect, and ask for what comes after the position; whether it was let in.

        Args:
            wanted: from the position on.
            follows: whether that holds all of the structure, and a snapshot is of use.
            joined: whether several objects may come in one message.
            plain: see `World.connect`.
            resume: whether to name the position, rather than begin anew.
        """
        sock = await self._world.connect(self.token, plain=plain)
        self.wire = Wire(sock, self.token, sight=self.sight, life=self._world.lives, joined=joined)
        self._expects, self._reset, self._confirmed = "connection.established", False, False
        while self.wire.status != "101" or self._expects:
            await settled()
            self._world.look()  # its stream may be a new one
            size, objects = self.wire.read(READ_BYTES)
            self._hear(objects)
            if self.wire.ended or self.wire.status not in ("", "101"):
                self.wire.close()
                self._gone()
                return False
            assert size, "no answer came"
        self._asked = {"action": "subscribe", "filters": msgspec.to_builtins(wanted)}
        if resume and self.position is not None:
            epoch, seq = self.position
            self._asked["resume"] = {"epoch": epoch, "seq": seq}
        else:
            self.position = None
            self.mirror = None
            self._thinned = set()
        if follows and self.mirror is None:
            self._asked["snapshot"] = True
        if not follows:
            self.mirror = None
        self.wanted, self._follows = wanted, follows
        self._admits = compile_filters([wanted])
        self.wire.say(**self._asked)
        return True

    def read(self, size: int) -> int:
        """Read some of what has come, and check it; how many bytes there were."""
        if self.wire is None:
            return 0
        count, objects = self.wire.read(size)
        self._hear(objects)
        if self.wire.ended:
            self._gone()
        return count

    async def catch_up(self) -> None:
        """Read everything; then nothing may be missing, and what it knows of tmux is true."""
        idle = 0
        while self.wire is not None and idle < 2:
            await settled()
            idle = 0 if self.read(READ_BYTES) else idle + 1
        if self.wire is None or self.position is None:
            return
        assert self.wire.until is None, "revoked, and still there"
        assert self._confirmed
        assert not self._expects
        published = self._world.published[self.position[0]]
        assert published.life == self._world.lives
        self._nothing_missing(published, published.last)
        if self.mirror is not None:
            assert self.mirror.state() == _state_of(published.tree(published.last))

    def cut(self) -> None:
        """Go without a word."""
        if self.wire is not None:
            self.wire.close()
            self._gone()

    def abandon(self) -> socket.socket:
        """Leave a half-open connection behind."""
        assert self.wire is not None
        found = self.wire.abandon()
        self._gone()
        return found

    # --- what it is told ---------------------------------------------------------------------

    def _gone(self) -> None:
        self.wire = None
        # What was told of as missing stays so only if the events after it came, too: a resume
        # brings what the server still has.
        self._thinned = set()

    def _hear(self, objects: list[str]) -> None:
        for text in objects:
            found = decode_message(text)
            kind = json.loads(text)["type"]
            assert not self._expects or kind == self._expects, (self._expects, text)
            self._expects = ""
            match found:
                case Numbered():
                    self._event(found)
                case Established():
                    self._greeted(found)
                case SubscriptionConfirmed():
                    self._begin(found)
                case SnapshotData():
                    self._snapshot(found)
                case Mark(seq=seq):
                    self._nothing_missing(self._published(), seq)
                    self._move(seq)
                case Gap():
                    self._gap(found)
                case Epoch():
                    self._goes_on(found)
                case Reset(reason=reason):
                    self._refused(reason)
                case Lag(queued=queued):
                    assert queued > 0
                case _:
                    raise AssertionError(text)

    def _greeted(self, found: Established) -> None:
        assert not found.auth.required
        published = self._world.published[found.epoch]
        assert published.sight == self.sight
        assert published.life == self._world.lives

    def _begin(self, found: SubscriptionConfirmed) -> None:
        assert not self._confirmed
        self._confirmed = True
        asked = self._asked.get("resume")
        assert found.recovered in (False, asked is not None)
        if found.recovered:
            assert {"epoch": found.epoch, "seq": found.seq} == asked
            assert self.wire is not None
            assert self._world.published[found.epoch].sight == self.wire.sight
            return
        if asked is not None:
            self._expects = "stream.reset"
        elif self._asked.get("snapshot"):
            self._expects = "snapshot.data"
        self.position = (found.epoch, found.seq)
        self._thinned = set()
        self.mirror = None

    def _refused(self, reason: str) -> None:
        """A resume may be refused for cause only, and has brought nothing."""
        assert not self._reset
        self._reset = True
        self._expects = "snapshot.data"
        epoch, seq = self._asked["resume"]["epoch"], self._asked["resume"]["seq"]
        was, now = self._world.published[epoch], self._published()
        if reason == "epoch":
            assert was.life < now.life
            # Who saw everything and still does goes on where the history has it.
            seen = {was.sight, now.sight}
            assert self._world.kept == "nothing" or seen != {EVERYTHING}
        elif reason == "scope":
            assert was.life == now.life
            assert was.sight != now.sight
        else:
            assert reason == "expired"
            assert was is now
            # More than the ring holds came after it, or much in bytes, which no step makes.
            assert now.last - seq > RING_EVENTS

    def _snapshot(self, found: SnapshotData) -> None:
        published = self._published()
        assert self.position is not None
        assert found.epoch == self.position[0]
        self._nothing_missing(published, found.seq)
        self._move(found.seq)
        assert found.data == published.tree(found.seq)
        if self._follows:
            self.mirror = Mirror(found.data)

    def _goes_on(self, found: Epoch) -> None:
        """Another run follows, from its beginning; the one before is whole."""
        assert self.position is not None
        assert self._asked["resume"]
        before, after = self._published(), self._world.published[found.epoch]
        assert found.previous == self.position[0]
        assert (before.sight, after.sight) == (EVERYTHING, EVERYTHING)
        assert after.life == before.life + 1
        self._nothing_missing(before, before.last)
        self.position = (found.epoch, 0)
        self._thinned = set()
        if self.mirror is not None:
            self.mirror = Mirror(Tree(servers=[], sessions=[]))

    def _not_kept(self, found: Gap) -> None:
        """What the history leaves out is said before what it holds."""
        published = self._published()
        assert self.position is not None
        assert self._world.kept == "no output"
        assert (found.only, found.dropped) == (ev.PaneOutput.type, None)
        assert self.position[1] + 1 == found.from_seq <= found.to_seq <= published.last
        for seq, event in published.between(found.from_seq - 1, found.to_seq):
            if event.type == found.only:
                self._thinned.add(seq)

    def _gap(self, found: Gap) -> None:
        if found.reason == "history":
            self._not_kept(found)
            return
        published = self._published()
        assert self.position is not None
        assert found.reason == "slow"
        assert self.position[1] < found.from_seq <= found.to_seq <= published.last
        gone = [
            seq
            for seq, event in published.between(found.from_seq - 1, found.to_seq)
            if self._owes(seq, event) and found.only in (None, event.type)
        ]
        assert found.dropped == len(gone) > 0
        assert gone[0] == found.from_seq
        if found.only is not None:
            assert found.only == ev.PaneOutput.type
            assert gone[-1] == found.to_seq
            self._thinned.update(gone)
            return
        self._nothing_missing(published, found.from_seq - 1)
        self._move(found.to_seq)
        self._expects = "snapshot.data"

    def _event(self, found: Numbered) -> None:
        published = self._published()
        assert self.position is not None
        assert self._confirmed
        if found.event.type == ev.ServerGoodbye.type:  # its number is the last one's
            self._nothing_missing(published, found.seq)
            self._move(found.seq)
            return
        assert found.seq > self.position[1], "twice, or out of order"
        assert found.event == published.events[found.seq - 1]
        assert self._owes(found.seq, found.event), "not asked for, or told of as missing"
        self._nothing_missing(published, found.seq - 1)
        self._move(found.seq)
        until = None if self.wire is None else self.wire.until
        if until is not None and until[0] == self.position[0]:
            assert found.seq <= until[1], "after it was revoked"
        if self.mirror is not None:
            self.mirror.follow(found.event)

    # --- the claim ---------------------------------------------------------------------------

    def _published(self) -> Published:
        assert self.position is not None
        return self._world.published[self.position[0]]

    def _owes(self, seq: int, event: ev.Event) -> bool:
        return seq not in self._thinned and self._admits(event)

    def _nothing_missing(self, published: Published, upto: int) -> None:
        assert self.position is not None
        assert upto <= published.last
        for seq, event in published.between(self.position[1], upto):
            assert not self._owes(seq, event), f"{seq} is missing in silence: {event}"

    def _move(self, seq: int) -> None:
        assert self.position is not None
        assert seq >= self.position[1]
        self.position = (self.position[0], seq)
        self._thinned = {one for one in self._thinned if one > seq}


def _state_of(tree: Tree) -> tuple[State, dict[str, int]]:
    """The state that a snapshot tells, without clients; and how many each session has."""
    sessions: dict[str, Session] = {}
    windows: dict[str, Window] = {}
    links: dict[LinkKey, Link] = {}
    panes: dict[str, Pane] = {}
    for session in tree.sessions:
        sessions[session.id] = Session(session.id, session.name, session.created)
        for window in session.windows:
            windows[window.id] = Window(window.id, window.name, window.layout, window.zoomed)
            links[LinkKey(session.id, window.index)] = Link(window.id, window.active)
            for pane in window.panes:
                fields = {
                    field: getattr(pane, field)
                    for field in Pane.__struct_fields__
                    if field != "window_id"
                }
                panes[pane.id] = Pane(window_id=window.id, **fields)
    state = State(sessions, windows, links, panes, {})
    return state, {session.id: session.attached for session in tree.sessions}
