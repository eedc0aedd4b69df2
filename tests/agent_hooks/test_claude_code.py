"""Our hooks in Claude Code's settings: in, out, and nothing else touched."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.agent_hooks.claude_code import EVENTS, NEW_FILE, install, installed, remove
from tmuxpulse.agent_hooks.program import claude_code_command
from tmuxpulse.errors import UsageError

PROGRAM = ["/opt/my tools/tmuxpulse.pyz"]
THEIRS = {"matcher": "Bash", "hooks": [{"type": "command", "command": "say done"}]}

TEXTS = [
    "{}",
    "{}\n",
    "{ }\n",
    "{\n}\n",
    '{"model":"opus"}',
    '{"model": "opus", "permissions": {"allow": []}}\n',
    '{\n    "model": "opus"\n}\n',
    '{\r\n\t"model": "opus",\r\n\t"hooks": {}\r\n}\r\n',
    '{\n  "hooks": {\n  },\n  "z": 1\n}\n',
    '{\n  "hooks": {"Stop": []},\n  "a": "\\u00e4 ä \\ud83d"\n}',
    '{\n  "hooks": {\n    "Stop": [ ],\n    "Weird": []\n  }\n}',
    json.dumps({"hooks": {"Stop": [THEIRS], "PreToolUse": [THEIRS, THEIRS]}, "b": [1, {}]}),
    json.dumps({"hooks": {"Stop": [THEIRS]}, "b": [1, {}]}, indent=2),
    json.dumps({"a": 1, "hooks": {"PreCompact": [THEIRS]}}, indent="\t") + "\n",
    '{"hooks":{"Stop":[{"hooks":[{"type":"command","command":"x"}]}]}}',
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_put_in_comes_out_to_the_byte(text: str) -> None:
    there = install(text, "f", PROGRAM)
    assert set(installed(there, "f")) == set(EVENTS)
    assert remove(there, "f") == text
    assert remove(text, "f") == text
    assert install(there, "f", PROGRAM) == there


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
hooks: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from([*EVENTS, "PreCompact", "Else"]),
    st.lists(st.just(THEIRS) | st.just({"hooks": []}) | st.just({}), max_size=3),
    max_size=5,
)


@st.composite
def written(draw: st.DrawFn) -> str:
    made: dict[str, Any] = draw(st.dictionaries(st.text(max_size=5), values, max_size=4))
    made.pop("hooks", None)
    if draw(st.booleans()):
        made["hooks"] = draw(hooks)
    indent = draw(st.sampled_from([None, 1, 2, 4, "\t"]))
    text = json.dumps(made, indent=indent, ensure_ascii=draw(st.booleans()))
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text + draw(st.sampled_from(["", "\n", " \n\n"]))


@settings(max_examples=60)
@given(written())
def test_whatever_the_settings_are(text: str) -> None:
    there = install(text, "f", PROGRAM)
    assert remove(there, "f") == text
    assert install(there, "f", ["/elsewhere"]) != there
    was, now = json.loads(text), json.loads(there)
    assert {k: v for k, v in now.items() if k != "hooks"} == {
        k: v for k, v in was.items() if k != "hooks"
    }
    assert list(now)[: len(was)] == list(was)
    for event, elements in was.get("hooks", {}).items():
        assert now["hooks"][event][: len(elements)] == elements


def test_it_looks_as_the_rest_does() -> None:
    text = install('{\n  "model": "opus"\n}\n', "f", ["/t"])
    assert text.startswith(
        '{\n  "model": "opus",\n  "hooks": {\n    "SessionStart": [\n      {\n        "hooks": [\n'
    )
    assert text == json.dumps(json.loads(text), indent=2) + "\n"
    assert "\n" not in install('{"model": "opus"}', "f", ["/t"])
    assert install(NEW_FILE, "f", ["/t"]).endswith("}\n")


def test_an_older_one_is_brought_up_to_date_where_it_is() -> None:
    command = "tmuxpulse emit --from-hook claude-code"
    old = {
        "hooks": {
            "Stop": [
                {"hooks": [
                    {"type": "command", "command": "mine"},
                    {"type": "command", "command": f"/old/{command}"},
                ]},
            ],
            "SessionEnd": [
                {"hooks": [{"type": "command", "command": command}]}
            ],
        }
    }  # fmt: skip
    new = json.loads(install(json.dumps(old, indent=2), "f", PROGRAM))
    (stop,) = new["hooks"]["Stop"]
    assert [hook["command"] for hook in stop["hooks"]] == ["mine", claude_code_command(PROGRAM)]
    assert set(new["hooks"]) == {*EVENTS, "SessionEnd"}
    gone = json.loads(remove(json.dumps(new), "f"))
    assert gone == {"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "mine"}]}]}}


def test_what_came_in_behind_ours_stays() -> None:
    there = json.loads(install("{}", "f", PROGRAM))
    there["hooks"]["Stop"].append(THEIRS)
    there["hooks"]["Notification"][0]["hooks"].insert(0, {"type": "command", "command": "bell"})
    left = json.loads(remove(json.dumps(there, indent=2), "f"))
    assert left == {
        "hooks": {
            "Notification": [{"hooks": [{"type": "command", "command": "bell"}]}],
            "Stop": [THEIRS],
        }
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "f:1: not JSON"),
        ('{\n "a": 1,\n}', "f:3: not JSON"),
        ('{\n // mine\n "a": 1}', "f:2: not JSON"),
        ('{"a": NaN}', "f:1: not JSON: NaN"),
        ("[" * 100_000, "f:1: not JSON"),
        ("[]", "f:1: the settings is not an object"),
        ('{\n"hooks":\n[]}', "f:3: hooks is not an object"),
        ('{"hooks": {\n"Stop": {}}}', "f:2: hooks.Stop is not a list"),
        ('{"hooks": {"Stop": [\n"x"]}}', "f:2: hooks.Stop is not a list of objects"),
        ('{"hooks": {"Stop": [\n{"hooks": 1}]}}', "f:2: hooks.Stop[].hooks is not a list"),
    ],
)
def test_what_it_does_not_understand_it_refuses(text: str, said: str) -> None:
    for change in (lambda: install(text, "f", PROGRAM), lambda: remove(text, "f")):
        with pytest.raises(UsageError) as refused:
            change()
        assert str(refused.value).startswith(said)
        assert "nothing done" in str(refused.value)
