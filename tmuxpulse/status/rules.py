"""Rules as data: TOML in, a rule book out, and a complaint for every file that is broken.

A file holds one family of programs. A later file may change a family of an earlier one: a rule of
the same name keeps what the later one does not say, so ``enabled = false`` alone switches it off. A
file with anything wrong in it is skipped as a whole. Where files come from, and what a rule is
matched against, is not known here. `docs/reference/rules.md` describes the format.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias, cast

import msgspec

from tmuxpulse.status.pattern import Pattern, PatternRefused
from tmuxpulse.status.written import FileText, LineText, ProgramText, RuleState, RuleText

FORMAT_VERSION: Final = 1
MAX_FILE_CHARACTERS: Final = 200_000
MAX_RULES: Final = 1000

DWELL_SECONDS: Final[dict[str, float]] = {
    "busy": 0.2,
    "ready": 0.5,
    "waiting": 0.3,
    "error": 0.3,
    "unknown": 2.0,
    "keep": 0.1,
}
Region: TypeAlias = Literal["screen", "bottom", "cursor", "output", "title", "notification"]
_REGION = re.compile(
    r"(?:(screen|cursor|output|title|notification)|(bottom|output):([1-9]\d{0,2}))"
)
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the screen, the title or a notification; ready to be matched."""

    name: str
    state: RuleState
    reason: str
    region: Region
    rows: int
    all: tuple[Pattern, ...]
    any: tuple[Pattern, ...]
    none: tuple[Pattern, ...]
    when: str
    buffer: str
    priority: int
    confidence: float
    dwell: float
    sure: bool
    lasts: bool
    prompt: bool


class LineRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of finished lines; ready to be matched."""

    name: str
    kind: Literal["error", "warning"]
    any: tuple[Pattern, ...]
    none: tuple[Pattern, ...]
    after: tuple[Pattern, ...]


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """The rules of one family of programs."""

    name: str
    agent: str | None
    commands: tuple[str, ...]
    titles: tuple[Pattern, ...]
    hosts: tuple[str, ...]
    shows: tuple[Pattern, ...]
    rules: tuple[Rule, ...]
    lines: tuple[LineRule, ...]

    @property
    def general(self) -> bool:
        """Whether its rules are for every program."""
        return not (self.commands or self.titles or self.hosts)


class Complaint(msgspec.Struct, frozen=True):
    """What is wrong with a rule file, which was skipped.

    Attributes:
        file: its name.
        line: where, from 1.
        message: what, for the person who wrote it.
    """

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class _Draft(msgspec.Struct):
    """A family while files are put together."""

    agent: str | None
    program: ProgramText
    rules: dict[str, dict[str, Any]]
    lines: dict[str, dict[str, Any]]

    def changed(self, text: FileText) -> _Draft:
        """This family after a further file."""
        return _Draft(
            text.agent or self.agent,
            text.program or self.program,
            _merged(self.rules, text.rule),
            _merged(self.lines, text.line),
        )


class _Wrong(Exception):
    """Something is wrong at a place: a table (``rule``, ``line``), its number, a key in it."""

    def __init__(self, message: str, table: str = "", number: int = 0, key: str = "") -> None:
        super().__init__(message)
        self.where = (table, number, key)


def load(
    shipped: Sequence[tuple[str, str]], own: Sequence[tuple[str, str]] = ()
) -> tuple[tuple[Family, ...], tuple[Complaint, ...]]:
    """Read rule files; later ones change earlier ones.

    Args:
        shipped: name and text of those that come with the package. Their patterns are compiled
            when they are needed: a test has checked them.
        own: name and text of the user's.

    Returns:
        The families, in the order of their names, and what was wrong. A file that is named in a
        complaint was skipped.
    """
    drafts: dict[str, _Draft] = {}
    built: dict[str, Family] = {}
    complaints: list[Complaint] = []
    for number, (name, text) in enumerate((*shipped, *own)):
        try:
            parsed = _parse(text)
            draft = drafts.get(parsed.family, _Draft(None, ProgramText(), {}, {}))
            draft = draft.changed(parsed)
            family = _family(parsed, draft)
            if number >= len(shipped):
                _check(parsed, family)
            others = [f for key, f in built.items() if key != family.name]
            _refuse_too_many([family, *others])
        except _Wrong as wrong:  # noqa: PERF203  # once, at the start
            complaints.append(Complaint(name, _line_of(text, *wrong.where), str(wrong)))
        else:
            drafts[family.name], built[family.name] = draft, family
    return tuple(built[key] for key in sorted(built)), tuple(complaints)


def _refuse_too_many(families: list[Family]) -> None:
    if sum(len(family.rules) + len(family.lines) for family in families) > MAX_RULES:
        raise _Wrong(f"there are more than {MAX_RULES} rules")


def _parse(text: str) -> FileText:
    if len(text) > MAX_FILE_CHARACTERS:
        raise _Wrong(f"it has more than {MAX_FILE_CHARACTERS} characters")
    try:
        parsed = msgspec.toml.decode(text, type=FileText)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        place = re.match(r"\$\.(\w+)(?:\[(\d+)\](?:\.(\w+))?)?", path)
        table, number, key = place.groups() if place else (None, None, None)
        unknown = re.search(r"unknown field `(.{1,60}?)`", message)
        key = unknown[1] if unknown else key
        raise _Wrong(message, table or "", int(number or 0), key or "") from error
    except (msgspec.DecodeError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        raise _Wrong(f"it is not TOML: {error}", "@", int(found[1]) if found else 1) from error
    if parsed.version != FORMAT_VERSION:
        raise _Wrong(f"its version is {parsed.version}, not {FORMAT_VERSION}", key="version")
    if not _NAME.fullmatch(parsed.family):
        raise _Wrong("a family's name is lower case letters, digits and -", key="family")
    return parsed


def _merged(
    old: dict[str, dict[str, Any]], new: Sequence[RuleText | LineText]
) -> dict[str, dict[str, Any]]:
    merged = dict(old)
    for item in new:
        said = {key: getattr(item, key) for key in item.__struct_fields__}
        said = {key: value for key, value in said.items() if value is not msgspec.UNSET}
        merged[item.name] = merged.get(item.name, {}) | said
    return merged


def _family(parsed: FileText, draft: _Draft) -> Family:
    _check_names("rule", [item.name for item in parsed.rule])
    _check_names("line", [item.name for item in parsed.line])
    numbers = {item.name: number for number, item in enumerate(parsed.rule)}
    line_numbers = {item.name: number for number, item in enumerate(parsed.line)}
    program = draft.program
    return Family(
        name=parsed.family,
        agent=draft.agent,
        commands=program.commands,
        titles=_patterns(program.titles),
        hosts=program.hosts,
        shows=_patterns(program.shows),
        rules=tuple(
            _rule(parsed.family, raw, numbers.get(name, 0))
            for name, raw in draft.rules.items()
            if raw.get("enabled", True)
        ),
        lines=tuple(
            _line_rule(parsed.family, raw, line_numbers.get(name, 0))
            for name, raw in draft.lines.items()
            if raw.get("enabled", True)
        ),
    )


def _check_names(table: str, names: list[str]) -> None:
    for number, name in enumerate(names):
        if not _NAME.fullmatch(name):
            raise _Wrong("a name is lower case letters, digits and -", table, number, "name")
        if name in names[:number]:
            raise _Wrong(f"there are two rules {name!r}", table, number, "name")


def _rule(family: str, raw: dict[str, Any], number: int) -> Rule:
    state = raw.get("state")
    if state is None:
        raise _Wrong(f"rule {raw['name']!r} says no state", "rule", number, "name")
    region = _REGION.fullmatch(raw.get("region", "bottom:12"))
    if region is None:
        raise _Wrong(
            "a region is screen, bottom:N, cursor, output, output:N, title or notification",
            "rule", number, "region",
        )  # fmt: skip
    if not 0 <= raw.get("confidence", 0.8) <= 1:
        raise _Wrong("confidence is from 0 to 1", "rule", number, "confidence")
    if not 0 < raw.get("dwell", 1.0) <= 60:  # noqa: PLR2004  # seconds; a minute is long
        raise _Wrong("dwell is above 0 and at most 60 seconds", "rule", number, "dwell")
    found = {
        key: _patterns(raw.get(key, ()), ignore_case=raw.get("ignore_case", False))
        for key in ("all", "any", "none")
    }
    if not found["all"] and not found["any"]:
        raise _Wrong(f"rule {raw['name']!r} has neither all nor any", "rule", number, "name")
    return Rule(
        name=f"{family}.{raw['name']}",
        state=state,
        reason=raw.get("reason", ""),
        region=cast("Region", region[1] or region[2]),
        rows=int(region[3] or 0),
        **found,
        when=raw.get("when", "any"),
        buffer=raw.get("buffer", "any"),
        priority=raw.get("priority", 50),
        confidence=float(raw.get("confidence", 0.8)),
        dwell=float(raw.get("dwell", DWELL_SECONDS[state])),
        sure=raw.get("sure", True),
        lasts=raw.get("lasts", "screen") == "command",
        prompt=raw.get("prompt", False),
    )


def _line_rule(family: str, raw: dict[str, Any], number: int) -> LineRule:
    found = {
        key: _patterns(raw.get(key, ()), ignore_case=raw.get("ignore_case", False))
        for key in ("any", "none", "after")
    }
    if not found["any"]:
        raise _Wrong(f"line rule {raw['name']!r} has no any", "line", number, "name")
    return LineRule(name=f"{family}.{raw['name']}", kind=raw.get("kind", "error"), **found)


def _patterns(texts: Sequence[str], *, ignore_case: bool = False) -> tuple[Pattern, ...]:
    return tuple(Pattern(text, ignore_case=ignore_case) for text in texts)


def _check(parsed: FileText, family: Family) -> None:
    """Check the patterns of a family, whichever file they come from."""
    rules = {rule.name: number for number, rule in enumerate(parsed.rule)}
    lines = {line.name: number for number, line in enumerate(parsed.line)}
    tables: list[tuple[str, int, dict[str, tuple[Pattern, ...]]]] = [
        ("program", 0, {"titles": family.titles, "shows": family.shows})
    ]
    for rule in family.rules:
        number = rules.get(rule.name.partition(".")[2], 0)
        tables.append(("rule", number, {"all": rule.all, "any": rule.any, "none": rule.none}))
    for line in family.lines:
        number = lines.get(line.name.partition(".")[2], 0)
        tables.append(("line", number, {"any": line.any, "none": line.none, "after": line.after}))
    for table, number, keys in tables:
        for key, patterns in keys.items():
            for pattern in patterns:
                try:
                    pattern.check()
                except PatternRefused as error:  # noqa: PERF203  # once, at the start
                    message = f"the pattern {pattern.text!r} is refused: {error}"
                    raise _Wrong(message, table, number, key) from error


def _line_of(text: str, table: str, number: int, key: str) -> int:
    """Find the line of a key in the nth table of a name, as far as can be told from the text."""
    if table == "@":
        return number
    lines = text.split("\n")
    header = re.compile(rf"\s*\[+\s*{re.escape(table)}\s*\]+")
    starts = [at for at, line in enumerate(lines) if table and header.match(line)]
    start = starts[number] if number < len(starts) else 0
    wanted = re.compile(rf"\s*{re.escape(key)}\s*=") if key else None
    for at in range(start, len(lines) if wanted else 0):
        if at > start and table and lines[at].lstrip().startswith("["):
            break
        if wanted and wanted.match(lines[at]):
            return at + 1
    return start + 1
