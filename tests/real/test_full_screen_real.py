"""The full screen in a real tmux: every key, the mouse, sizes, colours, its end."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from tests.real.stage import DEADLINE_SECONDS, LOOK_SECONDS, Stage, family, stage
from tmuxpulse.cli.screen.cells import width

ASKS = 'echo hello; printf "Deploy? [y/N] "; read answer; echo "you said $answer"; exec cat'
DEAD = "#{pane_dead}:#{pane_dead_status}"


@pytest.fixture(scope="module")
def watched() -> Iterator[Stage]:
    """A tmux with a pane that asks, one that failed, and one that echoes what is written."""
    with stage() as it:
        it.tmux("new-session", "-d", "-s", "work", "-n", "asks", "-x", "90", "-y", "28", ASKS)
        it.tmux("set", "-g", "remain-on-exit", "on")
        it.tmux("new-window", "-d", "-t", "work:", "-n", "fails", "echo broken; sleep 1; exit 3")
        it.tmux("new-window", "-d", "-t", "work:", "-n", "echo", "exec cat")
        # Now and then tmux 3.3a does not learn how a program ended; then it has to end again.
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not (ended := it.tmux("display", "-p", "-t", "work:fails", DEAD).strip()).endswith(
            "3"
        ):
            assert time.monotonic() < deadline
            if ended == "1:":
                it.tmux("respawn-pane", "-k", "-t", "work:fails")
            time.sleep(LOOK_SECONDS)
        yield it


@pytest.fixture
def on(watched: Stage) -> Iterator[Stage]:
    """The same, with the full screen on it."""
    watched.start()
    watched.sees("1 failed 1 waiting")
    yield watched
    watched.end()


def say(it: Stage, text: str) -> None:
    """Let the third pane print a line."""
    it.tmux("send-keys", "-t", "work:echo", "-l", text)
    it.tmux("send-keys", "-t", "work:echo", "Enter")


def chosen(text: str) -> str:
    """The place of the chosen pane."""
    found = re.search(r"^▌.*?(work:\d+\.\d+)", text, re.MULTILINE)
    assert found, text
    return found[1]


def test_what_needs_somebody_is_on_top_with_its_question_and_its_screen(on: Stage) -> None:
    rows = on.sees(r"│.*broken").split("\n")
    assert re.match(r"▌✗.*work:1\.0 .*exit", rows[2])
    assert re.match(r" ●.*work:0\.0 .*Deploy\?", rows[3])
    assert re.match(r" ▶.*work:2\.0 ", rows[4])


@pytest.mark.parametrize(("down", "up"), [("Down", "Up"), ("j", "k")])
def test_moving(on: Stage, down: str, up: str) -> None:
    assert chosen(on.sees("^▌")) == "work:1.0"
    on.keys(down)
    on.sees(r"^▌.*work:0\.0")
    on.sees(r"│Deploy\?")
    on.keys(up)
    on.sees(r"^▌.*work:1\.0")


@pytest.mark.parametrize(
    ("last", "first"), [("G", "g"), ("End", "Home"), ("NPage", "PPage"), ("C-f", "b")]
)
def test_moving_far(on: Stage, last: str, first: str) -> None:
    on.keys(last)
    on.sees(r"^▌.*work:2\.0")
    on.keys(first)
    on.sees(r"^▌.*work:1\.0")


def test_enter_opens_the_pane_and_enter_leaves_it(on: Stage) -> None:
    on.keys("j", "Enter")
    on.until(
        lambda text: (
            re.search(r"^Deploy\? \[y/N\]", text, re.MULTILINE)
            and re.search(r"^ waiting for .*asks yes or no", text, re.MULTILINE)
            and "work:1.0" not in text
        ),
        "the pane alone",
    )
    on.keys("Enter")
    on.sees("STATUS|FOR +PANE")


def test_t_shows_the_timeline(on: Stage) -> None:
    on.keys("j", "t")
    on.sees(r"work:0\.0: how its status went")
    on.sees(r"waiting +[\d.]+ s +asks yes or no: Deploy\?")
    on.keys("t")
    on.sees("FOR +PANE")


def test_help_is_there_and_every_view_can_be_left(on: Stage) -> None:
    on.keys("?")
    on.sees(r"^ Space +stop the picture")
    on.keys("q")
    on.sees("FOR +PANE")
    on.keys("F1")
    on.sees(r"^ t +show the history")
    on.keys("Escape")
    on.sees("FOR +PANE")


def test_a_search_in_panes_and_in_events(on: Stage) -> None:
    on.keys("/")
    on.sees("^search:")
    on.type("deploy")
    on.sees("^search: deploy")
    on.keys("Enter")
    on.sees(r"^▌.*work:0\.0")
    on.keys("Escape")
    for text in ("alpha one", "beta", "alpha two"):
        say(on, text)
    on.sees("alpha two")
    on.keys("Tab", "/")
    on.type("alpha")
    on.keys("Enter")
    on.sees(r"^\d+ of \d+")
    on.keys("n")
    on.sees(r"^\d+ of \d+")
    on.keys("N")
    on.sees(r"^\d+ of \d+")
    on.keys("/")
    on.type("nowhere to be found")
    on.keys("Enter")
    on.sees("^not found: nowhere")


def test_a_filter_narrows_and_is_told_when_it_is_wrong(on: Stage) -> None:
    on.keys("f")
    on.sees("^filter")
    on.type("--status waiting")
    on.keys("Enter")
    text = on.sees(r"filter --status waiting")
    assert "work:0.0" in text
    on.sees_no(r"^[▌ ].*work:1\.0")
    on.keys("f", "C-u")
    on.type("--status so")
    on.keys("Enter")
    on.sees("^filter.*--status so")
    on.keys("C-u", "Enter")
    on.sees(r"^[▌ ].*work:1\.0")


def test_a_pause_counts_what_waits(on: Stage) -> None:
    on.keys("Space")
    on.sees("PAUSED, 0 events wait")
    say(on, "said in the pause")
    on.sees(r"PAUSED, [1-9]\d* events wait")
    assert "said in the pause" not in on.text()
    on.keys("Space")
    on.sees("said in the pause")
    assert "PAUSED" not in on.text()


def test_what_is_acknowledged_sinks(on: Stage) -> None:
    on.keys("a")
    rows = on.until(lambda text: "work:1.0" in text.split("\n")[4], "sunk").split("\n")
    assert rows[4].startswith("▌✓")
    on.keys("a")
    on.until(lambda text: "work:1.0" in text.split("\n")[2], "risen")


def test_an_export_is_a_file_of_what_is_shown(on: Stage) -> None:
    say(on, "to be exported")
    on.sees(r"^ \d\d:\d\d:\d\d .*to be exported")  # among the events
    on.keys("e")
    on.sees(r"^export to: tmuxpulse-.*\.jsonl")
    on.keys("C-u")
    on.type("out.jsonl")
    on.keys("Enter")
    on.sees(r"^wrote \d+ lines to out.jsonl")
    file = on.folder / "out.jsonl"
    events = [json.loads(line) for line in file.read_text().splitlines()]
    assert any("to be exported" in str(event["data"]) for event in events)
    on.keys("e", "C-u")
    on.type("out.jsonl")
    on.keys("Enter")
    on.sees("^out.jsonl is there already")
    file.unlink()


def test_tab_lets_the_keys_scroll_the_events(on: Stage) -> None:
    for number in range(12):
        say(on, f"numbered {number}")
        on.sees(f"numbered {number}")
    on.keys("Tab", "k", "k", "k")
    on.sees(r"^ events, \d+ newer below")
    on.keys("BTab")
    on.keys("Tab", "G")
    on.sees(r"^ events *$")


def test_the_mouse_chooses_opens_and_scrolls(on: Stage) -> None:
    row = on.row(r"work:0\.0 ")
    on.mouse(0, 3, row)
    on.sees(r"^▌.*work:0\.0")
    on.mouse(0, 3, row)
    on.sees(r"^ waiting for")
    on.keys("Escape")
    on.sees("FOR +PANE")
    on.mouse(65, 3, row)
    on.sees(r"^▌.*work:2\.0")
    on.mouse(64, 3, row)
    on.sees(r"^▌.*work:1\.0")


def test_the_wheel_scrolls_what_it_is_over(on: Stage) -> None:
    for number in range(12):
        say(on, f"turned {number}")
        on.sees(f"turned {number}")
    on.keys("Space")  # what comes from now on moves nothing
    on.sees("PAUSED")
    on.mouse(64, 3, on.row("^ events"))
    on.sees(r"^ events, 3 newer below")
    on.mouse(65, 3, on.row("^ events"))
    on.sees(r"^ events *$")
    on.keys("Space")
    on.sees_no("PAUSED")
    lines = "\n".join(f"row {number}" for number in range(60))
    (on.folder / "long").write_text(lines)
    on.tmux("new-window", "-d", "-t", "work:5", "-n", "long", f"cat {on.folder}/long; exec cat")
    try:
        on.sees(r"^ ▶.*work:5\.0 .*row 59")
        on.mouse(0, 3, on.row(r"^ ▶.*work:5\.0 "))
        on.mouse(0, 3, on.row(r"^▌.*work:5\.0 "))
        on.sees("^row 59")
        on.mouse(64, 3, 10)
        on.sees(r"\(3 rows below\)")
        on.keys("Home")
        on.sees("^row 0$")
        on.keys("G")
        on.sees("^row 59")
    finally:
        on.tmux("kill-window", "-t", "work:5")


def test_a_key_that_means_nothing_says_where_the_keys_are(on: Stage) -> None:
    on.keys("Z")
    on.sees(r"^no such key; \? shows all")
    on.keys("Left")
    on.sees("^that is for a replay")


@pytest.mark.parametrize(("key", "code"), [("q", 0), ("C-c", 130)])
def test_its_end_is_quiet_and_leaves_the_terminal_as_it_was(on: Stage, key: str, code: int) -> None:
    on.keys(key)
    text = on.sees(f"^ended with {code}")
    said = on.said.read_text()
    assert not said, said
    assert text.strip() == f"ended with {code}"
    flags = "#{alternate_on} #{mouse_any_flag} #{cursor_flag} #{keypad_flag}"
    assert on.tmux("display", "-p", "-t", "t", flags, at=on.terminal).split() == [
        "0",
        "0",
        "1",
        "0",
    ]


# --- sizes and colours ----------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (200, 50), (300, 100), (40, 8)])
def test_sizes(watched: Stage, size: tuple[int, int]) -> None:
    watched.start(size=size)
    rows = watched.sees("1 failed 1 waiting").split("\n")
    assert len(rows) == size[1] + 1
    watched.sees(r"^[▌ ]✗.*work:1\.0")


def test_a_resize_is_followed_and_too_small_is_said(on: Stage) -> None:
    on.tmux("resize-window", "-t", "t", "-x", "160", "-y", "40", at=on.terminal)
    on.until(lambda text: re.search(r"✗ failed +\d+\w +work:1\.0", text), "the wide list")
    on.tmux("resize-window", "-t", "t", "-x", "300", "-y", "100", at=on.terminal)
    on.until(lambda text: re.search(r"│ work:1\.0 ", text) and text.count("\n") == 100, "all of it")
    on.until(lambda text: text.split("\n")[60].startswith(" events"), "the events below")
    on.tmux("resize-window", "-t", "t", "-x", "30", "-y", "6", at=on.terminal)
    on.sees("30x6 is too small")
    on.tmux("resize-window", "-t", "t", "-x", "80", "-y", "24", at=on.terminal)
    on.sees(r"^▌✗.*work:1\.0")


@pytest.mark.parametrize(
    ("env", "config", "code"),
    [
        ("TERM=xterm-16color", "", r"\x1b\[[\d;]*\b9[13]m"),
        ("TERM=xterm-256color", "", r"\x1b\[[\d;]*(9[13]|38;5;\d+)m"),
        ("TERM=xterm-256color", 'colours = "true"', r"\x1b\[[\d;]*38;2;254;1;1m"),
    ],
)
def test_colours(watched: Stage, env: str, config: str, code: str) -> None:
    file = watched.folder / "config.toml"
    failed = '[watch_colours]\nfailed = "#fe0101"\n' if config else ""
    file.write_text(f"[watch]\n{config}\n{failed}")
    file.chmod(0o600)
    watched.tmux("start-server", ";", "set", "-g", "default-terminal", "tmux-256color")
    watched.start("--config", str(file), env=env)
    watched.sees("1 failed 1 waiting")
    watched.sees(code, "-e")


ART = (
    r"printf '\033[1;31mred\033[0m \033[38;5;196mindexed\033[0m \033[48;2;10;200;30mexact\033[0m |"
    r"\n\033[7m世界\033[0m \033[8mhidden\033[0m|\n'; exec cat"
)
OUTSIDE = "env -u TMUX -u TMUX_PANE"  # else the terminal is taken for a tmux


@pytest.fixture
def art(watched: Stage) -> Iterator[str]:
    """A pane in all kinds of colours."""
    watched.tmux("new-session", "-d", "-s", "art", "-x", "40", "-y", "9", ART)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while "世界" not in watched.tmux("capture-pane", "-p", "-t", "art"):
        assert time.monotonic() < deadline
        time.sleep(LOOK_SECONDS)
    yield "--session art"
    watched.tmux("kill-session", "-t", "art")


@pytest.mark.parametrize(
    ("env", "indexed", "exact"),
    [
        ("TERM=xterm-16color", r"\x1b\[91mindexed", r"\x1b\[42mexact"),
        ("TERM=xterm-256color", r"\x1b\[38;5;196mindexed", r"\x1b\[48;5;\d+mexact"),
        (f"{OUTSIDE} COLORTERM=truecolor", r"38;5;196mindexed", r"\x1b\[48;2;10;200;30mexact"),
    ],
)
def test_the_screen_of_a_pane_has_its_colours(
    watched: Stage, art: str, env: str, indexed: str, exact: str
) -> None:
    watched.start(art, env=env)
    watched.sees(r"\x1b\[1m\x1b\[31mred", "-e")
    for view in ("beside the list", "alone"):
        text = watched.sees(exact, "-e")
        assert re.search(indexed, text), view
        assert re.search(r"\x1b\[7m[^ ]*世界", text), view
        assert "hidden" not in text, view
        watched.keys("Enter")


def test_a_screen_of_wide_characters_keeps_its_place(watched: Stage, art: str) -> None:
    watched.start(art, size=(90, 20))
    rows = watched.sees("│世界").split("\n")
    borders = {width(row.partition("│")[0]) for row in rows if "│" in row}
    assert borders == {49}


def test_the_screen_of_a_pane_comes_in_colour_through_a_server_too(
    watched: Stage, art: str
) -> None:
    server = watched.serve()
    try:
        watched.start(art, env="TERM=xterm-256color")
        watched.sees(r"\x1b\[38;5;196mindexed", "-e")
        new = [f"{byte:02x}" for byte in b"\x1b[35mnew"]
        watched.tmux("send-keys", "-t", "art", "Enter")  # it goes on being looked at
        watched.tmux("send-keys", "-t", "art", "-H", *new)
        watched.tmux("send-keys", "-t", "art", "Enter")
        watched.sees(r"\x1b\[35mnew", "-e")
    finally:
        watched.stop(server)


@pytest.mark.parametrize("how", ["NO_COLOR=1", "--no-color"])
def test_without_colours_there_are_none(watched: Stage, art: str, how: str) -> None:
    env, arguments = (how, ()) if "=" in how else ("", (how,))
    watched.start(art, *arguments, env=env)
    watched.sees(r"│.*indexed")
    watched.sees(r"\x1b\[7m[^ ]*世界", "-e")  # what is no colour is left
    assert not re.search(r"\x1b\[[\d;]*(3[0-8]|9\d|4[0-8])m", watched.text("-e"))


def test_wide_characters_do_not_shift_the_columns(on: Stage) -> None:
    say(on, "世界 👩‍👧 e\u0301 end")
    rows = on.sees("世界").split("\n")
    borders = {width(row.partition("│")[0]) for row in rows[1:12] if "│" in row}
    assert len(borders) == 1


CONFIG = """\
[watch]
columns = ["place", "size", "status", "title"]
filter = "--window asks"
mouse = false
[watch_keys]
help = ["h"]
quit = ["x"]
[watch_colours]
waiting = "#0afe0b"
"""


def test_columns_keys_colours_and_the_filter_come_from_the_config_file(watched: Stage) -> None:
    file = watched.folder / "config.toml"
    file.write_text(CONFIG)
    file.chmod(0o600)
    watched.start("--config", str(file), size=(140, 30), env=f"{OUTSIDE} COLORTERM=truecolor")
    watched.sees(r"^ +PANE +SIZE +STATUS +TITLE")
    watched.sees(r"^▌work:0\.0 +90x28 +● waiting")
    watched.sees(r"38;2;10;254;11m", "-e")
    assert "work:1.0" not in watched.text()
    assert "filter --window asks" in watched.text()
    assert not int(
        watched.tmux("display", "-p", "-t", "t", "#{mouse_any_flag}", at=watched.terminal)
    )
    watched.keys("q")
    watched.sees("^no such key; h shows all")
    watched.keys("h")
    watched.sees(r"^ x +leave a view, or end")
    watched.keys("x", "x")
    watched.sees("^ended with 0")


def test_a_config_that_makes_no_sense_is_told_with_its_line(watched: Stage) -> None:
    file = watched.folder / "config.toml"
    file.write_text('[watch_keys]\nquit = ["q"]\nhelp = ["q"]\n')
    file.chmod(0o600)
    watched.start("--config", str(file))
    watched.sees("^ended with 2")
    assert re.search(r'config.toml line \d+: .*"q" is taken', watched.said.read_text())


# --- where it runs --------------------------------------------------------------------------


def test_in_the_tmux_it_watches_it_does_not_watch_itself(watched: Stage) -> None:
    command = f"watch -S {watched.watched}"
    watched.tmux(
        *("new-window", "-d", "-t", "work:", "-n", "me"),
        f"{sys.executable} -m tmuxpulse {command}",
    )

    def seen() -> str:
        return watched.tmux("capture-pane", "-p", "-t", "work:me")

    watched.start()
    text = watched.sees("work:3.0")  # from outside it is a pane like any other
    assert "work:0.0" in text
    own = watched.until(lambda _: "1 failed 1 waiting" in seen() and seen(), "its own screen")
    assert own
    assert "work:0.0" in seen()
    assert "work:3.0" not in seen()
    inner = family(int(watched.tmux("display-message", "-p", "-t", "work:me", "#{pane_pid}")))
    watched.tmux("kill-window", "-t", "work:me")
    psutil.wait_procs(inner, timeout=DEADLINE_SECONDS)


def test_through_a_server_and_when_that_goes_away(watched: Stage) -> None:
    server = watched.serve()
    watched.start()
    watched.sees("1 failed 1 waiting")
    watched.keys("j")
    watched.sees(r"│Deploy\?")
    say(watched, "through the server")
    watched.sees("through the server")
    watched.stop(server)

    def is_back(text: str) -> bool:
        say(watched, "without the server")
        return "without the server" in text

    watched.until(is_back, "what happens without the server")


def test_the_timeline_goes_back_before_the_screen_was_there(watched: Stage) -> None:
    server = watched.serve()
    pane = "trap : INT; sleep 1000; printf 'Sure? [y/N] '; read answer"
    watched.tmux("new-window", "-d", "-t", "work:7", "-n", "past", pane)
    try:
        watched.start("--window", "past")
        watched.sees("1 busy")
        watched.tmux("send-keys", "-t", "work:7", "C-c")  # its work is done
        watched.sees("1 waiting")
        watched.start("--window", "past")  # this one was not there when the pane was at work
        watched.sees("1 waiting")
        watched.keys("t")
        watched.sees("waiting .*Sure")
        watched.sees("busy .*runs (sleep|something)")  # the second: before processes were looked at
    finally:
        watched.tmux("kill-window", "-t", "work:7")
        watched.stop(server)


def test_a_terminal_that_stands_still_holds_up_nothing(on: Stage) -> None:
    on.keys("C-s")
    for number in range(3):
        say(on, f"in the meantime {number}")
    assert "in the meantime" not in on.text()
    on.keys("C-q")
    on.sees("in the meantime 2")


def test_lines_when_asked_for_or_set(watched: Stage) -> None:
    file = watched.folder / "config.toml"
    file.write_text("[watch]\nfull_screen = false\n")
    file.chmod(0o600)
    for arguments in (["--lines"], ["--config", str(file)]):
        watched.start(*arguments)

        def printed(text: str) -> bool:
            say(watched, "as a line")  # again: what was said before it watched is not told
            return "pane.output" in text and "as a line" in text

        watched.until(printed, "a line")
        assert "STATUS" not in watched.text()
        assert "Space" not in watched.text()


# --- a replay -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recording(watched: Stage) -> str:
    """What the third pane said, a line a while, recorded."""
    file = watched.folder / "work.rec"
    watched.start(watch=f"record {file} -S {watched.watched}")
    watched.until(lambda _: file.exists() and file.stat().st_size > 0, "a recording")
    for number in range(8):
        say(watched, f"recorded {number}")
        time.sleep(0.25)
    watched.until(lambda _: "recorded 7" in file.read_text(), "the last line in the recording")
    watched.keys("C-c")
    watched.sees("ended with")
    return str(file)


def test_a_replay_has_the_same_screen_and_its_own_keys(watched: Stage, recording: str) -> None:
    watched.start(watch=f"replay {recording}", size=(120, 30))
    watched.sees(r"replay 0:\d\d 1x (plays|at its end)")  # it is short: who is slow sees its end
    watched.sees(r"work:2\.0")
    watched.keys("Space")
    watched.sees(r"replay 0:\d\d 1x PAUSED")
    watched.keys(">")
    watched.sees("2x PAUSED")
    watched.keys("<", "<")
    watched.sees("0.5x PAUSED")
    watched.keys(">", ">", ">", ">")
    watched.sees("8x PAUSED")
    watched.keys("Space", "Right")
    watched.sees("at its end")
    watched.sees(r"work:2\.0 .*recorded 7")
    watched.tmux("resize-window", "-t", "t", "-x", "300", "-y", "100", at=watched.terminal)
    watched.until(lambda text: text.split("\n")[60].startswith(" events"), "the events below")
    watched.mouse(0, 3, watched.row(r"^[▌ ].*work:2\.0"))
    watched.sees(r"^▌.*work:2\.0")
    watched.keys("Enter")
    watched.sees(r"^recorded \d")
    watched.keys("Enter")
    watched.keys("<", "<", "<", "<", "<", "<")
    watched.sees("0.125x at its end")
    watched.keys("Left", "Left", "Left")  # from behind the end to the beginning
    watched.sees("0.125x plays")
    watched.keys("?")
    watched.sees("in a replay, double the speed")
    watched.keys("q", "q")
    watched.sees("^ended with 0")
