from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.redaction.canaries import CANARIES
from tmuxpulse import events as ev
from tmuxpulse.collect.feed import MAX_EVENT_BYTES, PAUSE_SECONDS, PaneFeed
from tmuxpulse.redaction.redactor import Redactor
from tmuxpulse.tmux import text as tx


def streaming() -> PaneFeed:
    feed = PaneFeed()
    feed.begin(streams=True)
    return feed


REDACTOR = Redactor()
KEY = [b"A1b2C3d4/+" * 6 + b"wxyz", b"Z9y8X7w6+/" * 6 + b"abcd", b"Qq7=="]
PEM = [b"-----BEGIN PRIVATE KEY-----", *KEY, b"-----END PRIVATE KEY-----", b"$ "]


def redacting() -> PaneFeed:
    feed = PaneFeed(REDACTOR)
    feed.begin(streams=True)
    return feed


def test_lines_and_the_prompt_after_them():
    feed = streaming()
    feed.output(b"one\r\ntwo\r\n$ ")
    event = feed.take(5.0).output
    assert event == ev.PaneOutput(mode="append", lines=("one", "two"), partial="$ ", bytes=12)
    assert feed.due == 5.0 + PAUSE_SECONDS
    assert feed.last_line == "$ "


def test_a_partial_line_is_told_again_only_when_it_changed():
    feed = streaming()
    feed.output(b"10%")
    assert feed.take(0.0).output is not None
    feed.output(b"\x1b[?25l")  # nothing a person could read
    assert feed.take(1.0).output is None
    feed.output(b"\r20%")
    event = feed.take(2.0).output
    assert event == ev.PaneOutput(mode="append", partial="20%", bytes=10)


def test_what_was_cut_is_counted():
    feed = streaming()
    line = b"x" * 99 + b"\n"
    feed.output(line * 500)
    event = feed.take(0.0).output
    assert isinstance(event, ev.PaneOutput)
    assert event.bytes == 50_000
    assert sum(len(text) + 1 for text in event.lines) <= MAX_EVENT_BYTES
    assert event.cut == 50_000 - 100 * len(event.lines)


def test_signals_come_in_their_order():
    feed = streaming()
    feed.output(b"\x1b]133;C\x07out\r\n\a\x1b]9;4;1;40\x07\x1b]9;done\x07\x1b]133;D;3\x07")
    taken = feed.take(0.0)
    assert taken.signals == (
        tx.CommandStart(),
        tx.Bell(),
        tx.Progress("normal", 40),
        tx.Notification("", "done"),
        tx.CommandEnd(3),
    )
    assert taken.bytes == 44


def test_a_program_that_addresses_the_screen_gives_rows_that_changed():
    feed = streaming()
    feed.output(b"\x1b[?1049h\x1b[2;1Hhello")
    assert feed.take(0.0).output is None
    assert feed.shows_screen
    assert feed.screen(["", "hello"]) is None  # where it starts from
    feed.output(b"\x1b[1;1Htop")
    event = feed.screen(["top", "hello"])
    assert event == ev.PaneOutput(mode="screen", rows={"0": "top"}, bytes=28)
    assert feed.screen(["top", "hello"]) is None
    event = feed.screen(["top"])
    assert isinstance(event, ev.PaneOutput)
    assert event.rows == {"1": ""}
    assert feed.last_line == "top"


def test_a_program_that_was_on_the_alternate_screen_before_we_came():
    feed = PaneFeed()
    feed.begin(streams=True, alternate=True)
    assert feed.shows_screen
    feed.output(b"\x1b[?1049l$ ")
    assert not feed.shows_screen


def test_a_pane_that_does_not_stream_is_looked_at():
    feed = PaneFeed()
    assert feed.shows_screen
    feed.screen(["a"])
    event = feed.screen(["a", "b"])
    assert isinstance(event, ev.PaneOutput)
    assert event.rows == {"1": "b"}


def outputs(feed: PaneFeed, parts: list[bytes]) -> list[ev.PaneOutput]:
    """What is published when it is taken after each part."""
    found: list[ev.PaneOutput] = []
    for at, part in enumerate(parts):
        feed.output(part)
        output = feed.take(float(at)).output
        found += [] if output is None else [output]
        assert feed.last_line in {
            "",
            *(t for event in found for t in (event.partial, *event.lines)),
        }
    return found


def texts(events: list[ev.PaneOutput]) -> list[str]:
    return [text for event in events for text in (*event.lines, event.partial)]


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.line)
def test_a_secret_that_is_split_at_any_byte_is_never_shown(canary):
    data = f"$ x\r\n{canary.line}\r\n".encode()
    whole = outputs(redacting(), [data])[0]
    assert whole.redacted == 1
    secret_at = data.index(canary.secret.encode(), 5 + len(canary.before))
    for at in range(len(data) + 1):
        events = outputs(redacting(), [data[:at], data[at:]])
        assert tuple(line for event in events for line in event.lines) == whole.lines
        for text in texts(events):
            # Of what follows the lead, not even the first character.
            assert not text.startswith(canary.before + canary.secret[0])
            assert canary.secret not in text
        if secret_at < at:
            assert sum(event.redacted for event in events) >= 1


