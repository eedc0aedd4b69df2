"""`tmuxpulse explain PANE`: why a pane's status is what it is."""

from __future__ import annotations

import argparse
import os
import re
import time
from collections.abc import Mapping
from functools import partial

import msgspec
import trio

from tmuxpulse.cli.ages import seconds_since, short
from tmuxpulse.cli.describe import duration
from tmuxpulse.cli.feed import Source, names_of, source_of
from tmuxpulse.cli.options import (
    Subparsers,
    add_colour_option,
    add_command,
    add_config_option,
    add_server_options,
    add_tmux_options,
    collect_settings,
    log_to_stderr,
    settings_of,
)
from tmuxpulse.cli.running import run_async
from tmuxpulse.cli.terminal import BOLD, DIM, harmless_json, padded, printable, styled, wants_colour
from tmuxpulse.cli.tree import sockets_text, status_codes
from tmuxpulse.config.features import why_off
from tmuxpulse.config.places import runtime_dir
from tmuxpulse.errors import RequestError, ServerUnavailable, TmuxUnavailable, UsageError
from tmuxpulse.filters import Filter
from tmuxpulse.serve.target import find_pane
from tmuxpulse.wire import (
    Explain,
    ExplainData,
    PaneExplanation,
    PaneView,
    Snapshot,
    SnapshotData,
    Target,
    Tree,
)

DESCRIPTION = """\
Say what a pane is doing and why: what each layer of evidence tells and how old that is, the rule
that won and those that lost. PANE is an id (%12), or session, session:window, session:window.pane;
without it the pane in which this runs.

It asks your tmuxpulse server when one runs. Without one it watches for some seconds itself; reports
of hooks and what happened before are not known then.
"""
SETTLE_SECONDS = 4.0  # a status is announced by then, if it is known at all
LOOK_SECONDS = 0.05
_PLACE = re.compile(r"(?P<session>[^:.%][^:.]*)(?::(?P<window>[^:.]+)(?:\.(?P<pane>\d+))?)?")


class Explained(msgspec.Struct, frozen=True):
    """What `--json` prints."""

    server: str
    pane: PaneView
    explanation: PaneExplanation


EXAMPLES = """\
examples:
  tmuxpulse explain                             the pane in which this runs
  tmuxpulse explain api:0.1
  tmuxpulse explain %12 --json | jq -r .explanation.reason
"""


def add_parser(subparsers: Subparsers[argparse.ArgumentParser], summary: str) -> None:
    """Add the command."""
    parser = add_command(subparsers, "explain", run, summary=summary, description=DESCRIPTION)
    parser.epilog = EXAMPLES
    parser.add_argument("pane", metavar="PANE", nargs="?", help="which pane")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    add_server_options(parser)
    add_tmux_options(parser)
    add_config_option(parser)
    add_colour_option(parser)


def run(options: argparse.Namespace) -> int:
    """Explain."""
    log_to_stderr(options.verbose)
    target = target_of(options.pane, os.environ)
    if options.pane is None and not (options.names or options.paths or options.url):
        options.paths = [os.environ["TMUX"].partition(",")[0]]
    source = source_of(options, collect_settings(settings_of(options).settings, runtime_dir()))
    return run_async(partial(_explain, source, target, options))


def target_of(text: str | None, environ: Mapping[str, str]) -> Target:
    """What names a pane.

    Args:
        text: as the user wrote it; None: the pane in which this runs.
        environ: the environment.

    Raises:
        UsageError: it names none.
    """
    if text is None:
        if not environ.get("TMUX") or not environ.get("TMUX_PANE"):
            raise UsageError("name a pane, such as %12 or work:2.1; tmuxpulse ls lists them")
        return Target(pane=environ["TMUX_PANE"])
    if re.fullmatch(r"%\d+", text):
        return Target(pane=text)
    found = _PLACE.fullmatch(text)
    if found is None:
        raise UsageError(f"{text} is no pane: write %12, or session:window.pane")
    window, pane = found["window"], found["pane"]
    return Target(
        session=found["session"],
        window=int(window) if window is not None and window.isdecimal() else window,
        pane=None if pane is None else int(pane),
    )


async def look(source: Source, target: Target) -> Explained:
    """Ask why a pane's status is what it is.

    Raises:
        RequestError: there is no such pane, or several.
        ServerUnavailable: the server that was named does not answer.
        TmuxUnavailable: no tmux server runs.
    """
    found = await _from_server(source, target) if source.has_server else None
    return await _from_here(source, target) if found is None else found


