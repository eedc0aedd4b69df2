"""Commands to tmux as a client writes them: ``{"action":"command","command":"send-text",…}``.

What a target is and whether it may be commanded is decided in `serve`; what may be in a text, a key
or a name in `tmux.orders`.
"""

from __future__ import annotations

from typing import Literal, Union, get_args

import msgspec

RequestId = Union[str, int, None]  # noqa: UP007  # evaluated by msgspec on Python 3.10


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A session, window or pane: by name or id, index or id, index or id.

    Attributes:
        server: the tmux server, where several are watched.
        session: its name or id.
        window: its index, id or name.
        pane: its index or id.
    """

    server: str | None = None
    session: str | None = None
    window: str | int | None = None
    pane: str | int | None = None


class Command(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="command"
):
    """Base of the commands.

    Attributes:
        id: repeated in the reply.
        target: without a pane, the active one of the window; without a window, the current one.
        key: a repeat with the same key is not run again and gets the same answer.
        deadline_s: seconds until it has to be done; what is not begun by then never is.
    """

    action: Literal["command"] = "command"
    id: RequestId = None
    target: Target = Target()
    key: str | None = None
    deadline_s: float | None = None


class SendText(Command, frozen=True, kw_only=True, tag="send-text"):
    """Type a text into a pane, as it is.

    Attributes:
        text: no shell, no key names and no formats are seen in it.
        enter: whether Enter is pressed after it.
    """

    text: str
    enter: bool = False


class SendKeys(Command, frozen=True, kw_only=True, tag="send-keys"):
    """Press keys by tmux's names for them, such as ``C-c`` or ``Up``.

    Attributes:
        keys: in order.
    """

    keys: list[str]


class Interrupt(Command, frozen=True, kw_only=True, tag="interrupt"):
    """Press Ctrl-C."""


class Select(Command, frozen=True, kw_only=True, tag="select"):
    """Make a pane its window's active one, and its window the session's current one."""


class Rename(Command, frozen=True, kw_only=True, tag="rename"):
    """Rename the window that the target names; without one, the session.

    Attributes:
        name: the new one.
    """

    name: str


class NewWindow(Command, frozen=True, kw_only=True, tag="new-window"):
    """Make a window with the user's shell in it, in the background.

    Attributes:
        name: of the window; empty: tmux's choice.
        path: the directory it begins in; empty: tmux's choice.
    """

    name: str = ""
    path: str = ""


class Split(Command, frozen=True, kw_only=True, tag="split"):
    """Split a pane; the new one, with the user's shell in it, does not become active.

    Attributes:
        direction: ``right`` (side by side) or ``below``.
        path: the directory it begins in; empty: tmux's choice.
    """

    direction: Literal["right", "below"] = "below"
    path: str = ""


class KillPane(Command, frozen=True, kw_only=True, tag="kill-pane"):
    """End a pane and what runs in it."""


class PaneStatus(Command, frozen=True, kw_only=True, tag="status"):
    """Give the pane as in a snapshot."""


class Capture(Command, frozen=True, kw_only=True, tag="capture"):
    """Give what a pane shows.

    Attributes:
        lines: how many lines of what scrolled away above it come first.
        styled: give an object with rows, colours and cursor (`Screen`) in place of a text.
    """

    lines: int = 0
    styled: bool = False


AnyCommand = Union[  # noqa: UP007  # evaluated by msgspec on Python 3.10
    SendText,
    SendKeys,
    Interrupt,
    Select,
    Rename,
    NewWindow,
    Split,
    KillPane,
    PaneStatus,
    Capture,
]
COMMANDS: frozenset[str] = frozenset(
    str(command.__struct_config__.tag) for command in get_args(AnyCommand)
)
