"""Keys: what is taken, how it is spelled, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmuxpulse.tmux.keys import canonical, every_key


@pytest.mark.parametrize(
    ("key", "spelled"),
    [
        ("Enter", "Enter"),
        ("enter", "Enter"),
        ("C-c", "C-c"),
        ("C-C", "C-c"),
        ("c-[", "C-["),
        ("M-C-x", "C-M-x"),
        ("S-C-M-Up", "C-M-S-Up"),
        ("pgup", "PgUp"),
        ("kp/", "KP/"),
        ("F12", "F12"),
        ("C-Space", "C-Space"),
        (" ", "Space"),
        ("M- ", "M-Space"),
        ("-", "-"),
        ("M--", "M--"),
        ("A", "A"),
        ("M-A", "M-A"),
        (";", ";"),
        ("é", "é"),
        ("🚀", "🚀"),
        ("M-é", "M-é"),
    ],
)
def test_spelled_as_tmux_does(key: str, spelled: str) -> None:
    assert canonical(key) == spelled


@pytest.mark.parametrize(
    "key",
    [
        "",
        "C-",
        "-x",
        "ab",
        "Foo",
        "F0",
        "F13",
        "^C",  # tmux's older way to write C-c
        "0x41",
        "User1",
        "None",
        "Any",
        "MouseDown1Pane",
        "WheelUpPane",
        "C-C-a",
        "X-a",
        "S-a",  # these four: tmux would type their names
        "S-Enter",
        "C-&",
        "C-é",
        "C-Enter",
        "\x03",
        "\n",
        "\x7f",
        "\x9b",
        "\u202e",
        "\ud800",
        "Enter\n",
        "Enter ; kill-server",
        "#{pid}",
    ],
)
def test_anything_else_is_refused(key: str) -> None:
    assert canonical(key) is None


@given(st.text(st.sampled_from("CMSXcms-^\\;#{}()$'\" \n\t\x1bEnterUpFé10x"), max_size=8))
def test_a_spelled_key_is_a_fixed_point_of_printable_characters(key: str) -> None:
    spelled = canonical(key)
    if spelled is not None:
        assert canonical(spelled) == spelled
        assert spelled.isprintable()
        assert " " not in spelled


def test_the_list_of_all_has_each_family_once() -> None:
    keys = every_key()
    assert len(keys) == len(set(keys))
    assert {"Enter", "BTab", "C-c", "M-x", "S-Up", "C-M-S-F12", "KP*", "M-KPEnter", "'"} <= {*keys}
    assert "S-Tab" not in keys
