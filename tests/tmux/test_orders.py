"""Orders: what is refused, and the script that the rest becomes."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.errors import RequestError
from tmuxpulse.tmux.orders import (
    MAX_ORDERS,
    Capture,
    Interrupt,
    KillPane,
    NewWindow,
    Order,
    RenameSession,
    RenameWindow,
    Select,
    SendKeys,
    SendText,
    Split,
    check,
    check_all,
)
from tmuxpulse.tmux.scripts import literal, script
from tmuxpulse.tmux.styled import ABOUT_FORMAT

NONCE = "0123456789abcdef"


def lines_of(*orders: Order) -> list[str]:
    """The commands of a script, without the markers."""
    commands = script(orders, NONCE).decode().removesuffix("\n").split(" ; ")
    return [command for command in commands if NONCE not in command]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (SendText("1", "x"), "pane_id: must be % and a number"),
        (SendText("%1 ; kill-server", "x"), "pane_id: "),
        (SendText("%1\n", "x"), "pane_id: "),
        (SendText("%\u0661", "x"), "pane_id: "),
        (SendText("%12345678901", "x"), "pane_id: "),
        (SendText("", "x"), "pane_id: "),
        (SendText("%1", ""), "text: is empty"),
        (SendText("%1", "a" * 16_385), "text: is longer than 16384"),
        (SendText("%1", "a\x03"), r"text: holds '\x03'"),
        (SendText("%1", "a\r"), r"text: holds '\r'"),
        (SendText("%1", "\x00"), r"text: holds '\x00'"),
        (SendText("%1", "\x1b[A"), r"text: holds '\x1b'"),
        (SendText("%1", "\x7f"), r"text: holds '\x7f'"),
        (SendText("%1", "\x9b"), r"text: holds '\x9b'"),
        (SendText("%1", "\ud83d"), r"text: holds '\ud83d'"),
        (SendKeys("%1", ()), "keys: must be from 1 to 256"),
        (SendKeys("%1", ("a",) * 257), "keys: must be from 1 to 256"),
        (SendKeys("%1", ("a", "Foo")), "keys[1]: 'Foo' is not a key; write \"Enter\", "),
        (Interrupt("@1"), "pane_id: "),
        (Select(), "pane_id: a pane or a window is needed"),
        (Select(session_id="$1"), "pane_id: a pane or a window is needed"),
        (Select(pane_id="%1", session_id="$1"), "session_id: needs window_id"),
        (Select(pane_id="%1:"), "pane_id: "),
        (Select(window_id="@x"), "window_id: "),
        (Select(window_id="@1", session_id="1"), "session_id: "),
        (RenameWindow("@1", ""), "name: must have 1 to 200"),
        (RenameWindow("@1", "a" * 201), "name: must have 1 to 200"),
        (RenameWindow("@1", "a\nb"), r"name: holds '\n'"),
        (RenameWindow("@1", "\u202e"), r"name: holds '\u202e'"),
        (RenameWindow("@1", "\u2028"), r"name: holds '\u2028'"),
        (RenameWindow("@1", "a\\b"), r"name: holds '\\'"),
        (RenameWindow("@1", "$HOME"), "name: holds '$'"),
        (RenameWindow("@1", "${x}"), "name: holds '$'"),
        (RenameWindow("@1", "##[fg=red]"), 'name: holds "#["'),
        (RenameWindow("$1", "a"), "window_id: "),
        (RenameSession("$1", "a:b"), "name: of a session"),
        (RenameSession("$1", "a.b"), "name: of a session"),
        (RenameSession("$1", "a\\"), "name: "),
        (NewWindow("1"), "session_id: "),
        (NewWindow("$1", "a\tb"), "name: "),
        (NewWindow("$1", path="x"), "path: must be absolute"),
        (NewWindow("$1", path="~"), "path: must be absolute"),
        (NewWindow("$1", path="/a\nb"), r"path: holds '\n'"),
        (Split("%1", True, "/\x1b"), r"path: holds '\x1b'"),
        (Split("%1", True, "/" + "é" * 2048), "path: is longer"),
        (Split("$1", True), "pane_id: "),
        (KillPane("%"), "pane_id: "),
        (Capture("%1", -1), "lines: "),
        (Capture("%1", 10_001), "lines: "),
    ],
)
def test_what_is_refused(order: Order, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        check(order)
    assert caught.value.code == "INVALID_REQUEST"
    assert str(caught.value).startswith(said)
    with pytest.raises(RequestError, match=r"^commands\[0\]\."):
        script([order], NONCE)


@pytest.mark.parametrize(
    "order",
    [
        SendText("%0", "", enter=True),
        SendText("%0", "a\n\tb" + "é" * 16_000),
        SendKeys("%0", ("a",) * 256),
        Select(window_id="@1"),
        Select(pane_id="%1", window_id="@1", session_id="$1"),
        RenameWindow("@1", "a.b:c $ 5 #{pid} 日本 🚀 \ue0b0 👨\u200d👩"),
        RenameSession("$1", "-x"),
        NewWindow("$1"),
        NewWindow("$1", "x", "/"),
        Split("%1", False, "/#(id)/é\u202e"),
        Capture("%4294967295", 10_000),
    ],
)
def test_what_is_taken(order: Order) -> None:
    check(order)
    assert script([order], NONCE)


def test_a_batch_says_which_order_is_wrong_and_is_bounded() -> None:
    with pytest.raises(RequestError, match=r"^commands\[1\].pane_id: "):
        check_all([KillPane("%1"), KillPane("x")])
    for count in (0, MAX_ORDERS + 1):
        with pytest.raises(RequestError, match=r"^commands: must be from 1 to 64"):
            check_all([KillPane("%1")] * count)
    check_all([SendText("%1", "🚀" * 8192)] * 2)
    with pytest.raises(RequestError, match="65536 bytes of text together"):
        check_all([SendText("%1", "🚀" * 8192), SendText("%1", "🚀" * 8193)])


@pytest.mark.parametrize("nonce", ["", "abc", "0123456789ABCDEF", "01234567'", "01234567\n"])
def test_a_nonce_is_hexadecimal(nonce: str) -> None:
    with pytest.raises(ValueError, match="nonce"):
        script([KillPane("%1")], nonce)


def test_text_is_hexadecimal_with_cr_for_a_newline_in_bounded_commands() -> None:
    *awake, first, second, enter = lines_of(SendText("%3", "a\né" + "x" * 126, enter=True))
    ready, leave = awake
    assert ready.startswith("show-options -p -t '%3' '#{?pane_dead,@tmuxpulse-pane-dead,")
    assert leave == "copy-mode -q -t '%3'"
    assert first == "send-keys -t '%3' -H 61 0d c3 a9" + " 78" * 124
    assert second == "send-keys -t '%3' -H 78 78"
    assert enter == "send-keys -t '%3' Enter"


@settings(max_examples=100)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1) | st.just(" ; x\n'"))
def test_no_character_of_a_text_is_in_its_script(text: str) -> None:
    made = script([SendText("%3", text)], NONCE).decode()
    same = script([SendText("%3", "a")], NONCE).decode()
    typed = r"(send-keys -t '%3' -H [0-9a-f ]+ ; )+"
    assert re.sub(typed, "T", made) == re.sub(typed, "T", same)


def test_what_each_order_becomes() -> None:
    assert lines_of(SendKeys("%1", ("c-c", "enter", "'", ";", "-")))[2:] == [
        r"send-keys -t '%1' -- 'C-c' 'Enter' ''\''' ';' '-'"
    ]
    assert lines_of(Interrupt("%1"))[2:] == ["send-keys -t '%1' C-c"]
    assert lines_of(Select(pane_id="%1")) == ["select-window -t '%1'", "select-pane -Z -t '%1'"]
    assert lines_of(Select("%1", "@2", "$3")) == [
        "select-window -t '$3:@2'",
        "select-pane -Z -t '%1'",
    ]
    assert lines_of(Select(window_id="@2")) == ["select-window -t '@2'"]
    assert lines_of(RenameWindow("@2", "-a #(x)")) == ["rename-window -t '@2' -- '-a ##(x)'"]
    assert lines_of(RenameSession("$2", "a'b")) == [r"rename-session -t '$2' -- 'a'\''b'"]
    made = "-d -P -F '#{session_id} #{window_id} #{pane_id}' -c"
    assert lines_of(NewWindow("$1")) == [f"new-window -t '$1:' {made} '#{{session_path}}'"]
    assert lines_of(NewWindow("$1", "n", "/#(x)")) == [
        f"new-window -t '$1:' -n 'n' {made} '/##(x)'"
    ]
    assert lines_of(Split("%1", True)) == [f"split-window -h -t '%1' {made} '#{{session_path}}'"]
    assert lines_of(Split("%1", False, "/a")) == [f"split-window -v -t '%1' {made} '/a'"]
    assert lines_of(KillPane("%1")) == ["kill-pane -t '%1'"]
    assert lines_of(Capture("%1")) == ["capture-pane -p -t '%1' -S 0"]
    assert lines_of(Capture("%1", 7)) == ["capture-pane -p -t '%1' -S -7"]
    assert lines_of(Capture("%1", 7, styled=True)) == [
        "capture-pane -e -N -p -t '%1' -S -7",
        f"display-message -p -t '%1' '{ABOUT_FORMAT}'",
    ]


def test_a_marker_stands_after_each_order_and_tells_whether_its_output_is_wanted() -> None:
    made = script([KillPane("%1"), Capture("%2")], NONCE)
    assert made == (
        b"kill-pane -t '%1' ; display-message -p '0123456789abcdef 1 -' ; "
        b"capture-pane -p -t '%2' -S 0 ; display-message -p '0123456789abcdef 2 +'\n"
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a", "a"),
        ("#", "##"),
        ("##", "####"),
        ("#{pid} #(id)", "##{pid} ##(id)"),
        ("#[x", "#[x"),
        ("##[x", "##[x"),
        ("##{x ##[#S", "####{x ##[##S"),
    ],
)
def test_formats_are_escaped(text: str, escaped: str) -> None:
    assert literal(text) == escaped
