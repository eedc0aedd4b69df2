"""Failed logins: slow answers, never a lock, and a bounded memory."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.serve.bucket import Bucket
from tmuxpulse.serve.failures import MAX_PEERS, SLOW_SECONDS, Failures


def test_one_address_does_not_slow_the_others() -> None:
    failures = Failures(5, 100)
    waits = [failures.failed("a", 0.0) for _ in range(8)]
    assert waits == [0.0] * 5 + [SLOW_SECONDS] * 3
    assert failures.failed("b", 0.0) == 0.0
    assert failures.failed("a", 60.0) == 0.0


def test_many_addresses_together_are_slowed() -> None:
    failures = Failures(5, 20)
    waits = [failures.failed(f"10.0.0.{n}", 0.0) for n in range(30)]
    assert waits == [0.0] * 20 + [SLOW_SECONDS] * 10


def test_addresses_are_forgotten() -> None:
    failures = Failures(1, 1_000_000)
    for n in range(MAX_PEERS * 3):
        failures.failed(str(n), 0.0)
    assert len(failures._peers) == MAX_PEERS


@settings(max_examples=200)
@given(
    st.lists(st.tuples(st.floats(0, 2), st.floats(0, 30)), max_size=60),
    st.floats(0.5, 100),
    st.floats(1, 50),
)
def test_a_bucket_gives_no_more_than_its_rate_and_its_burst(
    asked: list[tuple[float, float]], rate: float, burst: float
) -> None:
    bucket = Bucket(rate, burst=burst, now=0.0)
    now = given = 0.0
    for pause, amount in asked:
        now += pause
        wait = bucket.take(now, amount)
        if not wait:
            given += amount
        else:
            assert bucket.take(now + wait * 1.001 + 1e-6, 0) == 0.0
            now += wait * 1.001 + 1e-6
        # What is larger than the burst is given on credit, once.
        assert given <= burst + rate * now + max((a for _, a in asked), default=0) + 1e-6
