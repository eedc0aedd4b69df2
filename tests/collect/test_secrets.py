from __future__ import annotations

from tests.collect.test_watch import listing, row
from tmuxpulse.collect.secrets import without_secrets
from tmuxpulse.redaction.redactor import Redactor


def test_titles_are_masked_and_all_else_stays():
    secret = row(
        pane_id="%1",
        pane_title="psql --password=hunter2",
        window_name="curl token=hunter2hunter2",
        session_name="token=a",
    )
    plain = row(pane_id="%2", pane_title="vim")
    found = without_secrets(listing(secret, plain), Redactor())
    assert found.panes == (
        row(
            pane_id="%1",
            pane_title="psql --password=[redacted:password]",
            window_name="curl token=[redacted:token]",
            session_name="token=a",
        ),
        plain,
    )


def test_a_list_without_secrets_is_the_same_object():
    found = listing(row(pane_title="vim"))
    assert without_secrets(found, Redactor()) is found
