from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.tmux.addressing import CLIMBED_ROWS, FRESH_LINES
from tmuxpulse.tmux.effects import MAX_SIGNALS
from tmuxpulse.tmux.escapes import MAX_KEPT, MAX_SEQUENCE, MAX_STRING
from tmuxpulse.tmux.rows import MAX_ABOVE, MAX_BELOW
from tmuxpulse.tmux.text import Bell, CommandEnd, Prompt, Text, TextStream, Title

STREAMS = Path(__file__).parent.parent / "data" / "streams"
NAMES = sorted(path.stem for path in STREAMS.glob("*.bin"))
LAWS = settings(max_examples=200)
UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
CLEAR = b"\x1b[H\x1b[2J\x1b[3J"


def read(*chunks: bytes, **bounds: int) -> Text:
    stream = TextStream(**bounds)
    for chunk in chunks:
        stream.feed(chunk)
    return stream.take(1 << 16)


def lines(data: bytes) -> list[str]:
    return list(read(data).lines)


def partial(data: bytes) -> str:
    return read(data).partial


def addresses(data: bytes) -> bool:
    stream = TextStream()
    stream.feed(data)
    return stream.addresses_screen


def told(data: bytes) -> dict[str, object]:
    """What comes out of a whole stream; also what the files of expectations hold."""
    stream = TextStream()
    ever = False
    for byte in data:
        stream.feed(bytes((byte,)))
        ever = ever or stream.addresses_screen
    text = stream.take(1 << 16)
    return {
        "addresses_screen": {"ever": ever, "at_end": stream.addresses_screen},
        "lines": list(text.lines),
        "partial": text.partial,
        "signals": [[type(one).__name__, *msgspec.structs.astuple(one)] for one in text.signals],
        "bytes": text.bytes,
        "cut": text.cut,
    }


