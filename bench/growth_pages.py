"""What `bench_growth.py` found, as plots and as text. Pure."""

from __future__ import annotations

from typing import Any, Final

from plot import Panel, Series, draw

AXES: Final = {
    "panes": "quiet panes, 10 clients",
    "rate": "events a second, 10 clients",
    "clients": "clients at 1,000 events a second",
}
FAR: Final = 20  # times the most that was measured, a line through the figures tells of
CPU: Final = {
    "tmuxpulse_percent": "tmuxpulse",
    "tmux_percent": "tmux",
    "helpers_percent": "helpers",
}


def drawings(growth: dict[str, Any]) -> dict[str, str]:
    """An SVG document for each axis: CPU and memory."""
    return {
        axis: draw(
            [
                Panel(
                    "CPU, % of a core",
                    across,
                    [
                        Series(name, [(one[axis], one[key]) for one in growth[axis]])
                        for key, name in CPU.items()
                    ],
                ),
                Panel(
                    "memory of tmuxpulse, MB",
                    across,
                    [Series("RSS", [(one[axis], one["rss_mb"]) for one in growth[axis]])],
                ),
            ]
        )
        for axis, across in AXES.items()
        if growth.get(axis)
    }


def text(growth: dict[str, Any], kind: str) -> str:
    """The plots, the figures and the lines through them, in Markdown."""
    lines: list[str] = []
    known = {axis: across for axis, across in AXES.items() if axis in growth["model"]}
    for axis, across in known.items():
        lines += [f"![CPU and memory over {across}]({kind}-{axis}.svg)", ""]
    lines += [
        "| over | tmuxpulse, % of a core | tmux, % of a core | RSS, MB | one core ends at |",
        "|---|---|---|---|---|",
    ]
    for axis, across in known.items():
        model = growth["model"][axis]
        cells = [
            f"{model[key]['start']:.2f} + {model[key]['slope'] * 100:.3f} for 100"
            for key in ("tmuxpulse_percent", "tmux_percent", "rss_mb")
        ]
        most = max(one[axis] for one in growth[axis])
        lines.append(
            f"| {across} | {' | '.join(cells)} | {_end(model['one core ends at'], most)} |"
        )
    return "\n".join(lines) + "\n"


def _end(end: int | None, most: int) -> str:
    """Where one core ends, as far as a line through so much may be trusted."""
    if end is None:
        return "-"
    return f"{end:,}" if end <= FAR * most else f"beyond {FAR * most:,}"
