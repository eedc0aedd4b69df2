"""Codex's `config.toml`: our `notify` in it, and everything else as it was. Pure.

Codex runs one `notify`. One that was there is kept in a comment, from which `remove` puts it back
to the byte, and is run by ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tmuxpulse.agent_hooks.program import CODEX, codex_command, is_ours, others_in
from tmuxpulse.agent_hooks.toml_text import Statement, parse, statements, written
from tmuxpulse.errors import UsageError

NEW_FILE: Final = ""
EVENT: Final = "notify"
KEPT: Final = "# kept by tmuxpulse: "


def install(text: str, where: str, program: Sequence[str]) -> str:
    """Put our `notify` in, or bring it up to date.

    Args:
        text: the settings.
        where: the name of their file.
        program: how tmuxpulse is started.

    Raises:
        UsageError: the settings are not as Codex wants them; with the line.
    """
    command, there = _notify(text, where)
    if there is None:
        return _added(text, _line(codex_command(program)))
    old = text[there.start : there.end]
    if _is_ours(command):
        line = _line(codex_command(program, others_in(command))) + _ending(old)
        return text[: there.start] + line + text[there.end :]
    return text[: there.start] + _instead(old, codex_command(program, command)) + text[there.end :]


def remove(text: str, where: str) -> str:
    """Take our `notify` out, and put back what was there before.

    Args:
        text: the settings.
        where: the name of their file.

    Raises:
        UsageError: as `install`.
    """
    command, there = _notify(text, where)
    if there is None or not _is_ours(command):
        return text
    ours = text[there.start : there.end]
    kept = _kept_before(text, there.start)
    if kept < there.start:
        lines = text[kept : there.start].splitlines(keepends=True)
        old = "".join(line.removeprefix(KEPT) for line in lines)
        if not _ending(ours):  # the last line of the file had no end
            old = old.removesuffix(_ending(old))
        return text[:kept] + old + text[there.end :]
    if others_in(command):  # its comment is gone, what it ran is not
        line = _line(others_in(command)) + _ending(ours)
        return text[: there.start] + line + text[there.end :]
    before = text[: there.start]
    shorter = [before + text[there.end :], before.removesuffix(_ending(before)) + text[there.end :]]
    made = (one for one in shorter if _added(one, _line(command)) == text)
    return next(made, shorter[0])


def installed(text: str, where: str) -> dict[str, str]:
    """Our command, if it is there.

    Raises:
        UsageError: as `install`.
    """
    command, _ = _notify(text, where)
    return {EVENT: command[2]} if _is_ours(command) else {}


def _notify(text: str, where: str) -> tuple[list[str], Statement | None]:
    """What `notify` is, and where; without one: nothing."""
    command = parse(text, where).get(EVENT)
    there = next((one for one in statements(text) if one.key == EVENT), None)
    if command is None:
        return [], None
    line = text.count("\n", 0, there.start) + 1 if there else 1
    if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
        raise UsageError(f"{where}:{line}: notify is not a list of texts; nothing done")
    if there is None:
        raise UsageError(f"{where}:1: there is a notify that cannot be found; nothing done")
    return command, there


def _is_ours(command: list[str]) -> bool:
    return len(command) > len(("sh", "-c", "script")) and is_ours(CODEX, command[2])


def _added(text: str, line: str) -> str:
    """Put a line behind the last statement before the first table; else at the top."""
    known = statements(text)
    at = known[-1].end if known else 0
    if at and not _ending(text[:at]):
        return text[:at] + _newline(text) + line + text[at:]
    return text[:at] + line + _newline(text) + text[at:]


def _instead(old: str, command: list[str]) -> str:
    """Our line in the place of somebody's, with theirs in comments before it."""
    newline = _newline(old)
    kept = "".join(KEPT + line for line in old.splitlines(keepends=True))
    if not _ending(old):
        return kept + newline + _line(command)
    return kept + _line(command) + _ending(old)


def _kept_before(text: str, at: int) -> int:
    """Where the comments right before a place begin that keep something."""
    while at:
        line = text.rfind("\n", 0, at - 1) + 1
        if not text.startswith(KEPT, line):
            break
        at = line
    return at


def _line(command: Sequence[str]) -> str:
    return f"{EVENT} = {written(command)}"


def _ending(text: str) -> str:
    return "\r\n" if text.endswith("\r\n") else "\n" if text.endswith("\n") else ""


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
