"""Commands to panes: who may, which pane is meant, once per key, within a deadline, written down.

What tmux is told is made by `tmux.orders` and run by the source of the pane's server. No connection
is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import trio

from tmuxpulse.errors import RequestError, TmuxError, TmuxTimeout
from tmuxpulse.hub.hub import Hub, Source
from tmuxpulse.serve.grants import Scope
from tmuxpulse.serve.meaning import name_of, one_server, resolve, safe_fields, scope_of
from tmuxpulse.serve.records import Records, Value
from tmuxpulse.serve.repeats import Answer, Repeats
from tmuxpulse.serve.target import find_pane
from tmuxpulse.tmux import orders
from tmuxpulse.tmux.outcomes import Outcome as Ended
from tmuxpulse.wire import (
    AnyCommand,
    Batch,
    BatchResult,
    Capture,
    CommandResult,
    Outcome,
    Target,
    Tree,
)

DEADLINE_SECONDS = 5.0
MAX_DEADLINE_SECONDS = 60.0
SEEN_SECONDS = 1.0  # how long an answer waits for what it made to be in the state
LOOK_SECONDS = 0.005
MAX_RUNNING = 8  # runs of tmux at once; more wait, and their deadlines go on
UNKNOWN = "interrupted: it may have been done, or not"
NOT_RUN = "not run: a command before it failed"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who commands, as far as it matters here.

    Attributes:
        subject: the grant's.
        client_id: the connection's.
        scopes: what holds on this connection.
        why_not: why ``write`` is not among them, if it is not.
    """

    subject: str
    client_id: str
    scopes: frozenset[Scope]
    why_not: str = "this token does not grant it"


class Commander:
    """Runs commands for every connection.

    Args:
        sources: who performs for which tmux server.
        audit: is told of each command, never of what was typed.
    """

    def __init__(self, sources: Mapping[str, Source], audit: Records) -> None:
        self._sources = sources
        self._audit = audit
        self._repeats = Repeats()
        self._running = trio.CapacityLimiter(MAX_RUNNING)

    async def run(self, request: AnyCommand | Batch, caller: Caller, hub: Hub) -> Answer:
        """Do what was asked for, and say how it ended.

        Args:
            request: a command, or several.
            caller: who asks.
            hub: what the caller sees; nothing else is found.

        Raises:
            RequestError: it is refused, and nothing of it was done.
        """
        commands = request.commands if isinstance(request, Batch) else [request]
        self._check(request, commands, caller)
        unknown = _answer(request, [Outcome(ok=False, error=UNKNOWN) for _ in commands])

        async def run() -> Answer:
            return _answer(request, await self._run(request, commands, caller, hub))

        answer = await self._repeats.once(caller.subject, request, run, unknown)
        return msgspec.structs.replace(answer, id=request.id)

    def _check(
        self, request: AnyCommand | Batch, commands: Sequence[AnyCommand], caller: Caller
    ) -> None:
        if not 0 < len(commands) <= orders.MAX_ORDERS:
            raise RequestError("INVALID_REQUEST", f"`commands` holds 1 to {orders.MAX_ORDERS}")
        for command in commands:
            scope = scope_of(command)
            if scope not in caller.scopes:
                why = caller.why_not if scope == "write" else "this token does not grant it"
                raise RequestError("FORBIDDEN", f"{name_of(command)} needs `{scope}`: {why}")
            if command is not request and (command.key, command.deadline_s) != (None, None):
                raise RequestError(
                    "INVALID_REQUEST", "`key` and `deadline_s` belong to the batch as a whole"
                )
        deadline = request.deadline_s
        if deadline is not None and not 0 < deadline <= MAX_DEADLINE_SECONDS:
            raise RequestError(
                "INVALID_REQUEST", f"`deadline_s` is above 0, up to {MAX_DEADLINE_SECONDS:g}"
            )

    async def _run(
        self, request: AnyCommand | Batch, commands: Sequence[AnyCommand], caller: Caller, hub: Hub
    ) -> list[Outcome]:
        seconds = DEADLINE_SECONDS if request.deadline_s is None else request.deadline_s
        deadline = trio.current_time() + seconds
        tree = hub.snapshot()
        meant = [resolve(command, tree) for command in commands]
        server = one_server([server for server, _, _ in meant])
        wanted = [order for _, _, made in meant for order in made]
        if wanted:
            orders.check_all(wanted)
        outcomes: list[Ended] = []
        try:
            if wanted:
                outcomes = await self._perform(server, wanted, deadline)
        except (TmuxTimeout, trio.TooSlowError):
            error = f"no answer from tmux in {seconds:g} s: {UNKNOWN.partition(': ')[2]}"
            results = [Outcome(ok=False, error=error) for _ in commands]
        except TmuxError as failure:
            raise RequestError("UNAVAILABLE", str(failure), retryable=True) from None
        else:
            await _until_seen(server, wanted, outcomes, hub, deadline)
            results = _results(commands, meant, outcomes, hub)
        for command, (_, place, _), result in zip(commands, meant, results):  # noqa: B905  # equal
            fields: dict[str, Value] = {
                "client": caller.client_id,
                "command": name_of(command),
                "server": server,
                "target": place,
                "ok": result.ok,
                **safe_fields(command),
            }
            if isinstance(command, Capture):
                self._audit.record_look(who=caller.subject, **fields)
            else:
                self._audit.record("command", who=caller.subject, **fields)
        return results

    async def _perform(
        self, server: str, wanted: list[orders.Order], deadline: float
    ) -> list[Ended]:
        source = self._sources.get(server)
        if source is None:
            raise RequestError("UNAVAILABLE", "that tmux server is not watched", retryable=True)
        with trio.move_on_at(deadline) as waiting:
            await self._running.acquire()
        if waiting.cancelled_caught:
            raise RequestError(
                "UNAVAILABLE", "its deadline passed before it was begun", retryable=True
            )
        try:
            left = deadline - trio.current_time()
            return await source.perform(wanted, seconds=max(left, 0.001))
        finally:
            self._running.release()