# --- lines -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"one\ntwo\r\nthree\r\r\n", ["one", "two", "three"]),
        (b"\n\r\n\n", ["", "", ""]),
        (b"a\tb  \n", ["a\tb  "]),
        (b"\x1b[1;31mred\x1b[0m \x1b[38:5:1mx\x1b[m\x0f\n", ["red x"]),
        (b"\x1b(B\x1b)0\x1b=\x1b>\x1b#8plain\x1b%G\n", ["plain"]),
        (b"\x1b]0;title\x07a\x1b]2;title\x1b\\b\x1b]2;t\xc2\x9cc\n", ["abc"]),
        (b"\x1bPq#0;1\nsixel\x1b\\a\x1b_apc\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d\n", ["abcd"]),
        (b"\x1bkwindow name\x1b\\a\n", ["a"]),
        (
            b"\x1b]8;;http://a/\x1b\\link\x1b]8;;\x1b\\ \x1b]8;;http://a/\x07two\x1b]8;;\x07\n",
            ["link two"],
        ),
        (b"nul\x00 si\x0f so\x0e del\x7f c1\xc2\x85\xc2\x9b\n", ["nul si so del c1"]),
        ("bidi\u202e \u2066x\u2069 \u200f\u061c\n".encode(), ["bidi x "]),
        ("a\u2028b\u2029c\x1cd\x1ee\n".encode(), ["abcde"]),
        (
            "joined \U0001f469\u200d\U0001f467 e\u0301\n".encode(),
            ["joined \U0001f469\u200d\U0001f467 e\u0301"],
        ),
        (b"latin \xe9t\xe9\xff\n", ["latin \ufffdt\ufffd\ufffd"]),
        (b"split \xe6\xb8\x1b[1m\xa9\n", ["split \ufffd\ufffd"]),
        (b"form\x0cfeed\x0btab\n", ["form", "feed", "tab"]),
        (b"down\x1bDnext\x1bElast\n", ["down", "next", "last"]),
        ("quoted \u201c in a title\x1b]2;\u201c\x07\n".encode(), ["quoted \u201c in a title"]),
    ],
)
def test_a_line_is_its_text(data, expected):
    assert lines(data) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x1b[3\n1mred\n", ["", "red"]),  # a control inside a sequence works at once
        (b"\x1b[3\x181mnot red\n", ["1mnot red"]),
        (b"\x1b[3\x1a1mnot red\n", ["1mnot red"]),
        (b"\x1b[3\x1b[1mx\n", ["x"]),
        (b"\x1b\x1b[1mx\n", ["x"]),
        (b"\x1b[?1;2$py\x1b[>4;1mx\x1b[1 qz\n", ["yxz"]),
        (b"\x1b[1<mx\n", ["x"]),
        (b"\x1b]0;never ends\x18text\n", ["text"]),
        (b"\x1bPnever ends\x1atext\n", ["text"]),
        (b"\x1bPtmux;\x1b\x1b[31m\x07\x1b\x1b\\\x1b\\x\n", ["x"]),
        (b"\x1b[" + b"1;" * MAX_SEQUENCE + b"mx\n", [";" + "1;" * (MAX_SEQUENCE // 2) + "mx"]),
    ],
)
def test_odd_sequences_end_as_in_tmux(data, expected):
    assert lines(data)[0].endswith(expected[0])
    assert lines(data)[1:] == expected[1:]


@pytest.mark.parametrize("opener", [b"\x1b]0;", b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX", b"\x1bk"])
def test_a_string_that_never_ends_is_given_up(opener):
    stream = TextStream()
    stream.feed(opener)
    for _ in range(MAX_STRING // 1024 + 1):
        stream.feed(b"x" * 1023 + b"\n")
    stream.feed(b"back again\n")
    text = stream.take()
    assert text.lines[-1] == "back again"
    assert text.signals == ()


def test_a_string_too_long_to_keep_says_nothing_but_still_ends():
    text = read(b"\x1b]0;" + b"x" * (MAX_KEPT + 1), b"\x07text\n\x1b]0;short\x07")
    assert text.lines == ("text",)
    assert text.signals == (Title("short"),)


# --- one row -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"10%\r50%\r100%", "100%"),
        (b"long line\rshort", "shortline"),
        (b"long line\r\x1b[Kshort", "short"),
        (b"long line\x1b[2K\rshort", "short"),
        (b"done      \r", "done      "),
        (b"100%\r          \rdone", "done"),
        (b"$ cat x\x08 \x08", "$ cat "),
        (b"$ wrld\x08\x08\x08\x1b[1@o", "$ world"),
        (b"$ abcdef\x1b[4D\x1b[2P", "$ abef"),
        (b"abcdef\x1b[3G\x1b[2X", "ab  ef"),
        (b"abc\x1b[5Cd", "abc     d"),
        (b"abc\x1b[1K", "   "),
        (b"abcdef\x1b[3D\x1b[1Kx", "   xef"),
        (b"abc\x1b[999Dx", "xbc"),
        (b"abc\r\x1b[Jx", "x"),
        ("温度\r\x1b[Cx".encode(), " x度"),  # half of a wide character is overwritten
        ("温度\rx".encode(), "x 度"),
        ("ab\r温".encode(), "温"),
        ("e\r\x1b[Ce\u0301\x08a".encode(), "ea"),
        ("ab\x08\x08x\u0301".encode(), "x\u0301b"),
        (b"a\tb\r\x1b[4Cx", "a   x   b"),  # and of a tab
        (b"ab\tc\rx", "xb\tc"),
        (b"ab\tc\r\x1b[P", "b      c"),
        (b"ab\tc\r\x1b[@", " ab      c"),
        (b"ab\r\tc", "ab      c"),
        (b"abc" + CLEAR + b"d", "d"),
        (b"abc\x1bcd", "d"),
        (b"ab\x1b7cd\x1b8x", "abxd"),
        (b"ab\x1b[scd\x1b[ux", "abxd"),
    ],
)
def test_an_edited_row_shows_its_last_state(data, expected):
    assert partial(data) == expected


def test_a_finished_row_has_no_blanks_that_editing_left():
    assert lines(b"100%\r          \rdone\r\n") == ["done"]
    assert lines(b"exact  \r\n") == ["exact  "]


def test_the_cursor_before_a_blank_does_not_hide_it():
    assert partial(b"$ ls\x08\x08\x1b[K") == "$ "


def test_a_line_editor_can_come_back_to_the_row_above():
    # As zsh does it: the list of completions goes below, then the prompt's row is gone on with.
    stream = TextStream()
    stream.feed(b"$ cat ap\r\n\x1b[Japple apricot\x1bM\r\x1b[2Ccat ap\x1b[Kricot")
    assert stream.take().lines == ("$ cat ap",)
    assert stream.partial == "$ cat apricot"
    stream.feed(b"\r\n\x1b[Jdelicious\r\n$ ")
    text = stream.take()
    assert (text.lines, text.partial) == (("$ cat apricot", "delicious"), "$ ")


def test_a_row_left_again_unchanged_is_not_told_again():
    assert lines(b"one\ntwo\n\x1b[2A\n\n") == ["one", "two"]
    assert lines(b"one\ntwo\n\x1b[2A\x1b[2B") == ["one", "two"]
    assert lines(b"one\ntwo\n\x1b[2AONE\n\nthree\n") == ["one", "two", "ONE", "three"]


def test_output_without_a_line_end_before_a_prompt_is_a_line():
    for mark, back in ((b"\x1b[7m%\x1b[0m", b" \r"), ("⏎".encode(), "⏎ \r".encode())):
        text = read(b"no newline", mark, b" " * 79, b"\r", back, b"\r\x1b[J$ ")
        assert (text.lines, text.partial) == (("no newline",), "$ ")
        text = read(mark, b" " * 79, b"\r", back, b"\r\x1b[J$ ")
        assert (text.lines, text.partial) == ((), "$ ")


# --- taking ------------------------------------------------------------------------------------


def test_pending_says_whether_there_is_something_new():
    stream = TextStream()
    seen = []
    for data in (b"", b"pro", b"", b"\x1b[31m", b"mpt", b"\x1b]0;t\x07", b"\n", b"\n"):
        stream.feed(data)
        seen.append(stream.pending)
        stream.take()
    assert seen == [False, True, False, False, True, True, True, True]
    assert not stream.pending


def test_taking_keeps_the_state_of_the_parser():
    stream = TextStream()
    stream.feed(b"ab\x1b[3")
    assert stream.take() == Text((), "ab", (), 5, 0)
    stream.feed(b"1mc\n")
    assert stream.take() == Text(("abc",), "", (), 4, 0)


def test_a_long_line_is_cut_and_the_rest_counted():
    assert read(b"x" * 30 + b"\nnext\n", max_line_bytes=10) == Text(
        ("x" * 10, "next"), "", (), 36, 20
    )
    text = read("é".encode() * 7 + b"\n", max_line_bytes=5)
    assert (text.lines, text.cut) == (("éé",), 10)
    text = read("é".encode() * 7, max_line_bytes=5)
    assert (text.partial, text.cut) == ("éé", 4)  # the rest is counted when the line is done
    text = read(b"\r".join([b"x" * 30] * 3), max_line_bytes=10)
    assert text.partial == "x" * 10


def test_the_newest_lines_are_kept():
    stream = TextStream()
    stream.feed(b"".join(b"line %d\n" % n for n in range(10)))
    assert stream.take(13) == Text(("line 8", "line 9"), "", (), 70, 56)
    stream.feed(b"a\n\n\n\n")
    assert stream.take(2) == Text(("", "", ""), "", (), 5, 2)
    stream.feed("a\nlonger é\n".encode())
    assert stream.take(8) == Text(("longer ",), "", (), 12, 4)


def test_every_byte_of_a_flood_is_told_or_counted():
    stream = TextStream()
    size = 0
    for n in range(3000):
        data = b"%d\n" % n * 200
        stream.feed(data)
        size += len(data)
    text = stream.take(1 << 16)
    assert text.bytes == size
    assert text.lines[-1] == "2999"
    assert sum(len(line) + 1 for line in text.lines) + text.cut == size
    assert 60_000 < sum(len(line) + 1 for line in text.lines) <= (1 << 16) + 1


def test_signals_are_bounded_and_counted():
    text = read(b"\x07" * 300 + b"\x1b]0;last\x07")
    assert len(text.signals) == MAX_SIGNALS
    assert text.signals[-1] == Title("last")
    assert text.cut == 301 - MAX_SIGNALS


def test_hostile_input_does_not_grow_memory():
    stream = TextStream(max_line_bytes=1000)
    for piece in (
        b"x" * 5000,
        b"\rx\x1b[9999999999C",
        "\u0301".encode() * 5000,
        b"\t" * 5000,
        b"\x1b[9999999@",
    ):
        for _ in range(20):
            stream.feed(piece)
        assert len(stream.partial.encode()) <= 1000
        row = stream._effects.rows.current
        assert len(row.whole) <= 2 * 1000 * 21


def test_rows_gone_back_over_are_bounded():
    stream = TextStream()
    for _ in range(20):
        stream.feed(b"\n" * 10_000 + b"\x1b[A" * 10_000)
    assert len(stream._effects.rows._below) <= MAX_BELOW
    assert len(stream._effects.rows._above) <= MAX_ABOVE


# --- addressing the screen ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"\x1b[?1049h",
        b"\x1b[?1;47h",
        b"\x1b[?1049h\x1b[?2004hx",  # vim
        b"\x1b[5;1Hstatus",
        b"\x1b[Htop - 12:00\n",
        b"text\x1b[H\x1b[1Cx",
        b"text\x1b[H\n",
        b"\x1b[10;1H\x1b[K\x1b[11;1H",
        b"\x1b[5dstatus",
        b"\x1b[1;23r",
        b"\x1b[3L",
        b"\x1b[A\x1b[Kspinner\n" * (CLIMBED_ROWS + 1),
        b"\x1b[30Abox",
        b"\x1b[5;1Hstatus\x1b[?1049h\x1b[?1049l\x1b[5;1Hstatus",
    ],
)
def test_it_addresses_the_screen(data):
    assert addresses(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"line\n" * 50,
        CLEAR + b"text\n",
        b"\x1b[H\x1b[Jtext\n",
        b"\x1b[2J\x1b[Htext\n",
        b"\x1b[2J\x1b[3J\x1b[1;1Htext\n",
        b"\x1bc\x1b[Htext",
        b"\x1b7\x1b[999;999H\x1b[6n\x1b8text\n",  # asks for the size
        b"\x1b[r",
        b"\x1b[?1049l",
        b"\x1b[2A\x1b[Jprompt\n$ " * 10,
        b"".join(b"\r%d%%" % n for n in range(100)),
    ],
)
def test_it_only_appends(data):
    assert not addresses(data)


