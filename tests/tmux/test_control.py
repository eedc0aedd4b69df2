from __future__ import annotations

import random
import re
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.errors import ControlBroken
from tmuxpulse.tmux.control import (
    MAX_UNKNOWN_NAMES,
    OTHER_NAMES,
    ControlParser,
    Item,
    Reply,
    notifications_in,
    quote,
)
from tmuxpulse.tmux.notifications import (
    FORMS,
    ClientDetached,
    ClientSessionChanged,
    ConfigError,
    Continue,
    Exit,
    ExtendedOutput,
    LayoutChange,
    Message,
    Notification,
    Output,
    PaneModeChanged,
    PasteBufferChanged,
    PasteBufferDeleted,
    Pause,
    SessionChanged,
    SessionRenamed,
    SessionsChanged,
    SessionWindowChanged,
    SubscriptionChanged,
    UnlinkedWindowAdd,
    UnlinkedWindowClose,
    UnlinkedWindowRenamed,
    WindowAdd,
    WindowClose,
    WindowPaneChanged,
    WindowRenamed,
    clean_text,
    unescape,
)

DATA = Path(__file__).parent.parent / "data" / "control"
CAPTURES = sorted(DATA.glob("*.bin"))
CONTROLS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)
LAWS = settings(max_examples=150)


def read(*chunks: bytes) -> list[Item]:
    parser = ControlParser()
    return [item for chunk in chunks for item in parser.feed(chunk)]


def outcome(chunks: list[bytes], **limits: int) -> tuple[list[Item], str | None, object]:
    """Everything a stream leads to: items, the text and line of the error, counters."""
    parser = ControlParser(**limits)
    items: list[Item] = []
    broken = None
    try:
        for chunk in chunks:
            items += parser.feed(chunk)
        parser.feed(b"")  # a break that came with items is raised by the next call
    except ControlBroken as error:
        broken = f"{error} {error.line!r}"
    return items, broken, (parser.unknown, parser.malformed, parser.strays)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in pairwise(bounds)]


# One line of each notification as tmux writes it, and what it says.
EXAMPLES: list[tuple[bytes, Notification]] = [
    (rb"%output %1 a\015\012\134b" + b"\xff\x7f", Output("%1", b"a\r\n\\b\xff\x7f")),
    (b"%output %1 ", Output("%1", b"")),
    (b"%output %1 : no age", Output("%1", b": no age")),
    (rb"%extended-output %2 77 : a : b\033", ExtendedOutput("%2", 77, b"a : b\x1b")),
    (b"%extended-output %2 0 : ", ExtendedOutput("%2", 0, b"")),
    (b"%extended-output %2 1 new fields : x", ExtendedOutput("%2", 1, b"x")),
    (b"%pause %3", Pause("%3")),
    (b"%continue %3", Continue("%3")),
    (b"%pane-mode-changed %4", PaneModeChanged("%4")),
    (b"%window-add @1", WindowAdd("@1")),
    (b"%window-close @1", WindowClose("@1")),
    (b"%window-close @1 and more one day", WindowClose("@1")),
    (b"%window-renamed @1  two  words ", WindowRenamed("@1", " two  words ")),
    (b"%window-renamed @1 ", WindowRenamed("@1", "")),
    (b"%window-renamed @1", WindowRenamed("@1", "")),
    (b"%unlinked-window-add @2", UnlinkedWindowAdd("@2")),
    (b"%unlinked-window-close @2", UnlinkedWindowClose("@2")),
    (b"%unlinked-window-renamed @2 x", UnlinkedWindowRenamed("@2", "x")),
    (b"%window-pane-changed @1 %2", WindowPaneChanged("@1", "%2")),
    (
        b"%layout-change @0 b25f,80x24,0,0,2 b25f,80x24,0,0,2 *Z",
        LayoutChange("@0", "b25f,80x24,0,0,2", "b25f,80x24,0,0,2", "*Z"),
    ),
    (
        b"%layout-change @0 a,1x1,0,0,2 b,1x1,0,0,2 ",
        LayoutChange("@0", "a,1x1,0,0,2", "b,1x1,0,0,2", ""),
    ),
    (b"%session-changed $0 main", SessionChanged("$0", "main")),
    (b"%session-renamed $1 $2 @3 %4", SessionRenamed("$1", "$2 @3 %4")),
    (b"%session-window-changed $0 @1", SessionWindowChanged("$0", "@1")),
    (b"%sessions-changed", SessionsChanged()),
    (
        b"%client-session-changed /dev/pts/3 $1 a $2 b",
        ClientSessionChanged("/dev/pts/3", "$1", "a $2 b"),
    ),
    (b"%client-detached client-12", ClientDetached("client-12")),
    (
        b"%subscription-changed a b $1 @2 3 %4 : v : w",
        SubscriptionChanged("a b", "$1", "@2", 3, "%4", "v : w"),
    ),
    (
        b"%subscription-changed w $1 @2 3 - : v",
        SubscriptionChanged("w", "$1", "@2", 3, None, "v"),
    ),
    (
        b"%subscription-changed s $1 - - - later : ",
        SubscriptionChanged("s", "$1", None, None, None, ""),
    ),
    (b"%message hello  there", Message("hello  there")),
    (b"%config-error a.conf:1: unknown command: x", ConfigError("a.conf:1: unknown command: x")),
    (b"%paste-buffer-changed buffer 0", PasteBufferChanged("buffer 0")),
    (b"%paste-buffer-deleted buffer0", PasteBufferDeleted("buffer0")),
    (b"%exit", Exit("")),
    (b"%exit server exited", Exit("server exited")),
]

