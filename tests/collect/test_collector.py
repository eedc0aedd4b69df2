"""Which engine is chosen, and what is said of it."""

from __future__ import annotations

import pytest

from tmuxpulse.collect.collector import best_engine, choose_engine
from tmuxpulse.collect.command import Identity, Tmux
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.errors import TmuxTooOld

TMUX = Tmux("tmux", "/tmp/sock")


def chosen(version: str, engine="auto") -> str:
    identity = Identity(1, 1, version)
    settings = CollectSettings(engine=engine, runtime_dir="/tmp")
    return choose_engine(TMUX, identity, settings, newborn=False).name


@pytest.mark.parametrize(
    ("version", "engine"),
    [("3.1c", "poll"), ("3.2", "pipe"), ("3.3a", "pipe"), ("3.7c", "pipe"), ("3.8", "control")],
)
def test_each_release_gets_the_engine_that_does_it_no_harm(version, engine):
    assert best_engine(Identity(1, 1, version).release) == engine
    assert chosen(version) == engine


def test_control_mode_on_request_names_the_risk(caplog):
    assert chosen("3.3a", "control") == "control"
    assert "can crash" in caplog.text
    caplog.clear()
    assert chosen("3.8", "control") == "control"
    assert caplog.text == ""


def test_what_a_release_cannot_do_is_refused():
    assert chosen("3.3a", "poll") == "poll"
    with pytest.raises(TmuxTooOld, match="--engine poll"):
        chosen("3.1c", "pipe")
