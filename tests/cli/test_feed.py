"""Whom the commands ask, and with which token."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from tmuxpulse.cli.feed import Source, token_of
from tmuxpulse.cli.options import add_server_options
from tmuxpulse.config.settings import CollectSettings
from tmuxpulse.errors import UsageError

TOKEN = "tp_canary0canary_S3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS3CRETS"
URL = ("--url", "wss://pulse.example/")


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_server_options(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_text(TOKEN)
    return str(path)


def test_a_token_comes_from_a_file_that_is_named(file: str) -> None:
    named = {"TMUXPULSE_TOKEN_FILE": file}
    assert token_of(options(*URL, "--token-file", file), {}) == TOKEN
    assert token_of(options(*URL), named) == TOKEN
    assert token_of(options(*URL), {}) is None
    assert token_of(options(*URL), {"TMUXPULSE_TOKEN_FILE": ""}) is None
    assert token_of(options(*URL, "--token-file", file), {"TMUXPULSE_TOKEN_FILE": "x"}) == TOKEN


def test_without_an_address_no_token_is_read() -> None:
    assert token_of(options(), {"TMUXPULSE_TOKEN_FILE": "/there/is/no/such/file"}) is None


@pytest.mark.parametrize("option", ["--token-file", "--ca-file"])
def test_what_is_for_an_address_needs_one(file: str, option: str) -> None:
    with pytest.raises(UsageError, match="add --url"):
        token_of(options(option, file), {})


def test_a_source_does_not_show_its_token() -> None:
    source = Source(
        url=URL[1], unix_socket="", collect=CollectSettings(runtime_dir="/r"), token=TOKEN
    )
    assert TOKEN not in f"{source!r} {source}"
    assert URL[1] in repr(source)