# Names in tmux's control.c, control-notify.c, cfg.c, cmd-display-message.c, client.c; 3.2 to 3.7.
NAMES = [
    "client-detached",
    "client-session-changed",
    "config-error",
    "continue",
    "exit",
    "extended-output",
    "layout-change",
    "message",
    "output",
    "pane-mode-changed",
    "paste-buffer-changed",
    "paste-buffer-deleted",
    "pause",
    "session-changed",
    "session-renamed",
    "session-window-changed",
    "sessions-changed",
    "subscription-changed",
    "unlinked-window-add",
    "unlinked-window-close",
    "unlinked-window-renamed",
    "window-add",
    "window-close",
    "window-pane-changed",
    "window-renamed",
]


class TestNotifications:
    @pytest.mark.parametrize(("line", "expected"), EXAMPLES, ids=[str(e[0]) for e in EXAMPLES])
    def test_each_form_is_read(self, line: bytes, expected: Notification) -> None:
        assert read(line + b"\n") == [expected]
        assert read(line + b"\r\n") == [expected]

    def test_every_notification_has_its_type_and_an_example(self) -> None:
        assert sorted(name.decode() for name in FORMS) == NAMES
        assert {type(item) for _, item in EXAMPLES} == {form.struct for form in FORMS.values()}
        for name, form in FORMS.items():
            assert isinstance(form.struct, type)
            camel = "".join(word.capitalize() for word in name.decode().split("-"))
            assert form.struct.__name__ == camel
            assert len(msgspec.structs.fields(form.struct)) == len(form.readers)

    @pytest.mark.parametrize(
        "line",
        [
            b"%output",
            b"%output 1 x",
            b"%output %1x",
            b"%output %12345678901 x",
            b"%extended-output %1 : x",
            b"%extended-output %1 5 x",
            b"%extended-output %1 " + b"9" * 5000 + b" : x",
            b"%pause @1",
            b"%window-add",
            b"%window-add @",
            b"%window-add @1x",
            b"%window-renamed name",
            b"%window-pane-changed @1",
            b"%layout-change @1 x",
            b"%session-changed name",
            b"%client-session-changed $1 name",
            b"%client-detached",
            b"%subscription-changed n $1 @1 1 : x",
            b"%subscription-changed n $1 - - - x",
            b"%paste-buffer-changed",
        ],
    )
    def test_malformed_arguments_are_counted_and_skipped(self, line: bytes) -> None:
        parser = ControlParser()
        assert parser.feed(line + b"\n%sessions-changed\n") == [SessionsChanged()]
        assert parser.malformed == {line.split()[0][1:].decode(): 1}
        assert parser.unknown == {}

    def test_unknown_ones_are_counted_and_skipped(self) -> None:
        parser = ControlParser()
        items = parser.feed(b"%new-thing 1 2\n%sessions-changed\n%new-thing\n%window-adds @1\n")
        assert items == [SessionsChanged()]
        assert parser.unknown == {"new-thing": 2, "window-adds": 1}

    def test_the_names_kept_are_bounded(self) -> None:
        parser = ControlParser()
        parser.feed(b"".join(b"%%n%d x\n" % number for number in range(1000)))
        assert len(parser.unknown) == MAX_UNKNOWN_NAMES + 1
        assert parser.unknown[OTHER_NAMES] == 1000 - MAX_UNKNOWN_NAMES
        assert sum(parser.unknown.values()) == 1000

    def test_other_lines_are_counted_and_skipped(self) -> None:
        parser = ControlParser()
        stray = b"\n\r\necho of a command\n%\n%UPPER x\n% end\n%" + b"x" * 65 + b"\n"
        assert parser.feed(stray + b"%exit\n\x1b\\") == [Exit("")]
        assert parser.strays == 7
        assert parser.unknown == {}

    def test_names_are_fit_to_print(self) -> None:
        raw = b"a\x1b[31m\xc2\x9b\xe2\x80\xae\xff\x07\xf0\x9f\x9a\x80 \xe2\x80\xa8z"
        assert clean_text(raw) == "a[31m�🚀 z"
        # The joiner that makes one emoji of several stays.
        assert clean_text("👩‍🚀".encode()) == "👩‍🚀"

    @LAWS
    @given(st.binary())
    def test_no_control_ever_comes_out_of_a_name(self, raw: bytes) -> None:
        assert not CONTROLS.search(clean_text(raw))

    def test_no_character_that_is_a_control_stays(self) -> None:
        everything = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
        kept = clean_text(everything.encode())
        assert kept == CONTROLS.sub("", everything)


