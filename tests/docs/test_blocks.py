"""Every block of every page is run, checked, or says why not; see `blocks` for the comments."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.blocks import CHECKED, ROOT, RUN, SHOWN, Block, Page, every_page, page_of, unfenced
from tests.docs.checks import complaint
from tests.docs.sandbox import sandbox

PAGES = list(every_page())
# The only reasons why a block is not run here; all else can be made to run in a sandbox.
ELSEWHERE = "needs another machine"
RUN_BY = re.compile(r"needs a terminal; (tests/\w+/test_\w+\.py) ")
MOST_LEFT_OUT = 5


def to_run(page: Page) -> list[Block]:
    return [one for one in page.blocks if one.language in RUN and "not run" not in one.said]


def named(page: Page) -> str:
    return page.name


@pytest.mark.parametrize("page", [one for one in PAGES if to_run(one)], ids=named)
def test_what_a_page_shows_runs(page: Page) -> None:
    wrong = []
    with sandbox() as it:
        it.begin(page.setup)
        for block in to_run(page):
            found = it.run(block)
            if found is not None:
                wrong.append(f"{page.name}:{block.line}: {found}\n--- of\n{block.text}")
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_settings_rules_and_messages_on_a_page_are_right(page: Page, tmp_path: Path) -> None:
    found = {
        f"{page.name}:{block.line}": complaint(block, tmp_path)
        for block in page.blocks
        if block.language in CHECKED and "not run" not in block.said
    }
    assert {place: words for place, words in found.items() if words} == {}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_each_block_says_what_it_is(page: Page) -> None:
    known = {*RUN, *CHECKED, *SHOWN}
    unknown = [
        f"{page.name}:{block.line}: {block.language or 'no language'}"
        for block in page.blocks
        if block.language not in known
    ]
    assert unknown == [], f"one of {sorted(known)} stands behind the fence; `text` is for the rest"
    lines = unfenced((ROOT / page.name).read_text(encoding="utf-8"))
    assert lines == [], f"{page.name}: these lines are code by indentation: put them into a fence"


def test_few_blocks_are_not_run_and_each_for_one_of_two_reasons() -> None:
    left_out = {
        f"{page.name}:{block.line}": block.said["not run"]
        for page in PAGES
        for block in page.blocks
        if "not run" in block.said
    }
    run = sum(len(to_run(page)) for page in PAGES)
    print(f"\n{run} blocks are run, {len(left_out)} are not:")
    for place, reason in left_out.items():
        print(f"  {place}: {reason}")
    for place, reason in left_out.items():
        tested = RUN_BY.match(reason)
        assert reason.startswith(ELSEWHERE) or (tested and (ROOT / tested[1]).is_file()), place
    assert len(left_out) <= MOST_LEFT_OUT
    assert run > 10 * MOST_LEFT_OUT


TEXT = """\
# Title

<!-- page: tmux new-session -d
true -->

<!-- exits: 5 -->
<!-- until: ready|waiting -->
```sh
false
```

- item

  <!-- not run: needs systemd -->
  ```bash
  systemctl
    status
  ```

```python
print(1)
```
"""


def test_blocks_are_found_with_what_is_said_of_them() -> None:
    page = page_of("p", TEXT)
    assert page.setup == "tmux new-session -d\ntrue"
    assert page.blocks == (
        Block(line=8, language="sh", text="false\n", said={"exits": "5", "until": "ready|waiting"}),
        Block(
            line=15,
            language="bash",
            text="systemctl\n  status\n",
            said={"not run": "needs systemd"},
        ),
        Block(line=20, language="python", text="print(1)\n"),
    )


def test_a_comment_that_is_misspelt_is_refused() -> None:
    with pytest.raises(ValueError, match="no directive"):
        page_of("p", "<!-- not ran: x -->\n```sh\nls\n```\n")


def test_code_by_indentation_is_seen() -> None:
    assert unfenced("text\n\n    make\n\n- item\n\n    more of it\n\n```sh\n\n    x\n```\n") == [3]


@pytest.mark.parametrize(
    ("language", "text", "right"),
    [
        ("json", '{"action":"ping"}', True),
        ("json", '{"action":"pong"}', False),
        ("json", '{"type":"pong","timestamp":"x"}', True),
        ("json", '{"type":"pane.nothing","seq":1,"timestamp":"x","data":{}}', False),
        ("json", '{"type":"pane.bell","seq":"one","timestamp":"x","data":{}}', False),
        ("json", '{"action":"ping"}\n{"action":"ping"', False),
        ("json", '{"n":7}', True),
        ("toml", "[server]\nport = 1", True),
        ("toml", "[server]\nprot = 1", False),
        ("toml", 'version = 1\nfamily = "x"\n[[line]]\nname = "a"\nany = ["^a"]', True),
        ("toml", 'version = 1\nfamily = "x"\n[[line]]\nname = "a"\nany = ["(a+)+b"]', False),
    ],
)
def test_the_checks_see_what_is_wrong(
    language: str, text: str, right: bool, tmp_path: Path
) -> None:
    block = Block(line=1, language=language, text=text)
    assert (complaint(block, tmp_path) is None) is right


def test_a_run_sees_what_goes_wrong() -> None:
    with sandbox() as it:
        assert it.run(Block(line=1, language="sh", text="true")) is None
        assert "ended with 3" in (it.run(Block(line=2, language="sh", text="exit 3")) or "")
        assert it.run(Block(line=3, language="sh", text="exit 3", said={"exits": "3"})) is None
        assert "x()" in (it.run(Block(line=4, language="python", text="x()")) or "")
        endless = Block(
            line=5, language="sh", text="echo begun; sleep 100", said={"until": "begun"}
        )
        assert it.run(endless) is None
        never = Block(line=6, language="sh", text="echo begun", said={"until": "ended"})
        assert "never printed" in (it.run(never) or "")
