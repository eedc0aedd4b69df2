"""The log as JSON lines, whatever is logged."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tmuxpulse.cli.logs import FIELDS, MAX_EXCEPTION, MAX_MESSAGE, JsonFormatter

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MESSAGES = st.text(st.characters(exclude_categories=[]))  # halves of surrogate pairs, too


def line_of(message: str, level: int = logging.INFO, **extra: object) -> dict[str, Any]:
    record = logging.LogRecord("tmuxpulse.part", level, "f.py", 1, message, (), None)
    record.__dict__.update(extra)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


@given(MESSAGES)
def test_any_message_is_one_line_of_json(message: str) -> None:
    found = line_of(message)
    expected = message.encode("utf-8", "backslashreplace").decode()
    assert found.pop("message") == expected
    assert TIME.fullmatch(found.pop("time"))
    assert found == {"level": "info", "logger": "tmuxpulse.part"}


def test_a_time_is_utc() -> None:
    record = logging.LogRecord("a", logging.ERROR, "f.py", 1, "m", (), None)
    record.created = 1_767_225_600.25
    assert json.loads(JsonFormatter().format(record))["time"] == "2026-01-01T00:00:00.250Z"


def test_fields_are_told_and_no_others() -> None:
    found = line_of("m", client="c-1", peer="127.0.0.1:1", code=1000, token="tp_secret")
    assert {name: found[name] for name in FIELDS} == {
        "client": "c-1",
        "peer": "127.0.0.1:1",
        "code": 1000,
    }
    assert "token" not in found


def test_an_error_has_its_traceback_and_nothing_grows_without_bound() -> None:
    error = ZeroDivisionError("x" * 100_000)
    found = line_of("m" * 100_000, logging.ERROR, exc_info=(type(error), error, None))
    assert found["level"] == "error"
    assert len(found["message"]) == MAX_MESSAGE
    assert len(found["exception"]) == MAX_EXCEPTION


PROGRAM = """
import sys, logging, warnings
from tmuxpulse.cli.logs import log_as_json
log_as_json(int(sys.argv[1]))
logging.getLogger("a").debug("one")
logging.getLogger("a").info("two")
logging.getLogger("a").warning("three %s", "3")
warnings.warn("four", stacklevel=1)
raise RuntimeError("five")
"""


@pytest.mark.parametrize(
    ("verbose", "expected"),
    [
        (0, ["warning", "warning", "critical"]),
        (1, ["info", "warning", "warning", "critical"]),
        (5, ["debug", "info", "warning", "warning", "critical"]),
    ],
)
def test_everything_on_standard_error_is_json(verbose: int, expected: list[str]) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(verbose)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [line["level"] for line in lines] == expected
    assert "RuntimeError: five" in lines[-1]["exception"]