def escape(data: bytes) -> bytes:
    """As tmux does it in `control.c`."""
    return b"".join(
        b"\\%03o" % byte if byte < 0x20 or byte == 0x5C else bytes((byte,)) for byte in data
    )


class TestUnescape:
    @LAWS
    @given(st.binary() | st.text("\\0123456789abxn\n", max_size=40).map(str.encode))
    def test_gives_back_every_byte(self, data: bytes) -> None:
        assert unescape(escape(data)) == data

    @pytest.mark.parametrize(
        "foreign",
        [
            rb"\x41",
            rb"\q",
            rb"\n",
            b"\\\\",
            rb"\1",
            rb"\12",
            rb"\400",
            rb"\089",
            b"\\",
            rb"\N{DIGIT ONE}",
        ],
    )
    def test_gives_other_escapes_no_meaning(self, foreign: bytes) -> None:
        assert unescape(foreign) == foreign
        assert unescape(rb"\101" + foreign) == b"A" + foreign
        assert unescape(foreign + rb" \101\134") == foreign + b" A\\"


class TestReplies:
    def test_a_body_may_look_like_anything(self) -> None:
        body = (
            b"%end 5 7 0",
            b"%end 5 8 1",
            b"%end 6 7 1",
            b"%end 5 7 1 ",
            b" %end 5 7 1",
            b"%end",
        )
        more = (b"%begin 5 7 1", b"%error 5 7 2", b"%output %1 x", b"%exit", b"", b"x\r")
        stream = b"%begin 5 7 1\n" + b"\n".join(body + more) + b"\n%end 5 7 1\n"
        assert read(stream) == [Reply(7, 1, ok=True, lines=body + more)]

    def test_an_error_ends_a_block_too(self) -> None:
        stream = b"%begin 5 7 1\ncan't find window: 99\n%error 5 7 1\n%begin 5 9 0\n%end 5 9 0\n"
        assert read(stream) == [
            Reply(7, 1, ok=False, lines=(b"can't find window: 99",)),
            Reply(9, 0, ok=True, lines=()),
        ]

    def test_numbers_are_matched_as_they_are_written(self) -> None:
        assert read(b"%begin -1 7 1\n%end -1 07 1\n%end -1 7 1\n") == [
            Reply(7, 1, ok=True, lines=(b"%end -1 07 1",))
        ]

    def test_a_terminal_adds_a_carriage_return_and_only_that_is_removed(self) -> None:
        stream = b"%begin 5 7 1\r\nown\r\r\nplain\r\n%end 5 7 1\r\n"
        assert read(stream) == [Reply(7, 1, ok=True, lines=(b"own\r", b"plain"))]

    def test_the_opener_is_skipped_at_the_start_only(self) -> None:
        parser = ControlParser()
        assert parser.feed(b"\x1bP1000p%sessions-changed\n\x1bP1000p%sessions-changed\n") == [
            SessionsChanged()
        ]
        assert parser.strays == 1

    def test_notifications_inside_a_block_can_be_asked_for(self) -> None:
        reply = Reply(7, 1, ok=True, lines=(b"text", b"%continue %0", b"%pause", b"%new 1"))
        assert notifications_in(reply) == [Continue("%0")]


