"""Writes the page's icons into web/icons: ``python tools/page_icons.py``, then look at them.

``0.svg`` is the program's; ``1.svg`` to ``10.svg`` say how many panes wait (10: more than nine).
They are files, since the page's policy admits no images from anywhere but the server. The PNG
files, for browsers that install the page, are drawn from ``0.svg`` by Chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

ICONS = Path(__file__).parents[1] / "web" / "icons"
MOST = 9
PULSE = (
    '<rect width="32" height="32" rx="7" fill="#0b6b62"/>'
    '<path d="M4 17h6l3-9 5 17 4-11 2 3h4" fill="none" stroke="#fff" stroke-width="2.6"'
    ' stroke-linecap="round" stroke-linejoin="round"/>'
)
SMALL = f"""
import {{ readFileSync, writeFileSync }} from "node:fs";
import {{ small }} from {str(ICONS.parents[1] / "tests" / "web" / "png.js")!r};
const [drawn, target] = process.argv.slice(1);
writeFileSync(target, small(readFileSync(drawn)));
"""
BADGE = (
    '<circle cx="22" cy="22" r="10" fill="#f1ba55" stroke="#14191f" stroke-width="1.5"/>'
    '<text x="22" y="27" font-family="system-ui,sans-serif" font-size="14" font-weight="700"'
    ' text-anchor="middle" fill="#14191f">{}</text>'
)


def svg(inside: str) -> str:
    """A picture of 32 by 32."""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{inside}</svg>\n'


def icon(waiting: int) -> str:
    """The icon while so many wait."""
    if waiting == 0:
        return svg(PULSE)
    return svg(PULSE + BADGE.format(waiting if waiting <= MOST else "+"))


def draw(size: int, target: Path) -> None:
    """Draw the program's icon as a PNG."""
    chromium = shutil.which("chromium") or "chromium"
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "icon.svg"
        square = icon(0).replace(' rx="7"', "")  # what cuts it to a shape needs all of it
        page.write_text(square.replace("<svg ", f'<svg width="{size}" height="{size}" '))
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        window = [f"--window-size={size},{size}", "--default-background-color=00000000"]
        drawn = Path(folder) / "icon.png"
        picture = f"--screenshot={drawn}"
        subprocess.run(
            [chromium, *options, *window, picture, page.as_uri()], check=True, capture_output=True
        )
        subprocess.run(["node", "--input-type=module", "-e", SMALL, drawn, target], check=True)


def main() -> None:
    """Write all of them."""
    ICONS.mkdir(exist_ok=True)
    for waiting in range(MOST + 2):
        (ICONS / f"{waiting}.svg").write_text(icon(waiting))
    for size in (192, 512):
        draw(size, ICONS / f"{size}.png")


if __name__ == "__main__":
    main()
