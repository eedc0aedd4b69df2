"""A question gives what filtering a list would give, page by page, and tells nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.history import made
from tests.history.made import NOW, Keeping, error, kept, numbered, output, place
from tmuxpulse import events as ev
from tmuxpulse.errors import RequestError
from tmuxpulse.filters import Filter, compile_filters, compile_globs, text_of
from tmuxpulse.history import schema
from tmuxpulse.history.eyes import Eyes, shown
from tmuxpulse.history.query import Query
from tmuxpulse.history.reader import Reader
from tmuxpulse.hub.stream import Encoded
from tmuxpulse.serve.sights import without_output


def expected(stored: list[Encoded], query: Query, eyes: Eyes) -> list[ev.Event]:
    admits = compile_filters([query.filter])
    found = []
    for one in stored:
        seen = shown(one.numbered.event, eyes)
        at = made.NOW + one.numbered.seq
        if (
            seen is not None
            and admits(seen)
            and query.text.casefold() in text_of(seen.data).casefold()
            and (query.since is None or at >= round(query.since * 1000))
            and (query.until is None or at < round(query.until * 1000))
        ):
            found.append(seen)
    return found[::-1] if query.newest_first else found


def all_pages(reader: Reader, query: Query, eyes: Eyes) -> list[ev.Event]:
    found: list[ev.Event] = []
    cursor: str | None = ""
    while cursor is not None:
        page = reader.page(
            Query(
                **{name: getattr(query, name) for name in query.__struct_fields__}
                | {"cursor": cursor}
            ),
            eyes=eyes,
        )
        assert page.is_complete
        found += [one.numbered.event for one in page.events]
        cursor = page.cursor
    return found


times = st.none() | st.integers(0, 40).map(lambda after: (NOW + after) / 1000)
queries = st.builds(
    Query,
    filter=made.filters,
    text=st.just("") | made.needles,
    since=times,
    until=times,
    limit=st.sampled_from((1, 3, 1000)),
    newest_first=st.booleans(),
)
eyes = st.builds(
    Eyes,
    sees=st.sampled_from((None, compile_globs(("api*",)), compile_globs(("web",)))),
    silence=st.sampled_from((None, without_output)),
)


@settings(max_examples=60)
@given(
    st.lists(made.events, max_size=30),
    st.lists(st.tuples(queries, eyes), min_size=1, max_size=8),
    st.booleans(),
    st.sampled_from((4, 1000)),
)
def test_a_question_gives_what_filtering_a_list_gives(stored, asked, indexed, part_events):
    with (
        tempfile.TemporaryDirectory() as directory,
        mock.patch.object(schema, "has_text_index", return_value=indexed),
    ):
        keeping = Keeping(Path(directory))
        keeping.store._part_events = part_events
        events = numbered(stored)
        for start in range(0, len(events), 3):
            keeping.put(events[start : start + 3])
        keeping.put([])
        for query, sight in asked:
            assert all_pages(keeping.reader, query, sight) == expected(events, query, sight)
        keeping.close()


@pytest.fixture
def keeping(tmp_path):
    found = Keeping(tmp_path)
    yield found
    found.close()


def lines(keeping: Keeping, **query) -> list[bytes]:
    return [one.line for one in keeping.reader.page(Query(**query)).events]


def test_what_is_stored_is_the_line_that_was_sent(keeping):
    events = numbered([output("a", "b"), error("x", session='n",data":{'), output("c")])
    keeping.put(events)
    assert lines(keeping, newest_first=False) == [one.line for one in events]


@pytest.mark.parametrize(
    "text", ['"', "a AND b", "NOT", "text:x", "x*", "^abc", "NEAR(a b)", "'); --", "\0\0\0", "((("]
)
def test_no_text_is_syntax(keeping, text):
    events = numbered([output(f"before {text} after"), output("other")])
    keeping.put(events)
    assert lines(keeping, text=text) == [events[0].line]
    assert lines(keeping, text=f"{text}zzzz") == []


def test_a_lone_surrogate_is_found_nowhere(keeping):
    keeping.put(numbered([output("abc")]))
    assert lines(keeping, text="abc\ud800") == []


def test_no_number_and_no_cursor_tells_of_what_is_hidden(tmp_path):
    shown_to = []
    for hidden in (0, 50):
        directory = tmp_path / str(hidden)
        directory.mkdir()
        keeping = Keeping(directory)
        keeping.put(numbered([
            error("first", session="api"),
            *[error("secret", session="web")] * hidden,
            error("last", session="api"),
        ]))  # fmt: skip
        sight = Eyes(sees=compile_globs(("api",)))
        page = keeping.reader.page(Query(limit=1), eyes=sight)
        rest = keeping.reader.page(Query(limit=1, cursor=page.cursor or ""), eyes=sight)
        last = keeping.reader.page(Query(limit=1, cursor=rest.cursor or ""), eyes=sight)
        assert (last.events, last.cursor, last.lost) == ([], None, [])
        both = [*page.events, *rest.events]
        shown_to.append(
            [
                (one.epoch, one.numbered.seq, one.numbered.event, len(rest.cursor or ""))
                for one in both
            ]
        )
        assert all(b"secret" not in one.line and b'"seq":0' in one.line for one in both)
        keeping.close()
    assert shown_to[0] == shown_to[1]


def test_a_search_does_not_find_what_may_not_be_read(keeping):
    status = ev.AgentStatus(status="waiting", previous="busy", evidence="the password")
    keeping.put(numbered([ev.Event(place(), status)]))
    silent = Eyes(silence=without_output)
    assert len(keeping.reader.page(Query(text="password")).events) == 1
    assert keeping.reader.page(Query(text="password"), eyes=silent).events == []
    (found,) = keeping.reader.page(Query(), eyes=silent).events
    assert b"password" not in found.line


@pytest.mark.parametrize("cursor", ["x", "A" * 200, "é", "", "AAAA" * 12])
def test_a_cursor_of_somebodys_making_is_refused(keeping, cursor):
    keeping.put(numbered([output("a")]))
    if not cursor:
        cursor = Reader(keeping.database)._cursors.make(1, newest_first=True)
    with pytest.raises(RequestError) as refused:
        keeping.reader.page(Query(cursor=cursor))
    assert refused.value.code == "CURSOR_EXPIRED"


def test_a_cursor_belongs_to_its_order(keeping):
    keeping.put(numbered([output("a"), output("b")]))
    cursor = keeping.reader.page(Query(limit=1)).cursor
    with pytest.raises(RequestError) as refused:
        keeping.reader.page(Query(cursor=cursor or "", newest_first=False))
    assert refused.value.code == "INVALID_REQUEST"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (Query(limit=0), "INVALID_REQUEST"),
        (Query(limit=1001), "INVALID_REQUEST"),
        (Query(text="x" * 257), "INVALID_REQUEST"),
        (Query(filter=Filter(types=("",))), "INVALID_FILTER"),
    ],
)
def test_what_is_too_large_is_refused(keeping, query, code):
    with pytest.raises(RequestError) as refused:
        keeping.reader.page(query)
    assert refused.value.code == code


def test_when_time_is_up_a_page_goes_on_later(keeping):
    keeping.put(numbered([output(f"line {n}") for n in range(300)]))
    ticks = iter([0.0, 0.0, *[0.0] * 1, *[9.0] * 10_000])
    slow = Reader(keeping.database, monotonic=lambda: next(ticks), seconds=1)
    slow._cursors = keeping.reader._cursors
    page = slow.page(Query(text="0"))
    assert not page.is_complete
    assert page.cursor
    rest = keeping.reader.page(Query(text="0", cursor=page.cursor, limit=1000))
    whole = keeping.reader.page(Query(text="0", limit=1000))
    assert [*page.events, *rest.events] == whole.events
    slow.close()


def test_a_question_that_is_cancelled_ends(keeping):
    keeping.put(numbered([output(f"line {n}") for n in range(3000)]))
    asked = 0

    def is_cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked > 2

    page = keeping.reader.page(Query(filter=Filter(contains=("zz",))), is_cancelled=is_cancelled)
    assert not page.is_complete
    assert asked < 5
    assert keeping.reader.page(Query(limit=1)).events  # and the next one is answered


def test_no_database_is_an_answer(tmp_path):
    with pytest.raises(RequestError) as refused:
        Reader(tmp_path / "history.db").page(Query())
    assert refused.value.code == "UNAVAILABLE"


def test_around_an_error_stands_what_its_pane_printed(keeping):
    keeping.put(numbered([
        output("one"), output("two"), output("other", pane=2), output("three"),
        error("bad"), output("four"), output("five"), output("six"),
    ]))  # fmt: skip
    (bad,) = keeping.reader.page(Query(filter=Filter(types=("pane.error",)))).events
    before, after = keeping.reader.around(bad.id, before=2, after=2)
    said = [[text_of(one.numbered.event.data).strip() for one in side] for side in (before, after)]
    assert said == [["two", "three"], ["four", "five"]]
    with pytest.raises(RequestError):
        keeping.reader.around(bad.id + 99, before=1, after=1)


def test_events_of_a_type_that_is_not_known_any_more_are_left_out(keeping):
    event = kept(1, output("x"))
    keeping.append([Encoded(event.numbered, event.line.replace(b"pane.output", b"pane.strange"))])
    keeping.put(numbered([output("y")], start=2))
    assert len(lines(keeping)) == 1