class TestBroken:
    @pytest.mark.parametrize(
        "line",
        [
            b"%end 1 2 3",
            b"%error 1 2 3",
            b"%end",
            b"%begin",
            b"%begin 1 2",
            b"%begin x 2 3",
            b"%begin 1 2 " + b"3" * 5000,
        ],
    )
    def test_guards_without_sense(self, line: bytes) -> None:
        parser = ControlParser()
        for data in (line + b"\n", b"", b"%sessions-changed\n"):
            with pytest.raises(ControlBroken) as caught:
                parser.feed(data)
            assert caught.value.line == line[:200]
        assert parser.broken is not None

    def test_what_came_before_is_not_lost(self) -> None:
        parser = ControlParser()
        assert parser.feed(b"%sessions-changed\n%end 1 2 3\n%exit\n") == [SessionsChanged()]
        assert parser.broken is not None
        with pytest.raises(ControlBroken):
            parser.feed(b"")

    def test_an_endless_line(self) -> None:
        parser = ControlParser(max_line_bytes=100)
        for _ in range(10):
            assert parser.feed(b"%message x") == []
        with pytest.raises(ControlBroken, match="longer than 100 bytes"):
            parser.feed(b"x")
        assert parser._pending == []

    def test_the_limit_is_for_one_line(self) -> None:
        parser = ControlParser(max_line_bytes=10)
        items = [
            item for _ in range(50) for chunk in (b"%exi", b"t\n") for item in parser.feed(chunk)
        ]
        assert items == [Exit("")] * 50

    def test_a_line_of_exactly_the_limit(self) -> None:
        parser = ControlParser(max_line_bytes=100)
        assert parser.feed(b"%message " + b"x" * 91 + b"\n") == [Message("x" * 91)]
        with pytest.raises(ControlBroken):
            parser.feed(b"%message " + b"x" * 92 + b"\n")

    def test_an_endless_reply(self) -> None:
        parser = ControlParser(max_reply_bytes=1000)
        assert parser.feed(b"%begin 1 2 3\n" + b"123456789\n" * 100) == []
        with pytest.raises(ControlBroken, match="larger than 1000 bytes"):
            parser.feed(b"\n")
        assert parser._block is None


