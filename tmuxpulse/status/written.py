"""A rule file as it is written: the tables and keys of its TOML.

A key that a file does not say is `UNSET`, so that a later file can change one thing of a rule. What
a rule means is not known here.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

RuleState: TypeAlias = Literal["busy", "ready", "waiting", "error", "unknown", "keep"]


class ProgramText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[program]``: what the family's rules are for; without one, for every program.

    Attributes:
        commands: names of the foreground program; ``*`` stands for anything.
        titles: patterns of the pane's title.
        hosts: names of interpreters it may show as, such as ``node``.
        shows: patterns, of which a row of the screen has to match one when it shows as a host.
    """

    commands: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()


class RuleText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[rule]]``, as it is written."""

    name: str
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    state: RuleState | msgspec.UnsetType = msgspec.UNSET
    reason: str | msgspec.UnsetType = msgspec.UNSET
    region: str | msgspec.UnsetType = msgspec.UNSET
    all: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    any: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    none: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    ignore_case: bool | msgspec.UnsetType = msgspec.UNSET
    when: Literal["any", "running", "prompt"] | msgspec.UnsetType = msgspec.UNSET
    buffer: Literal["any", "alternate", "normal"] | msgspec.UnsetType = msgspec.UNSET
    priority: int | msgspec.UnsetType = msgspec.UNSET
    confidence: float | msgspec.UnsetType = msgspec.UNSET
    dwell: float | msgspec.UnsetType = msgspec.UNSET
    sure: bool | msgspec.UnsetType = msgspec.UNSET
    lasts: Literal["screen", "command"] | msgspec.UnsetType = msgspec.UNSET
    prompt: bool | msgspec.UnsetType = msgspec.UNSET


class LineText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[line]]``, as it is written."""

    name: str
    enabled: bool | msgspec.UnsetType = msgspec.UNSET
    kind: Literal["error", "warning"] | msgspec.UnsetType = msgspec.UNSET
    any: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    none: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    after: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    ignore_case: bool | msgspec.UnsetType = msgspec.UNSET


class FileText(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file, as it is written."""

    version: int
    family: str
    date: str = ""
    seen: str = ""
    agent: str | None = None
    program: ProgramText | None = None
    rule: tuple[RuleText, ...] = ()
    line: tuple[LineText, ...] = ()
