"""``python -m tmuxpulse``."""

from __future__ import annotations

import sys

from tmuxpulse.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
