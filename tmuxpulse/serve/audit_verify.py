"""Whether an audit log is as it was written: the judge of the chain. Pure.

`audit_chain` has the rules. Lines are taken one after the other; what is remembered is bounded.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence

import msgspec

from tmuxpulse.serve.audit_chain import (
    CURRENT,
    LOST,
    REPAIRED,
    ROTATED,
    Head,
    Link,
    Piece,
    hash_of,
    link_of,
    span_of,
)

MAX_FINDINGS = 1000  # kept; more are counted
RECENT = 1024  # lines whose hashes are remembered, to compare with what a head said


class Finding(msgspec.Struct, frozen=True):
    """Something that is not as it was written, or (as a note) that a reader should know.

    Attributes:
        kind: ``changed``, ``missing``, ``order``, ``damaged``, ``half-written``, ``cut``,
            ``newer``, ``name``; of notes ``start``, ``repaired``, ``head``, ``lost``.
        file: where.
        line: where in it, from 1; 0: nowhere in particular.
        text: what.
    """

    kind: str
    file: str
    line: int
    text: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What `verify` gives.

    Attributes:
        entries: how many there are.
        first: the number of the first one; 0: there is none.
        last: that of the last one, and its hash.
        findings: what is wrong.
        left_out: how many more findings there were.
        notes: what is worth knowing.
    """

    entries: int
    first: int
    last: Head
    findings: list[Finding]
    left_out: int
    notes: list[Finding]

    @property
    def unbroken(self) -> bool:
        """Whether everything is as it was written."""
        return not self.findings


class _Facts(msgspec.Struct, frozen=True):
    """What the log tells of itself, in entries of its own."""

    bytes: int = 0
    damage: str = ""
    head: str = ""
    head_n: int = 0
    head_hash: str = ""
    removed_to: int = 0
    count: int = 0


_facts = msgspec.json.Decoder(_Facts)


def verify(pieces: Iterable[Piece], head: Head | None, noted: Sequence[str] = ()) -> Verdict:
    """Look for everything that was changed since it was written.

    Args:
        pieces: all of the log, oldest first.
        head: the end as it was kept elsewhere, if it was.
        noted: hashes of lines that somebody noted; each has to be there.
    """
    verifier = Verifier(head, noted)
    for piece in pieces:
        verifier.feed(piece)
    return verifier.end()


class _Damage:
    """Bytes that are no entry, since the last good line."""

    def __init__(self, piece: Piece) -> None:
        self.file, self.first = piece.file, piece.line
        self.last = piece
        self.bytes = 0
        self._hash = hashlib.sha256()

    def add(self, piece: Piece) -> None:
        self.last = piece
        self.bytes += len(piece.data)
        self._hash.update(piece.data)

    @property
    def hash(self) -> str:
        return self._hash.hexdigest()


