"""Who may come in, by a real store of tokens."""

from __future__ import annotations

from pathlib import Path

from tests.serve.houses import OneTicket
from tmuxpulse.serve.access import Access
from tmuxpulse.serve.token_store import TokenStore


def stores(tmp_path: Path) -> tuple[TokenStore, TokenStore]:
    """Of a command, and of a server that runs."""
    tmp_path.chmod(0o700)
    path = tmp_path / "tokens.json"
    return TokenStore(path), TokenStore(path)


def test_a_token_is_good_as_soon_as_it_is_made(tmp_path):
    command, server = stores(tmp_path)
    access = Access(server, OneTicket(), clock=lambda: 1000.0)
    secret, _ = command.create("new", ("read",), now=1000.0)
    grant = access.check(secret.reveal())
    assert grant is not None
    assert grant.scopes == {"read"}


def test_a_token_that_nobody_made_is_not(tmp_path):
    command, server = stores(tmp_path)
    access = Access(server, OneTicket(), clock=lambda: 1000.0)
    secret, _ = command.create("new", ("read",), now=1000.0)
    assert access.check(secret.reveal()[:-1]) is None
    assert access.check("") is None


def test_a_store_that_is_spoilt_lets_nobody_in_and_says_so_once(tmp_path, caplog):
    command, server = stores(tmp_path)
    access = Access(server, OneTicket(), clock=lambda: 1000.0)
    secret, _ = command.create("new", ("read",), now=1000.0)
    (tmp_path / "tokens.json").write_text("{")
    for _ in range(3):
        assert access.check(secret.reveal()) is None
    assert len([one for one in caplog.records if "no token is good" in one.message]) == 1