class TestCaptures:
    """Whole connections of a real tmux; `tests/data/control/regenerate.py` records them."""

    @pytest.mark.parametrize("path", CAPTURES, ids=[path.stem for path in CAPTURES])
    def test_are_understood_whole(self, path: Path) -> None:
        parser = ControlParser()
        items = parser.feed(path.read_bytes())
        assert parser.feed(b"") == []
        assert (parser.unknown, parser.malformed, parser.strays) == ({}, {}, 0)
        assert items[1] == SessionChanged("$0", "main")
        assert isinstance(items[-1], Exit)
        assert parser._block is None

    @pytest.mark.parametrize("path", CAPTURES, ids=[path.stem for path in CAPTURES])
    def test_say_the_same_in_any_chunking(self, path: Path) -> None:
        data = path.read_bytes()
        expected = outcome([data])
        for size in (1, 2, 3, 7, 64, 1000):
            chunks = [data[start : start + size] for start in range(0, len(data), size)]
            assert outcome(chunks) == expected

    def test_lifecycle(self) -> None:
        items = read((DATA / "lifecycle.bin").read_bytes())
        replies = [item for item in items if isinstance(item, Reply)]
        assert all(reply.ok and not reply.lines for reply in replies)
        told = [item for item in items if not isinstance(item, Reply | LayoutChange)]
        clients = [item for item in told if isinstance(item, ClientDetached)]
        client = clients[0].client
        assert [item for item in told if not isinstance(item, PaneModeChanged)] == [
            SessionChanged("$0", "main"),
            WindowAdd("@1"),
            WindowRenamed("@1", r"two  words\té 🚀"),
            WindowPaneChanged("@0", "%2"),
            SessionWindowChanged("$0", "@1"),
            UnlinkedWindowAdd("@2"),
            SessionsChanged(),
            SessionRenamed("$1", "an other"),
            UnlinkedWindowAdd("@3"),
            UnlinkedWindowRenamed("@3", "far away"),
            UnlinkedWindowClose("@3"),
            ClientSessionChanged(client, "$1", "an other"),
            ClientSessionChanged(client, "$0", "main"),
            ClientDetached(client),
            SessionChanged("$1", "an other"),
            SessionChanged("$0", "main"),
            SessionsChanged(),
            UnlinkedWindowClose("@2"),
            SessionsChanged(),
            Exit(""),
        ]
        layouts = [item for item in items if isinstance(item, LayoutChange)]
        assert [layout.flags for layout in layouts] == ["*", "*Z", "-"]
        assert [layout.layout == layout.visible_layout for layout in layouts] == [True, False, True]

    def test_replies(self) -> None:
        items = read((DATA / "replies.bin").read_bytes())
        replies = [item for item in items if isinstance(item, Reply)]
        assert [(reply.flags, reply.ok, reply.lines) for reply in replies] == [
            (0, True, ()),
            (1, True, (b"$0 @0 %0 80",)),
            (
                1,
                True,
                (
                    b"%end 1363006971 2 1",
                    b"%begin 1363006971 3 1",
                    b"%error 1 1 1",
                    b"%output %0 not output",
                    b"%exit",
                    b"",
                    b"last line",
                ),
            ),
            (1, False, (b"can't find window: 99",)),
            (1, False, (b"parse error: unknown command: no-such-command",)),
            (1, True, (b"one",)),
            (1, True, (b"two",)),
            (1, True, ()),
            (1, True, (b"main",)),
            (0, True, (b"hooked",)),
            (1, True, ()),
            (1, True, (b"yes",)),
            (1, True, ()),
        ]

    def test_output_is_what_the_pane_wrote(self) -> None:
        items = read((DATA / "output.bin").read_bytes())
        written = b"".join(item.data for item in items if isinstance(item, Output))
        noise = bytes(range(256)) + random.Random(7).randbytes(8000)
        assert written == noise + b"THE-END"

    def test_flow(self) -> None:
        items = read((DATA / "flow.bin").read_bytes())
        typed = b"".join(item.data for item in items if isinstance(item, ExtendedOutput))
        assert typed == b"back\\slash\r\n" * 2
        replies = [item for item in items if isinstance(item, Reply)]
        # tmux 3.3a writes these two inside the block of the command that causes them.
        assert [found for reply in replies for found in notifications_in(reply)] == [
            Pause("%0"),
            Continue("%0"),
        ]
        subscribed = [item for item in items if isinstance(item, SubscriptionChanged)]
        assert sorted(subscribed, key=lambda item: item.name) == [
            SubscriptionChanged("a name", "$0", "@0", 0, "%0", "%0 : first"),
            SubscriptionChanged("empty", "$0", None, None, None, ""),
            SubscriptionChanged("session", "$0", None, None, None, "main"),
            SubscriptionChanged("window", "$0", "@0", 0, None, "1"),
        ]

    def test_terminal(self) -> None:
        data = (DATA / "terminal.bin").read_bytes()
        assert data.startswith(b"\x1bP1000p%begin ")
        assert data.endswith(b"%exit\r\n\x1b\\")
        replies = [item for item in read(data) if isinstance(item, Reply)]
        assert [reply.lines for reply in replies] == [(), (b"a reply",), (), ()]


