"""What the scripted model answers: which words of a person call for which steps.

It knows nothing of HTTP, nor of the form that a program's service gives an answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias


@dataclass(frozen=True)
class Say:
    """Text, word by word.

    Attributes:
        text: Markdown.
        word_seconds: how long it takes over each word.
    """

    text: str
    word_seconds: float = 0.0


@dataclass(frozen=True)
class Use:
    """A tool call.

    Attributes:
        kind: a key of `_TOOLS`; each program has a name of its own for it.
        values: the command, or path, old and new text.
    """

    kind: str
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fail:
    """The service answers with an HTTP error."""

    status: int
    kind: str
    message: str


@dataclass(frozen=True)
class Hang:
    """The answer begins, and nothing comes."""

    seconds: float = 90.0


Step: TypeAlias = Say | Use | Fail | Hang

_SHORT: Final = """`prices.py` adds up a basket of items and takes off a discount.

- `total()` sums the prices of all lines
- `discount()` gives ten percent off from 100 upwards
"""
_SENTENCE: Final = (
    "The shop began as one file, and every week somebody added a rule to it that nobody removed. "
)
_DIALOGS: Final = """Before I run anything you would see a question such as one of these:

```
Do you want to proceed?
\u276f 1. Yes
  2. No, and tell it what to do differently (esc)

Allow execution of: 'ls'?
△ Permission required
Would you like to run the following command?
Run this command? Proceed (y) (enter)
Press enter to confirm or esc to cancel
Add prices.py to the chat? (Y)es/(N)o [Yes]:
Overwrite prices.py? [y/N]
```
"""
_ASKS: Final = """I looked at both ways of rounding, and the second one is safer.

Do you want to proceed?
"""
_AT_WORK: Final = """While it works the last rows look like this, depending on the program:

```
✻ Pondering… (12s · ↑ 1.2k tokens · esc to interrupt)
• Working (12s • esc to interrupt)
⠏ Thinking... (esc to cancel, 12s)
■■■■⬝⬝⬝⬝  esc interrupt
⬢ Generating.. ctrl+c to stop
Waiting for openai/pair
```
"""
_ERRORS: Final = """The build failed twice yesterday. These are the last lines of its log:

```
API Error: 500 the model is overloaded
■ stream disconnected before completion: error
[API Error: quota exceeded]
litellm.APIConnectionError: connection refused
error: could not compile `shop`
ValueError: discount must not be negative
npm error code ELIFECYCLE
```
"""
_DIFF: Final = """This is the whole change:

```diff
--- a/prices.py
+++ b/prices.py
@@ -4,3 +4,3 @@
-        raise ValueError("error: no items")
+        raise ValueError("fatal: the basket is empty, 0 errors")
     return sum(items)
```

No errors are left, and no test failed.
"""
_LIST: Final = """You can go one of three ways:

1. Yes, round each line
2. Round the sum
3. Keep the cents as they are

