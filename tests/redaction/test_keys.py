from __future__ import annotations

import random
import string

import pytest

from tmuxpulse.redaction.keys import MAX_LINES, KeyBlocks
from tmuxpulse.redaction.redactor import PaneRedactor, Redactor

MASK = "[redacted:private-key]"
RNG = random.Random(3)


def base64(count: int) -> str:
    return "A1b" + "".join(RNG.choices(string.ascii_letters + string.digits + "+/", k=count - 3))


BODY = [base64(64), base64(64), base64(31) + "="]
PEM = ["-----BEGIN RSA PRIVATE KEY-----", *BODY, "-----END RSA PRIVATE KEY-----"]


def redact(*lines: str, partial: str = "") -> tuple[list[str], str]:
    shown = PaneRedactor(Redactor()).redact(("$ cat key", *lines), partial)
    return list(shown.lines[1:]), shown.partial


@pytest.mark.parametrize(
    "kind",
    ["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY",
     "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"],
)  # fmt: skip
def test_the_body_of_a_key_is_masked_line_by_line(kind):
    begin, end = f"-----BEGIN {kind}-----", f"-----END {kind}-----"
    assert redact(begin, *BODY, end, "A") == ([begin, MASK, MASK, MASK, end, "A"], "")


def test_masks_are_counted():
    assert PaneRedactor(Redactor()).redact(tuple(PEM), "").count == 3


def test_headers_and_blank_lines_belong_to_a_key():
    lines = [PEM[0], "Proc-Type: 4,ENCRYPTED", "DEK-Info: AES-128-CBC,0A1B", "", *BODY, "=aB3d"]
    shown, _ = redact(*lines, "-----END PGP PRIVATE KEY BLOCK-----")
    assert shown[4:] == [MASK, MASK, MASK, MASK, "-----END PGP PRIVATE KEY BLOCK-----"]


@pytest.mark.parametrize("before", ["    ", "app_1  | ", "+", "key.pem:", "> ", '  "', "a, b: "])
def test_what_stands_before_each_line_stays(before):
    shown, _ = redact(*(before + line for line in PEM))
    assert [line.replace(MASK, "") for line in shown[1:4]] == [before] * 3


def test_numbered_lines():
    shown, _ = redact(*(f"{at:6}\t{line}" for at, line in enumerate(PEM)))
    assert shown[1:4] == [f"{at:6}\t{MASK}" for at in (1, 2, 3)]


def test_lines_of_a_string():
    shown, _ = redact(*(f'"{line}\\n"' for line in PEM))
    assert shown[1:4] == [f'"{MASK}\\n"'] * 3


def test_a_begin_alone_masks_nothing_for_ever():
    shown, _ = redact(PEM[0], "done", BODY[0], "x")
    assert shown == [PEM[0], "done", BODY[0], "x"]
    shown, _ = redact(PEM[0], BODY[0], "$ echo two words", BODY[1])
    assert shown == [PEM[0], MASK, "$ echo two words", BODY[1]]
    shown, _ = redact(PEM[0], *[""] * MAX_LINES, BODY[0])
    assert shown[-1] == BODY[0]


def test_a_key_whose_begin_was_missed():
    pane = PaneRedactor(Redactor())
    assert pane.redact((BODY[0],), BODY[1][:30]) == PaneRedactor(Redactor()).redact(
        (BODY[0],), BODY[1][:1]
    )
    assert pane.redact((BODY[1], BODY[2], PEM[-1], BODY[0]), "").lines == (
        MASK, MASK, PEM[-1], BODY[0],
    )  # fmt: skip
    assert pane.redact((BODY[0],), "", cut=1).lines == (MASK,)


def test_at_the_start_a_long_piece_of_base64_is_held_back_while_it_is_unfinished():
    assert PaneRedactor(Redactor()).redact((), BODY[0][:24]).partial == MASK
    assert PaneRedactor(Redactor()).redact((), BODY[0][:23]).partial == BODY[0][:23]
    assert redact(partial=BODY[0][:30])[1] == BODY[0][:30]


@pytest.mark.parametrize("line", ["=" * 80, "a" * 80, "0123456789abcdef" * 8, "/usr/lib/x.so"])
def test_rulers_digests_and_paths_at_the_start_are_no_key(line):
    assert PaneRedactor(Redactor()).redact((line,), line).lines == (line,)


def test_within_a_key_no_character_of_a_line_is_shown_while_it_is_printed():
    for before in ("", "app | ", "     2\t", '  "'):
        for length in range(1, 65):
            _, partial = redact(before + PEM[0], partial=before + BODY[0][:length])
            assert partial.endswith(MASK)
            assert BODY[0][0] not in partial.removesuffix(MASK).replace(before, "")


def test_the_unfinished_line_does_not_move_the_state():
    pane = PaneRedactor(Redactor())
    pane.redact(("$ cat key", PEM[0]), "two words, no key")
    assert pane.redact((BODY[0],), "").lines == (MASK,)


def test_short_words_are_no_key_whose_begin_was_missed():
    """So that a flood of them is not asked line by line."""
    keys = KeyBlocks()
    assert [keys.line("y") for _ in range(2)] == [[], []]
    assert not keys.active
    assert keys.line(BODY[0]) == []


def test_the_rest_of_a_cut_line_does_not_hide_the_key_after_it():
    keys = KeyBlocks()
    found = [keys.line(line) for line in (BODY[0][-9:], *BODY, PEM[-1], BODY[0])]
    assert [bool(spans) for spans in found] == [False, True, True, True, False, False]