class Verifier:
    """`verify`, for those who have the lines one after the other. Memory is bounded."""

    def __init__(self, head: Head | None, noted: Sequence[str] = ()) -> None:
        self._head = head
        self._noted = dict.fromkeys(noted, 0)
        self._findings: list[Finding] = []
        self._left_out = 0
        self._notes: list[Finding] = []
        self._entries = self._first = self._removed_to = 0
        self._last = Head()
        self._begun = Piece(CURRENT, 0, b"")
        self._at = Piece("", 0, b"")
        self._in_file = (0, 0)
        self._damage: _Damage | None = None
        self._recent: OrderedDict[int, str] = OrderedDict()
        self._hash_at_head = ""

    def feed(self, piece: Piece) -> None:
        """Take the next piece."""
        if piece.file != self._at.file:
            self._end_file()
        self._at = piece
        link = link_of(piece)
        if link is None:
            self._damage = self._damage or _Damage(piece)
            self._damage.add(piece)
        else:
            self._entry(link, hash_of(piece.data), _facts_of(link, piece.data))

    def end(self) -> Verdict:
        """Judge the end."""
        self._end_file()
        damage = self._damage
        if damage is not None:
            half = not damage.last.data.endswith(b"\n")
            self._find(
                "half-written" if half else "damaged",
                f"the last {damage.bytes} bytes are no entry: "
                + (
                    "a crash in the middle of a line, or a cut; the next entry will tell of it"
                    if half
                    else "they were changed or added"
                ),
                file=damage.file,
                line=damage.first,
            )
        if self._first > 1:
            self._judge_beginning()
        self._judge_head()
        for noted, n in self._noted.items():
            if n:
                self._note("head", f"the noted hash is that of n {n}")
            else:
                self._find("changed", f"no line has the noted hash {noted[:64]}")
        return Verdict(
            entries=self._entries,
            first=self._first,
            last=self._last,
            findings=self._findings,
            left_out=self._left_out,
            notes=self._notes,
        )

    # --- an entry ------------------------------------------------------------------------

    def _entry(self, link: Link, digest: str, facts: _Facts) -> None:
        repairs = link.action == REPAIRED
        self._judge_damage(link, facts if repairs else _Facts())
        if self._entries:
            self._judge_link(link)
        else:
            self._first = link.n
            self._begun = self._at
            if (link.n == 1) != (link.prev == ""):
                self._find("missing", f"the log begins with n {link.n}: what was before it is gone")
        if repairs:
            self._judge_old_head(link, facts)
        elif link.action == ROTATED:
            self._removed_to = max(self._removed_to, facts.removed_to)
        elif link.action == LOST:
            self._note("lost", f"n {link.n}: {facts.count} entries could not be written")
        self._entries += 1
        self._last = Head(link.n, digest)
        self._in_file = (self._in_file[0] or link.n, link.n)
        self._recent[link.n] = digest
        if len(self._recent) > RECENT:
            self._recent.popitem(last=False)
        if self._head is not None and link.n == self._head.n:
            self._hash_at_head = digest
        if digest in self._noted:
            self._noted[digest] = link.n

    def _judge_damage(self, link: Link, facts: _Facts) -> None:
        damage, self._damage = self._damage, None
        if damage is None:
            if facts.bytes:
                self._find("missing", f"the damage that n {link.n} tells of is gone")
        elif (facts.bytes, facts.damage) == (damage.bytes, damage.hash):
            self._note(
                "repaired",
                f"{damage.bytes} bytes that are no entry, as n {link.n} tells: half-written",
                file=damage.file,
                line=damage.first,
            )
        else:
            lines = f"; up to line {damage.last.line}" if damage.last.line != damage.first else ""
            self._find(
                "damaged",
                f"{damage.bytes} bytes that are no entry{lines}",
                file=damage.file,
                line=damage.first,
            )

    def _judge_link(self, link: Link) -> None:
        n, last = link.n, self._last
        if n == last.n + 1:
            if link.prev != last.hash:
                self._find("changed", f"n {n} does not follow from n {last.n}: one was changed")
        elif n > last.n:
            self._find("missing", f"n {last.n + 1} to {n - 1} are missing before n {n}")
        else:
            self._find("order", f"n {n} comes after n {last.n}: moved, repeated or added")

    def _judge_old_head(self, link: Link, facts: _Facts) -> None:
        """Compare what a head said, when it was not the end that was found, with what is here."""
        n = facts.head_n
        if facts.head:
            self._note("head", f"before n {link.n} the head was {facts.head[:20]}")
        if not 0 < n <= self._last.n:
            return  # none, or one further on: then the numbers have a gap
        if self._recent.get(n) == facts.head_hash:
            newer = self._last.n - n
            self._note("head", f"before n {link.n} the head was {newer} entries behind: a crash?")
        elif n >= self._first:
            self._find("changed", f"n {n} is not what the head said before n {link.n}")

    # --- the ends ------------------------------------------------------------------------

    def _end_file(self) -> None:
        name, found, self._in_file = self._at.file, self._in_file, (0, 0)
        told = span_of(name)
        if told is not None and found != told:
            self._find("name", f"it holds n {found[0]} to {found[1]}, not what its name says")

    def _judge_beginning(self) -> None:
        file, line = self._begun.file, self._begun.line
        if self._first - 1 <= self._removed_to:
            text = f"older files were removed by rotation: vouches from n {self._first} on"
            self._note("start", text, file=file, line=line)
        else:
            gone = f"n {self._removed_to + 1} to {self._first - 1} are missing"
            text = f"{gone}, and no rotation tells that it removed them"
            self._find("missing", text, file=file, line=line)

    def _judge_head(self) -> None:
        head, last = self._head, self._last
        if head is None:
            if self._entries:
                self._note("head", "there is no head to compare with: a cut at the end is not seen")
        elif head.n > last.n:
            self._find("cut", f"the head says n {head.n}; n {last.n + 1} to {head.n} are missing")
        else:
            if self._hash_at_head != head.hash:
                self._find("changed", f"n {head.n} is not what the head says")
            if head.n < last.n:
                self._find(
                    "newer",
                    f"the head says n {head.n}: what follows it was written before a crash,"
                    " or by somebody else",
                )

    def _find(
        self, kind: str, text: str, *, file: str | None = None, line: int | None = None
    ) -> None:
        if len(self._findings) >= MAX_FINDINGS:
            self._left_out += 1
        else:
            self._findings.append(self._said(kind, text, file, line))

    def _note(
        self, kind: str, text: str, *, file: str | None = None, line: int | None = None
    ) -> None:
        if len(self._notes) < MAX_FINDINGS:
            self._notes.append(self._said(kind, text, file, line))

    def _said(self, kind: str, text: str, file: str | None, line: int | None) -> Finding:
        return Finding(
            kind,
            self._at.file or CURRENT if file is None else file,
            self._at.line if line is None else line,
            text,
        )


def _facts_of(link: Link, data: bytes) -> _Facts:
    if not link.action.startswith("audit."):
        return _Facts()
    try:
        return _facts.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Facts()
