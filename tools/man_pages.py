"""Writes the manual pages, tmuxpulse(1) and one for each command, from the parsers.

    tools/man_pages.py FOLDER

The date in them is that of $SOURCE_DATE_EPOCH, else of the commit, so that two builds of one
commit are the same.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timezone
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tmuxpulse import __version__  # noqa: E402  # the tree that this lies in, installed or not
from tmuxpulse.cli.main import COMMANDS, parser_for  # noqa: E402
from tmuxpulse.cli.options import Subparsers  # noqa: E402

HEAD = re.compile(r"[a-z][^.]{0,60}:")  # a line such as "examples:"
FILES = """\
.TP
.I config.toml
Settings; \\fBtmuxpulse config path\\fR says where it is looked for.
.TP
.I rules/
Beside it: rules of your own for statuses.
"""


def pages(date: str) -> dict[str, str]:
    """Every page: the name of its file, and its text."""
    parser = parser_for(COMMANDS)
    (commands,) = [one for one in parser._actions if isinstance(one, Subparsers)]  # noqa: SLF001  # see below
    found = {"tmuxpulse.1": _page(parser, "tmuxpulse", "watch what every tmux pane does", date)}
    for name, below in commands.choices.items():
        found[f"tmuxpulse-{name}.1"] = _page(below, f"tmuxpulse-{name}", COMMANDS[name].help, date)
    return found


def _page(parser: argparse.ArgumentParser, title: str, summary: str, date: str) -> str:
    lines = [
        f'.TH {title.upper().replace("-", chr(92) + "-")} 1 {date} "tmuxpulse {__version__}"',
        ".SH NAME",
        f"{_plain(title)} \\- {_plain(summary)}",
        ".SH SYNOPSIS",
        *_synopsis(parser),
        ".SH DESCRIPTION",
        *_prose(parser.description or ""),
        *_options(parser),
        *_commands(parser),
        *_epilog(parser.epilog or ""),
    ]
    if title == "tmuxpulse":
        lines += [".SH FILES", FILES.rstrip("\n")]
    else:
        lines += [".SH SEE ALSO", ".BR tmuxpulse (1)"]
    return "\n".join(lines) + "\n"


def _synopsis(parser: argparse.ArgumentParser) -> Iterator[str]:
    usage = " ".join(parser.format_usage().removeprefix("usage:").split())
    name, _, rest = usage.partition(" [") if " [" in usage else (usage, "", "")
    yield f".B {_plain(name)}"
    if rest:
        yield _plain(f"[{rest}")


def _prose(text: str) -> Iterator[str]:
    """Paragraphs, filled; what is indented keeps its lines."""
    first = True
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        for indented, rows in groupby(block.split("\n"), lambda row: row.startswith("  ")):
            lines = [_plain(row if indented else row.strip()) for row in rows if row.strip()]
            if not lines:
                continue
            if not first:
                yield ".PP"
            first = False
            yield from (".nf", *lines, ".fi") if indented else lines


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Every group that has something, by its own title."""
    for group in parser._action_groups:  # noqa: SLF001  # argparse has no other way to ask
        actions = [one for one in group._group_actions if not isinstance(one, Subparsers)]  # noqa: SLF001  # as above
        if not actions:
            continue
        yield f".SH {(group.title or 'options').upper()}"
        yield from _prose(group.description or "")
        for action in actions:
            yield ".TP"
            yield _term(action)
            yield _plain(_help(parser, action))


def _term(action: argparse.Action) -> str:
    value = action.metavar or (
        "{" + ",".join(map(str, action.choices)) + "}" if action.choices else action.dest.upper()
    )
    if not action.option_strings:
        return f"\\fI{_plain(str(value))}\\fR"
    names = ", ".join(f"\\fB{_plain(one)}\\fR" for one in action.option_strings)
    return names if action.nargs == 0 else f"{names} \\fI{_plain(str(value))}\\fR"


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    formatter = parser._get_formatter()  # noqa: SLF001  # it fills in what `%(default)s` stands for
    return formatter._expand_help(action)  # noqa: SLF001  # as above


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:  # noqa: SLF001  # as above
        if not isinstance(action, Subparsers):
            continue
        yield ".SH COMMANDS"
        for one in action._choices_actions:  # noqa: SLF001  # as above
            yield from (".TP", f"\\fB{_plain(one.dest)}\\fR", _plain(one.help or ""))
            below = action.choices[one.dest]
            if parser.prog != "tmuxpulse":
                for option in below._actions:  # noqa: SLF001  # as above
                    if option.dest != "help":
                        yield from (
                            ".RS",
                            ".TP",
                            _term(option),
                            _plain(_help(below, option)),
                            ".RE",
                        )


def _epilog(text: str) -> Iterator[str]:
    """What stands at the end of a help; a line that ends with a colon heads what follows."""
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        if not block.strip():
            continue
        first, _, rest = block.partition("\n")
        heading, _, more = first.partition(": ")
        if HEAD.fullmatch(first):
            yield f".SH {first.rstrip(':').upper()}"
            yield from _prose(rest)
        elif more and heading == "exit codes":
            yield ".SH EXIT STATUS"
            yield from _prose(f"{more}\n{rest}")
        else:
            yield ".SH NOTES"
            yield from _prose(block)


def _plain(text: str) -> str:
    """Text as text: nothing in it is an order to roff."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    text = (
        text.replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha").replace("~", "\\(ti")
    )
    return f"\\&{text}" if text.startswith((".", "'")) else text


def date_of(root: Path) -> str:
    """The day that the pages bear."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return datetime.fromtimestamp(int(given), timezone.utc).date().isoformat()
    ran = subprocess.run(
        ["git", "-C", str(root), "log", "-1", "--format=%cd", "--date=format-local:%Y-%m-%d"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "TZ": "UTC"},
    )
    return ran.stdout.strip() or "1980-01-01"


def main() -> int:
    """Write them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["COLUMNS"] = "100"
    for name, text in pages(date_of(ROOT)).items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