@pytest.mark.parametrize(
    "back",
    [
        b"\x1b[?1049l",
        b"\x1b[?2004l",
        b"\x1b[?2004h$ ",
        b"\x1b]133;A\x07$ ",
        b"line\n" * FRESH_LINES,
        b"\x1bc",
    ],
)
def test_a_program_returns_to_appending(back):
    for start in (b"\x1b[5;1Hstatus", b"\x1b[30A"):
        assert addresses(start)
        assert not addresses(start + back)


def test_on_the_alternate_screen_only_leaving_it_counts():
    for data in (b"\x1b[?2004l", b"\x1b]133;A\x07", b"line\n" * 500):
        assert addresses(b"\x1b[?1049h" + data)


def test_once_found_out_a_program_has_no_credit():
    stream = TextStream()
    stream.feed(b"\x1b[30A" + b"line\n" * FRESH_LINES)
    assert not stream.addresses_screen
    stream.feed(b"\x1b[A")
    assert stream.addresses_screen


def test_rows_of_a_program_that_addresses_the_screen_are_no_lines():
    text = read(b"before\n$ vi", b"\x1b[?1049h\x1b[Hrow\nrow\n\x1b[?1049l\r\nafter\n$ ")
    assert (text.lines, text.partial) == (("before", "$ vi", "after"), "$ ")
    stream = TextStream()
    stream.feed(b"\x1b[5;1Hrow\n" + b"row\n" * 10)
    assert stream.take() == Text((), "", (), 50, 0)
    stream.feed(b"row\n" * (FRESH_LINES - 11) + b"line\nnext")
    assert stream.take() == Text(("line",), "next", (), 4 * (FRESH_LINES - 11) + 9, 0)


