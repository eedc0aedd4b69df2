"""Commands that only show text which is there: its error words are not their own.

What a person sees in a diff, a search, a file or a log is not what happens now.
"""

from __future__ import annotations

from typing import Final

_READERS: Final = frozenset(
    [
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
_PREFIXES: Final = frozenset(
    ["sudo", "doas", "env", "time", "nice", "nohup", "command", "builtin", "exec"]
)


def reader(command_line: str) -> str:
    """The name of the program when it only shows text; else empty."""
    words = command_line[:500].split()
    while words and (words[0] in _PREFIXES or "=" in words[0]):
        words.pop(0)
    if not words:
        return ""
    name = words[0].rpartition("/")[2]
    if name == "git":
        rest = [word for word in words[1:] if not word.startswith("-")]
        return name if rest and rest[0] in _GIT_READERS else ""
    return name if name in _READERS else ""


def is_own(name: str, row: str) -> bool:
    """Whether a row is what a reader, or the shell that ran it, says itself."""
    if name == "git":
        return row.startswith("fatal: ")
    return row.startswith((f"{name}: ", "bash: ", "zsh: ", "fish: ", "sh: "))
