"""Pictures of the full screen on the demo, for the documentation.

With ``TMUXPULSE_PICTURES=1`` they are written to ``docs/images``; else they are only made.
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.stage import Stage, stage
from tools.ansi_svg import Style, changed, runs, svg

OUTSIDE = "env -u TMUX -u TMUX_PANE COLORTERM=truecolor"  # else there is a tmux: the terminal's
IMAGES = Path(__file__).parents[2] / "docs" / "images"


@pytest.fixture
def on_demo() -> Iterator[Stage]:
    with stage() as it:
        it.env["TMUXPULSE_RUNTIME_DIR"] = str(it.folder / "run")
        yield it


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
def test_a_picture_of_the_demo(on_demo: Stage, size: tuple[int, int]) -> None:
    on_demo.start(watch="watch --demo-if-none", size=size, env=OUTSIDE)
    on_demo.sees(r"[1-9]\d* waiting")
    on_demo.sees("^[▌ ].*shop:0.1 .*failed")
    on_demo.keys("/")
    on_demo.type("1 failed")
    on_demo.keys("Enter")
    on_demo.keys("Escape")  # the pane stays chosen, the mark goes
    on_demo.sees("│ shop:0.1 ")
    on_demo.sees(r"\x1b\[1m\x1b\[31m1 failed", "-e")
    picture = svg(on_demo.text("-e"), size[0])
    root = ET.fromstring(picture)
    texts = "".join(root.itertext())
    assert "tmuxpulse" in texts
    assert re.search(r"[1-9]\d*\swaiting", texts)
    reds = [one.get("fill") for one in root.iter() if (one.text or "").split() == ["1", "failed"]]
    assert changed(Style(), "1;31").ink in reds
    assert len({one.get("fill") for one in root.iter()}) > 5
    if os.environ.get("TMUXPULSE_PICTURES"):
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / f"full-screen-{size[0]}x{size[1]}.svg").write_text(picture, encoding="utf-8")
    on_demo.keys("q")
    on_demo.sees("^ended with 0")


def test_styles_of_a_capture() -> None:
    assert changed(Style(), "1;91") == Style(ink="#f14c4c", bold=True)
    assert changed(Style(bold=True), "0") == Style()
    assert changed(Style(), "38;2;254;1;1;7") == Style(ink="#fe0101", reverse=True)
    assert changed(Style(), "48;5;232") == Style(paper="#080808")
    assert changed(Style(), "38;5;196") == Style(ink="#ff0000")
    assert list(runs("a\x1b[1mb\x1b[m", Style())) == [
        (Style(), "a"),
        (Style(bold=True), "b"),
        (Style(), ""),
    ]
    assert "&lt;b&gt;" in svg("<b>", 3)
