"""Every change of the log is found."""

from __future__ import annotations

import hashlib
import io
import json
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tmuxpulse.serve.audit_chain import (
    CURRENT,
    Head,
    Piece,
    full_name,
    hash_of,
    link_of,
    span_of,
)
from tmuxpulse.serve.audit_entry import body, line
from tmuxpulse.serve.audit_files import pieces_of
from tmuxpulse.serve.audit_verify import MAX_FINDINGS, Verdict, verify

Files = list[tuple[str, bytes]]


def chained(first: int, count: int, prev: str = "", /, **own: object) -> tuple[list[bytes], str]:
    lines = []
    for n in range(first, first + count):
        fields = own if n == first else {}
        action = str(fields.get("as_action", "did"))
        lines.append(line(n, body(float(n), action, "owner", {"x": n, **fields}), prev))
        prev = hash_of(lines[-1])
    return lines, prev


def judge(files: Files, head: Head | None, noted: tuple[str, ...] = ()) -> Verdict:
    pieces: list[Piece] = []
    for name, data in files:
        pieces += pieces_of(io.BytesIO(data), name, len(data))
    return verify(pieces, head, noted)


def kinds(verdict: Verdict) -> list[str]:
    return [finding.kind for finding in verdict.findings]


LINES, END = chained(1, 9)
HEAD = Head(9, END)


def small_log() -> Files:
    """Three files; nothing was removed."""
    return [
        (full_name(1, 3), b"".join(LINES[:3])),
        (full_name(4, 6), b"".join(LINES[3:6])),
        (CURRENT, b"".join(LINES[6:])),
    ]


def test_an_untouched_log_is_unbroken() -> None:
    verdict = judge(small_log(), HEAD, (hash_of(LINES[2]),))
    assert verdict.unbroken
    assert (verdict.entries, verdict.first, verdict.last) == (9, 1, HEAD)
    assert [note.text for note in verdict.notes] == ["the noted hash is that of n 3"]


def test_the_chain_is_what_the_documentation_says() -> None:
    for before, after in pairwise(LINES):
        assert json.loads(after)["prev"] == hashlib.sha256(before[:-1]).hexdigest()
    assert json.loads(LINES[0])["prev"] == ""


def test_nothing_at_all_is_unbroken_unless_a_head_knows_better() -> None:
    assert judge([], None).unbroken
    assert judge([], Head()).unbroken
    assert kinds(judge([], HEAD)) == ["cut"]
    assert kinds(judge([(CURRENT, b"")], HEAD)) == ["cut"]


@settings(max_examples=200)
@given(st.data())
def test_any_edit_of_bytes_is_found(data):
    files = small_log()
    which = data.draw(st.integers(0, 2))
    name, text = files[which]
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(begin + 400, len(text))))
    new = data.draw(st.binary(max_size=20) | st.sampled_from([*LINES, b"\n", b"\r\n", b" "]))
    changed = text[:begin] + new + text[end:]
    assume(changed != text)
    files[which] = (name, changed)
    assert not judge(files, HEAD).unbroken


@settings(max_examples=100)
@given(st.permutations(LINES), st.integers(0, 9))
def test_any_order_but_the_right_one_and_any_loss_is_found(lines, count):
    kept = lines[:count]
    assume(kept != LINES)
    assert not judge([(CURRENT, b"".join(kept))], HEAD).unbroken


@pytest.mark.parametrize("at", range(9))
def test_what_happened_is_told_with_its_place(at: int) -> None:
    data = LINES.copy()
    del data[at]
    verdict = judge([(CURRENT, b"".join(data))], HEAD)
    kind = "cut" if at == 8 else "missing"
    assert kinds(verdict)[0] == kind
    assert (verdict.findings[0].file, verdict.findings[0].line) == (CURRENT, min(at + 1, 8))

    data = LINES.copy()
    data[at] = data[at].replace(b'"did"', b'"was"')
    verdict = judge([(CURRENT, b"".join(data))], HEAD)
    assert kinds(verdict) == ["changed"]
    assert verdict.findings[0].line == min(at + 2, 9)

    data = LINES.copy()
    data.insert(at, LINES[at])
    verdict = judge([(CURRENT, b"".join(data))], HEAD)
    assert kinds(verdict) == ["order"]
    assert verdict.findings[0].line == at + 2


def test_a_cut_at_the_end_needs_the_head() -> None:
    files = small_log()[:2]
    assert kinds(judge(files, HEAD)) == ["cut"]
    without = judge(files, None)
    assert without.unbroken
    assert [note.kind for note in without.notes] == ["head"]


def test_a_forged_chain_is_found_by_a_noted_hash() -> None:
    forged, end = chained(1, 9, as_action="nothing")
    assert judge([(CURRENT, b"".join(forged))], Head(9, end)).unbroken
    verdict = judge([(CURRENT, b"".join(forged))], Head(9, end), (END,))
    assert kinds(verdict) == ["changed"]


