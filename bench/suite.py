"""All benchmarks one after the other, and one table: every budget, met or not.

    suite.py quick|full [--only NAME,…] [--output DIRECTORY]

Each section is a script of this folder, in a process of its own and with a time limit. One that
fails or takes too long is named in the table, and the run goes on. `quick` ends within ten minutes:
what is left when they are used up is named, too. The order is that of importance.

Written to bench/results/ (or DIRECTORY): `quick.json` with everything, `quick.md` with the table,
`quick-*.svg` with how cost grows; the same with `full`. The exit status is 0 when every section was
done, whatever was measured: a budget is a goal here, not a test.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final, NamedTuple

import budgets
import growth_pages
from figures import dig
from peers import VERSIONS
from stage import HERE, machine, say

QUICK_SECONDS: Final = 570.0  # what is not begun by then is left out
END_SECONDS: Final = 30.0  # for a script to put everything away


class Section(NamedTuple):
    """One script of the suite.

    Attributes:
        name: its key in the results.
        script: of this folder.
        quick: its arguments in ten minutes.
        full: its arguments when there is time.
        seconds: its limit, quick and full.
    """

    name: str
    script: str
    quick: tuple[str, ...]
    full: tuple[str, ...]
    seconds: tuple[int, int]


SECTIONS: Final = (
    Section(
        "latency",
        "bench_latency.py",
        ("--panes", "100,10", "--prints", "100", "--changes", "4"),
        ("--panes", "1,10,100,200", "--prints", "500", "--changes", "25"),
        (150, 1200),
    ),
    Section(
        "matrix",
        "bench_matrix.py",
        ("--cells", "quick", "--prints", "100", "--changes", "2"),
        ("--cells", "full", "--prints", "300", "--changes", "10"),
        (170, 1800),
    ),
    Section(
        "fanout",
        "bench_fanout.py",
        ("--clients", "100", "--deliveries", "30000"),
        ("--clients", "10,100,500", "--deliveries", "400000"),
        (110, 1200),
    ),
    Section("hub", "bench_hub.py", ("--seconds", "5"), ("--seconds", "60"), (40, 120)),
    Section("text", "bench_text.py", ("--rounds", "3", "--megabytes", "2"), (), (60, 180)),
    Section(
        "footprint",
        "bench_footprint.py",
        ("--seconds", "10", "--ring", "8"),
        ("--seconds", "120", "--ring", "60"),
        (90, 600),
    ),
    Section("hostile", "bench_hostile.py", ("--rounds", "150"), ("--rounds", "1000"), (40, 300)),
    Section("start", "bench_start.py", ("--rounds", "5"), ("--rounds", "21"), (240, 600)),
    Section(
        "growth",
        "bench_growth.py",
        ("--seconds", "3"),
        (
            *("--panes", "10,50,100,200,300", "--rates", "100,500,1000,2000,4000,8000"),
            *("--clients", "10,50,100,250,500,1000", "--seconds", "15"),
        ),
        (150, 900),
    ),
    Section(
        "peers",
        "bench_peers.py",
        ("--prints", "30", "--changes", "1"),
        ("--prints", "200", "--changes", "10"),
        (150, 1500),
    ),
)


class Entry(NamedTuple):
    """What became of a section.

    Attributes:
        state: ``done``, ``too long`` (there may be a part), ``failed`` or ``left out``.
        seconds: it took.
        why: it is not done.
        output: the object that it printed; None: there is none.
    """

    state: str
    seconds: float
    why: str = ""
    output: dict[str, Any] | None = None


def run(section: Section, *, full: bool, most: float) -> Entry:
    """Run one, for as long as it may take."""
    arguments = section.full if full else section.quick
    command = [sys.executable, str(HERE / section.script), *arguments]
    limit = min(section.seconds[full], most)
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as out:
        process = subprocess.Popen(command, stdout=out, cwd=HERE.parent)
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = _interrupt(process)
            state, why = "too long", f"it was not done after {limit:.0f} s"
        except KeyboardInterrupt:
            _interrupt(process)
            raise
        else:
            state, why = "done", ""
        if code and not why:
            return Entry("failed", _since(began), f"exit code {code}; what it said is above")
        out.seek(0)
        try:
            output = json.load(out)
        except ValueError:
            return Entry("failed", _since(began), why or "it printed no JSON object")
    return Entry(state, _since(began), why, output)


def _interrupt(process: subprocess.Popen[bytes]) -> int:
    """As Ctrl-C: a script tells what it has, and ends its servers on its way out."""
    process.send_signal(signal.SIGINT)
    try:
        return process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)


def page(result: dict[str, Any]) -> str:
    """Make the Markdown page of a run."""
    about, entries = result["machine"], result["benchmarks"]
    results = {
        name: entry["output"]["results"] for name, entry in entries.items() if entry["output"]
    }
    lines = [
        f"# Budgets, measured ({result['kind']})",
        "",
        f"Commit {about['commit']}, {result['when']}, {about['processor']}, "
        f"{about['cores']} cores, {about['system']}, Python {about['python']}, {about['tmux']}; "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items())
        + f". The run took {result['seconds'] / 60:.1f} minutes. Method and caveats: "
        "[bench/README.md](../README.md).",
        "",
        budgets.table(budgets.judge(results)),
    ]
    undone = [
        f"- `{name}`: {entry['state']}: {entry['why']}"
        for name, entry in entries.items()
        if entry["state"] != "done"
    ]
    undone += [
        f"- {one['name']}: left out: {one['skipped']}"
        for one in dig(results, "peers", "peers") or ()
        if "skipped" in one
    ]
    undone += [
        f"- fan-out, {one['server']}: left out: {one['skipped']}"
        for one in dig(results, "fanout", "fanout") or ()
        if "skipped" in one
    ]
    if undone:
        lines += ["## Not measured", "", *undone, ""]
    if "matrix" in results:
        lines += ["## Situations", "", cells_table(results["matrix"]["cells"])]
    if "fanout" in results:
        lines += ["## Fan-out", "", fan_table(results["fanout"]["fanout"])]
    if results.get("growth", {}).get("model"):
        lines += ["## How cost grows", "", growth_pages.text(results["growth"], result["kind"])]
    lines += ["## Time taken", "", "| section | | seconds |", "|---|---|---|"]
    lines += [f"| {name} | {one['state']} | {one['seconds']} |" for name, one in entries.items()]
    return "\n".join(lines) + "\n"


def cells_table(cells: list[dict[str, Any]]) -> str:
    """Every situation of `bench_matrix.py`."""
    lines = [
        "| situation | print p50 | p99 | max | lost | change p50 | p99, ms | CPU, % | RSS, MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for cell in cells:
        printed, change = cell["print"], cell["change"] or {}
        lines.append(
            f"| {cell['name']} | {printed['p50_ms']} | {printed['p99_ms']} | {printed['max_ms']} "
            f"| {printed['lost']} | {change.get('p50_ms', '-')} | {change.get('p99_ms', '-')} "
            f"| {cell['tmuxpulse_cpu_percent']} | {cell['rss_after_mb']} |"
        )
    return "\n".join(lines) + "\n"


def fan_table(rows: list[dict[str, Any]]) -> str:
    """Every measurement of `bench_fanout.py`."""
    lines = [
        "| server | clients | events at once | deliveries for a second of CPU | lost | RSS, MB |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one['server']} | {one['clients']} | {one['at_once']} "
        f"| {one['deliveries_per_cpu_second']:,} | {one['lost']} | {one['rss_mb']} |"
        for one in rows
        if "skipped" not in one
    ]
    return "\n".join(lines) + "\n"


def write(result: dict[str, Any], directory: Path) -> Path:
    """Write all files of a run; gives the page's path."""
    directory.mkdir(parents=True, exist_ok=True)
    kind = result["kind"]
    (directory / f"{kind}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    growth = dig(result, "benchmarks", "growth", "output", "results")
    if growth and growth.get("model"):
        for name, drawing in growth_pages.drawings(growth).items():
            (directory / f"{kind}-{name}.svg").write_text(drawing, encoding="utf-8")
    path = directory / f"{kind}.md"
    path.write_text(page(result), encoding="utf-8")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("kind", choices=["quick", "full"])
    parser.add_argument("--only", help="names of sections, with commas between")
    parser.add_argument("--output", type=Path, default=HERE / "results")
    options = parser.parse_args()
    known = [section.name for section in SECTIONS]
    wanted = options.only.split(",") if options.only else known
    if unknown := set(wanted) - set(known):
        parser.error(f"no such section: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    full, began = options.kind == "full", time.monotonic()
    when = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    entries: dict[str, Entry] = {}
    for at, section in enumerate(one for one in SECTIONS if one.name in wanted):
        left = float("inf") if full else QUICK_SECONDS - (time.monotonic() - began)
        print(f"[{at + 1}/{len(wanted)}] {section.name}", file=sys.stderr, flush=True)
        if left < 5:
            entries[section.name] = Entry("left out", 0.0, "the ten minutes were used up")
        else:
            entries[section.name] = run(section, full=full, most=left)
        entry = entries[section.name]
        say(f"{entry.state}, {entry.seconds} s {entry.why}".rstrip())
    result = {
        "kind": options.kind,
        "when": when,
        "seconds": _since(began),
        "machine": machine(),
        "versions": VERSIONS,
        "benchmarks": {name: entry._asdict() for name, entry in entries.items()},
    }
    path = write(result, options.output)
    print(path.read_text(encoding="utf-8"))
    print(f"written: {path}", file=sys.stderr)
    return int(any(entry.state != "done" for entry in entries.values()))


if __name__ == "__main__":
    sys.exit(main())
