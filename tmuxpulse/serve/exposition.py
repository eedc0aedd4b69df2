"""Metrics as text: the format that Prometheus reads, version 0.0.4. Pure.

The format is https://prometheus.io/docs/instrumenting/exposition_formats/. It knows no metric.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, Union

import msgspec

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Kind = Literal["counter", "gauge", "summary"]
Number = Union[int, float]  # noqa: UP007  # evaluated on Python 3.10

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class Sample(msgspec.Struct, frozen=True):
    """One number.

    Attributes:
        value: in base units: seconds, bytes, counts.
        labels: few, and each with few values.
        suffix: what follows the family's name; a summary has ``_count`` and ``_sum``.
    """

    value: Number
    labels: Mapping[str, str] = {}
    suffix: str = ""


class Family(msgspec.Struct, frozen=True):
    """A metric with its samples; a family without any is told all the same."""

    name: str
    kind: Kind
    help: str
    samples: tuple[Sample, ...]


def counter(
    name: str, help_text: str, value: Number | Mapping[str, Number], label: str = ""
) -> Family:
    """What only grows; its name ends with ``_total``. A mapping's keys are values of `label`."""
    return Family(name, "counter", help_text, _samples(value, label))


def gauge(
    name: str, help_text: str, value: Number | Mapping[str, Number], label: str = ""
) -> Family:
    """What grows and shrinks. A mapping's keys are values of `label`."""
    return Family(name, "gauge", help_text, _samples(value, label))


def summary(name: str, help_text: str, *, count: int, total: float) -> Family:
    """How often something happened, and how much that was all together."""
    return Family(
        name, "summary", help_text, (Sample(count, suffix="_count"), Sample(total, suffix="_sum"))
    )


def render(families: Iterable[Family]) -> bytes:
    """The text; families in their order, each once.

    Raises:
        ValueError: a name is no name, or a counter is not called ``_total``.
    """
    lines: list[str] = []
    for family in families:
        if not _NAME.fullmatch(family.name):
            raise ValueError(f"{family.name!r} cannot be the name of a metric")
        if (family.kind == "counter") != family.name.endswith("_total"):
            raise ValueError(f"{family.name}: counters, and they alone, end with _total")
        lines.append(f"# HELP {family.name} {_escaped(family.help)}")
        lines.append(f"# TYPE {family.name} {family.kind}")
        lines.extend(
            f"{family.name}{sample.suffix}{_labels(sample.labels)} {sample.value!r}"
            for sample in family.samples
        )
    return "".join(f"{line}\n" for line in lines).encode()


def _samples(value: Number | Mapping[str, Number], label: str) -> tuple[Sample, ...]:
    if isinstance(value, Mapping):
        return tuple(Sample(number, {label: key}) for key, number in sorted(value.items()))
    return (Sample(value),)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (f'{name}="{_escaped(value, quote=True)}"' for name, value in labels.items())
    return "{" + ",".join(pairs) + "}"


def _escaped(text: str, *, quote: bool = False) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quote else text
