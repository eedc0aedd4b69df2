"""Finished lines that tell of an error or a warning, each told once.

What only shows text, a diff, a search, a file, has error words in it without an error; its lines
are left out when the command is known, from the shell's marks or from the prompt above the lines.
A line is judged on its own but for rules with `after`: those count only below another line, as a
traceback's last line does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Final

from tmuxpulse.events import Data, PaneError, PaneWarning
from tmuxpulse.status.evidence import MAX_CELLS
from tmuxpulse.status.reading import is_own, reader
from tmuxpulse.status.rules import LineRule
from tmuxpulse.status.view import COMMAND_ROW, alike

MAX_EVENTS: Final = 20  # of one batch of lines; who prints more has been heard
MAX_LINES: Final = 2000  # of one batch
AFTER_LINES: Final = 200  # how far below its opening line a rule with `after` reaches

_MARKS: Final = ("$ ", "# ", "% ", "> ", "\u276f ", "\u279c ", "\u03bb ")


class _Sieve:
    """Picks the rules that a text may match, by the strings that it holds.

    Each string is looked for once, however many rules need it. Lines with error words in them are
    common, and asking every pattern of every rule took as long as all else that is done with one.
    """

    def __init__(self, rules: tuple[LineRule, ...]) -> None:
        self._rules = rules
        self._always: set[int] = set()  # rules of which a pattern has no needles
        self._exact: dict[str, list[int]] = {}
        self._lowered: dict[str, list[int]] = {}
        for at, rule in enumerate(rules):
            for pattern in rule.after or rule.any:
                if not pattern.needles:
                    self._always.add(at)
                table = self._lowered if pattern.ignore_case else self._exact
                for needle in pattern.needles:
                    table.setdefault(needle, []).append(at)

    def pick(self, text: str, lowered: str, opened: Collection[str]) -> list[LineRule]:
        """Give the rules to try, in their order; those in `opened` are among them."""
        hit = [ats for needle, ats in self._exact.items() if needle in text]
        hit += [ats for needle, ats in self._lowered.items() if needle in lowered]
        wanted = self._always.union(*hit)
        if opened:
            wanted |= {at for at, rule in enumerate(self._rules) if rule.name in opened}
        return [self._rules[at] for at in sorted(wanted)]


_sieve = lru_cache(maxsize=16)(_Sieve)


class LineReader:
    """Judges one pane's lines.

    Args:
        rules: those for lines.
        gate: strings in lower case; a text without any of them matches no rule.
    """

    def __init__(self, rules: Sequence[LineRule], gate: Sequence[str] = ("",)) -> None:
        self._rules = tuple(rules)
        self._sieve: _Sieve | None = None  # of all readers with these rules; made when needed
        self._gate = gate
        self._open: dict[str, int] = {}  # rules whose `after` was seen, and for how many lines
        self._reader = ""
        self._prompt = ""  # that the reader was typed at

    def command(self, command_line: str) -> None:
        """Another command runs: as the shell's marks say, or as its process is called."""
        self._reader = reader(command_line)
        self._prompt = ""
        self._open.clear()

    def read(self, lines: Sequence[str]) -> list[Data]:
        """Give the events for finished lines."""
        lines = [line[:MAX_CELLS] for line in lines[-MAX_LINES:]]
        text = "\n".join(lines)
        lowered = text.lower()
        rules: list[LineRule] = []
        if self._open or any(word in lowered for word in self._gate):
            if self._sieve is None:
                self._sieve = _sieve(self._rules)
            rules = self._sieve.pick(text, lowered, self._open)
        prompts = any(mark in text for mark in _MARKS)
        if not rules and not prompts:
            return []
        events: list[Data] = []
        for line in lines:
            if prompts and (found := COMMAND_ROW.match(line)):
                self._typed(line[: found.start("command")], found["command"])
                continue
            event = self._judge(rules, line)
            if event is None or (self._reader and not is_own(self._reader, line)):
                continue
            if len(events) < MAX_EVENTS:
                events.append(event)
        return events

    def _typed(self, prompt: str, command_line: str) -> None:
        """A line looks like a command behind a prompt: it may be one of a file that is shown."""
        if not self._reader or not self._prompt or alike(self._prompt, prompt):
            self.command(command_line)
            self._prompt = prompt

    def _judge(self, rules: Sequence[LineRule], line: str) -> Data | None:
        verdict: Data | None = None
        for rule in rules:
            if rule.after:
                if any(pattern.search(line) for pattern in rule.after):
                    self._open[rule.name] = AFTER_LINES
                    continue
                left = self._open.get(rule.name, 0)
                if not left:
                    continue
                self._open[rule.name] = left - 1
                if left == 1:
                    del self._open[rule.name]
            if verdict is not None or not any(pattern.search(line) for pattern in rule.any):
                continue
            if any(pattern.search(line) for pattern in rule.none):
                continue
            self._open.pop(rule.name, None)
            kind = PaneError if rule.kind == "error" else PaneWarning
            verdict = kind(line=line.strip(), rule=rule.name)
        return verdict
