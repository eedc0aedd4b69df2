"""The reference says what the program says: pages that are made are up to date, others complete."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import jsonschema
import msgspec
import pytest

from tests.docs import codes
from tests.docs.blocks import ROOT
from tmuxpulse.cli import checks, doctor, safety_checks
from tmuxpulse.cli.main import COMMANDS
from tmuxpulse.config.settings import Settings
from tmuxpulse.wire import Numbered, decode_message
from tools.reference import javascript_api, pages
from tools.reference.commands import every_parser
from tools.reference.docstrings import parse
from tools.reference.events import examples, types
from tools.reference.schema import CUSTOM, json_schema

DOCS = ROOT / "docs"
ERRORS = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
TROUBLE = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
MADE = pages.made()
FROM_SERVER = jsonschema.Draft202012Validator(
    {**json_schema(), "anyOf": [{"$ref": "#/$defs/FromServer"}]}
)


@pytest.mark.parametrize("name", MADE)
def test_what_is_made_is_up_to_date(name: str) -> None:
    assert name not in pages.outdated(MADE), "run: make reference"


# --- events ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", types())
def test_every_event_has_an_example_that_decodes(name: str) -> None:
    found = examples().get(name)
    assert found is not None, "run: make reference-events, which collects them from a real run"
    message = decode_message(json.dumps(found))
    assert message is not None
    if isinstance(message, Numbered):
        assert message.event.type == found["type"]
        assert message.seq > 0
    same = found["type"] == name or (name == CUSTOM and found["type"].startswith("custom."))
    assert same


def test_there_is_no_example_of_what_is_not() -> None:
    assert examples().keys() == types().keys()


@pytest.mark.parametrize("name", types())
def test_every_example_is_as_the_schema_says(name: str) -> None:
    found = examples()[name]
    assert [error.message for error in FROM_SERVER.iter_errors(found)] == []
    assert not FROM_SERVER.is_valid({**found, "type": 7})


@pytest.mark.parametrize(
    ("request_", "right"),
    [
        ({"action": "ping", "id": 1}, True),
        ({"action": "ping", "more": 1}, False),
        ({"action": "subscribe", "filters": {"types": ["pane.*"]}, "snapshot": True}, True),
        ({"action": "subscribe", "filters": {"types": "pane.*"}}, False),
        ({"action": "command", "command": "interrupt", "target": {"pane": "%1"}}, True),
        ({"command": "interrupt", "target": {"pane": "%1"}}, False),
        ({"action": "batch", "commands": [{"command": "interrupt"}]}, True),
    ],
)
def test_the_schema_takes_what_the_server_takes(request_: dict[str, object], right: bool) -> None:
    schema = {**json_schema(), "anyOf": [{"$ref": "#/$defs/FromClient"}]}
    assert jsonschema.Draft202012Validator(schema).is_valid(request_) is right


# --- codes -------------------------------------------------------------------------------------


def in_tables(pattern: str) -> set[str]:
    """What the first cells of the page's tables hold."""
    return set(re.findall(rf"^\| `?({pattern})`? \|", ERRORS, re.MULTILINE))


@pytest.mark.parametrize(
    ("of_the_program", "pattern"),
    [
        (codes.error_codes, r"[A-Z]{3,}(?:_[A-Z]+)*"),
        (codes.close_codes, r"1\d{3}|4\d{3}"),
        (codes.statuses, r"[2-5]\d{2}"),
    ],
    ids=["errors", "closing", "http"],
)
def test_every_code_is_told_and_no_other(
    of_the_program: Callable[[], set[object]], pattern: str
) -> None:
    assert in_tables(pattern) == {str(code) for code in of_the_program()}


def test_codes_are_found_however_they_are_written() -> None:
    found = codes.error_codes()
    assert {"INVALID_FILTER", "AUTH_REQUIRED", "VERSION", "TOO_LARGE", "NOT_FOUND"} <= found
    assert {1001, 4003, 4500} <= codes.close_codes()
    assert {200, 421, 503} <= codes.statuses()


# --- doctor ------------------------------------------------------------------------------------