async def _from_server(source: Source, target: Target) -> Explained | None:
    """Ask the server; None when it does not watch what the user named."""
    async with source.connect() as connection:
        if source.collect.sockets:
            state = await connection.request(Snapshot())
            tree = state.data if isinstance(state, SnapshotData) else Tree(servers=[], sessions=[])
            names = names_of(tree, source.collect.sockets)
            if names is None:
                if source.url is not None:
                    raise UsageError(
                        f"the server at {source.url} does not watch what -L or -S name"
                    )
                return None
            target = _in_servers(tree, names, target)
        reply = await connection.request(Explain(target=target))
    if not isinstance(reply, ExplainData):
        raise ServerUnavailable("the tmuxpulse server did not explain")
    return Explained(reply.server, reply.pane, reply.explanation)


def _in_servers(tree: Tree, names: frozenset[str], target: Target) -> Target:
    """The same pane, of some tmux servers only."""
    sessions = [session for session in tree.sessions if session.server in names]
    spot = find_pane(Tree(servers=tree.servers, sessions=sessions), target)
    return Target(server=spot.session.server, pane=spot.pane.id)


async def _from_here(source: Source, target: Target) -> Explained:
    """Watch until the pane's status is told, or will not be."""
    from tmuxpulse.cli.embedded import open_embedded

    if not source.collect.judges:
        raise RequestError("UNAVAILABLE", why_off("status"))
    async with open_embedded(source.collect, Filter(types=("server.up",))) as feed:
        tree = feed.hub.snapshot()
        if not any(server.up for server in tree.servers):
            raise TmuxUnavailable(
                f"no tmux server is running on {sockets_text(tree)}; start one with: tmux",
                socket=tree.servers[0].socket if tree.servers else "",
            )
        spot = find_pane(tree, target)
        watched = feed.hub.sources[spot.session.server]
        with trio.move_on_after(SETTLE_SECONDS):
            while not _is_settled(watched.explain(spot.pane.id)):  # noqa: ASYNC110  # nobody tells
                await trio.sleep(LOOK_SECONDS)
        spot = find_pane(feed.hub.snapshot(), Target(server=spot.session.server, pane=spot.pane.id))
        found = watched.explain(spot.pane.id)
        if found is None:
            raise RequestError("NOT_FOUND", "the pane is gone")
        return Explained(spot.session.server, spot.pane, found)


def _is_settled(found: PaneExplanation | None) -> bool:
    return found is None or (found.status != "unknown" and found.pending is None)


async def _explain(source: Source, target: Target, options: argparse.Namespace) -> int:
    found = await look(source, target)
    is_terminal = os.isatty(1)
    if options.json:
        text = msgspec.json.encode(found).decode()
        print(harmless_json(text) if is_terminal else text)
        return 0
    colour = wants_colour(os.environ, is_terminal=is_terminal, refused=options.no_color)
    for line in explained(found, colour=colour, now=time.time()):
        print(line)
    return 0


def explained(found: Explained, *, colour: bool, now: float) -> list[str]:
    """Say it in lines.

    Args:
        found: what is explained.
        colour: whether to use it.
        now: seconds since the epoch.
    """

    def paint(text: str, *codes: str) -> str:
        return styled(text, *codes) if colour else text

    def status(name: str, width: int = 0) -> str:
        return paint(padded(name, width), *status_codes(name))

    why, pane = found.explanation, found.pane
    since = seconds_since(why.since, now)
    head = f"{pane.id} {printable(why.agent_type or pane.command)}: "
    lasting = "" if since is None else f" for {duration(since)}"
    lines = [f"{head}{paint(why.status, BOLD, *status_codes(why.status))}{lasting}"]
    lines.append(f"  why    {printable(why.reason)}")
    if why.evidence:
        lines.append(f"  shows  {printable(why.evidence)}")
    if why.rule:
        lines.append(f"  rule   {printable(why.rule)}, {why.confidence:.0%} sure")
    if why.pending is not None:
        next_ = why.pending
        text = f"{next_.reason} ({next_.rule})"
        lines.append(f"  next   {status(next_.status)} in {next_.in_s:.1f} s: {printable(text)}")
    lines += ["", paint("what each layer says, the first that counts on top", DIM)]
    widths = max((len(one.rule) for one in why.opinions), default=0)
    for one in why.opinions:
        sure = "" if one.sure or one.outcome != "won" else " (assumed)"
        rule, age = padded(printable(one.rule), widths), padded(short(one.age_s), 4)
        lines.append(
            f"  {padded(one.layer, 8)} {status(one.status, 8)} {rule}  {age}"
            f" {printable(one.outcome)}{sure}"
        )
        lines.append(paint(f"           {printable(_opinion(one.reason, one.evidence))}", DIM))
    if why.matched:
        lines += ["", f"further rules that match: {printable(', '.join(why.matched))}"]
    if why.known:
        lines += ["", paint("what is known, and for how long", DIM)]
        lines += [
            f"  {padded(one.layer, 8)} {padded(short(one.age_s), 4)} {printable(one.text)}"
            for one in why.known
        ]
    return [line.rstrip() for line in lines]


def _opinion(reason: str, evidence: str) -> str:
    return f"{reason}: {evidence}" if evidence and evidence not in reason else reason
