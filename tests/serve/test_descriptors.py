"""The limit of open files is raised, in a process of the test's own."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import resource
from tmuxpulse.serve.descriptors import raise_descriptor_limit
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, {hard}))
print(raise_descriptor_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def limits(hard: str) -> list[int]:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(hard=hard)],
        capture_output=True,
        text=True,
        check=True,
    )
    return [int(number) for number in run.stdout.split()]


def test_it_is_raised_to_the_hard_limit() -> None:
    assert limits("512") == [512, 512]


def test_it_stays_where_nothing_is_to_be_had() -> None:
    assert limits("256") == [256, 256]
