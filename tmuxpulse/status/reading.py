"""Commands that only show text which is there: its error words are not their own.

What a person sees in a diff, a search, a file or a log is not what happens now.
"""

from __future__ import annotations

import re
import shlex
from functools import lru_cache
from typing import Final

_READERS: Final = frozenset(
    [
        "cd",
        "pwd",
        "clear",
        "cat",
        "tac",
        "bat",
        "batcat",
        "less",
        "more",
        "most",
        "head",
        "grep",
        "egrep",
        "fgrep",
        "zgrep",
        "rg",
        "ag",
        "ack",
        "diff",
        "colordiff",
        "delta",
        "ls",
        "ll",
        "la",
        "find",
        "fd",
        "sed",
        "awk",
        "gawk",
        "view",
        "xxd",
        "od",
        "strings",
        "history",
        "fc",
        "echo",
        "printf",
        "man",
        "tldr",
        "nl",
        "cut",
        "sort",
        "uniq",
        "wc",
        "tree",
        "column",
        "jq",
        "type",
        "which",
        "rev",
        "paste",
        "fold",
        "fmt",
        "comm",
        "join",
        "hexdump",
        "stat",
        "du",
        "df",
        "ps",
        "printenv",
        "locate",
        "apropos",
        "whatis",
        "help",
        "dmesg",
        "journalctl",
        "apt-cache",
        "curl",
        "true",
        ":",
    ]
)
_GIT_READERS: Final = frozenset(
    [
        "diff",
        "log",
        "show",
        "grep",
        "blame",
        "whatchanged",
        "reflog",
        "status",
        "add",
        "format-patch",
        "shortlog",
    ]
)
# What makes them show what is yet to be written.
_FOLLOWS: Final = {
    "tail": re.compile(r"--follow|-[A-Za-z]*[fF]").match,
    "journalctl": re.compile(r"--follow|-[A-Za-z]*f").match,
    "dmesg": re.compile(r"--follow|-[A-Za-z]*[wW]").match,
}
_SHELLS: Final = ("bash: ", "zsh: ", "fish: ", "sh: ")
# What they say of themselves in another way.
_OWN: Final = {"git": "fatal: ", "man": "No manual entry for ", "jq": "parse error: "}
_PREFIXES: Final = frozenset(
    ["sudo", "doas", "env", "time", "nice", "nohup", "command", "builtin", "exec"]
)


@lru_cache(maxsize=512)
def reader(command_line: str) -> str:
    """The names of the programs, if all of a command line only show text; else empty."""
    names: list[str] = []
    for words in _commands(command_line[:500]):
        name = _reads(words)
        if not name:
            return ""
        names.append(name)
    return " ".join(names)


@lru_cache(maxsize=512)
def settled_by(command_line: str) -> str:
    """The names of the programs whose end is that of the command line, if they only show text.

    Of a list it is that of its last part: what is said before does not make it fail.
    """
    names: list[str] = []
    for words in _commands(command_line[:500], last=True):
        name = _reads(words)
        if not name:
            return ""
        names.append(name)
    return " ".join(names)


def is_own(names: str, row: str) -> bool:
    """Whether a row is what one of some readers, or the shell that ran them, says itself."""
    said = tuple(
        start.format(name) for name in names.split() for start in ("{}: ", "Try '{} ", "Try `{} ")
    )
    return row.startswith(
        (*said, *_SHELLS, *(_OWN[name] for name in names.split() if name in _OWN))
    )


def _commands(command_line: str, *, last: bool = False) -> list[list[str]]:
    """The words of each command of a list or a pipeline; or only of the `last` part of a list."""
    lexer = shlex.shlex(command_line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:  # a quote that is not closed
        words = command_line.split()
    found: list[list[str]] = [[]]
    for word in words:
        if last and word in (";", "||"):
            found = [[]]
        elif word and set(word) <= set("|&;()"):
            found.append([])
        else:
            found[-1].append(word)
    return [one for one in found if one]


def _reads(words: list[str]) -> str:
    """The name of a program that only shows text; empty: it may do something."""
    while words and (words[0] in _PREFIXES or "=" in words[0]):
        words = words[1:]
    if not words:
        return ""
    name = words[0].rpartition("/")[2]
    if name == "git":
        rest = [word for word in words[1:] if not word.startswith("-")]
        return name if rest and rest[0] in _GIT_READERS else ""
    if name in _FOLLOWS:
        return "" if any(map(_FOLLOWS[name], words[1:])) else name
    return name if name in _READERS else ""