def check_names() -> set[str]:
    """Every name that a check of doctor can have; what varies in it is left out."""
    found = set()
    for module in (checks, doctor, safety_checks):
        text = (ROOT / str(module.__name__).replace(".", "/")).with_suffix(".py").read_text()
        found |= set(re.findall(r'\bname=f?"([^"]+)"', text))
        found |= set(re.findall(r'^    name = f?"([^"]+)"', text, re.MULTILINE))
    return {name.split("{")[0].strip() for name in found}


@pytest.mark.parametrize("name", sorted(check_names()))
def test_every_check_of_doctor_is_told(name: str) -> None:
    assert re.search(rf"^\|.*`{re.escape(name)}[^|]*`.* \|", TROUBLE, re.MULTILINE)


def test_the_names_of_checks_are_found() -> None:
    assert {"python", "tokens", "audit log", "port", "tmux", "its", "leftovers"} <= check_names()


# --- settings and commands ---------------------------------------------------------------------


def test_every_setting_is_told() -> None:
    page = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    for table in Settings.__struct_fields__:
        assert f"## `[{table}]`" in page
        for key in type(getattr(Settings(), table)).__struct_fields__:
            assert f"| `{key}` |" in page.partition(f"## `[{table}]`")[2], f"[{table}] {key}"


def test_every_command_and_option_is_told() -> None:
    page = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    told = dict(every_parser())
    assert told.keys() >= COMMANDS.keys()
    for name, parser in told.items():
        section = page.partition(f"# `tmuxpulse {name}`\n")[2].partition("\n## ")[0]
        for option in parser._option_string_actions:
            if option not in ("-h", "--help", "-v", "--verbose"):
                assert f"`{option}" in section, f"{name} {option}"


def test_the_changelog_tells_of_every_command() -> None:
    told = re.findall(r"`([^`]+)`", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    words = {word for one in told for word in re.split(r"[ |]", one)}
    assert COMMANDS.keys() - words == set()


# --- how pages are made ------------------------------------------------------------------------


def test_a_docstring_is_taken_apart() -> None:
    found = parse(
        """Do it, as ``sh`` does.

        More words.

        Args:
            what: which one,
                or none.

        Returns:
            The result.

        Raises:
            UsageError: it is wrong: very.
        """
    )
    assert found.summary == "Do it, as `sh` does."
    assert found.body == "More words."
    assert found.attributes == {"what": "which one, or none."}
    assert found.returns == "The result."
    assert found.raises == {"UsageError": "it is wrong: very."}


DECLARATIONS = """\
import type { X } from "./x.js";

/** Not exported. */
interface Hidden { a: string }

/**
 * Connects to a server.
 *
 * Comes back by itself.
 */
export declare function connect(url: string): Client;
export declare function connect(url: string, options: { token: string }): Client;

/** A connection. */
export class Client {
  /** Ends it; `}` is text here. */
  close(): void;
  readonly state: "open" | "closed";
}

export type State =
  | "open"
  | "closed";
"""


def test_declarations_of_javascript_are_found() -> None:
    found = javascript_api.declarations(DECLARATIONS)
    assert [one.name for one in found] == ["connect", "Client", "State"]
    assert found[0].comment == "Connects to a server.\n\nComes back by itself."
    assert found[0].code.count("\n") == 1
    assert found[1].comment == "A connection."
    assert found[1].code.endswith("}")
    assert "readonly state" in found[1].code
    assert found[2].code == 'export type State =\n  | "open"\n  | "closed";'
    page = javascript_api.page(DECLARATIONS)
    assert "## Client" in page
    assert "Hidden" not in page


def test_asyncapi_refers_to_what_the_schema_has() -> None:
    text = MADE["reference/schema/tmuxpulse-v1.asyncapi.json"]
    found = msgspec.json.decode(text)
    definitions = msgspec.json.decode(MADE["reference/schema/tmuxpulse-v1.schema.json"])["$defs"]
    for name, message in found["components"]["messages"].items():
        file, _, place = message["payload"]["schema"]["$ref"].partition("#/$defs/")
        assert file == "./tmuxpulse-v1.schema.json"
        assert place == name
        assert name in definitions
    for operation in found["operations"].values():
        for one in operation["messages"]:
            assert one["$ref"].rpartition("/")[2] in found["channels"]["monitor"]["messages"]
