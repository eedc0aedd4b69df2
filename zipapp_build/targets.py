"""The interpreters that one file serves. It knows nothing of wheels, locks or archives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


@dataclass(frozen=True)
class Platform:
    """A platform to carry native parts for.

    Args:
        name: what ``--target`` calls it.
        key: the end of the start-up files' name for an interpreter on it.
        tags: what pip calls it, oldest system first so that the widest wheel is preferred.
        markers: values of environment markers on it.
    """

    name: str
    key: str
    tags: tuple[str, ...]
    markers: tuple[str, str, str]


def _linux(machine: str) -> Iterator[Platform]:
    markers = ("linux", "Linux", machine)
    glibc = ("2010", "_2_12", "2014", "_2_17", "_2_28")
    yield Platform(
        f"linux-{machine}",
        f"{machine}-linux-gnu",
        tuple(f"manylinux{version}_{machine}" for version in glibc),
        markers,
    )
    yield Platform(
        f"musl-{machine}",
        f"{machine}-linux-musl",
        tuple(f"musllinux_{version}_{machine}" for version in ("1_1", "1_2")),
        markers,
    )


PLATFORMS = (
    *_linux("x86_64"),
    *_linux("aarch64"),
    # For macOS pip itself adds every older system and the universal wheels.
    Platform("macos-arm64", "darwin-arm64", ("macosx_11_0_arm64",), ("darwin", "Darwin", "arm64")),
    Platform(
        "macos-x86_64", "darwin-x86_64", ("macosx_11_0_x86_64",), ("darwin", "Darwin", "x86_64")
    ),
)


@dataclass(frozen=True)
class Target:
    """One CPython on one platform."""

    python: str
    platform: Platform

    @property
    def tag(self) -> str:
        """Return pip's name for the Python, such as ``cp310``."""
        return "cp" + self.python.replace(".", "")

    @property
    def name(self) -> str:
        """Return the name of its folder in the wheelhouse."""
        return f"{self.tag}-{self.platform.name}"

    @property
    def key(self) -> str:
        """Return what the start-up files call an interpreter it is for."""
        return f"cpython-{self.tag[2:]}-{self.platform.key}"

    def markers(self, patch: int) -> dict[str, str]:
        """Return the values of the environment markers at a patch release of its Python."""
        sys_platform, system, machine = self.platform.markers
        return {
            "python_version": self.python,
            "python_full_version": f"{self.python}.{patch}",
            "implementation_version": f"{self.python}.{patch}",
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "os_name": "posix",
            "sys_platform": sys_platform,
            "platform_system": system,
            "platform_machine": machine,
            "extra": "",
        }


ALL_TARGETS = tuple(Target(python, platform) for platform in PLATFORMS for python in PYTHONS)
