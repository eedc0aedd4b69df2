"""Files of others: all or nothing, and as they were."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tmuxpulse.agent_hooks.settings_file import (
    MAX_BYTES,
    back_up,
    backup_of,
    drop_backup,
    read,
    write,
)
from tmuxpulse.errors import UsageError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "settings.json"
    found.write_bytes(b"old\r\n")
    found.chmod(0o640)
    return found


def test_a_link_and_a_mode_stay(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "link"
    link.parent.mkdir()
    link.symlink_to("../settings.json")
    held = read(link)
    assert held.text == "old\r\n"
    back_up(held)
    write(held, "new\n")
    assert link.is_symlink()
    assert file.read_bytes() == b"new\n"
    assert file.stat().st_mode & 0o777 == 0o640
    assert backup_of(held) == tmp_path / "settings.json.before-tmuxpulse"
    assert backup_of(held).read_bytes() == b"old\r\n"
    assert backup_of(held).stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "elsewhere", "settings.json", "settings.json.before-tmuxpulse",
    ]  # fmt: skip


def test_a_new_file_is_private(tmp_path: Path) -> None:
    held = read(tmp_path / "a" / "b.toml")
    assert held.text is None
    back_up(held)
    assert not backup_of(held).exists()
    write(held, "x")
    assert held.path.stat().st_mode & 0o777 == 0o600
    assert held.path.parent.stat().st_mode & 0o777 == 0o700
    write(read(held.path), None)
    assert not held.path.exists()


def test_the_first_copy_is_kept_until_the_file_is_as_it_was(file: Path) -> None:
    first = read(file)
    back_up(first)
    write(first, "two")
    back_up(read(file))
    assert backup_of(first).read_bytes() == b"old\r\n"
    assert not drop_backup(first, "other")
    assert not drop_backup(first, None)
    assert drop_backup(first, "old\r\n")
    assert not backup_of(first).exists()
    assert drop_backup(first, "old\r\n")


def test_who_changed_it_meanwhile_loses_nothing(file: Path) -> None:
    held = read(file)
    file.write_text("theirs")
    with pytest.raises(UsageError, match="changed just now"):
        write(held, "ours")
    assert file.read_text() == "theirs"


def test_a_write_that_fails_leaves_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = read(file)

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left on device; nothing done"):
        write(held, "new")
    assert file.read_bytes() == b"old\r\n"
    assert [path.name for path in file.parent.iterdir()] == ["settings.json"]


def test_what_is_no_file_of_settings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a file"):
        read(tmp_path)
    (tmp_path / "latin").write_bytes(b"a\nb\xe4\n")
    with pytest.raises(UsageError, match="latin:2: not UTF-8"):
        read(tmp_path / "latin")
    (tmp_path / "long").write_bytes(b" " * (MAX_BYTES + 1))
    with pytest.raises(UsageError, match="more than"):
        read(tmp_path / "long")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(UsageError, match="is not a file"):
        read(tmp_path / "fifo")
    (tmp_path / "x").touch()
    with pytest.raises(UsageError, match="cannot read"):
        read(tmp_path / "x" / "y")
