"""What was used between two readings."""

from __future__ import annotations

from gauge import Reading, usage


def test_a_thread_that_ended_takes_no_wakeups_with_it() -> None:
    before = Reading(10.0, 1.0, 0.5, 2.0, {7: 100}, {1: 50, 2: 900})
    after = Reading(12.0, 1.02, 0.5, 2.06, {7: 104}, {1: 60, 3: 5})
    used = usage(before, after)
    assert used.tmux_wakeups_each_second == 2.0
    assert used.tmuxpulse_wakeups_each_second == 7.5
    assert (used.tmux_percent, used.helpers_percent, used.tmuxpulse_percent) == (1.0, 0.0, 3.0)
    assert used.together_percent == 4.0
