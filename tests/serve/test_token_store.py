"""The file of tokens: private, whole, and never believed when it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tmuxpulse.errors import UsageError
from tmuxpulse.serve.grants import Scope
from tmuxpulse.serve.token_store import KEPT_SECONDS, MAX_FILE_BYTES, MAX_TOKENS, TokenStore

READ: tuple[Scope, ...] = ("read", "output")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    tmp_path.chmod(0o700)
    before = os.umask(0)
    yield tmp_path / "tokens.json"
    os.umask(before)


def test_a_token_is_found_again_and_nothing_of_it_is_in_the_file(path: Path) -> None:
    secret, record = TokenStore(path).create(
        "ci", ("read",), now=10.0, sessions=("api-*",), seconds=90.0
    )
    store = TokenStore(path)
    grant = store.check(secret.reveal(), 50.0)
    assert grant is not None
    assert grant.subject == f"token:{record.id}"
    assert (grant.name, grant.scopes, grant.sessions) == ("ci", frozenset({"read"}), ("api-*",))
    assert grant.expires_at == 100.0
    assert store.grant(record.id, 99.9) == grant
    assert store.check(secret.reveal(), 100.0) is None
    assert store.grant(record.id, 100.0) is None
    held = path.read_text()
    assert secret.reveal() not in held
    assert secret.reveal()[-43:] not in held
    assert path.stat().st_mode & 0o777 == 0o600  # whatever the umask
    assert [one.name for one in path.parent.iterdir() if one.name.startswith(".")] == []


def test_a_server_notices_what_commands_do(path: Path) -> None:
    server = TokenStore(path)
    assert not server.has_live(0.0)
    secret, record = TokenStore(path).create("a", READ, now=0.0)
    assert server.refresh() is True
    assert server.refresh() is False
    assert server.has_live(0.0)
    assert server.check(secret.reveal(), 1.0) is not None
    TokenStore(path).revoke("a", now=2.0)
    assert server.refresh() is True
    assert server.check(secret.reveal(), 3.0) is None
    assert server.grant(record.id, 3.0) is None


def test_rotating_ends_the_old_one_at_once_or_after_a_while(path: Path) -> None:
    store = TokenStore(path)
    old, _ = store.create("a", READ, now=0.0, seconds=1000.0)
    new, record = store.rotate("a", now=100.0)
    assert store.check(old.reveal(), 100.0) is None
    assert store.check(new.reveal(), 100.0) is not None
    assert record.expires_at == 1100.0
    newer, _ = store.rotate(record.id, now=200.0, grace=60.0)
    for text, at, good in ((new, 259.0, True), (new, 260.0, False), (newer, 260.0, True)):
        assert (store.check(text.reveal(), at) is not None) is good
    assert len(store.revoke("a", now=210.0)) == 2  # the one in its grace too


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o604])
def test_a_store_that_others_can_reach_is_refused(path: Path, mode: int) -> None:
    TokenStore(path).create("a", READ, now=0.0)
    path.chmod(mode)
    with pytest.raises(UsageError, match=r"chmod 600"):
        TokenStore(path)


def test_a_symlink_is_refused(path: Path) -> None:
    TokenStore(path).create("a", READ, now=0.0)
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")
    with pytest.raises(UsageError, match="not a link"):
        TokenStore(path)


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_directory_that_others_can_enter_is_refused(path: Path, mode: int) -> None:
    TokenStore(path).create("a", READ, now=0.0)
    path.parent.chmod(mode)
    with pytest.raises(UsageError, match="chmod 700"):
        TokenStore(path)
    with pytest.raises(UsageError, match="chmod 700"):
        _store_without_reading(path).create("b", READ, now=0.0)


def _store_without_reading(path: Path) -> TokenStore:
    store = TokenStore.__new__(TokenStore)
    store._path, store._records, store._seen, store.problem = path, {}, None, ""
    return store


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["fifo", "directory"])
def test_what_is_no_file_is_refused_and_nobody_waits_for_it(path: Path, make) -> None:
    make(path, 0o600)
    with pytest.raises(UsageError):
        TokenStore(path)


def test_a_lock_that_is_a_link_is_not_followed(path: Path) -> None:
    target = path.with_name("target")
    path.with_name("tokens.json.lock").symlink_to(target)
    with pytest.raises(UsageError):
        TokenStore(path).create("a", READ, now=0.0)
    assert not target.exists()


def test_when_the_store_goes_bad_no_token_is_good(path: Path) -> None:
    server = TokenStore(path)
    secret, record = server.create("a", READ, now=0.0)
    path.chmod(0o644)
    assert server.refresh() is True
    assert "chmod 600" in server.problem
    assert server.check(secret.reveal(), 1.0) is None
    assert server.grant(record.id, 1.0) is None
    path.chmod(0o600)
    assert server.refresh() is True
    assert server.problem == ""
    assert server.check(secret.reveal(), 1.0) is not None
    path.unlink()
    assert server.refresh() is True
    assert server.check(secret.reveal(), 1.0) is None


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["version", "tokens", "id", "hash"]), inner)
        ),
    ).map(lambda value: json.dumps(value).encode())
)
def test_garbage_is_refused_and_left_as_it_is(path: Path, garbage: bytes) -> None:
    path.write_bytes(garbage)
    path.chmod(0o600)
    try:
        records = TokenStore(path).records
    except UsageError:
        with pytest.raises(UsageError, match="damaged"):
            _store_without_reading(path).create("a", READ, now=0.0)
        assert path.read_bytes() == garbage
    else:
        assert records == []


def test_a_store_from_later_or_too_large_is_refused(path: Path) -> None:
    for held in (b'{"version":2,"tokens":[]}', b" " * (MAX_FILE_BYTES + 1)):
        path.write_bytes(held)
        path.chmod(0o600)
        with pytest.raises(UsageError, match="damaged"):
            TokenStore(path)


@pytest.mark.parametrize(
    ("name", "scopes", "sessions", "why"),
    [
        ("", ("read",), (), "name"),
        ("x" * 65, ("read",), (), "name"),
        ("a\x1b[2J", ("read",), (), "name"),
        (" a", ("read",), (), "name"),
        ("tp_abc", ("read",), (), "looks like a token"),
        ("a", (), (), "at least one"),
        ("a", ("admin",), ("x",), "all sessions"),
        ("a", ("read",), ("",), "globs"),
        ("a", ("read",), ("x",) * 65, "globs"),
    ],
)
def test_what_cannot_be_granted_is_refused(path: Path, name, scopes, sessions, why) -> None:
    with pytest.raises(UsageError, match=why):
        TokenStore(path).create(name, scopes, now=0.0, sessions=sessions)
    assert not path.exists()


def test_names_are_unique_among_the_living_and_the_dead_are_forgotten(path: Path) -> None:
    store = TokenStore(path)
    store.create("a", READ, now=0.0)
    with pytest.raises(UsageError, match="already"):
        store.create("a", READ, now=1.0)
    store.revoke("a", now=2.0)
    store.create("a", READ, now=3.0)
    assert len(store.records) == 2
    store.create("b", READ, now=3.0 + KEPT_SECONDS)
    assert [one.name for one in store.records] == ["a", "b"]


def test_unknown_names_are_refused_and_a_token_is_not_repeated(path: Path) -> None:
    store = TokenStore(path)
    secret, _ = store.create("a", READ, now=0.0)
    for act in (store.revoke, store.rotate):
        with pytest.raises(UsageError, match="no live token 'b'"):
            act("b", now=1.0)
        with pytest.raises(UsageError) as refused:
            act(secret.reveal(), now=1.0)
        assert secret.reveal() not in str(refused.value)


def test_tokens_are_bounded_in_number(path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tmuxpulse.serve.token_store.MAX_TOKENS", 3)
    assert MAX_TOKENS >= 3
    store = TokenStore(path)
    for number in range(3):
        store.create(str(number), READ, now=0.0)
    with pytest.raises(UsageError, match="3 tokens already"):
        store.create("x", READ, now=0.0)


MAKER = """
import sys
from pathlib import Path
from tmuxpulse.serve.grants import Scope
from tmuxpulse.serve.token_store import TokenStore
for number in range(20):
    TokenStore(Path(sys.argv[1])).create(f"{sys.argv[2]}-{number}", ("read",), now=0.0)
"""


def test_processes_at_once_lose_nothing(path: Path) -> None:
    makers = [
        subprocess.Popen([sys.executable, "-c", MAKER, str(path), str(number)])
        for number in range(4)
    ]
    assert [maker.wait(60) for maker in makers] == [0] * 4
    names = {record.name for record in TokenStore(path).records}
    assert names == {f"{maker}-{number}" for maker in range(4) for number in range(20)}


def test_a_failing_write_leaves_the_old_store(path: Path, monkeypatch) -> None:
    store = TokenStore(path)
    store.create("a", READ, now=0.0)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        store.create("b", READ, now=0.0)
    assert path.read_bytes() == before
    assert sorted(one.name for one in path.parent.iterdir()) == ["tokens.json", "tokens.json.lock"]
