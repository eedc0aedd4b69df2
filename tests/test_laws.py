"""No law depends on how fast the machine is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
LAWS = sorted(
    path
    for path in TESTS.rglob("test_*.py")
    if path != Path(__file__) and "from hypothesis" in path.read_text()
)


def test_what_a_test_says_goes_on_top_of_what_all_have() -> None:
    said = settings(max_examples=7)
    assert (said.max_examples, said.deadline) == (7, None)
    assert HealthCheck.too_slow in said.suppress_health_check
    assert HealthCheck.function_scoped_fixture not in said.suppress_health_check


@pytest.mark.parametrize("path", LAWS, ids=lambda path: str(path.relative_to(TESTS)))
def test_no_law_brings_the_clock_back(path: Path) -> None:
    """A list of health checks takes the place of the common one, so it has to repeat it."""
    text = path.read_text()
    assert not re.search(r"\bsettings\([^)]*\bdeadline=(?!None)", text)
    for found in re.findall(r"suppress_health_check=\[([^\]]*)\]", text):
        assert "HealthCheck.too_slow" in found
