"""The labelled screens hold what they promise; how they are judged is told by `bench_status.py`."""

from __future__ import annotations

import re
from collections import Counter

from tests.status.screens import book
from tmuxpulse.status.evidence import Output, Processes, Screen
from tools.screens import corpus

PATHS = corpus.paths()
CASES = {path.stem: corpus.read_one(path) for path in PATHS}
ORDINARY = [path for path in PATHS if path.parent.name != "agents"]
# Where the cases are made no program sees a path of the machine; this is a second look.
ELSEWHERE = re.compile(r"(?<![\w./])/(?:work|root|Users)\b|/home/(?!d)\w")


def case(**more: object) -> corpus.Case:
    fields: dict[str, object] = {
        "program": "bash",
        "version": "5",
        "tmux": "tmux 3.3a",
        "command": "make it",
        "typed": "",
        "width": 20,
        "height": 4,
        "cursor_row": 1,
        "cursor_column": 2,
        "alternate": False,
        "title": "box",
        "foreground": "bash",
        "children": (),
        "signals": (),
        "status": "ready",
        "errors": (),
        "lookalike": "",
        "after": "",
        "split": "train",
        "rows": "dev@box:~$ ls\n$ ",
    }
    return corpus.Case(**{**fields, **more})  # type: ignore[arg-type]  # of mixed types


def test_each_case_is_whole():
    for name, found in CASES.items():
        rows = found.rows.split("\n")
        assert len(rows) <= found.height, name
        assert all(len(row) <= found.width for row in rows), name
        assert 0 <= found.cursor_row < found.height, name
        assert 0 <= found.cursor_column <= found.width, name
        assert found.program, name
        assert found.command.startswith("python -m tools.screens."), name
        assert found.split == corpus.split(name)
        assert not found.after or CASES[found.after].command == found.command, name
        assert corpus.evidence(found, 0.0, corpus.WATCHED_SECONDS), name


def test_no_case_tells_of_the_machine_that_it_was_made_on():
    for path in ORDINARY:
        assert not ELSEWHERE.search(path.read_text(encoding="utf-8")), path.stem


def test_an_error_that_is_labelled_is_on_the_screen():
    for name, found in CASES.items():
        shown = {line.strip() for line in (*found.lines, *found.rows.split("\n"))}
        missing = set(found.errors) - shown
        assert not missing, name


def test_there_are_enough_and_their_names_are_unique():
    names = Counter(path.stem for path in PATHS)
    assert max(names.values()) == 1
    assert len(ORDINARY) >= 250


def test_a_third_of_them_resembles_another():
    for paths in (PATHS, ORDINARY):
        alike = sum(bool(CASES[path.stem].lookalike) for path in paths)
        assert alike * 3 >= len(paths)


def test_every_status_is_in_both_parts():
    found = Counter((one.split, one.status) for one in CASES.values())
    assert len(found) == 8
    assert min(found.values()) >= 20


def test_a_case_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "family" / "name.toml"
    one = case(
        rows='C:\\dir """quoted""" "two"\n  \u276f 店\ttab',
        signals=(
            corpus.SignalOfCase(kind="start", command_line='echo "\\'),
            corpus.SignalOfCase(kind="end", exit_status=2),
        ),
        rhythm=((0.25, 80),),
        exited=corpus.End(exit_status=3),
        children=("+python3", "yes 97%", "vim T"),
    )
    corpus.write(path, one)
    assert corpus.read_one(path) == one


def test_lines_that_wrap_are_joined():
    one = case(width=4, rows="ab\nef\ngh", cursor_row=2, wraps=(0,))
    assert one.lines == ("ab  ef",)


def test_evidence_comes_in_its_order():
    one = case(appends=True, rows="a\nb", cursor_row=1, rhythm=((0.25, 10),))
    found = corpus.evidence(one, 5.0, 3.0)
    assert [item.at for item in found] == sorted(item.at for item in found)
    outputs = [item for item in found if isinstance(item, Output)]
    assert [(item.lines, item.bytes) for item in outputs] == [(("a",), 0), ((), 10), ((), 10)]
    assert sum(isinstance(item, Screen) for item in found) == 1
    assert isinstance(found[-1], Output | Processes)


def test_what_was_on_the_screen_before_is_told_once():
    first = case(appends=True, rows="ls: x: No such file or directory\n$", cursor_row=1, width=80)
    second = case(
        appends=True, rows="ls: x: No such file or directory\nfatal: no\n$", cursor_row=2, width=80
    )
    found = corpus.evidence(second, 0.0, 3.0, before=first)
    assert [item.lines for item in found if isinstance(item, Output)] == [("fatal: no",)]


def test_a_replay_tells_status_and_errors():
    rows = "dev@box:~$ make\nmake: *** [Makefile:2: all] Error 1\ndev@box:~$"
    one = case(rows=rows, width=80, cursor_row=2, cursor_column=11)
    for appends in (True, False):
        told = corpus.replay(book(), [case(appends=appends, rows="$"), one])
        assert told.pane.announced.status == "error"
    told = corpus.replay(book(), [case(rows=rows, width=80, cursor_row=2, appends=True)])
    assert told.errors == ("make: *** [Makefile:2: all] Error 1",)
