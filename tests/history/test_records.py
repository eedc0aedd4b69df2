"""A row is its line, byte for byte; what is no record is None."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.history import made
from tmuxpulse.events import Event
from tmuxpulse.history import records
from tmuxpulse.wire import rfc3339


@settings(max_examples=200)
@given(made.events, st.integers(1, 2**40 - 1), st.integers(0, 4_000_000_000_000))
def test_a_line_taken_apart_and_put_together_is_the_same_line(event, seq, at):
    encoded = made.kept(seq, event, at)
    record = records.read_record(encoded.line)
    assert record is not None
    place = records.read_place(records.place_of(record))
    data = records.read_data(record.type, bytes(record.data))
    assert data is not None
    again = Event(place, data)
    assert again == event
    assert records.milliseconds(record.timestamp) == at
    assert records.line_of(seq, at, again, bytes(record.data)) == encoded.line


@given(st.integers(0, 4_000_000_000_000))
def test_times_are_written_as_the_hub_writes_them(at):
    assert records.timestamp_of(at) == rfc3339((at + 0.5) / 1000)


@given(st.binary(max_size=60) | st.sampled_from((b'{"seq":-1}', b'{"seq":1e99}', b"[" * 5000)))
def test_what_is_no_record_is_none_or_one_without_a_type(data):
    record = records.read_record(data)
    assert record is None or not record.type or records.milliseconds(record.timestamp) is None


@given(
    st.text(max_size=30)
    | st.from_regex(r"\A20[0-9]{2}.[0-9]{2}.[0-9]{2}.[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9 +_]{3}Z\Z")
)
def test_what_is_no_time_is_none(text):
    found = records.milliseconds(text)
    assert found is None or records.timestamp_of(found) == text


@given(st.integers(0, 2**20), st.integers(0, records.MAX_SEQ))
def test_an_id_is_a_run_and_a_number(no, seq):
    found = records.id_of(no, seq)
    assert (records.epoch_no_of(found), records.seq_of(found)) == (no, seq)
