"""Draws every diagram of the documentation in a real browser; one that cannot be drawn is an error.

MkDocs knows nothing of what is in a diagram, and the page would show a bomb to its reader.
"""

from __future__ import annotations

import html
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.reference.index import DOCS

SCRIPT = Path(__file__).parent / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"
DEADLINE_SECONDS = 120
_DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```", re.MULTILINE | re.DOTALL)
PAGE = """\
<!doctype html><meta charset="utf-8"><title>drawing</title>
<script src="mermaid.min.js"></script>
{diagrams}
<script type="module">
mermaid.initialize({{ startOnLoad: false }});
for (const [number, one] of document.querySelectorAll("pre").entries()) {{
  try {{
    await mermaid.render(`d${{number}}`, one.textContent);
    one.textContent = "drawn";
  }} catch (error) {{
    one.textContent = `failed: ${{error.message}}`;
  }}
}}
document.title = "done";
</script>
"""


def diagrams() -> list[tuple[str, str]]:
    """Each diagram, with its page."""
    return [
        (str(path.relative_to(DOCS)), found[1])
        for path in sorted(DOCS.rglob("*.md"))
        for found in _DIAGRAM.finditer(path.read_text(encoding="utf-8"))
    ]


def draw(found: list[tuple[str, str]]) -> list[str]:
    """What is wrong, a line for each diagram that cannot be drawn."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        return ["chromium is needed to draw diagrams"]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "mermaid.min.js").symlink_to(SCRIPT)
        blocks = "\n".join(f"<pre>{html.escape(text)}</pre>" for _, text in found)
        page = Path(folder) / "page.html"
        page.write_text(PAGE.format(diagrams=blocks), encoding="utf-8")
        done = subprocess.run(
            [
                *(browser, "--headless", "--no-sandbox", "--disable-gpu"),
                *(f"--user-data-dir={folder}/profile", "--virtual-time-budget=60000"),
                *("--allow-file-access-from-files", "--dump-dom", page.as_uri()),
            ],
            capture_output=True,
            text=True,
            check=True,
            timeout=DEADLINE_SECONDS,
        )
    if "<title>done</title>" not in done.stdout:
        return ["the browser did not come to the end of drawing"]
    results = [
        html.unescape(one) for one in re.findall(r"<pre>(.*?)</pre>", done.stdout, re.DOTALL)
    ]
    return [
        f"docs/{page}: a diagram {result}"
        for (page, _), result in zip(found, results, strict=True)
        if result != "drawn"
    ]


def main() -> int:
    """Draw them all."""
    found = diagrams()
    wrong = draw(found)
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print(f"{len(found)} diagrams drawn")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
