"""Writes every page that follows from the code.

python -m tools.reference          # all pages
python -m tools.reference events   # first collects the examples of events anew, from a real run
"""

from __future__ import annotations

import sys

from tools.reference.index import DOCS
from tools.reference.pages import made, outdated


def main() -> int:
    """Write what is out of date, and say so."""
    if sys.argv[1:] == ["events"]:
        from tools.reference.real_run import collect

        collect()
    elif sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    pages = made()
    for name in outdated(pages):
        (DOCS / name).parent.mkdir(parents=True, exist_ok=True)
        (DOCS / name).write_text(pages[name], encoding="utf-8")
        print(f"wrote docs/{name}")
    # The index is of the pages that are there now.
    return 0 if not outdated(made()) else main()


if __name__ == "__main__":
    sys.exit(main())
