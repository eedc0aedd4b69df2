"""The server's side: told at once, whatever the disk does."""

from __future__ import annotations

import errno
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from tmuxpulse.config.settings import AuditTable
from tmuxpulse.errors import UsageError
from tmuxpulse.serve import audit as module
from tmuxpulse.serve.audit import Audit
from tmuxpulse.serve.audit_log import AuditLog, places
from tmuxpulse.serve.audit_reading import open_snapshot
from tmuxpulse.serve.audit_verify import verify

FULL = OSError(errno.ENOSPC, "No space left on device")


class Disk(AuditLog):
    """A log that keeps lines in a list; `error` is what the disk says."""

    def __init__(self) -> None:
        super().__init__(Path("/nonexistent"), Path("/nonexistent"))
        self.error: OSError | None = None
        self.bodies: list[bytes] = []
        self.most = 10**9
        self.tries = 0

    def append(self, bodies: Any) -> int:
        self.tries += 1
        if self.error is not None:
            raise self.error
        self.bodies += bodies[: self.most]
        return len(bodies[: self.most])

    @property
    def entries(self) -> list[dict[str, Any]]:
        return [json.loads(b"{%b}" % found) for found in self.bodies]

    @property
    def actions(self) -> list[str]:
        return [entry["action"] for entry in self.entries]


class Told:
    def __init__(self) -> None:
        self.said: list[str] = []

    def trouble(self, message: str) -> None:
        self.said.append(message)

    def recovered(self) -> None:
        self.said.append("recovered")


async def at_once(blocking: Callable[[], int | str]) -> int | str:
    await trio.lowlevel.checkpoint()
    return blocking()


def audit_on(disk: Disk, told: Told, in_thread: Any = at_once) -> Audit:
    return Audit(
        disk,
        on_trouble=told.trouble,
        on_recovered=told.recovered,
        clock=lambda: 0.0,
        monotonic=trio.current_time,
        in_thread=in_thread,
    )


@asynccontextmanager
async def running(audit: Audit) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        await nursery.start(audit.run)
        yield
        nursery.cancel_scope.cancel()


async def test_what_is_recorded_is_written_in_order(autojump_clock: trio.abc.Clock) -> None:
    disk, told = Disk(), Told()
    audit = audit_on(disk, told)
    audit.record("server.started", who="server")
    async with running(audit):
        for n in range(2000):
            audit.record("command", who="owner", n_th=n)
        await trio.sleep(1)
        assert [entry["n_th"] for entry in disk.entries[1:]] == list(range(2000))
        audit.record("server.stopped", who="server")
    assert disk.actions[-1] == "server.stopped"
    assert told.said == []
    assert disk.tries <= 6


