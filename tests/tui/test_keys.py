"""Keys, and how the settings and the page about them keep up with the table."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.made import model_of, press, view
from tmuxpulse.cli.screen.keys import REPLAY_ONLY, KeyMap, KeyTwice, reference
from tmuxpulse.cli.screen.prompt import Prompt
from tmuxpulse.config.layers import SettingsError, load_settings
from tmuxpulse.config.settings import WatchKeysTable

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "keys.md"
ACTIONS = WatchKeysTable.__struct_fields__


def test_the_page_holds_the_table() -> None:
    assert reference() in PAGE.read_text()


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_does_something(action) -> None:
    keys = KeyMap(WatchKeysTable())
    model = model_of(view(0), keys=keys, replay=True)
    key = getattr(WatchKeysTable(), action)[0].replace("space", " ")
    assert keys.action(key) == action
    press(model, key)
    assert "no such key" not in model.message
    assert action in REPLAY_ONLY or action in {*model._simple, "quit", "back"}


def test_the_settings_move_keys() -> None:
    model = model_of(view(0), keys=KeyMap(WatchKeysTable(quit=("Q",), pause=("p", "space"))))
    assert press(model, "q") is None
    assert press(model, "p", "Q") == ("quit", "")
    assert model.frozen is not None


def test_a_key_with_two_actions_is_refused() -> None:
    with pytest.raises(KeyTwice, match=r'watch_keys.quit: "q" is taken by pause') as found:
        KeyMap(WatchKeysTable(quit=("q",), pause=("q",)))
    assert found.value.action == "quit"


def test_an_action_without_a_key_is_not_in_the_help() -> None:
    helped = {one.action for one in KeyMap(WatchKeysTable(export=())).help()}
    assert "export" not in helped
    assert not helped & REPLAY_ONLY


def test_the_help_names_keys_as_people_do() -> None:
    helped = {one.action: one.keys for one in KeyMap(WatchKeysTable()).help(replay=True)}
    assert helped["pause"] == "Space"
    assert helped["page_up"] == "PgUp b Ctrl-B"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[watch_keys]\nquit = ["spce"]',
            "line 2: watch_keys.quit: has a value that is not allowed",
        ),
        ("[watch_keys]\nquit = 1", "line 2: watch_keys.quit: must be a list"),
        ("[watch_keys]\nqit = []", 'line 2: [watch_keys] has no key "qit"; did you mean "quit"?'),
        ('[watch_colours]\nfailed = "blurple"', "line 2: watch_colours.failed: has a value"),
        ('[watch]\ncolumns = ["age", "pth"]', "line 2: watch.columns: invalid enum value 'pth'"),
        ('[watch]\ncolours = "8"', "line 2: watch.colours: invalid enum value '8'"),
    ],
)
def test_a_mistake_in_the_settings_is_told_with_its_line_and_what_is_allowed(
    tmp_path, text, said
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(SettingsError) as found:
        load_settings(file, environ={})
    (problem,) = found.value.problems
    assert said in problem
    assert "; allowed: " in problem or "did you mean" in problem


def test_keys_and_colours_that_are_allowed(tmp_path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        '[watch_keys]\nquit = ["ctrl x", "f10", "ü"]\n'
        '[watch_colours]\nfailed = "#ff0044 bold underline"\nbusy = "default"\n'
    )
    file.chmod(0o600)
    loaded = load_settings(file, environ={"TMUXPULSE_WATCH_KEYS_PAUSE": "p, space"})
    assert loaded.settings.watch_keys.quit == ("ctrl x", "f10", "ü")
    assert loaded.settings.watch_keys.pause == ("p", "space")


# --- the line a person writes ---------------------------------------------------------------


def written(*keys: str) -> tuple[str, int]:
    prompt = Prompt("search", "one two")
    for key in keys:
        prompt = prompt.press(key)
    return prompt.text, prompt.at


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["!"], ("one two!", 8)),
        (["left", "left", "x"], ("one txwo", 6)),
        (["home", "delete", "right"], ("ne two", 1)),
        (["ctrl a", "x", "ctrl e", "y"], ("xone twoy", 9)),
        (["backspace", "backspace"], ("one t", 5)),
        (["ctrl w"], ("one ", 4)),
        (["left", "ctrl u"], ("o", 0)),
        (["home", "right", "ctrl k"], ("o", 1)),
        (["up", "f5", "\x1b"], ("one two", 7)),
    ],
)
def test_editing(keys, expected) -> None:
    assert written(*keys) == expected


EDITING = ["left", "right", "home", "end", "backspace", "delete", "ctrl w", "ctrl u", "ctrl k", "é"]


@given(st.lists(st.sampled_from(EDITING), max_size=20))
def test_the_cursor_stays_in_the_line(keys) -> None:
    text, at = written(*keys)
    assert 0 <= at <= len(text)
