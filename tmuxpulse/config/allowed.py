"""Which values a setting may have, in words, from its type. Pure."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin


def allowed_values(kind: Any) -> str:  # noqa: ANN401  # any type hint
    """Such as ``never, local, anywhere``; empty: any of its type, or a range.

    Args:
        kind: the type hint of a setting, or of the entries of its list.
    """
    if get_origin(kind) is Literal:
        return ", ".join(get_args(kind))
    if get_origin(kind) is tuple:
        return allowed_values(get_args(kind)[0])
    return next(
        (meta.description for meta in getattr(kind, "__metadata__", ()) if meta.description), ""
    )
