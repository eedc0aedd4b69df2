r"""One table of fields: it makes the ``-F`` strings, and it parses the rows they give.

Rows are told apart by a nonce that no program in a pane can know, since paths and commands can
hold newlines and tabs (tmux writes `pane_current_path` and `pane_current_command` raw; names and
titles it escapes itself). Separating by a control character does not work: 3.4 and 3.5a rewrite
``\x1f``. Fields that tmux makes are joined by TAB, texts that people and programs make by the
nonce. Clients need ``-u``, else non-ASCII text becomes ``_``.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from tmuxpulse.errors import ListingBroken

MAX_TEXT = 1024  # characters kept of a name, title, command or path
KNOWN_ROWS = 512  # from one listing to the next most rows stay as they are
KNOWN_CHARACTERS = 1024  # longer ones are read anew: a title can have a megabyte

# C0 except TAB and newline, DEL, C1, and the bidi controls: no text of ours can move a cursor.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)

# What tmux makes: numbers, ids, flags, layouts.
_PLAIN_FIELDS = (
    "session_id",
    "window_id",
    "pane_id",
    "window_index",
    "pane_index",
    "window_active",
    "pane_active",
    "window_zoomed_flag",
    "pane_dead",
    "pane_pipe",
    "alternate_on",
    "pane_pid",
    "pane_width",
    "pane_height",
    "pane_dead_status",
    "pane_dead_signal",
    "session_created",
    "window_layout",
)
# What people and programs make.
_TEXT_FIELDS = (
    "session_name",
    "window_name",
    "pane_title",
    "pane_current_command",
    "pane_current_path",
)
_SIGNATURE_FIELDS = (
    "session_id",
    "window_id",
    "pane_id",
    "window_index",
    "window_active",
    "window_layout",
    "window_zoomed_flag",
    "session_name",
    "window_name",
)
_CLIENT_FIELDS = ("session_id", "client_control_mode")


class PaneRow(msgspec.Struct, frozen=True, kw_only=True):
    """One pane as one session shows it; sizes in cells, times in seconds of the epoch."""

    session_id: str
    window_id: str
    pane_id: str
    window_index: int
    pane_index: int
    window_active: bool
    pane_active: bool
    window_zoomed_flag: bool
    pane_dead: bool
    pane_pipe: bool
    alternate_on: bool
    pane_pid: int
    pane_width: int
    pane_height: int
    pane_dead_status: int | None
    pane_dead_signal: str | None
    session_created: int = 0
    window_layout: str
    session_name: str
    window_name: str
    pane_title: str
    pane_current_command: str
    pane_current_path: str


class ClientRow(msgspec.Struct, frozen=True, kw_only=True):
    """One attached client."""

    name: str
    session_id: str
    control: bool


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a tmux server told at one moment."""

    panes: tuple[PaneRow, ...]
    clients: tuple[ClientRow, ...]


EMPTY = Listing(panes=(), clients=())


def pane_format(nonce: str) -> str:
    """The format for ``list-panes -a -F``."""
    plain = "\t".join(f"#{{{field}}}" for field in _PLAIN_FIELDS)
    texts = nonce.join(f"#{{{field}}}" for field in _TEXT_FIELDS)
    return f"{nonce}P\t{plain}{nonce}{texts}{nonce}."


def client_format(nonce: str) -> str:
    """The format for ``list-clients -F``."""
    plain = "\t".join(f"#{{{field}}}" for field in _CLIENT_FIELDS)
    return f"{nonce}C\t{plain}{nonce}#{{client_name}}{nonce}."


def listing_commands(nonce: str) -> list[str]:
    """The tmux commands whose output `parse_listing` reads, one a line, quoted for a script."""
    return [
        f"list-clients -F '{client_format(nonce)}'",
        f"list-panes -a -F '{pane_format(nonce)}'",
    ]


def signature_commands() -> list[str]:
    """The tmux commands whose output differs when something else than a pane's inside changed.

    A quarter of a listing's cost at a hundred panes: one row a window, with its active pane.
    """
    fields = " ".join(f"#{{{field}}}" for field in _SIGNATURE_FIELDS)
    return [
        "list-clients -F '#{client_name} #{session_id}'",
        f"list-windows -a -F '{fields}'",
    ]


def signature_of(listing: Listing) -> bytes:
    """What `signature_commands` tell while nothing has changed since a listing.

    Where a name has characters that `clean` replaces they tell something else.
    """
    rows = [f"{client.name} {client.session_id}\n" for client in listing.clients]
    for pane in listing.panes:
        if pane.pane_active:
            values = [getattr(pane, field) for field in _SIGNATURE_FIELDS]
            rows.append(" ".join(str(int(v) if isinstance(v, bool) else v) for v in values) + "\n")
    return "".join(rows).encode()


def parse_listing(body: bytes, nonce: str) -> Listing:
    """Read the output of `listing_commands`.

    Raises:
        ListingBroken: a row is not of the table's form; the whole listing is refused.
    """
    panes: list[PaneRow] = []
    clients: list[ClientRow] = []
    text = body.decode("utf-8", "replace")
    before, *rows = re.split(f"(?m)^{nonce}(?=[PC]\t)", text)
    if before.strip():
        raise ListingBroken(f"text before the first row: {before!r:.100}")
    for row in rows:
        read = (_known_row if len(row) <= KNOWN_CHARACTERS else _read_row)(row, nonce)
        if isinstance(read, PaneRow):
            panes.append(read)
        else:
            clients.append(read)
    return Listing(panes=tuple(panes), clients=tuple(clients))


def clean(text: str) -> str:
    """A name, title, command or path without anything that could steer a terminal; bounded."""
    return _UNSAFE.sub("\ufffd", text[:MAX_TEXT])


def _read_row(row: str, nonce: str) -> PaneRow | ClientRow:
    plain, *texts = row.split(nonce)
    kind, *fields = plain.split("\t")
    if not texts or texts.pop() != ".\n":
        raise ListingBroken(f"a row without its end: {row!r:.100}")
    try:
        if kind == "P":
            return _pane_row(fields, texts)
        session_id, control = fields
        (name,) = texts
        return ClientRow(name=clean(name), session_id=session_id, control=control == "1")
    except ValueError as error:
        raise ListingBroken(f"a row that does not fit: {row!r:.100} ({error})") from None


_known_row = lru_cache(maxsize=KNOWN_ROWS)(_read_row)


def _pane_row(fields: list[str], texts: list[str]) -> PaneRow:
    (
        session_id,
        window_id,
        pane_id,
        window_index,
        pane_index,
        window_active,
        pane_active,
        zoomed,
        dead,
        pipe,
        alternate,
        pid,
        width,
        height,
        status,
        signal,
        created,
        layout,
    ) = fields
    session_name, window_name, title, command, path = map(clean, texts)
    return PaneRow(
        session_id=session_id,
        window_id=window_id,
        pane_id=pane_id,
        window_index=int(window_index),
        pane_index=int(pane_index),
        window_active=window_active == "1",
        pane_active=pane_active == "1",
        window_zoomed_flag=zoomed == "1",
        pane_dead=dead == "1",
        pane_pipe=pipe == "1",
        alternate_on=alternate == "1",
        pane_pid=int(pid),
        pane_width=int(width),
        pane_height=int(height),
        pane_dead_status=int(status) if status else None,
        pane_dead_signal=signal or None,
        session_created=int(created),
        window_layout=layout,
        session_name=session_name,
        window_name=window_name,
        pane_title=title,
        pane_current_command=command,
        pane_current_path=path,
    )
