from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tmuxpulse import events as ev
from tmuxpulse.collect.feed import MAX_EVENT_BYTES, PAUSE_SECONDS, PaneFeed


def streaming() -> PaneFeed:
    feed = PaneFeed()
    feed.begin(streams=True)
    return feed


def test_lines_and_the_prompt_after_them():
    feed = streaming()
    feed.output(b"one\r\ntwo\r\n$ ")
    (event,) = feed.take(5.0)
    assert event == ev.PaneOutput(mode="append", lines=("one", "two"), partial="$ ", bytes=12)
    assert feed.due == 5.0 + PAUSE_SECONDS
    assert feed.last_line == "$ "


def test_a_partial_line_is_told_again_only_when_it_changed():
    feed = streaming()
    feed.output(b"10%")
    assert [type(event) for event in feed.take(0.0)] == [ev.PaneOutput]
    feed.output(b"\x1b[?25l")  # nothing a person could read
    assert feed.take(1.0) == []
    feed.output(b"\r20%")
    (event,) = feed.take(2.0)
    assert event == ev.PaneOutput(mode="append", partial="20%", bytes=10)


def test_what_was_cut_is_counted():
    feed = streaming()
    line = b"x" * 99 + b"\n"
    feed.output(line * 500)
    (event,) = feed.take(0.0)
    assert isinstance(event, ev.PaneOutput)
    assert event.bytes == 50_000
    assert sum(len(text) + 1 for text in event.lines) <= MAX_EVENT_BYTES
    assert event.cut == 50_000 - 100 * len(event.lines)


def test_signals_become_events_in_their_order_after_the_lines():
    feed = streaming()
    feed.output(b"\x1b]133;C\x07out\r\n\a\x1b]9;4;1;40\x07\x1b]9;done\x07\x1b]133;D;3\x07")
    kinds = [event.type for event in feed.take(0.0)]
    assert kinds == [
        "pane.output",
        "command.started",
        "pane.bell",
        "pane.progress",
        "pane.notification",
        "command.finished",
    ]


def test_a_program_that_addresses_the_screen_gives_rows_that_changed():
    feed = streaming()
    feed.output(b"\x1b[?1049h\x1b[2;1Hhello")
    assert feed.take(0.0) == []
    assert feed.shows_screen
    assert feed.screen_due
    assert feed.screen(["", "hello"]) == []  # where it starts from
    feed.output(b"\x1b[1;1Htop")
    assert feed.screen_due
    (event,) = feed.screen(["top", "hello"])
    assert event == ev.PaneOutput(mode="screen", rows={"0": "top"}, bytes=28)
    assert feed.screen(["top", "hello"]) == []
    (event,) = feed.screen(["top"])
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
    (event,) = feed.screen(["a", "b"])
    assert isinstance(event, ev.PaneOutput)
    assert event.rows == {"1": "b"}


rows = st.lists(st.text("ab", max_size=3), max_size=4)


@given(st.lists(rows, min_size=1, max_size=6))
def test_rows_add_up_to_the_screen(screens):
    feed = PaneFeed()
    shown = dict(enumerate(screens[0]))
    feed.screen(screens[0])
    for screen in screens[1:]:
        for event in feed.screen(screen):
            assert isinstance(event, ev.PaneOutput)
            shown |= {int(at): text for at, text in event.rows.items()}
        filled = {at: text for at, text in shown.items() if text}
        assert filled == {at: text for at, text in enumerate(screen) if text}
