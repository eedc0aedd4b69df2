"""The text of a token, one-time tickets: what is good, once, and what shows nothing."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tmuxpulse.redaction.redactor import make_redactor
from tmuxpulse.serve import tickets as tickets_module
from tmuxpulse.serve.grants import Grant, owner
from tmuxpulse.serve.tickets import SESSION_SECONDS, Tickets
from tmuxpulse.serve.tokens import (
    NO_HASH,
    TOKEN_PATTERN,
    Secret,
    hash_of,
    id_of,
    make_token,
    matches,
)


def test_a_token_is_new_each_time_and_its_id_can_be_read() -> None:
    made = [make_token() for _ in range(200)]
    assert len({token_id for token_id, _ in made}) == 200
    for token_id, secret in made:
        assert TOKEN_PATTERN.fullmatch(secret.reveal())
        assert id_of(secret.reveal()) == token_id
        assert matches(secret.reveal(), hash_of(secret.reveal()))


@settings(max_examples=200)
@given(st.integers(0, 58), st.characters(), st.booleans())
def test_any_change_makes_it_another(at: int, char: str, inserted: bool) -> None:
    _, secret = make_token()
    text = secret.reveal()
    changed = text[:at] + char + text[at + (0 if inserted else 1) :]
    assert matches(changed, hash_of(text)) is (changed == text)


@settings(max_examples=200)
@given(st.text(max_size=80))
def test_garbage_is_no_token(text: str) -> None:
    assert id_of(text) is None or TOKEN_PATTERN.fullmatch(text)
    assert matches(text, None) is False
    assert matches(text, NO_HASH) is False


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("tp_canary")
    shown = (repr(secret), str(secret), f"{secret}", repr([secret]), repr({"a": secret}))
    assert not any("canary" in one for one in shown)


def test_a_token_in_a_pane_is_masked() -> None:
    _, secret = make_token()
    shown = make_redactor([]).redact_line(f"export T={secret.reveal()}").text
    assert secret.reveal()[-43:] not in shown


# --- tickets --------------------------------------------------------------------------------


def test_a_ticket_is_good_once_and_not_for_long() -> None:
    tickets = Tickets()
    _, ticket = tickets.issue(owner(), 100.0, 60.0)
    text = ticket.reveal()
    assert tickets.check(text, 100.0) is None  # it lets nobody in by itself
    exchanged = tickets.redeem(text, 159.9)
    assert exchanged is not None
    grant, token = exchanged
    assert grant.scopes == owner().scopes
    assert tickets.redeem(text, 159.9) is None
    assert tickets.check(token.reveal(), 160.0) == grant
    assert tickets.grant(grant.subject.removeprefix("ticket:"), 160.0) == grant
    end = 159.9 + SESSION_SECONDS
    assert grant.expires_at == end
    assert tickets.check(token.reveal(), end) is None
    assert tickets.grant(grant.subject.removeprefix("ticket:"), end) is None
    _, late = tickets.issue(owner(), 100.0, 60.0)
    assert tickets.redeem(late.reveal(), 160.0) is None


def test_what_comes_of_a_ticket_lives_no_longer_than_who_asked_for_it() -> None:
    tickets = Tickets()
    short = Grant("token:x", "x", frozenset({"read", "admin"}), expires_at=500.0)
    _, ticket = tickets.issue(short, 0.0)
    exchanged = tickets.redeem(ticket.reveal(), 10.0)
    assert exchanged is not None
    assert exchanged[0].expires_at == 500.0


def test_a_wrong_secret_does_not_use_a_ticket_up() -> None:
    tickets = Tickets()
    _, ticket = tickets.issue(owner(), 0.0)
    text = ticket.reveal()
    assert tickets.redeem(text[:-1] + ("a" if text[-1] != "a" else "b"), 1.0) is None
    assert tickets.redeem(text, 1.0) is not None


def test_tickets_and_their_tokens_are_bounded(monkeypatch) -> None:
    monkeypatch.setattr(tickets_module, "MAX_TICKETS", 3)
    monkeypatch.setattr(tickets_module, "MAX_SESSIONS", 2)
    tickets = Tickets()
    made = [tickets.issue(owner(), 0.0)[1].reveal() for _ in range(4)]
    assert tickets.redeem(made[0], 1.0) is None  # the oldest went
    tokens = []
    for text in made[1:]:
        exchanged = tickets.redeem(text, 1.0)
        assert exchanged is not None
        tokens.append(exchanged[1].reveal())
    assert [tickets.check(text, 2.0) is not None for text in tokens] == [False, True, True]


def test_grants_show_no_hash() -> None:
    assert "hash" not in repr(msgspec.to_builtins(owner()))