def test_lines_added_after_the_head_are_found() -> None:
    more, _ = chained(10, 2, END)
    verdict = judge([*small_log()[:2], (CURRENT, b"".join(LINES[6:] + more))], HEAD)
    assert kinds(verdict) == ["newer"]


def test_a_half_written_line_is_told_as_that() -> None:
    verdict = judge([(CURRENT, b"".join(LINES) + b'{"n":10,"ti')], HEAD)
    assert kinds(verdict) == ["half-written"]
    assert verdict.findings[0].line == 10


def repaired(damage: bytes, **facts: object) -> bytes:
    told = {"bytes": len(damage), "damage": hashlib.sha256(damage).hexdigest(), **facts}
    return line(10, body(0.0, "audit.repaired", "audit", told), END)


def test_damage_that_an_entry_tells_of_is_a_note_and_part_of_the_chain() -> None:
    damage = b'{"n":10,"ti\n'
    mended = b"".join(LINES) + damage + repaired(damage)
    head = Head(10, hash_of(repaired(damage)))
    verdict = judge([(CURRENT, mended)], head)
    assert verdict.unbroken
    assert [(note.kind, note.line) for note in verdict.notes] == [("repaired", 10)]
    for wrong in (b'{"n":10,"tj\n', b"", damage * 2, damage[:-1]):
        changed = b"".join(LINES) + wrong + repaired(damage)
        assert not judge([(CURRENT, changed)], head).unbroken


def test_an_old_head_in_a_repair_is_compared_with_the_line_it_knew() -> None:
    good = b"".join(LINES)
    for head_hash, expected in ((hash_of(LINES[6]), []), ("0" * 64, ["changed"])):
        own = line(10, body(0.0, "audit.repaired", "a", {"head_n": 7, "head_hash": head_hash}), END)
        verdict = judge([(CURRENT, good + own)], Head(10, hash_of(own)))
        assert kinds(verdict) == expected
        assert len(verdict.notes) == 1 - len(expected)


def test_a_beginning_may_be_missing_only_when_rotation_told_so() -> None:
    lines, end = chained(4, 3, END, as_action="audit.rotated", removed_to=3)
    verdict = judge([(CURRENT, b"".join(lines))], Head(6, end))
    assert verdict.unbroken
    assert "vouches from n 4 on" in verdict.notes[0].text
    cut = judge([(CURRENT, b"".join(lines[1:]))], Head(6, end))
    assert kinds(cut) == ["missing"]
    from_nothing, end = chained(4, 3)
    assert "missing" in kinds(judge([(CURRENT, b"".join(from_nothing))], Head(6, end)))


def test_a_renamed_file_is_found() -> None:
    files = small_log()
    files[0] = (full_name(1, 4), files[0][1])
    assert kinds(judge(files, HEAD)) == ["name"]
    assert judge(files, HEAD).findings[0].file == full_name(1, 4)


def test_lost_entries_are_a_note() -> None:
    lines, end = chained(1, 1, as_action="audit.lost", count=12)
    verdict = judge([(CURRENT, lines[0])], Head(1, end))
    assert [note.text for note in verdict.notes] == ["n 1: 12 entries could not be written"]


def test_findings_are_bounded() -> None:
    verdict = judge([(CURRENT, LINES[0] * (MAX_FINDINGS + 10))], None)
    assert len(verdict.findings) == MAX_FINDINGS
    assert verdict.left_out == 9


@settings(max_examples=150)
@given(st.binary(max_size=300) | st.text().map(str.encode), st.booleans())
def test_garbage_is_judged_and_raises_nothing(garbage, after):
    data = b"".join(LINES) + garbage if after else garbage
    verdict = judge([(CURRENT, data)], HEAD)
    assert verdict.unbroken == (after and not garbage)


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 100_000 + b"\n",
        b'{"n":' + b"9" * 5000 + b',"action":"a","prev":""}\n',
        b'{"n":1,"action":"\xff","prev":""}\n',
        b'{"n":1,"action":"a","prev":"x"}\n',
        b'{"n":0,"action":"a","prev":""}\n',
        b'{"n":1,"action":"a","prev":""}',
        b"null\n",
        b"\n",
    ],
)
def test_what_is_no_entry(data: bytes) -> None:
    assert link_of(Piece(CURRENT, 1, data)) is None
    assert not judge([(CURRENT, data)], None).unbroken


@pytest.mark.parametrize("name", ["audit-1-2.jsonl.gz", "audit-٣-٤.jsonl", "audit.jsonl", "x"])
def test_names_of_other_files(name: str) -> None:
    assert span_of(name) is None
    assert span_of(full_name(7, 12)) == (7, 12)