async def _until_seen(
    server: str,
    wanted: Sequence[orders.Order],
    outcomes: Sequence[Ended],
    hub: Hub,
    deadline: float,
) -> None:
    """Wait until what was made is in the state, so that the caller can name it in a request."""
    made = {
        outcome.output.split()[-1]
        for order, outcome in zip(wanted, outcomes)  # noqa: B905  # one for each
        if isinstance(order, orders.NewWindow | orders.Split) and outcome.ok and outcome.output
    }
    with trio.move_on_at(min(deadline, trio.current_time() + SEEN_SECONDS)):
        while made - _panes_of(server, hub.snapshot()):  # noqa: ASYNC110  # the state tells nobody
            await trio.sleep(LOOK_SECONDS)


def _panes_of(server: str, tree: Tree) -> set[str]:
    return {
        pane.id
        for session in tree.sessions
        if session.server == server
        for window in session.windows
        for pane in window.panes
    }


def _results(
    commands: Sequence[AnyCommand],
    meant: Sequence[tuple[str, str, list[orders.Order]]],
    outcomes: Sequence[Ended],
    hub: Hub,
) -> list[Outcome]:
    """What each command gave; each has one order, or none when the state answers it."""
    left = iter(outcomes)
    results: list[Outcome] = []
    failed = False
    for command, (server, place, made) in zip(commands, meant):  # noqa: B905  # equally long
        if failed:
            results.append(Outcome(ok=False, error=NOT_RUN))
        elif made:
            outcome = next(left)
            results.append(
                Outcome(ok=outcome.ok, output=outcome.screen or outcome.output, error=outcome.error)
            )
        else:
            results.append(_status(hub.snapshot(), server, place, command))
        failed = failed or not results[-1].ok
    return results


def _status(tree: Tree, server: str, pane_id: str, command: AnyCommand) -> Outcome:
    try:
        spot = find_pane(tree, Target(server=server, pane=pane_id))
    except RequestError:
        return Outcome(ok=False, error=f"the pane is gone ({name_of(command)})")
    return Outcome(ok=True, output=msgspec.to_builtins(spot.pane))


def _answer(request: AnyCommand | Batch, results: list[Outcome]) -> Answer:
    if isinstance(request, Batch):
        return BatchResult(id=request.id, results=results)
    (only,) = results
    return CommandResult(id=request.id, ok=only.ok, output=only.output, error=only.error)
