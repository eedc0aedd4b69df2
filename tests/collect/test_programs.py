"""Names of programs that run in interpreters."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.collect.programs import MAX_NAME, is_shell, name_of, program_of


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("node /usr/bin/gemini", "gemini"),
        ("node /usr/lib/node_modules/@google/gemini-cli/dist/index.js -i", "gemini-cli"),
        ("node --require a.js /r/.npm/_npx/1/node_modules/.bin/codex", "codex"),
        ("node /p/node_modules/vite/bin/vite.js --host", "vite"),
        ("node /x/app/dist/index.js", "app"),
        ("node /x/app/dist/server.mjs", "server"),
        ("node", ""),
        ("node -e 1", ""),
        ("MainThread /usr/bin/qwen", "qwen"),
        ("bun run /a/b/src/index.ts", "b"),
        ("python3 -m aider --model x", "aider"),
        ("python -u -m http.server 80", "http"),
        ("python -m", ""),
        ("python3.11 -u /x/venv/bin/aider", "aider"),
        ("/usr/bin/python3 /x/bin/tmuxpulse.pyz", "tmuxpulse"),
        ("python -W ignore manage.py runserver", "manage"),
        ("python -c x", ""),
        ("python /x/tool -m aider", "tool"),
        ("python -", ""),
        ("bash ./build.sh now", "build.sh"),
        ("bash -eu build.sh", "build.sh"),
        ("bash --rcfile x -i", ""),
        ("bash -lc x", ""),
        ("-bash", ""),
        ("zsh -- build", "build"),
        ("vim x.py", ""),
        ("", ""),
    ],
)
def test_programs(line: str, expected: str) -> None:
    assert program_of(line.split()) == expected


def test_names() -> None:
    assert name_of(["-zsh"]) == "zsh"
    assert name_of(["/usr/bin/vim", "x"]) == "vim"
    assert name_of(["npm run dev"]) == "npm"
    assert name_of(["nginx: worker process"]) == "nginx"
    assert name_of([], "kthreadd") == "kthreadd"
    assert is_shell("bash")
    assert not is_shell("bashful")


@settings(max_examples=200)
@given(st.lists(st.text(max_size=20) | st.sampled_from(["python", "node", "bash", "-m", "--"])))
def test_whatever_the_arguments_are_a_name_is_short_and_plain(arguments: list[str]) -> None:
    for found in (program_of(arguments), name_of(arguments, "x")):
        assert len(found) <= MAX_NAME
        assert found.isprintable()
        assert " " not in found
