"""What all tests share: no file of the user's is read or written, and no clock judges a law."""

from __future__ import annotations

import math
import os

import pytest
from hypothesis import HealthCheck, settings

from tmuxpulse.hub import hub

# How fast a machine is, and how busy, is no matter of a test's: speed has its place in `bench/`.
# What a test says with `@settings` goes on top; a list of health checks takes the place of this.
settings.register_profile("tmuxpulse", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tmuxpulse")


@pytest.fixture(scope="session", autouse=True)
def _no_hub_that_rests():
    """What is published goes out in the next pass, however long the last handing out took."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "REST_FROM_SECONDS", math.inf)
        yield


@pytest.fixture(scope="session", autouse=True)
def _no_home_of_the_user(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        os.environ[name] = str(home / name.lower())
