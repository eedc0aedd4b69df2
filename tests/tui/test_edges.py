"""What stands around the model: filters as text, colours, exports, our own pane, the settings."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import msgspec
import pytest
import urwid
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.made import NOW, lines, model_of, press, status, view
from tmuxpulse.cli.screen.export import write_export
from tmuxpulse.cli.screen.looks import palette
from tmuxpulse.cli.screen.model import Sight
from tmuxpulse.cli.screen.pane import Turn
from tmuxpulse.cli.screen.recall import turns_of
from tmuxpulse.cli.screen.replayed import next_speed
from tmuxpulse.cli.screen.show import look_of, own_pane
from tmuxpulse.cli.screen.wanted import filter_text, parse_filter
from tmuxpulse.config.layers import load_settings
from tmuxpulse.config.settings import WatchColoursTable
from tmuxpulse.errors import UsageError
from tmuxpulse.filters import Filter
from tmuxpulse.wire import HistoryData

# --- filters --------------------------------------------------------------------------------


def test_a_filter_is_read_as_on_the_command_line() -> None:
    found = parse_filter("--session api --type 'agent.*' --status waiting 'two words' more")
    assert found == Filter(
        sessions=("api",), types=("agent.*",), statuses=("waiting",), contains=("two words", "more")
    )
    assert parse_filter("  ") == Filter()


TEXTS = st.lists(
    st.text(min_size=1, max_size=8).filter(lambda t: not t.startswith("-")), max_size=2
)


@settings(max_examples=60)
@given(TEXTS, TEXTS, st.lists(st.sampled_from(["busy", "waiting"]), max_size=2))
def test_what_is_written_is_read_again(sessions, contains, statuses) -> None:
    wanted = Filter(
        sessions=tuple(s.replace("[", "") or "x" for s in sessions),
        contains=tuple(contains),
        statuses=tuple(statuses),
    )
    assert parse_filter(filter_text(wanted)) == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [("--sesion x", "unrecognized"), ("'x", "no closing quotation"), ("--type", "expected one")],
)
def test_what_is_no_filter_is_refused(text, said) -> None:
    with pytest.raises(UsageError, match=said):
        parse_filter(text)


# --- colours --------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 16, 256, 1 << 24])
def test_every_style_is_one_that_the_library_takes(depth) -> None:
    colours = WatchColoursTable(failed="#fe0101 bold", busy="red underline", idle="yellow reverse")
    for name, low, background, mono, high, _ in palette(colours, depth):
        assert name in colours.__struct_fields__
        urwid.AttrSpec(low, background, 16)
        urwid.AttrSpec(high, "default", max(depth, 16))
        urwid.AttrSpec(mono or "default", "default", 1)
        urwid.AttrSpec(high, "default", 88) if depth < 256 else None


def test_an_exact_colour_is_the_nearest_one_where_there_are_few() -> None:
    colours = WatchColoursTable(failed="#fe0101 bold")
    few, many = (
        next(one for one in palette(colours, depth) if one[0] == "failed") for depth in (16, 256)
    )
    assert (few[1], few[4]) == ("light red,bold", "light red,bold")
    assert (many[1], many[4]) == ("light red,bold", "#fe0101,bold")
    assert few[3] == "bold"


# --- exports --------------------------------------------------------------------------------


def test_events_as_json_lines_for_the_user_only(tmp_path: Path) -> None:
    model = model_of(view(0))
    model.take([lines(0, "a"), status(0, "waiting")], NOW)
    file = tmp_path / "out.jsonl"
    assert write_export(str(file), model, NOW) == f"wrote 2 lines to {file}"
    assert [json.loads(line)["type"] for line in file.read_text().splitlines()] == [
        "pane.output",
        "agent.status",
    ]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "out.jsonl"
    file.write_text("mine")
    assert "is there already" in write_export(str(file), model_of(view(0)), NOW)
    assert file.read_text() == "mine"
    assert "cannot write" in write_export(str(tmp_path / "no" / "x"), model_of(view(0)), NOW)


def test_as_text_it_is_what_is_seen_and_harmless(tmp_path: Path) -> None:
    model = model_of(view(0), view(1))
    model.take([lines(0, "a\x1b[2J"), status(1, "waiting", shown="Go?")], NOW)
    file = tmp_path / "out.txt"
    write_export(str(file), model, NOW)
    text = file.read_text()
    assert text.startswith("waiting  work:0.1")
    assert "Go?" in text
    assert "\x1b" not in text


def test_of_one_pane_its_text_or_its_turns(tmp_path: Path) -> None:
    model = model_of(view(0))
    model.see(Sight(("default", "%0"), ("one", "two")))
    model.take([status(0, "busy")], NOW)
    for keys, name, expected in (
        (["enter"], "pane.txt", "one\ntwo\n"),
        ([], "pane.json", '{"server":"default","pane_id":"%0","rows":["one","two"]}\n'),
        (["t"], "turns.jsonl", f'{{"at":{NOW},"status":"busy","why":""}}\n'),
    ):
        press(model, *keys)
        write_export(str(tmp_path / name), model, NOW)
        assert (tmp_path / name).read_text() == expected


# --- the past -------------------------------------------------------------------------------


def test_the_past_of_a_pane_comes_before_what_is_known() -> None:
    started = NOW - 1000
    items = [
        status(0, "busy", at=NOW - 50),
        status(1, "error", at=NOW - 40),
        status(0, "error", at=started - 5),
    ]
    raw = [msgspec.Raw(item.line) for item in reversed(items)]
    page = HistoryData(events=[*raw, msgspec.Raw(b"{}"), msgspec.Raw(b'{"type":1}')], cursor=None)
    turns = turns_of(page, ("default", "%0"), since=started)
    assert [turn.status for turn in turns] == ["busy"]
    model = model_of(view(0))
    model.take([status(0, "waiting", at=NOW - 10)], NOW)
    (pane,) = model.panes(NOW)
    pane.recall([*turns, Turn(NOW - 5, "ready", "known already")])
    assert [turn.status for turn in model.turns()] == ["waiting", "busy"]


def test_the_turn_that_holds_is_known_better_from_the_past() -> None:
    (pane,) = model_of(
        view(0, status="waiting", status_since="2026-11-23T09:00:00Z", reason="asks")
    ).panes(NOW)
    pane.recall([Turn(1.0, "busy", ""), Turn(pane.turns[0].at, "waiting", "asks: Go?")])
    assert [turn.why for turn in pane.turns] == ["", "asks: Go?"]


# --- our own pane ---------------------------------------------------------------------------

HERE = {"TMUX": "/tmp/tmux-0/default,12,0", "TMUX_PANE": "%3"}


def test_our_own_pane_is_known_by_socket_and_id() -> None:
    assert set(own_pane(HERE)) == {("/tmp/tmux-0/default", "%3")}
    assert set(own_pane(HERE, "ws://127.0.0.1:8765/")) == {("/tmp/tmux-0/default", "%3")}


@pytest.mark.parametrize(
    ("environ", "url"), [({}, None), ({"TMUX": ""}, None), (HERE, "wss://far/")]
)
def test_outside_of_tmux_and_far_away_no_pane_is_ours(environ, url) -> None:
    assert not own_pane(environ, url)


# --- settings -------------------------------------------------------------------------------


def loaded(directory: Path, text: str):
    file = directory / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    return load_settings(file, environ={})


def test_the_command_line_is_over_the_filter_of_the_settings(tmp_path: Path) -> None:
    found = loaded(tmp_path, '[watch]\nfilter = "--session api"\n')
    assert look_of(found, Filter(), colour=True).wanted == Filter(sessions=("api",))
    own = Filter(panes=("%1",))
    assert look_of(found, own, colour=True).wanted == own


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[watch]\n\nfilter = "--status no"', "line 3: watch.filter: .*invalid choice: 'no'"),
        ('[watch_keys]\nquit = ["q"]\npause = ["q"]', 'line [23]: watch_keys.*"q" is taken by'),
    ],
)
def test_what_only_the_screen_can_check_is_told_with_its_line_too(tmp_path, text, said) -> None:
    with pytest.raises(UsageError, match=said):
        look_of(loaded(tmp_path, text), Filter(), colour=True)


def test_speeds() -> None:
    assert next_speed(1.0, faster=True) == 2.0
    assert next_speed(0.125, faster=False) == 0.125
    assert next_speed(1000.0, faster=True) == 1000.0
    assert next_speed(float("inf"), faster=False) == 1000.0
