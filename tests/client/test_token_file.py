"""Which files a token is read from, and that nothing of theirs is repeated."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tmuxpulse.client.token_file import MAX_BYTES, check_token, read_token_file
from tmuxpulse.errors import UsageError

TOKEN = "tp_abcdefghijkl_S3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_text(f"{TOKEN}\n")
    return path


def refusal(path: Path | str) -> str:
    with pytest.raises(UsageError) as refused:
        read_token_file(str(path))
    assert TOKEN not in str(refused.value)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize("content", [TOKEN, f"{TOKEN}\n", f"{TOKEN}\r\n", f" {TOKEN} \n\n"])
def test_a_token(file: Path, content: str) -> None:
    file.write_text(content)
    assert read_token_file(str(file)) == TOKEN


def test_a_link_to_a_good_file(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to(file)
    assert read_token_file(str(link)) == TOKEN
    file.chmod(0o644)
    assert "chmod 600" in refusal(link)


def test_a_pipe(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    writer = threading.Thread(target=lambda: pipe.write_text(f"{TOKEN}\n"))
    writer.start()
    assert read_token_file(str(pipe)) == TOKEN
    writer.join()


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o602, 0o610, 0o666])
def test_others_may_not_read_it(file: Path, mode: int) -> None:
    file.chmod(mode)
    text = refusal(file)
    assert "chmod 600" in text
    assert "tmuxpulse token rotate" in text


def test_it_has_to_be_ours(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: somebody)
    assert "belongs to somebody else" in refusal(file)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty; make one there with: tmuxpulse token create NAME --file F"),
        (b"\n\n", "is empty"),
        (f"{TOKEN}\n{TOKEN}\n".encode(), "one line"),
        (f"{TOKEN} {TOKEN}".encode(), "without spaces"),
        (f"tökn{TOKEN}".encode(), "ASCII"),
        (b"\xef\xbb\xbf" + TOKEN.encode(), "ASCII"),
        (f"{TOKEN}\0".encode(), "ASCII"),
        (TOKEN.encode() * 100, "too large"),
        (b"x" * (MAX_BYTES + 1), "too large"),
    ],
)
def test_what_is_no_token(file: Path, content: bytes, says: str) -> None:
    file.write_bytes(content)
    assert says in refusal(file)


def test_what_is_no_file(tmp_path: Path) -> None:
    open_before = os.listdir("/dev/fd")
    assert "No such file" in refusal(tmp_path / "missing")
    assert "not a file" in refusal(tmp_path)
    assert "not a file" in refusal("/dev/null")
    assert "null" in refusal("a\0b")
    assert os.listdir("/dev/fd") == open_before


@given(content=st.binary(max_size=80))
@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_bytes_are_a_token_or_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    try:
        token = read_token_file(str(file))
    except UsageError:
        return
    assert check_token(token) == token == content.strip().decode()
    f"Authorization: Bearer {token}".encode("ascii")
