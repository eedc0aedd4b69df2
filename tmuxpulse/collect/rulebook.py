"""The rules of statuses: those that come with the package, and the user's own.

A file of the user's that cannot be read, or has anything wrong in it, is skipped and told.
"""

from __future__ import annotations

import logging
from pathlib import Path

from tmuxpulse.status.book import Book
from tmuxpulse.status.rules import MAX_FILE_CHARACTERS, Complaint, Family, load
from tmuxpulse.status.shipped import shipped

MAX_FILES = 200

logger = logging.getLogger(__name__)


def load_book(rules_dir: str = "") -> Book:
    """Read all rules; what is wrong with the user's is logged.

    It takes some tens of milliseconds, and reads files.

    Args:
        rules_dir: where the user's are, ``*.toml``; empty: nowhere. It need not be there.
    """
    families, complaints = read_rules(rules_dir)
    for complaint in complaints:
        logger.warning("a rule file is skipped: %s", complaint)
    return Book(families)


def read_rules(rules_dir: str) -> tuple[tuple[Family, ...], tuple[Complaint, ...]]:
    """Read all rules.

    Returns:
        What they say, and what is wrong with those that were skipped.
    """
    own: list[tuple[str, str]] = []
    wrong: list[Complaint] = []
    paths = sorted(Path(rules_dir).glob("*.toml")) if rules_dir else []
    for path in paths[:MAX_FILES]:
        text = _read(path)
        if isinstance(text, Complaint):
            wrong.append(text)
        else:
            own.append((str(path), text))
    if len(paths) > MAX_FILES:
        message = f"there are more than {MAX_FILES} files"
        wrong.append(Complaint(str(paths[MAX_FILES]), 1, message))
    families, complaints = load(shipped(), own)
    return families, (*wrong, *complaints)


def _read(path: Path) -> str | Complaint:
    """A file's text, as much of it as is taken and one character more; or why there is none."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(MAX_FILE_CHARACTERS + 1)
    except OSError as error:
        return Complaint(str(path), 1, f"it cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        return Complaint(str(path), 1, "it is not UTF-8")
