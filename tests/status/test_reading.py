"""Command lines that only show text, and who says what is under them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.status.screens import book, screen
from tmuxpulse.status.reading import is_own, reader, settled_by


@pytest.mark.parametrize(
    ("command_line", "all_of_it", "its_end"),
    [
        ("cat log", "cat", "cat"),
        ("sudo -n cat log", "", ""),
        ("LANG=C sort log | uniq -c", "sort uniq", "sort uniq"),
        ("make; cat log", "", "cat"),
        ("make || true", "", "true"),
        ("cat log; make", "", ""),
        ("cat log && make", "", ""),
        ("make && cat log", "", ""),
        ("cat log | sh", "", ""),
        ("curl -s http://x | sh", "", ""),
        ("env CC=clang make", "", ""),
        ("tail -f log", "", ""),
        ("tail -n 3 log", "tail", "tail"),
        ("journalctl -fu nginx", "", ""),
        ("journalctl -u nginx", "journalctl", "journalctl"),
        ("sudo dmesg --follow", "", ""),
        ("git -P log", "git", "git"),
        ("echo 'a; b' && ls", "echo ls", "echo ls"),
        ("echo 'open", "echo", "echo"),
        ("", "", ""),
    ],
)
def test_programs_that_only_show_text(command_line, all_of_it, its_end):
    assert reader(command_line) == all_of_it
    assert settled_by(command_line) == its_end


@given(st.text(max_size=60) | st.text(";|&() '\"\\lscat=", max_size=30))
def test_whatever_is_typed(command_line):
    everything, end = reader(command_line), settled_by(command_line)
    if everything:
        assert everything.endswith(end)
    for name in end.split():
        assert name in command_line.replace("\\", "").replace("'", "").replace('"', "")


def test_what_is_said_by_a_program_itself():
    assert is_own("ls", "ls: cannot access 'x': No such file or directory")
    assert is_own("ls sort", "Try 'sort --help' for more information.")
    assert not is_own("cat", "Try 'sort --help' for more information.")
    assert not is_own("cat", "error: it is in a file")


def status(*rows: str) -> str:
    return book().look(screen("\n".join([*rows, "u@h:~$ ‸"])), ("bash",)).hits[0].rule.state


def test_a_list_ends_as_its_last_part_does():
    assert status("u@h:~$ make", "make: *** [x] Error 1") == "error"
    assert status("u@h:~$ make; ls", "make: *** [x] Error 1", "a.c") == "ready"
    assert status("u@h:~$ ls; make", "a.c", "make: *** [x] Error 1") == "error"
    assert status("u@h:~$ make || true", "make: *** [x] Error 1") == "ready"


def test_what_somebody_ended_did_not_fail():
    assert status("u@h:~$ ./serve", "error: no host") == "error"
    assert status("u@h:~$ ./serve", "^Cerror: no host") == "ready"
    assert status("u@h:~$ ./serve", "error: no host", "^C") == "ready"
    assert status("u@h:~$ ./keys", "^C copies", "error: no host") == "error"


def test_an_option_that_a_program_does_not_know():
    wrong = ("ls: unrecognized option '--nope'", "Try 'ls --help' for more information.")
    assert status("u@h:~$ ls --nope", *wrong) == "error"
    assert status("u@h:~$ cat log", *wrong) == "ready"
