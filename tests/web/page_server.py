"""A server that plays a script to the page: what a real one does seldom, or must never do.

    python page_server.py PORT

It serves the page's files with the real headers, and a stream in which each step is asked for by
a request for ``/step/NAME``. It speaks with the `websockets` library, so a mistake of our own
server and the page about the protocol cannot hide in both.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from http import HTTPStatus

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from tests.sources import UNKNOWN
from tmuxpulse import events as ev
from tmuxpulse import wire
from tmuxpulse.collect.views import PaneNow, session_views
from tmuxpulse.serve.door import SECURITY_HEADERS
from tmuxpulse.serve.pages import Page, load_pages
from tmuxpulse.tmux.apply import apply
from tmuxpulse.tmux.diff import diff
from tmuxpulse.tmux.state import EMPTY, Link, LinkKey, Pane, Session, State, Window

MARKUP = (
    "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>"
    '<a href="javascript:alert(1)" onmouseover=alert(2)>link</a><svg onload=alert(3)>'
    "<iframe srcdoc='<script>parent.alert(4)</script>'></iframe><base href=//evil.example/>"
    '<style>*{display:none}</style></li></ol></details>"><body onload=alert(5)>'
)
LINK = "javascript:alert(document.domain)"
OVERRIDE = "\u202egnp.exe\u2066"
ESCAPES = "\x1b]0;owned\x07\x1b[31mred\x9b2J"
LONG = "long " * 3000
HUGE = "W" * 200_000
TICKET = "tp_ticket_once"  # good for one connection, then `LASTING` is
LASTING = "tp_ticket_lasting"
TOKEN = "tp_pasted_secret"

HOSTILE_SCREEN = [MARKUP, ESCAPES, OVERRIDE, HUGE, LINK]
HOSTILE_STYLES: list[list[object]] = [
    [[0, 5, {"fg": "url(//evil.example/x)", "bg": "red;}*{display:none"}], [3, 9, {}]],
    [[-1, 4, {"fg": 1}], ["x", None, {"fg": 1}], [2, 1e300, {"bold": MARKUP}]],
    [[0, 3, {"reverse": True, "hidden": True, "fg": 1e9}]],
    [[1, 2, {"fg": 21, "bg": 18}]],
]
CURSOR = {"row": 1e9, "column": -1e9, "visible": True}

NPM = ["ready in 412 ms", "GET /cart 200 in 8 ms"]
PYTEST = ["tests/test_cart.py::test_add PASSED", "142 passed in 3.1 s"]
MAKE = ["[ 97%] linking api", "[100%] built target api"]
LOG = ['level=info msg="request done" path=/v1/orders ms=9']
# A pane each: its session, its window, its command, lines, and what stands unfinished.
CALM: list[tuple[str, str, str, list[str], str]] = [
    ("shop", "server", "npm", NPM, "GET /cart 200 in 12 ms"),
    ("shop", "server", "python3", PYTEST, ""),
    ("shop", "editor", "vim", [], ""),
    ("api", "build", "make", MAKE, "$ "),
    ("api", "log", "tail", LOG, ""),
    ("notes and a name that is rather long", "bash", "bash", [], "Deploy to production? [y/N] "),
]


def calm_state() -> State:
    """A few sessions as somebody has them."""
    sessions: dict[str, Session] = {}
    windows: dict[tuple[str, str], Window] = {}
    links: dict[LinkKey, Link] = {}
    panes: dict[str, Pane] = {}
    for number, (session, window, command, _, _) in enumerate(CALM):
        one = sessions.setdefault(session, Session(f"${len(sessions)}", session))
        if (session, window) not in windows:
            found = Window(f"@{len(windows)}", window, "b25d,80x24,0,0,0", zoomed=False)
            first = not any(key.session_id == one.id for key in links)
            index = sum(key.session_id == one.id for key in links)
            windows[session, window] = found
            links[LinkKey(one.id, index)] = Link(found.id, first)
        found = windows[session, window]
        inside = sum(pane.window_id == found.id for pane in panes.values())
        panes[f"%{number}"] = Pane(
            f"%{number}",
            found.id,
            inside,
            inside == 0,
            command,
            100 + number,
            "",
            "/home/u/shop",
            80,
            24,
        )
    return State(
        {one.id: one for one in sessions.values()},
        {one.id: one for one in windows.values()},
        links,
        panes,
    )


class Script:
    """The stream, and the steps it takes."""

    def __init__(self) -> None:
        self.epoch = 1
        self.seq = 0
        self.state = EMPTY
        self.last_lines: dict[str, str] = {}
        self.ring: list[tuple[int, str]] = []
        self.connections: set[ServerConnection] = set()
        self.away = False
        self.locked = False
        self.good: set[str] = set()
        self.tickets: set[str] = set()
        self.pages: dict[str, Page] = load_pages()

    # --- what is sent --------------------------------------------------------------------

    def snapshot(self) -> str:
        server = wire.ServerView(name="default", socket="/tmp/tmux-0/default", up=True)
        tree = wire.Tree(
            servers=[server],
            sessions=session_views(
                "default", self.state, lambda one: PaneNow(self.last_lines.get(one, ""), UNKNOWN)
            ),
        )
        return text(wire.SnapshotData(epoch=f"e{self.epoch}", seq=self.seq, data=tree))

    def looked(self, asked: wire.Snapshot) -> str:
        """A snapshot in which every pane shows the same hostile screen, in hostile colours."""
        found = json.loads(self.snapshot()) | {"id": asked.id}
        for session in found["data"]["sessions"]:
            for pane in (pane for window in session["windows"] for pane in window["panes"]):
                pane |= {"screen": HOSTILE_SCREEN, "styles": HOSTILE_STYLES, "cursor": CURSOR}
        return json.dumps(found)

    def publish(self, *events: ev.Event) -> list[str]:
        """Number and remember events; give their lines."""
        self.state = apply(self.state, events)
        lines = []
        for event in events:
            self.seq += 1
            lines.append(wire.encode_event(self.seq, "2026-11-23T09:00:01.004Z", event).decode())
            self.ring.append((self.seq, lines[-1]))
        return lines

    async def send(self, *lines: str) -> None:
        for connection in list(self.connections):
            await connection.send("\n".join(lines))

    async def say(self, *events: ev.Event) -> None:
        await self.send(*self.publish(*events))

    async def become(self, state: State) -> None:
        await self.say(*diff(self.state, state, "default"))

    def output(self, pane: str, *lines: str, partial: str = "") -> ev.Event:
        self.last_lines[pane] = partial or (lines[-1] if lines else "")
        return self.at(pane, ev.PaneOutput(mode="append", lines=lines, partial=partial))

    def at(self, pane: str, data: ev.Data) -> ev.Event:
        window = self.state.panes[pane].window_id
        key = next(key for key, link in self.state.links.items() if link.window_id == window)
        place = ev.Place(
            server="default",
            session=self.state.sessions[key.session_id].name,
            session_id=key.session_id,
            window=key.window_index,
            window_id=window,
            pane=self.state.panes[pane].index,
            pane_id=pane,
        )
        return ev.Event(place, data)

    # --- the steps -----------------------------------------------------------------------

    async def calm(self) -> None:
        await self.become(calm_state())
        for number, (_, _, _, lines, partial) in enumerate(CALM):
            if lines or partial:
                await self.say(self.output(f"%{number}", *lines, partial=partial))
        await self.say(self.at("%1", ev.PaneError(line="E   assert 41 == 42", rule="pytest")))
        rows = {"0": "#include <stdio.h>", "22": "~", "23": '"main.c" 48L, 1102B'}
        await self.say(self.at("%2", ev.PaneOutput(mode="screen", rows=rows)))

    async def hostile(self) -> None:
        window = Window("@90", MARKUP, MARKUP, zoomed=False)
        pane = Pane("%90", "@90", 0, True, ESCAPES, 1, OVERRIDE + MARKUP, MARKUP, 80, 24)
        await self.become(
            State(
                {**self.state.sessions, "$90": Session("$90", f"{OVERRIDE} {MARKUP}")},
                {**self.state.windows, "@90": window},
                {**self.state.links, LinkKey("$90", 0): Link("@90", True)},
                {**self.state.panes, "%90": pane},
            )
        )
        await self.say(self.output("%90", ESCAPES, LONG, OVERRIDE, LINK, HUGE, partial=MARKUP))
        await self.say(self.at("%90", ev.PaneTitle(title=MARKUP + HUGE, previous=MARKUP)))
        await self.say(self.at("%90", ev.PaneNotification(title=MARKUP, body=ESCAPES)))

    async def gap(self) -> None:
        begin = self.seq + 1
        self.publish(self.output("%3", "said while the page was slow"))
        gap = wire.Gap(from_seq=begin, to_seq=self.seq, dropped=1)
        await self.send(text(gap), self.snapshot())

    async def cut(self) -> None:
        """The connection breaks, something happens, and a resume brings it."""
        self.drop()
        self.publish(self.output("%3", "said while the page was away"))

    async def leave(self) -> None:
        self.away = True
        self.drop()

    async def back(self) -> None:
        """Another run: its numbers begin anew."""
        self.epoch += 1
        self.seq = 0
        self.ring.clear()
        self.away = False

    async def flood(self) -> None:
        for number in range(0, 20_000, 50):
            await self.say(*(self.output("%3", f"line {number + one}") for one in range(50)))

    async def lock(self) -> None:
        """From now on a token is required, and these are good."""
        self.locked = True
        self.good = {TOKEN}
        self.tickets = {TICKET}

    async def revoke(self) -> None:
        self.good.clear()
        await self.finish()

    async def finish(self) -> None:
        for connection in list(self.connections):
            await connection.close(4503, "the token was revoked")

    def drop(self) -> None:
        for connection in self.connections:
            connection.transport.abort()
        self.connections.clear()

    # --- the server's side ---------------------------------------------------------------

    async def request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer what is no WebSocket."""
        if request.path.startswith("/step/"):
            await getattr(self, request.path.removeprefix("/step/"))()
            return Response(200, "OK", Headers({"Content-Length": "0"}), b"")
        if "Upgrade" in request.headers:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "") if self.away else None
        page = self.pages.get(request.path)
        if page is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "")
        headers = Headers(SECURITY_HEADERS)
        headers["Content-Type"] = page.content_type
        headers["Content-Length"] = str(len(page.body))
        return Response(200, "OK", headers, page.body)

    async def talk(self, connection: ServerConnection) -> None:
        """Greet, answer a subscribe, then stay."""
        assert connection.subprotocol == wire.SUBPROTOCOL
        greeting = wire.Established(
            client_id="c-1",
            timestamp="2026-11-23T09:00:00.000Z",
            server=wire.ServerIdentity(version="0"),
            epoch="" if self.locked else f"e{self.epoch}",
            seq=0 if self.locked else self.seq,
            auth=wire.AuthNeed(required=self.locked),
        )
        known = not self.locked
        with suppress(ConnectionClosed):  # the script cuts connections on purpose
            await connection.send(text(greeting))
            async for message in connection:
                asked = wire.decode_request(message)
                if isinstance(asked, wire.Auth):
                    answer = self.judge(asked)
                    known = answer.success
                    await connection.send(text(answer))
                    if not known:
                        await connection.close(4500, "that token is not good")
                else:
                    assert known, "asked before a token was given"
                match asked:
                    case wire.Subscribe():
                        self.connections.add(connection)
                        await connection.send("\n".join(self.answer(asked)))
                    case wire.Snapshot():
                        await connection.send(self.looked(asked))
                    case wire.History() | wire.Replay():
                        no = wire.Error(
                            id=asked.id, code="UNAVAILABLE", message="not in this script"
                        )
                        await connection.send(text(no))
        self.connections.discard(connection)

    def judge(self, asked: wire.Auth) -> wire.AuthResponse:
        exchanged = asked.token in self.tickets
        if exchanged:
            self.tickets.remove(asked.token)
            self.good.add(LASTING)
        success = exchanged or asked.token in self.good
        return wire.AuthResponse(
            id=asked.id,
            success=success,
            permissions=["output", "read"] if success else [],
            client_id="c-1",
            epoch=f"e{self.epoch}" if success else "",
            seq=self.seq if success else 0,
            token=LASTING if exchanged else None,
        )

    def answer(self, asked: wire.Subscribe) -> list[str]:
        resume = asked.resume
        whole = resume is not None and resume.epoch == f"e{self.epoch}"
        confirmed = wire.SubscriptionConfirmed(
            id=asked.id,
            subscription="s-1",
            subscriptions=["s-1"],
            filters=asked.filters,
            epoch=f"e{self.epoch}",
            seq=resume.seq if whole and resume else self.seq,
            recovered=whole,
        )
        lines = [text(confirmed)]
        if resume is not None and whole:
            lines += [line for seq, line in self.ring if seq > resume.seq]
        elif resume is not None:
            lines.append(text(wire.Reset(reason="epoch")))
        return [*lines, self.snapshot()]


def text(message: wire.Reply) -> str:
    return wire.encode(message).decode()


async def main(port: int) -> None:
    script = Script()
    async with serve(
        script.talk,
        "127.0.0.1",
        port,
        subprotocols=[Subprotocol(wire.SUBPROTOCOL)],
        process_request=script.request,
        open_timeout=None,  # a step is part of a handshake, and takes what it takes
        ping_interval=None,  # how soon a busy machine answers is no matter of a test's
    ) as server:
        assert isinstance(server, Server)
        print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
