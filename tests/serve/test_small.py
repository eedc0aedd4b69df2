"""The small parts: bucket, target, boundary."""

from __future__ import annotations

import logging

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.errors import RequestError
from tmuxpulse.serve.boundary import run_bounded
from tmuxpulse.serve.bucket import Bucket
from tmuxpulse.serve.target import narrow
from tmuxpulse.wire import PaneView, ServerView, SessionView, Target, Tree, WindowView

logger = logging.getLogger("tests.boundary")


# --- bucket -------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(st.lists(st.floats(0, 3), max_size=80), st.integers(1, 20))
def test_never_more_than_a_full_bucket_and_the_rate(pauses: list[float], rate: int) -> None:
    bucket, now, taken = Bucket(rate, now=0.0), 0.0, 0
    for pause in pauses:
        now += pause
        wait = bucket.take(now)
        assert 0 <= wait <= 1 / rate + 1e-9
        taken += not wait
        assert taken <= rate + now * rate + 1e-6


def test_after_the_wait_there_is_a_token() -> None:
    bucket = Bucket(2, now=0.0)
    assert [bucket.take(0.0), bucket.take(0.0)] == [0, 0]
    wait = bucket.take(0.0)
    assert wait == 0.5
    assert bucket.take(wait) == 0


# --- target -------------------------------------------------------------------------------------


def pane(number: int) -> PaneView:
    return PaneView(
        id=f"%{number}",
        index=number % 10,
        active=False,
        command="sh",
        pid=1,
        title="",
        path="/",
        width=80,
        height=24,
    )


def window(number: int, *panes: PaneView) -> WindowView:
    return WindowView(
        id=f"@{number}", index=number % 10, name=f"w{number}", active=False, layout="",
        panes=list(panes),
    )  # fmt: skip


def session(server: str, number: int, *windows: WindowView) -> SessionView:
    return SessionView(
        server=server, id=f"${number}", name=f"s{number}", attached=0, windows=list(windows)
    )


TREE = Tree(
    servers=[
        ServerView(name="default", socket="/d", up=True),
        ServerView(name="other", socket="/o", up=True),
    ],
    sessions=[
        session("default", 1, window(10, pane(100), pane(101)), window(11, pane(111))),
        session("other", 2, window(20, pane(200))),
    ],
)


@pytest.mark.parametrize(
    ("target", "panes"),
    [
        (Target(), ["%100", "%101", "%111", "%200"]),
        (Target(session="s1"), ["%100", "%101", "%111"]),
        (Target(session="$2"), ["%200"]),
        (Target(window="@11"), ["%111"]),
        (Target(window="w11"), ["%111"]),
        (Target(session="s1", window=0), ["%100", "%101"]),
        (Target(session="s1", window="0", pane=1), ["%101"]),
        (Target(pane="%200"), ["%200"]),
    ],
)
def test_a_target_keeps_what_it_names(target: Target, panes: list[str]) -> None:
    kept = narrow(TREE, target)
    assert [p.id for s in kept.sessions for w in s.windows for p in w.panes] == panes
    assert {s.server for s in kept.sessions} == {server.name for server in kept.servers}


@pytest.mark.parametrize(
    "target", [Target(session="s3"), Target(session="s2", window=1), Target(pane="%9")]
)
def test_a_target_that_is_not_there_is_not_found(target: Target) -> None:
    with pytest.raises(RequestError) as refused:
        narrow(TREE, target)
    assert refused.value.code == "NOT_FOUND"


# --- boundary -----------------------------------------------------------------------------------


async def fail() -> None:
    await trio.lowlevel.checkpoint()
    raise ValueError("of this connection")


async def test_an_exception_goes_no_further(caplog: pytest.LogCaptureFixture) -> None:
    await run_bounded(fail, logger, "c-1")
    assert "c-1 ended by an error" in caplog.text
    assert "of this connection" in caplog.text


async def test_cancellation_goes_on_and_takes_no_exception_along(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail_when_cancelled() -> None:
        async def wait() -> None:
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("of this connection")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait)
            nursery.start_soon(trio.sleep_forever)

    with trio.move_on_after(0.01) as scope:
        await run_bounded(fail_when_cancelled, logger, "c-1")
    assert scope.cancelled_caught
    assert "of this connection" in caplog.text


async def test_an_interrupt_goes_on() -> None:
    async def interrupt() -> None:
        await trio.lowlevel.checkpoint()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await run_bounded(interrupt, logger, "c-1")
