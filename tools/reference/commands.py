"""The page of the command line, from the parsers themselves."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module

from tmuxpulse.cli.main import COMMANDS, EPILOG
from tools.reference.docstrings import cell

HEAD = """\
# Commands

<!-- Made by `make reference` from the parsers. Not to be edited by hand. -->

`tmuxpulse COMMAND --help` says the same. Every command has `-h`, and `-v` (`--verbose`: say more about what
happens, on standard error; twice: everything). With no command, on a terminal, it is `watch`; an option in
first place belongs to `watch`, too.

| exit code | |
|---|---|
| 0 | done; also when whatever reads the output stops reading |
| 1 | failed |
| 2 | the command line or a setting is wrong |
| 3 | no tmux, or no server |
| 4 | the server refused |
| 5 | timed out |
| 130, 143 | ended by Ctrl-C, by SIGTERM |

Errors are one line on standard error that says what to do.
"""
EVERYWHERE = frozenset({"-h", "--help", "-v", "--verbose"})


def page() -> str:
    """The whole page."""
    parsers = dict(every_parser())
    top = [name for name in parsers if " " not in name]
    lines = [HEAD, "| command | |", "|---|---|"]
    lines += [f"| [`{name}`](#tmuxpulse-{name}) | {cell(COMMANDS[name].help)} |" for name in top]
    lines.append("")
    for name, parser in parsers.items():
        level = "##" if " " not in name else "###"
        lines += [f"{level} `tmuxpulse {name}`", "", *_section(parser)]
    return "\n".join(lines).rstrip() + "\n"


def every_parser() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each command's parser, and those of the commands below it, by what is typed."""
    parser = argparse.ArgumentParser(prog="tmuxpulse")
    subparsers = parser.add_subparsers()
    for name, command in COMMANDS.items():
        import_module(command.module).add_parser(subparsers, command.help)
        yield from _with_those_below(name, subparsers.choices[name])


def exit_codes() -> str:
    """What the program's own help says of them."""
    return EPILOG


def _with_those_below(
    name: str, parser: argparse.ArgumentParser
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    yield name, parser
    for action in parser._actions:  # noqa: SLF001  # argparse tells of them in no other way
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # as above
            for below, one in action.choices.items():
                yield from _with_those_below(f"{name} {below}", one)


def _section(parser: argparse.ArgumentParser) -> list[str]:
    lines = [*_prose(parser.description or ""), ""]
    rows = [
        f"| {_name(action)} | {cell(_help(action, parser))} |"
        for action in parser._actions  # noqa: SLF001  # as above
        if not EVERYWHERE & set(action.option_strings)
        and not isinstance(action, argparse._SubParsersAction)  # noqa: SLF001  # as above
        and action.help != argparse.SUPPRESS
    ]
    if rows:
        lines += ["| | |", "|---|---|", *rows, ""]
    return lines + ([*_prose(parser.epilog), ""] if parser.epilog else [])


def _prose(text: str) -> list[str]:
    """A description as it stands: its line breaks and indentations mean something."""
    return ["```text", *text.strip("\n").splitlines(), "```"] if text.strip() else []


def _name(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        optional = action.nargs in ("?", "*")
        many = " …" if action.nargs in ("*", "+") else ""
        return f"`[{value}{many}]`" if optional else f"`{value}{many}`"
    last = action.option_strings[-1]
    shown = [*action.option_strings[:-1], f"{last} {value}".rstrip()]
    return ", ".join(f"`{one}`" for one in shown)


def _value(action: argparse.Action) -> str:
    if action.nargs == 0:
        return ""
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices is not None:
        return f"{{{','.join(map(str, action.choices))}}}"
    return action.dest if not action.option_strings else action.dest.upper()


def _help(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    words = vars(action) | {"prog": parser.prog}
    if action.choices is not None:
        words["choices"] = ", ".join(map(str, action.choices))
    return (action.help or "") % words