def test_signals_come_from_a_program_that_addresses_the_screen_too():
    assert read(b"\x1b[?1049h\x07\x1b]133;D;3\x07").signals == (Bell(), CommandEnd(3))


# --- laws --------------------------------------------------------------------------------------

PIECES = st.one_of(
    st.sampled_from(
        [
            *(b"\r", b"\n", b"\r\n", b"\x08", b"\t", b"\x07", b"\x0c", b"\x18", b"\x1a"),
            *(b"\x1b", b" " * 20, b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b_", b"\x1bk"),
            *(b"\x1b\\", b"\xc2\x9c", b"\x1bPtmux;\x1b", b"\x1b[1;31m", b"\x1b[m\x0f"),
            *(b"\x1b[K", b"\x1b[1K", b"\x1b[2K", b"\x1b[J", b"\x1b[2J", b"\x1b[H"),
            *(b"\x1b[3;4H", b"\x1b[A", b"\x1b[30A", b"\x1bM", b"\x1b[2B", b"\x1b7", b"\x1b8"),
            *(b"\x1bc", b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?2004h", b"\x1b]133;A\x07"),
            *(b"\x1b]133;D;1\x1b\\", b"\x1b]0;t\x07", b"\x1b]9;4;1;50\x07"),
            *(b"\x1b]99;d=0;a\x07", b"\x1b]8;;u\x1b\\", b"\x1b]8;;u\x07", b"\x1b(B"),
            *(b"\xe6\xb8\xa9", b"\xf0\x9f\x8e\x89", b"e\xcc\x81", b"\xcc\x81", b"\xff"),
            *(b"\xe2\x80\xae", b"\xe2\x80\xa8", b"%" + b" " * 79 + b"\r \r", b"line\n" * 120),
            *(b"x" * 40,),
        ]
    ),
    st.builds(
        lambda number, final: b"\x1b[%d%c" % (number, final),
        st.integers(0, 40),
        st.sampled_from(list(b"@ABCDEFGHJKPXdrsu")),
    ),
    st.text(max_size=8).map(lambda text: text.encode("utf-8", "replace")),
    st.binary(max_size=4),
)
RICH = st.lists(PIECES, max_size=40).map(b"".join)


def safe(text: Text) -> bool:
    told = [*text.lines, text.partial]
    signals = [
        value
        for signal in text.signals
        for value in msgspec.structs.astuple(signal)
        if isinstance(value, str)
    ]
    return not any(UNSAFE.search(one.replace("\t", "")) for one in told) and not any(
        UNSAFE.search(one) for one in signals
    )


def chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(places)]


