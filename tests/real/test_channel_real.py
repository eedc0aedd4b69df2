from __future__ import annotations

import os
import subprocess
from functools import partial

import pytest
import trio

from tests.real.harness import eventually
from tmuxpulse.collect.channel import TURNS, OneShot, open_channel
from tmuxpulse.collect.command import Tmux, identify
from tmuxpulse.errors import TmuxCommandFailed, TmuxNotFound, TmuxTimeout, TmuxUnavailable
from tmuxpulse.tmux.formats import (
    listing_commands,
    parse_listing,
    signature_commands,
    signature_of,
)


@pytest.fixture
def tmux(tmp_path):
    socket = str(tmp_path / "tmux.sock")
    base = ["tmux", "-f", "/dev/null", "-S", socket]
    subprocess.run([*base, "new-session", "-d", "-x", "80", "-y", "24", "cat"], check=True)
    yield Tmux("tmux", socket)
    subprocess.run([*base, "kill-server"], check=False, capture_output=True)


def resident_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


async def test_answers_come_in_order_over_many_clients(tmux):
    async with open_channel(tmux) as channel:
        for number in range(TURNS * 2 + 3):
            body = await channel.run([f"display-message -p 'answer {number}'"])
            assert body == f"answer {number}\n".encode()
        assert await channel.run(["list-clients"]) == b""


async def test_a_failing_command_prints_nothing_and_stops_nothing(tmux):
    async with open_channel(tmux) as channel:
        commands = ["kill-pane -t %999", "no-such-command", "display-message -p after"]
        assert await channel.run(["display-message -p a", "kill-pane -t %999"]) == b"a\n"
        await channel.run(commands[:1])
        assert (await channel.run([commands[0], commands[2]])) == b"after\n"


async def test_a_long_script_and_a_long_answer(tmux):
    async with open_channel(tmux) as channel:
        text = "x" * 200
        body = await channel.run([f"display-message -p '{text}'"] * 2000)
        assert body == f"{text}\n".encode() * 2000


async def test_running_out_leaves_nothing_in_the_server(tmux):
    pid = (await identify(tmux)).pid
    for warm_up in (True, False):
        before = resident_kib(pid)
        for _ in range(5 if warm_up else 20):
            async with open_channel(tmux) as channel:
                await channel.run(["list-panes"])
        if not warm_up:  # 20 killed clients would leave 6,000 KiB (3.3a)
            assert resident_kib(pid) - before < 1000


async def test_a_client_that_is_killed_is_replaced(tmux):
    async with open_channel(tmux) as channel:
        await channel.run(["list-panes"])
        assert channel._client is not None
        channel._client._process.kill()
        with pytest.raises(TmuxUnavailable):
            await channel.run(["list-panes"])
        assert await channel.run(["display-message -p again"]) == b"again\n"


async def test_a_cancelled_call_leaves_a_line_that_works(tmux):
    async with open_channel(tmux) as channel:
        with trio.move_on_after(0.05):
            await channel.run(["run-shell -d 2"])
        assert await channel.run(["display-message -p next"]) == b"next\n"


async def test_no_answer_in_time_is_an_error_of_its_own(tmux):
    async with open_channel(tmux) as channel:
        with pytest.raises(TmuxTimeout, match="no answer"):
            await channel.run(["run-shell -d 2"], seconds=0.05)
        assert await channel.run(["display-message -p next"]) == b"next\n"


async def test_callers_take_turns(tmux):
    async with open_channel(tmux) as channel, trio.open_nursery() as nursery:
        answers = {}

        async def ask(number):
            answers[number] = await channel.run([f"display-message -p {number}"])

        for number in range(20):
            nursery.start_soon(ask, number)
    assert answers == {number: f"{number}\n".encode() for number in range(20)}


async def test_the_descriptors_are_given_back(tmux):
    async with open_channel(tmux) as channel:
        await channel.run(["list-panes"])
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        async with open_channel(tmux) as channel:
            await channel.run(["list-panes"])
    assert len(os.listdir("/proc/self/fd")) == before


async def test_a_server_that_ends_is_told(tmux):
    async with open_channel(tmux) as channel:
        await channel.run(["list-panes"])
        await tmux.run("kill-server")
        with pytest.raises(TmuxUnavailable):
            await channel.run(["list-panes"])


async def test_one_shot_runs_answer_the_same(tmux):
    line = OneShot(tmux)
    body = await line.run([*listing_commands(line.nonce), "kill-pane -t %999"])
    (row,) = parse_listing(body, line.nonce).panes
    async with open_channel(tmux) as channel:
        other = parse_listing(await channel.run(listing_commands(channel.nonce)), channel.nonce)
    assert other.panes == (row,)


async def test_one_shot_errors_are_different_facts(tmux, tmp_path):
    with pytest.raises(TmuxCommandFailed, match="kill-pane"):
        await tmux.run("kill-pane", "-t", "%999")
    with pytest.raises(TmuxUnavailable, match="no tmux server"):
        await Tmux("tmux", str(tmp_path / "nobody.sock")).run("list-panes")
    with pytest.raises(TmuxNotFound, match="cannot run"):
        await Tmux("/no/such/tmux", tmux.socket).run("list-panes")
    with pytest.raises(TmuxTimeout):
        await tmux.run("run-shell", "sleep 5", seconds=0.1)


async def test_the_signature_is_known_from_a_listing(tmux):
    """Else each list would be followed by another; or a change be overlooked, were it coarser."""
    steps = (
        "new-session -d -s other -x 80 -y 24 cat",
        "rename-window -t other 'two words: ü #[x] 🙂'",
        "split-window -d -t other cat",
        "select-pane -t other.1",
        "resize-pane -Z -t other.1",
        "link-window -s other:0 -t 0:7",
        "new-window -d -n x -t other: cat",
        "select-window -t other:x",
        "swap-window -d -s other:0 -t other:1",
        "rename-session -t other 'an other'",
        "new-session -d -t 'an other'",
        "kill-pane -t 0:7.1",
        "kill-window -t 0:0",
    )
    told = set()
    async with open_channel(tmux) as channel:
        attach = ["tmux", "-f", "/dev/null", "-S", tmux.socket, "-C", "attach", "-t", "0"]

        async def is_attached():
            return await channel.run(["list-clients"])

        async with trio.open_nursery() as nursery:
            await nursery.start(
                partial(trio.run_process, attach, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
            )
            await eventually(is_attached)
            for step in steps:
                assert await channel.run([step, "display-message -p done"]) == b"done\n", step
                signature = await channel.run(signature_commands())
                body = await channel.run(listing_commands(channel.nonce))
                assert signature_of(parse_listing(body, channel.nonce)) == signature, step
                told.add(signature)
            nursery.cancel_scope.cancel()
    assert len(told) == len(steps)
