"""`tmuxpulse config`: what is set, where it comes from, and what is wrong with it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import msgspec

from tmuxpulse.cli.options import (
    Subparsers,
    add_command,
    add_config_option,
    say,
    settings_of,
)
from tmuxpulse.collect.secrets import redactor_of
from tmuxpulse.config.layers import SettingsError, load_settings
from tmuxpulse.config.places import config_file
from tmuxpulse.config.words import as_toml, template
from tmuxpulse.errors import UsageError

DESCRIPTION = """\
Settings come from flags, over variables (TMUXPULSE_SERVER_PORT), over a file, over defaults.

  config show            what is in force, and where each value comes from
  config check [FILE]    whether a file is right; a line for each mistake
  config init            write a file with every setting in it, all of them switched off
  config path            where the file is looked for
"""


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command, with its own commands."""
    parser = add_command(subparsers, "config", run, summary=summary, description=DESCRIPTION)
    own = parser.add_subparsers(metavar="COMMAND", dest="config_command", required=True)
    show = own.add_parser(
        "show",
        help="what is in force",
        description="Print every setting with its value, and where that comes from.",
        allow_abbrev=False,
    )
    add_config_option(show)
    show.add_argument("--json", action="store_true", help="one JSON object")
    check = own.add_parser(
        "check",
        help="whether a file is right",
        description="Check a file of settings: a line for each mistake, and exit code 2.",
        allow_abbrev=False,
    )
    check.add_argument("file", metavar="FILE", nargs="?", help="by default the one that is used")
    init = own.add_parser(
        "init",
        help="write a file to begin with",
        description="Write a file with every setting and what it is for; all lines are comments.",
        allow_abbrev=False,
    )
    init.add_argument("--force", action="store_true", help="also over one that is there")
    own.add_parser(
        "path",
        help="where the file is looked for",
        description="Print the path of the file of settings, whether it is there or not.",
        allow_abbrev=False,
    )


def run(options: argparse.Namespace) -> int:
    """Do one of its commands."""
    match options.config_command:
        case "show":
            return _show(options)
        case "check":
            return _check(options)
        case "init":
            return _init(config_file(), force=options.force)
    print(config_file())
    return 0


def _show(options: argparse.Namespace) -> int:
    loaded = settings_of(options)
    if options.json:
        shown = {
            "file": None if loaded.file is None else str(loaded.file),
            "settings": loaded.settings,
            "origins": loaded.origins,
        }
        print(msgspec.json.encode(shown).decode())
        return 0
    print(as_toml(loaded), end="")
    if loaded.file is None:
        say(f"there is no file {config_file()}; config init writes one")
    return 0


def _check(options: argparse.Namespace) -> int:
    path = Path(options.file) if options.file else config_file()
    if not options.file and not path.exists():
        say(f"there is no file {path}: all settings are at their defaults")
        return 0
    try:
        redactor_of(load_settings(path, environ={}).settings.redaction)
    except SettingsError as error:
        for problem in error.problems:
            say(problem)
        return error.exit_code
    print(f"{path}: fine")
    return 0


def _init(path: Path, *, force: bool) -> int:
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, flags, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} is there already; --force writes over it") from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
    with open(fd, "w", encoding="utf-8") as file:  # noqa: PTH123  # by descriptor: O_EXCL made it
        file.write(template())
    print(path)
    return 0
