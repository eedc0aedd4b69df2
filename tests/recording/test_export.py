"""Events in other formats: nothing of a pane becomes a formula, an element or an escape."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.recording.made import PLACE
from tmuxpulse import events as ev
from tmuxpulse.errors import UsageError
from tmuxpulse.recording.export import COLUMNS, as_asciicast, as_csv, as_html, as_jsonl, said
from tmuxpulse.wire import Numbered, encode_event

AT = "2026-11-23T09:00:00.000Z"


def line(data: ev.Data, place: ev.Place = PLACE) -> tuple[Numbered, bytes]:
    event = ev.Event(place, data)
    return Numbered(1, AT, event), encode_event(1, AT, event)


def printed(text: str) -> tuple[Numbered, bytes]:
    return line(ev.PaneOutput(mode="append", lines=(text,)))


def test_jsonl_is_what_was_sent() -> None:
    lines = [printed("a"), line(ev.PaneBell())]
    assert "".join(as_jsonl(lines)).encode() == b"".join(raw + b"\n" for _, raw in lines)


@settings(max_examples=150)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\0")), max_size=5))
def test_csv_can_be_read_back_and_holds_no_formula(texts: list[str]) -> None:
    out = "".join(as_csv(map(printed, texts)))
    head, *rows = csv.reader(io.StringIO(out, newline=""))
    assert tuple(head) == COLUMNS
    assert len(rows) == len(texts)
    for row, text in zip(rows, texts, strict=True):
        assert row[-1].removeprefix("'") == text.strip("\n").removeprefix("'")
        assert not row[-1].startswith(("=", "+", "-", "@", "\t"))


class Elements(HTMLParser):
    """Which elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]


@settings(max_examples=100)
@given(st.text(), st.sampled_from(["<script>x</script>", "<img onerror=x>", '"><b>', "</title>"]))
def test_a_page_has_no_element_of_a_panes(text: str, hostile: str) -> None:
    place = ev.Place(server=hostile, session=hostile + text, session_id="$1")
    page = "".join(
        as_html(
            [printed(text + hostile), line(ev.PaneError(line=hostile, rule="r"), place)],
            text + hostile,
        )
    )
    found = Elements()
    found.feed(page)
    assert found.tags <= {
        "html", "head", "meta", "title", "style", "body", "h1", "table", "thead", "tbody", "tr",
        "th", "td",
    }  # fmt: skip
    assert html.escape(hostile) in page
    assert '<tr class="error">' in page
    assert "\x1b" not in page


def test_a_status_says_why() -> None:
    data = ev.AgentStatus(status="waiting", previous="busy", reason="asks", evidence="[y/N]")
    assert said(line(data)[0]) == "busy -> waiting: asks: [y/N]"


def written(data: bytes, columns: int = 80, pane: str = "%1") -> Numbered:
    place = ev.Place(server="default", session="a", session_id="$1", pane_id=pane)
    found = ev.PaneBytes(data=data, columns=columns, rows=24)
    return Numbered(1, AT, ev.Event(place, found))


def test_a_cast_has_size_times_and_whole_characters() -> None:
    cut = "é".encode()
    events = [
        (1.0, written(b"other", pane="%2")),
        (2.0, written(b"\x1b[1mhi" + cut[:1])),
        (2.5, written(cut[1:])),
        (3.0, written(b"wide", columns=100)),
    ]
    header, *rest = [json.loads(one) for one in as_asciicast(events, "%1", began=10.0, title="t")]
    assert (header["version"], header["width"], header["height"]) == (2, 80, 24)
    assert header["timestamp"] == 12
    assert rest == [
        [0.0, "o", "\x1b[1mhi"], [0.5, "o", "é"], [1.0, "r", "100x24"], [1.0, "o", "wide"],
    ]  # fmt: skip


def test_without_bytes_there_is_no_cast() -> None:
    with pytest.raises(UsageError, match="--output"):
        list(as_asciicast([], "%1", began=0.0, title=""))
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", said(written(b"\x1b[1m")))