@settings(max_examples=100)
@given(st.sampled_from(CANARIES), st.data())
def test_a_secret_in_any_chunks_is_never_shown(canary, data):
    printed = f"{canary.line}\r\n$ ".encode()
    cuts = sorted(data.draw(st.sets(st.integers(0, len(printed)), max_size=20)))
    parts = [
        printed[a:b]
        for a, b in zip([0, *cuts], [*cuts, len(printed)])  # noqa: B905  # pairs of neighbours
    ]
    events = outputs(redacting(), parts)
    assert [line for event in events for line in event.lines] == [
        REDACTOR.redact_line(canary.line).text
    ]
    assert not any(text.startswith(canary.before + canary.secret[0]) for text in texts(events))


def test_a_secret_printed_byte_by_byte_is_one_event_of_a_mask():
    events = outputs(redacting(), [bytes([byte]) for byte in b"password=hunter2"])
    assert [event.partial for event in events[-2:]] == ["password=", "password=[redacted:password]"]
    assert [event.redacted for event in events[-2:]] == [0, 1]


def test_a_key_over_many_lines_split_at_any_byte():
    data = b"$ cat key\r\n" + b"\r\n".join(PEM)
    for at in range(len(data)):
        events = outputs(redacting(), [data[:at], data[at:]])
        lines = [line for event in events for line in event.lines]
        assert lines[2:-1] == ["[redacted:private-key]"] * 3
        for text in texts(events):
            assert not any(part in text for part in ("A1b", "Z9y", "Qq7", "/+", "+/"))


def test_masks_are_counted_in_the_event_that_shows_them():
    feed = redacting()
    feed.output(b"token=abc\r\nAKIAIOSFODNN7EXAMPLE password=x\r\npassword: h")
    event = feed.take(0.0).output
    assert isinstance(event, ev.PaneOutput)
    assert event.redacted == 4
    assert sum(text.count("[redacted:") for text in (*event.lines, event.partial)) == 4
    assert feed.last_line == "password: [redacted:password]"


def test_what_was_left_out_is_told_even_if_only_more_of_a_secret_came():
    feed = redacting()
    feed.output(b"password=h")
    feed.take(0.0)
    feed.output(b"u" * 20_000)
    event = feed.take(1.0).output
    assert isinstance(event, ev.PaneOutput)
    assert event.cut > 0


def test_signals_are_redacted():
    feed = redacting()
    feed.output(
        b"\x1b]133;C;cmdline=mysql\\ --password=hunter2\x07\x1b]777;notify;token=a;pwd=b\x07"
        b"\x1b]0;mysql --password=hunter2\x07"
    )
    assert feed.take(0.0).signals == (
        tx.CommandStart("mysql --password=[redacted:password]"),
        tx.Notification("token=[redacted:token]", "pwd=[redacted:password]"),
        tx.Title("mysql --password=[redacted:password]"),
    )


def test_rows_are_redacted_and_those_that_changed_are_counted():
    feed = PaneFeed(REDACTOR)
    feed.screen(["token=abc", "", "x"], 80)
    assert feed.last_line == "x"
    event = feed.screen(["token=abc", "pwd=x token=y", "x"], 80)
    assert event == ev.PaneOutput(mode="screen", rows={"1": "pwd=█ token=█"}, redacted=2)
    assert feed.screen(["token=xyz", "pwd=x token=y", "x"], 80) is None
    event = feed.screen(["................", "................ token=y", "1"], 24)
    assert isinstance(event, ev.PaneOutput)
    assert event.rows == {"0": "." * 16, "1": "." * 16 + " token=█", "2": "█"}
    assert event.redacted == 2


def test_without_a_redactor_nothing_is_masked():
    feed = streaming()
    feed.output(b"token=abc\r\n")
    event = feed.take(0.0).output
    assert event == ev.PaneOutput(mode="append", lines=("token=abc",), bytes=11)
    assert feed.screen(["token=abc"]) is None
    assert feed.last_line == "token=abc"


rows = st.lists(st.text("ab", max_size=3), max_size=4)


@given(st.lists(rows, min_size=1, max_size=6))
def test_rows_add_up_to_the_screen(screens):
    feed = PaneFeed()
    shown = dict(enumerate(screens[0]))
    feed.screen(screens[0])
    for screen in screens[1:]:
        event = feed.screen(screen)
        if event is not None:
            shown |= {int(at): text for at, text in event.rows.items()}
        filled = {at: text for at, text in shown.items() if text}
        assert filled == {at: text for at, text in enumerate(screen) if text}


def test_what_stood_there_before_its_bytes_came_is_its_last_line_until_it_prints():
    feed = PaneFeed()
    feed.begin(streams=True)
    feed.shown(["Overwrite the file? [y/N]", "", ""])
    assert feed.last_line == "Overwrite the file? [y/N]"
    feed.shown(["Overwrite the file? [y/N] n", "done"])
    assert feed.last_line == "Overwrite the file? [y/N]"
    feed.output(b"n\r\ndone\r\n")
    feed.take(0.0)
    assert feed.last_line == "done"
