"""What a program is called that runs in an interpreter: told from its arguments. Pure.

``node /usr/lib/node_modules/@google/gemini-cli/dist/index.js`` is gemini-cli, ``python -m aider``
is aider. Nothing of the arguments but such a name is given on: they may hold secrets.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

MAX_NAME = 60  # characters

_INTERPRETERS = re.compile(
    r"(?:python|pypy)[\d.]*|node(?:js)?|bun|deno|ruby|perl|php[\d.]*|lua[\d.]*|tsx|ts-node"
    r"|MainThread"  # what a worker of node calls itself
)
_SHELLS = re.compile(r"-?(?:ba|z|k|mk|da|a|fi)?sh")
# Options that take the next word, too; and those after which there is no file.
_TAKES_WORD = frozenset(
    [
        *("-W", "-X", "-r", "--require", "--import", "--loader", "--preload", "-C", "--conditions"),
        *("-I", "--config", "--rcfile", "--init-file", "-O", "+O", "-o", "+o"),
    ]
)
_NO_FILE = frozenset(["-e", "--eval", "-p", "--print", "-E", "-"])
_VERBS = frozenset(["run", "x", "exec"])  # of bun and deno
_SUFFIX = re.compile(r"\.(?:[cm]?[jt]sx?|py[cz]?|rb|pl|php|lua)$")
_DULL = frozenset(["index", "main", "cli", "bin", "__main__", "__init__", "start", "run"])
_FOLDERS = frozenset(["dist", "bin", "build", "lib", "src", "out", "bundle", "cli", ".bin"])
_NOT_IN_NAME = re.compile(r"[^\w.@+-]")


def name_of(arguments: Sequence[str], fallback: str = "") -> str:
    """What a process is called: the last part of its first argument.

    Args:
        arguments: as the system tells them; a program may have written over them.
        fallback: what the system calls it, for when there are none.
    """
    first = arguments[0] if arguments else ""
    word = re.split(r"[ :]", first.strip(), maxsplit=1)[0]
    return _clean(PurePosixPath(word).name.lstrip("-") or fallback)


def is_shell(name: str) -> bool:
    """Whether a program of this name is a shell."""
    return _SHELLS.fullmatch(name) is not None


def program_of(arguments: Sequence[str], fallback: str = "") -> str:
    """What a program is called that an interpreter runs; empty when it is not an interpreter's."""
    name = name_of(arguments, fallback)
    rest = list(arguments[1:])
    if is_shell(name):
        file = _file(rest, command_option="c")
        return "" if file is None else _clean(PurePosixPath(file).name)
    if not _INTERPRETERS.fullmatch(name):
        return ""
    is_python = name.startswith("py")
    if is_python and "-m" in rest and all(one.startswith("-") for one in rest[: rest.index("-m")]):
        module = rest[rest.index("-m") + 1 :][:1]
        return _clean(module[0].partition(".")[0]) if module else ""
    if rest[:1] and rest[0] in _VERBS:
        del rest[0]
    file = _file(rest, command_option="c" if is_python else "")
    return "" if file is None else _clean(_of_file(file))


def _file(arguments: Sequence[str], *, command_option: str) -> str | None:
    """The first argument that is no option; None when a program is given in another way."""
    words = iter(arguments)
    for word in words:
        if word in _NO_FILE:
            return None
        if word == "--":
            return next(words, None)
        if not word.startswith(("-", "+")):
            return word
        letters = word[1:] if re.fullmatch(r"-[a-zA-Z]+", word) else ""
        if command_option and command_option in letters:
            return None
        if word in _TAKES_WORD:
            next(words, None)
    return None


def _of_file(path: str) -> str:
    """A name for a script: of the package it is in, or its own."""
    parts = PurePosixPath(path).parts
    stem = _SUFFIX.sub("", parts[-1]) if parts else ""
    if stem.lower() not in _DULL:
        return stem
    if "node_modules" in parts:
        behind = parts[len(parts) - parts[::-1].index("node_modules") :]
        package = behind[1:2] if behind[0].startswith("@") else behind[:1]
        if len(behind) > len(package):
            return package[0] if package else stem
    folders = [part for part in parts[:-1] if part not in _FOLDERS and part not in ("/", ".", "..")]
    return folders[-1] if folders else stem


def _clean(name: str) -> str:
    return _NOT_IN_NAME.sub("", name)[:MAX_NAME]
