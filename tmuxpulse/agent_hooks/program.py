"""The command lines that are put into settings, and how they are known again. Pure.

A hook must never hurt an agent: nothing of ours is printed, whatever it printed would be read by
some; the exit status is always 0, since Claude Code takes 2 for a refusal, as when an older
tmuxpulse does not know an option; and outside tmux no program is started at all.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final

CLAUDE_CODE: Final = "claude-code"
CODEX: Final = "codex"
_OURS: Final = {
    program: re.compile(rf"\bemit --from-hook {program}(?![\w-])")
    for program in (CLAUDE_CODE, CODEX)
}


def is_ours(program: str, command: object) -> bool:
    """Whether a command was put there by this program, in whatever release."""
    return isinstance(command, str) and _OURS[program].search(command) is not None


def claude_code_command(program: Sequence[str]) -> str:
    """The shell command of a hook; the hook's JSON is at its standard input.

    Args:
        program: how tmuxpulse is started.
    """
    return (
        f'[ -z "$TMUX_PANE" ] || {shlex.join(program)} emit --from-hook {CLAUDE_CODE}'
        " >/dev/null 2>&1 || :"
    )


def codex_command(program: Sequence[str], others: Sequence[str] = ()) -> list[str]:
    """The arguments of `notify`; Codex adds the JSON as one more.

    Args:
        program: how tmuxpulse is started.
        others: what was there before: it is run too, with the same JSON, even when tmuxpulse is
            gone.
    """
    script = (
        'for json; do :; done; [ -z "$TMUX_PANE" ] || '
        f'{shlex.join(program)} emit --from-hook {CODEX} "$json" >/dev/null 2>&1;'
        ' [ $# -lt 2 ] || exec "$@"'
    )
    return ["/bin/sh", "-c", script, "tmuxpulse", *others]


def others_in(command: Sequence[str]) -> list[str]:
    """What `codex_command` was given as `others`."""
    return list(command[4:])