# Lines that could be anything a body holds, markers first of all.
numbers = st.integers(0, 3).map(str)
marker = st.builds(
    lambda name, *three: " ".join((name, *three)).encode(),
    st.sampled_from(["%begin", "%end", "%error"]),
    numbers,
    numbers,
    numbers,
)
body_line = (
    marker
    | st.sampled_from([line for line, _ in EXAMPLES])
    | st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b""))
)


@st.composite
def blocks(draw: st.DrawFn, eol: bytes) -> tuple[bytes, Reply]:
    time, number, flags = draw(st.integers(0, 3)), draw(st.integers(0, 3)), draw(st.integers(0, 1))
    ok = draw(st.booleans())
    guard = b"%d %d %d" % (time, number, flags)
    ends = (b"%end " + guard, b"%error " + guard)
    lines = draw(st.lists(body_line.filter(lambda line: line not in ends), max_size=6))
    written = [b"%begin " + guard, *lines, ends[0] if ok else ends[1]]
    return b"".join(line + eol for line in written), Reply(number, flags, ok, tuple(lines))


def notifications(eol: bytes) -> st.SearchStrategy[tuple[bytes, Notification]]:
    pane = st.integers(0, 2**32 - 1).map("%{}".format)
    examples = st.sampled_from(EXAMPLES).map(lambda example: (example[0] + eol, example[1]))
    outputs = st.builds(
        lambda pane, data: (
            b"%output " + pane.encode() + b" " + escape(data) + eol,
            Output(pane, data),
        ),
        pane,
        st.binary(),
    )
    extended = st.builds(
        lambda pane, age, data: (
            f"%extended-output {pane} {age} : ".encode() + escape(data) + eol,
            ExtendedOutput(pane, age, data),
        ),
        pane,
        st.integers(0, 2**64 - 1),
        st.binary(),
    )
    return examples | outputs | extended


streams = st.sampled_from([b"\n", b"\r\n"]).flatmap(
    lambda eol: st.lists(blocks(eol) | notifications(eol), max_size=12)
)
places = st.lists(st.integers(0, 10_000), max_size=20)
rubbish = st.lists(
    marker | body_line | st.sampled_from([b"\n", b"\n\n", b"\r\n", b"\x1bP1000p"]) | st.binary()
).map(b"".join)


class TestLaws:
    @LAWS
    @given(streams, places, st.booleans())
    def test_what_is_written_is_read_in_any_chunking(
        self, stream: list[tuple[bytes, Item]], places: list[int], opener: bool
    ) -> None:
        data = (b"\x1bP1000p" if opener else b"") + b"".join(raw for raw, _ in stream)
        assert outcome(cut(data, places)) == ([item for _, item in stream], None, ({}, {}, 0))

    @LAWS
    @given(rubbish, places)
    def test_garbage_raises_only_the_documented_error_and_the_same_in_any_chunking(
        self, data: bytes, places: list[int]
    ) -> None:
        limits = {"max_line_bytes": 40, "max_reply_bytes": 100}
        assert outcome(cut(data, places), **limits) == outcome([data], **limits)


class TestQuote:
    def test_examples(self) -> None:
        assert quote("") == "''"
        assert quote("plain") == "'plain'"
        assert quote("a'b; kill-server #{x} $HOME ~ {") == r"'a'\''b; kill-server #{x} $HOME ~ {'"

    @pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\0b", "\n"])
    def test_what_ends_a_line_is_refused(self, text: str) -> None:
        with pytest.raises(ValueError, match="must not hold"):
            quote(text)