Enter to select is what the form says, Esc to cancel.
"""

_NEW_FILE: Final = """CHANGES.md
```
<<<<<<< SEARCH
=======
# Changes

- totals are rounded
>>>>>>> REPLACE
```
"""

# The phrase that stands last in what the person said last.
SCRIPT: Final[Mapping[str, tuple[Step, ...]]] = {
    "what does prices.py do": (Say(_SHORT),),
    "tell me the story": (Say("# The shop\n\n" + _SENTENCE * 40, 0.12),),
    "take your time": (Hang(),),
    "run the tests": (Say("I run the tests.\n"), Use("shell", {"command": "touch tests.log"})),
    "run the slow job": (
        Say("This takes a while.\n"),
        Use("shell", {"command": "touch job.log && sleep 47"}),
    ),
    "start the server": (Use("background", {"command": "touch server.log; sleep 300"}),),
    "suggest a command": (Say("Look at what the build left:\n\n```bash\nls -l build\n```\n"),),
    "as a file": (Say(_NEW_FILE),),
    "clean up": (
        Say("I remove what the build left.\n"),
        Use("shell", {"command": "rm -rf build && echo removed"}),
    ),
    "round the total": (
        Say("I round the sum to cents.\n"),
        Use("read", {"path": "prices.py"}),
        Use(
            "edit",
            {
                "path": "prices.py",
                "old": "    return sum(items)",
                "new": "    return round(sum(items), 2)",
            },
        ),
    ),
    "write a changelog": (
        Use("write", {"path": "CHANGES.md", "text": "# Changes\n\n- totals are rounded\n"}),
    ),
    "is the service up": (Fail(500, "server_error", "the model is overloaded"),),
    "do you know me": (Fail(401, "authentication_error", "the key is not known"),),
    "once more": (Fail(429, "rate_limit_error", "too many requests, wait a while"),),
    "how would you ask": (Say(_DIALOGS),),
    "which rounding": (Say(_ASKS),),
    "how do you look at work": (Say(_AT_WORK),),
    "why did the build fail": (Say(_ERRORS),),
    "show the change": (Say(_DIFF),),
    "what can we do": (Say(_LIST),),
}
DONE: Final[tuple[Step, ...]] = (Say("That is done. Nothing else has to change.\n"),)
OTHERWISE: Final[tuple[Step, ...]] = (Say("All right.\n"),)
# Programs ask for a name of the conversation beside it, and one wants it as JSON.
NAME: Final = "Prices of the shop"
ASIDE: Final[Mapping[str, tuple[Step, ...]]] = {
    "text": (Say(NAME),),
    "json": (Say(json.dumps({"title": NAME})),),
}


@dataclass(frozen=True)
class Request:
    """What a program asks.

    Attributes:
        said: what the person said last.
        results: how many tools have been used since.
        tools: the tools that the program offers, by name, each with the names of its arguments.
        streams: whether the answer may come in pieces.
        aside: ``text`` or ``json`` where this is not the conversation itself, else empty.
    """

    said: str
    results: int
    tools: Mapping[str, frozenset[str]]
    streams: bool = False
    aside: str = ""


def answer(request: Request) -> tuple[Step, ...]:
    """Choose the steps of an answer: up to the first tool call that has no result yet."""
    if request.aside:
        return ASIDE[request.aside]
    found = [(request.said.rfind(phrase), phrase) for phrase in SCRIPT if phrase in request.said]
    steps = SCRIPT[max(found)[1]] if found else OTHERWISE
    turns: list[tuple[Step, ...]] = [()]
    for step in steps:
        if not isinstance(step, Use):
            turns[-1] += (step,)
        elif tool_call(step, request, "") is not None:
            turns[-1] += (step,)
            turns.append(())
    turn = turns[request.results] if request.results < len(turns) else ()
    return turn or DONE


# Per kind, a program's name for the tool and for what it is given; the first one offered is used.
_TOOLS: Final[Mapping[str, tuple[tuple[str, Mapping[str, str]], ...]]] = {
    "shell": (
        ("Bash", {"command": "command", "description": "=does what was asked for"}),
        (
            "exec_command",
            {
                "cmd": "command",
                "sandbox_permissions": "=require_escalated",
                "justification": "=May I do that?",
            },
        ),
        ("run_shell_command", {"command": "command", "description": "=does it"}),
        ("bash", {"command": "command", "description": "=does what was asked for"}),
    ),
    "background": (
        (
            "Bash",
            {"command": "command", "run_in_background": "?", "description": "=starts the server"},
        ),
        ("run_shell_command", {"command": "command", "is_background": "?"}),
    ),
    "read": (
        ("Read", {"file_path": "/path"}),
        ("read_file", {"file_path": "/path"}),
        ("read", {"filePath": "/path"}),
        ("view", {"path": "/path"}),
    ),
    "edit": (
        ("Edit", {"file_path": "/path", "old_string": "old", "new_string": "new"}),
        (
            "replace",
            {
                "file_path": "/path",
                "instruction": "=Round the sum.",
                "old_string": "old",
                "new_string": "new",
            },
        ),
        ("edit", {"filePath": "/path", "oldString": "old", "newString": "new"}),
        ("edit", {"path": "/path", "old_str": "old", "new_str": "new"}),
        ("edit", {"file_path": "/path", "old_string": "old", "new_string": "new"}),
        ("exec_command", {"cmd": "!patch"}),
    ),
    "write": (
        ("Write", {"file_path": "/path", "content": "text"}),
        ("write_file", {"file_path": "/path", "content": "text"}),
        ("write", {"filePath": "/path", "content": "text"}),
        ("create", {"path": "/path", "file_text": "text"}),
        ("exec_command", {"cmd": "!patch"}),
    ),
}


def tool_call(use: Use, request: Request, folder: str) -> tuple[str, dict[str, object]] | None:
    """Say it with a tool that the program offers.

    Args:
        use: what is to be done.
        request: what the program offers.
        folder: where the program runs; tools want whole paths.

    Returns:
        The tool's name and arguments; None where the program offers none of the kind.
    """
    for name, arguments in _TOOLS[use.kind]:
        wanted = {key for key, value in arguments.items() if not value.startswith("=")}
        if wanted <= request.tools.get(name, frozenset()):
            return name, {key: _value(use, value, folder) for key, value in arguments.items()}
    return None


def _patch(use: Use) -> str:
    """Say an edit or a new file in the patch format of a program that has no tool for it."""
    path = use.values["path"]
    if use.kind == "write":
        added = "".join(f"+{line}\n" for line in use.values["text"].splitlines())
        change = f"*** Add File: {path}\n{added}"
    else:
        change = f"*** Update File: {path}\n@@\n-{use.values['old']}\n+{use.values['new']}\n"
    return f"apply_patch <<'EOF'\n*** Begin Patch\n{change}*** End Patch\nEOF\n"


def _value(use: Use, source: str, folder: str) -> object:
    if source == "?":
        return True
    if source == "!patch":
        return _patch(use)
    if source.startswith("="):
        return source[1:]
    if source.startswith("/"):
        return f"{folder}/{use.values[source[1:]]}"
    return use.values[source]