async def test_a_full_disk_is_said_once_and_nothing_that_fits_is_lost(
    autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_QUEUED", 100)
    disk, told = Disk(), Told()
    audit = audit_on(disk, told)
    async with running(audit):
        disk.error = FULL
        for n in range(130):
            audit.record("command", who="owner", x=n)
        await trio.sleep(3600)
        assert told.said == ["No space left on device"]
        assert 100 < disk.tries < 150  # the pauses grow, up to half a minute
        disk.error = None
        await trio.sleep(31)
        assert told.said == ["No space left on device", "recovered"]
        assert disk.actions == ["audit.lost"] + ["command"] * 100
        assert disk.entries[0]["count"] == 30
        assert [entry["x"] for entry in disk.entries[1:]] == list(range(100))
        audit.record("command", who="owner", x=130)
        await trio.sleep(1)
        assert disk.entries[-1]["x"] == 130
        disk.error = FULL
        audit.record("command", who="owner", x=131)
        await trio.sleep(1)
        assert told.said[2:] == ["No space left on device"]
        disk.error = None
    assert disk.entries[-1]["x"] == 131
    assert disk.actions.count("audit.lost") == 1


async def test_the_queue_is_bounded_in_bytes_too(
    autojump_clock: trio.abc.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_QUEUED_BYTES", 10_000)
    disk = Disk()
    audit = audit_on(disk, Told())
    for _ in range(1000):
        audit.record("subscribed", who="token:a", types=["x" * 256] * 16)
    assert audit._queued_bytes <= 10_000
    assert audit._lost == 998
    async with running(audit):
        await trio.sleep(1)
    assert disk.actions == ["audit.lost", "subscribed", "subscribed"]
    assert audit._queued_bytes == 0


async def test_a_batch_of_which_a_part_is_written_goes_on_where_it_was(
    autojump_clock: trio.abc.Clock,
) -> None:
    disk = Disk()
    disk.most = 7
    audit = audit_on(disk, Told())
    async with running(audit):
        for n in range(50):
            audit.record("command", who="owner", x=n)
        await trio.sleep(10)
    assert [entry["x"] for entry in disk.entries] == list(range(50))


async def test_trouble_that_loses_nothing_is_said_and_tried_again_by_itself(
    autojump_clock: trio.abc.Clock,
) -> None:
    disk, told = Disk(), Told()
    audit = audit_on(disk, told)
    async with running(audit):
        disk.trouble = OSError(errno.EROFS, "Read-only file system")
        audit.record("command", who="owner")
        await trio.sleep(1)
        assert told.said == ["Read-only file system"]
        disk.trouble = None
        await trio.sleep(31)
        assert told.said == ["Read-only file system", "recovered"]
    assert disk.actions == ["command"]


async def test_a_place_that_became_unsafe_is_trouble_too(autojump_clock: trio.abc.Clock) -> None:
    disk, told = Disk(), Told()

    def refuse(bodies: object) -> int:
        raise UsageError("chmod 600 it")

    disk.append = refuse  # type: ignore[method-assign]  # the point of this test
    async with running(audit := audit_on(disk, told)):
        audit.record("command", who="owner")
        await trio.sleep(1)
    assert told.said == ["chmod 600 it"]


async def test_a_disk_that_hangs_is_said_and_delays_the_end_by_two_seconds(
    autojump_clock: trio.abc.Clock,
) -> None:
    disk, told = Disk(), Told()

    async def hang(blocking: Callable[[], int | str]) -> int | str:
        await trio.sleep_forever()

    audit = audit_on(disk, told, in_thread=hang)
    async with running(audit):
        for n in range(20_000):
            audit.record("command", who="owner", x=n)
        await trio.sleep(9)
        assert told.said == []
        await trio.sleep(2)
        assert told.said == ["the disk does not answer"]
        begun = trio.current_time()
    assert trio.current_time() == pytest.approx(begun + 2)
    assert audit._lost == 10_000
    audit._write_the_rest()
    assert disk.tries == 0  # a thread may still be at it


async def test_a_disk_that_is_full_at_the_end_does_not_delay_it(
    autojump_clock: trio.abc.Clock,
) -> None:
    disk, told = Disk(), Told()
    disk.error = FULL
    async with running(audit := audit_on(disk, told)):
        audit.record("command", who="owner")
        await trio.sleep(100)
        begun = trio.current_time()
    assert trio.current_time() == begun


async def test_strangers_by_the_thousand_are_few_entries(autojump_clock: trio.abc.Clock) -> None:
    disk = Disk()
    audit = audit_on(disk, Told())
    async with running(audit):
        for _ in range(1000):
            audit.record_failure("192.0.2.1", "wrong token")
            audit.record("connection.opened", who="nobody", peer="192.0.2.1")
        audit.record_failure("192.0.2.2", "wrong token")
        audit.record("login.accepted", who="token:a", peer="192.0.2.1")
        await trio.sleep(59)
        assert disk.actions.count("login.failed") == 11
        assert disk.actions.count("connection.opened") == 10
        assert disk.actions.count("login.accepted") == 1
        assert len(disk.actions) == 22
        await trio.sleep(2)
        told = {entry["action"]: (entry["peer"], entry["count"]) for entry in disk.entries[22:]}
        assert told == {
            "login.failed.repeated": ("192.0.2.1", 990),
            "connection.opened.repeated": ("192.0.2.1", 990),
        }
        for _ in range(12):
            audit.record_failure("192.0.2.3", "wrong token")
    assert disk.entries[-1]["action"] == "login.failed.repeated"
    assert disk.entries[-1]["count"] == 2


async def test_without_a_log_nothing_happens() -> None:
    audit = Audit(None)
    async with running(audit):
        audit.record("command", who="owner")
        audit.record_failure("192.0.2.1", "wrong token")
    assert not audit._queue


async def test_a_whole_life_with_real_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_SECONDS", 60.0)
    told = Told()
    settings = AuditTable(max_bytes=4096, keep=3)
    token = "tp_abcdefgh2345_" + "S" * 43
    with Audit.open(
        tmp_path, settings, on_trouble=told.trouble, on_recovered=told.recovered
    ) as audit:
        async with running(audit):
            for n in range(100):
                audit.record("command", who="owner", x=n, text=token)
        audit.record("connection.closed", who="owner")  # of one who ended after the log did
    with open_snapshot(*places(tmp_path)) as snapshot:
        pieces = list(snapshot.pieces())
    verdict = verify(pieces, snapshot.head)
    assert verdict.unbroken
    assert json.loads(pieces[-1].data)["action"] == "connection.closed"
    assert len({piece.file for piece in pieces}) == 4
    assert not any(b"SSS" in piece.data for piece in pieces)
    assert told.said == []


async def test_a_place_that_is_not_private_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "audit").mkdir(mode=0o755)
    told = Told()
    with (
        pytest.raises(UsageError, match="chmod 700"),
        Audit.open(tmp_path, AuditTable(), on_trouble=told.trouble, on_recovered=told.recovered),
    ):
        pass
    with Audit.open(
        tmp_path,
        AuditTable(enabled=False),
        on_trouble=told.trouble,
        on_recovered=told.recovered,
    ) as audit:
        audit.record("command", who="owner")
    assert list((tmp_path / "audit").iterdir()) == []


async def test_who_watches_a_pane_is_few_entries(autojump_clock: trio.abc.Clock) -> None:
    disk = Disk()
    audit = audit_on(disk, Told())
    async with running(audit):
        for _ in range(400):  # four times a second
            audit.record_look(who="token:a", client="c-1", target="%1")
            await trio.sleep(0.25)
        audit.record_look(who="token:a", client="c-1", target="%2")
        assert disk.actions == ["command"]
        await trio.sleep(61)
        assert [(one["action"], one["target"], one.get("count")) for one in disk.entries] == [
            ("command", "%1", None),
            ("command", "%2", None),
            ("command.repeated", "%1", 399),
        ]
        assert {one["who"] for one in disk.entries} == {"token:a"}
        audit.record_look(who="token:a", client="c-1", target="%2")
        audit.record_look(who="token:a", client="c-1", target="%2")
    assert [(one["action"], one.get("count")) for one in disk.entries[3:]] == [
        ("command", None),
        ("command.repeated", 1),
    ]
