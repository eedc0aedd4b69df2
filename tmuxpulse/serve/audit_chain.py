"""The chain of the audit log: each line holds the hash of the one before it. Pure.

- ``n`` counts on without a gap; ``prev`` is the SHA-256, in hex, of the line before, without its
  newline; that of the first is empty.
- The head is number and hash of the last line. It is kept elsewhere: only it shows a cut at the
  end, or an edit of the last line.
- What is no entry (a line that a crash left half-written, an edit) is damage. The writer's next
  entry is then ``audit.repaired``: its ``prev`` is the last good line before the damage, and it
  holds length and hash of the damage. So the damage is part of the chain too.
- ``audit.repaired`` also tells when the head was not the end that was found, and what it said.
  When the head was further on, the count goes on after the head's: the gap stays visible.
- ``audit.rotated`` tells up to which number rotation has removed lines. A beginning that is missing
  and was not told so is a finding.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from tmuxpulse.serve.audit_entry import MAX_INTEGER

CURRENT = "audit.jsonl"
REPAIRED = "audit.repaired"
ROTATED = "audit.rotated"
LOST = "audit.lost"

_FULL = re.compile(r"audit-([0-9]{1,16})-([0-9]{1,16})\.jsonl", re.ASCII)
_HEX = r"^([0-9a-f]{64})?$"


class Head(msgspec.Struct, frozen=True):
    """The end of the chain: number and hash of the last line; 0 and empty when there is none."""

    n: Annotated[int, Meta(ge=0, le=MAX_INTEGER)] = 0
    hash: Annotated[str, Meta(pattern=_HEX)] = ""

    def __str__(self) -> str:
        return f"{self.n}:{self.hash}"


class Piece(NamedTuple):
    """A line, or a part of one that is too long to be an entry.

    Attributes:
        file: its name.
        line: its number there, from 1.
        data: the bytes, with the newline.
        begins: whether it is not the rest of a line.
    """

    file: str
    line: int
    data: bytes
    begins: bool = True


class Link(msgspec.Struct, frozen=True):
    """What the chain needs of an entry."""

    n: Annotated[int, Meta(ge=1, le=MAX_INTEGER)]
    action: str
    prev: Annotated[str, Meta(pattern=_HEX)]


_links = msgspec.json.Decoder(Link)


def link_of(piece: Piece) -> Link | None:
    """What a line says of the chain; None when it is no entry, or not all of a line."""
    if not piece.begins or not piece.data.endswith(b"\n"):
        return None
    try:
        return _links.decode(piece.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def hash_of(data: bytes) -> str:
    """The hash of a line, which stands in the next."""
    return hashlib.sha256(data[:-1] if data.endswith(b"\n") else data).hexdigest()


def full_name(first: int, last: int) -> str:
    """The name of a file that is full."""
    return f"audit-{first:012d}-{last:012d}.jsonl"


def span_of(name: str) -> tuple[int, int] | None:
    """The first and last number in a full file, by its name; None for other names."""
    found = _FULL.fullmatch(name)
    return (int(found[1]), int(found[2])) if found else None
