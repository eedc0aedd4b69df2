"""Puts into wheel and sdist what the one file has, too: ``tmuxpulse/BUILD`` names the commit.

A wheel that is built from the sdist takes the name from there, since no git is to be asked then.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling finds it by this name
    """Hatchling calls it before it packs."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the file; a work tree that is installed in place goes on changing, and has none."""
        if version == "editable":
            return
        sys.path.insert(0, str(ROOT))
        from zipapp_build.archive import source_commit

        self._folder = tempfile.TemporaryDirectory()
        file = Path(self._folder.name, "BUILD")
        file.write_text(source_commit(ROOT), encoding="utf-8")
        build_data["force_include"][str(file)] = "tmuxpulse/BUILD"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was made for it."""
        del build_data, artifact_path
        if version != "editable":
            self._folder.cleanup()
