"""The text of a token: how it is made, read and remembered. Pure, but for the system's randomness.

``tp_<id>_<secret>``: the id finds the token in the store, the secret proves it. Only the SHA-256 of
the whole text is kept; 256 random bits need no slow hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string

ID_CHARACTERS = 12
SECRET_CHARACTERS = 43  # 256 bits in 62 letters
_ID_LETTERS = string.ascii_lowercase + string.digits
_SECRET_LETTERS = string.ascii_letters + string.digits
TOKEN_PATTERN = re.compile(rf"tp_([a-z0-9]{{{ID_CHARACTERS}}})_[A-Za-z0-9]{{{SECRET_CHARACTERS}}}")
NO_HASH = "0" * 64  # of a token that does not exist: no text has it


class Secret:
    """A text that no `repr`, `str` or error shows.

    Args:
        text: the text.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Give it, to be sent or shown to whom it belongs."""
        return self._text

    def __repr__(self) -> str:
        """Without the text."""
        return "Secret(...)"

    __str__ = __repr__


def make_token() -> tuple[str, Secret]:
    """Make a new token: its id and its text."""
    token_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(ID_CHARACTERS))
    secret = "".join(secrets.choice(_SECRET_LETTERS) for _ in range(SECRET_CHARACTERS))
    return token_id, Secret(f"tp_{token_id}_{secret}")


def id_of(text: str) -> str | None:
    """The id in a token's text; None: it has not the form of one."""
    found = TOKEN_PATTERN.fullmatch(text)
    return found[1] if found else None


def hash_of(text: str) -> str:
    """What is kept of a token: its SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def matches(text: str, kept: str | None) -> bool:
    """Compare a token with what was kept; the time taken tells nothing, also without a `kept`."""
    return hmac.compare_digest(hash_of(text), NO_HASH if kept is None else kept)
