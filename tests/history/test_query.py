"""What SQL leaves out is never wanted."""

from __future__ import annotations

import re
import sqlite3

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.history import made
from tests.history.made import output
from tmuxpulse.filters import Filter, text_of
from tmuxpulse.history import schema
from tmuxpulse.history.eyes import EVERYTHING
from tmuxpulse.history.query import Query, narrow, wants


@settings(max_examples=200)
@given(made.events, made.filters)
def test_a_kind_or_place_that_is_left_out_is_not_wanted(event, wanted):
    found = narrow(Query(filter=wanted))
    left_out = found.kind is not None and not found.kind(event.type)
    if not event.type.startswith("server."):
        left_out |= found.place is not None and not found.place(event.place)
    if left_out:
        assert wants(Query(filter=wanted), EVERYTHING)(event) is None


@settings(max_examples=100)
@given(st.text(max_size=40), st.data())
def test_the_index_finds_every_text_by_every_part_of_it(text, data):
    start = data.draw(st.integers(0, len(text)))
    part = text[start : data.draw(st.integers(start, len(text)))]
    match = narrow(Query(text=part)).match
    stored = text_of(output(text).data).casefold().replace("\0", " ")
    connection = sqlite3.connect(":memory:")
    schema.create_texts(connection, 1)
    connection.execute("INSERT INTO texts_1 (rowid, text) VALUES (1, ?)", (stored,))
    if match:
        found = connection.execute("SELECT rowid FROM texts_1 WHERE texts_1 MATCH ?", (match,))
        assert found.fetchall() == [(1,)]
    connection.close()


def test_a_long_text_is_asked_for_by_some_of_its_parts():
    match = narrow(Query(text="".join(chr(0x4E00 + n) for n in range(200)))).match
    assert len(re.findall(r'"', match)) == 2 * 24


def test_nothing_is_left_out_without_a_reason():
    found = narrow(Query())
    assert (found.kind, found.place, found.match) == (None, None, "")
    assert narrow(Query(filter=Filter(contains=("long enough", "no")))).match == ""
