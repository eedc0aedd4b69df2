"""The licence of everything that is carried, as one text: ``tmuxpulse/LICENCES`` in the archive.

Each wheel's own licence files are taken. A wheel that has none needs a text in ``licences/``, under
its project's name; without one there is no archive. It knows nothing of targets.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from zipapp_build import BuildError

IS_LICENCE = re.compile(r"(?i)(licen[cs]e|copying|notice|authors)")
SUPPLIED = Path(__file__).resolve().parent / "licences"
RULE = "=" * 78


@dataclass(frozen=True)
class Licensed:
    """A release of a project, and what it may be used under.

    Args:
        project: its name as it writes it.
        version: of the release.
        licence: in a few words or as an SPDX expression; empty: it says nothing.
        is_spdx: whether that is an expression.
        texts: the licences themselves, by the name of their file.
    """

    project: str
    version: str
    licence: str
    is_spdx: bool
    texts: tuple[tuple[str, str], ...]


def read_licences(wheels: Iterable[Path]) -> list[Licensed]:
    """Read those of wheels, each release once, in the order of their names.

    Raises:
        BuildError: one has none.
    """
    found: dict[tuple[str, str], Licensed] = {}
    for wheel in sorted(wheels, key=lambda one: one.name.lower()):
        key = tuple(wheel.name.split("-")[:2])
        if key not in found:
            found[key[0], key[1]] = _read(wheel)
    return list(found.values())


def as_text(ours: str, licences: Iterable[Licensed]) -> str:
    """All of them for a reader, our own first."""
    parts = [f"tmuxpulse\n\n{ours.strip()}\n"]
    for one in licences:
        texts = "\n\n".join(f"[{name}]\n\n{text.strip()}" for name, text in one.texts)
        parts.append(f"{one.project} {one.version}: {one.licence or 'see below'}\n\n{texts}\n")
    return f"\n{RULE}\n".join(parts)


def _read(wheel: Path) -> Licensed:
    with zipfile.ZipFile(wheel) as archive:
        inside = [name for name in archive.namelist() if ".dist-info/" in name]
        metadata = message_from_bytes(
            archive.read(next(name for name in inside if name.endswith("/METADATA")))
        )
        texts = [
            (name.rpartition("/")[2], archive.read(name).decode("utf-8", "replace"))
            for name in sorted(inside)
            if not name.endswith("/")
            and any(IS_LICENCE.match(part) for part in name.split("/")[1:])
        ]
    project = str(metadata["Name"])
    supplied = SUPPLIED / f"{re.sub(r'[-_.]+', '_', project).lower()}.txt"
    if not texts and supplied.is_file():
        texts = [(supplied.name, supplied.read_text(encoding="utf-8"))]
    if not texts:
        raise BuildError(f"{wheel.name} carries no licence; put its text into {supplied}")
    return Licensed(
        project=project,
        version=str(metadata["Version"]),
        licence=_words(metadata),
        is_spdx=metadata["License-Expression"] is not None,
        texts=tuple(texts),
    )


def _words(metadata: Message) -> str:
    """What a project says of its licence in a line."""
    expression = str(metadata["License-Expression"] or "")
    line = str(metadata["License"] or "").strip()
    if expression or (line and "\n" not in line):
        return expression or line
    classifiers = [str(one) for one in metadata.get_all("Classifier", [])]
    return ", ".join(
        one.rpartition(" :: ")[2] for one in classifiers if one.startswith("License ::")
    )