CUTS = st.lists(st.integers(0, 1 << 20), max_size=30)


def check_any_chunking(data: bytes, cuts: list[int], max_line_bytes: int = 16384) -> None:
    whole = TextStream(max_line_bytes=max_line_bytes)
    whole.feed(data)
    screen = whole.addresses_screen
    expected = whole.take(1 << 16)
    pieces = TextStream(max_line_bytes=max_line_bytes)
    taken = []
    for chunk in chunks(data, cuts):
        pieces.feed(chunk)
        taken.append(pieces.take(1 << 16))
    taken.append(pieces.take())
    assert pieces.addresses_screen == screen
    assert [line for text in taken for line in text.lines] == list(expected.lines)
    assert [one for text in taken for one in text.signals] == list(expected.signals)
    assert taken[-1].partial == expected.partial
    assert sum(text.bytes for text in taken) == expected.bytes == len(data)
    assert sum(text.cut for text in taken) == expected.cut
    assert safe(expected)


@LAWS
@given(RICH, CUTS, st.sampled_from([16384, 16, 5]))
def test_any_chunking_gives_the_same(data, cuts, max_line_bytes):
    check_any_chunking(data, cuts, max_line_bytes)


@LAWS
@given(RICH)
def test_byte_by_byte_gives_the_same(data):
    check_any_chunking(data, list(range(len(data))))


@LAWS
@given(st.binary(max_size=300), CUTS)
def test_nothing_unsafe_comes_out_of_garbage(data, cuts):
    check_any_chunking(data, cuts)


@LAWS
@given(RICH, st.integers(0, 60))
def test_what_is_taken_keeps_to_the_bound(data, bound):
    stream = TextStream()
    stream.feed(data)
    text = stream.take(bound)
    assert len("\n".join(text.lines).encode()) <= bound
    assert safe(text)


@LAWS
@given(
    st.lists(st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Zs"]), max_size=40))
)
def test_plain_lines_come_out_as_they_went_in(expected):
    data = "".join(line + "\r\n" for line in expected).encode()
    assert lines(data) == expected


# --- real programs -----------------------------------------------------------------------------


def test_there_is_a_stream_of_every_program():
    assert {path.stem for path in STREAMS.glob("*.json")} == set(NAMES)
    assert {
        *("bash", "zsh", "fish", "vim", "htop", "top", "less", "pip", "npm", "pytest", "git"),
        *("progress", "dd", "curl", "yes", "noise", "clear", "osc-133", "signals", "agent"),
    } <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_real_program_is_told_as_expected(name):
    data = (STREAMS / f"{name}.bin").read_bytes()
    assert told(data) == json.loads((STREAMS / f"{name}.json").read_text())


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=10)
@given(cuts=CUTS)
def test_any_chunking_of_a_real_program_gives_the_same(name, cuts):
    check_any_chunking((STREAMS / f"{name}.bin").read_bytes(), cuts)


def test_shells_only_append():
    for name in ("bash", "bash-screen-256color", "zsh", "zsh-two-line-prompt", "fish", "osc-133"):
        expected = json.loads((STREAMS / f"{name}.json").read_text())
        assert not expected["addresses_screen"]["ever"], name


def test_a_prompt_after_a_full_screen_program_is_a_line_again():
    for name in ("top", "less-no-alternate-screen", "services", "agent"):
        stream = TextStream()
        stream.feed((STREAMS / f"{name}.bin").read_bytes() + b"\r\n")
        stream.take()
        stream.feed((STREAMS / "bash.bin").read_bytes())
        assert stream.take().lines == read((STREAMS / "bash.bin").read_bytes()).lines
        assert Prompt() not in stream.take().signals
