"""A start of tmuxpulse.pyz without a place for its native parts: they are loaded from memory.

Two cases. The tree is there, but its file system is mounted noexec: only native parts come from
memory. Or there is no directory at all (a read-only home, a full disk, a cache that others may
write to): then the whole archive is read into memory, so that it may be replaced while it runs,
and every module, resource and piece of metadata is served from there.

A native part reaches the dynamic linker through an anonymous file (memfd_create) that only Linux
has; elsewhere the start ends with a line that names the variable to set.

It knows nothing of how a tree is found or made.
"""

from __future__ import annotations

import io
import os
import sys
import zipfile
import zlib
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import spec_from_file_location
from typing import TYPE_CHECKING

from _tmuxpulse_start import VARIABLE
from _tmuxpulse_wheels import WHEELS

if TYPE_CHECKING:
    import types
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from importlib.metadata import Distribution, DistributionFinder


def serve_native_parts(tree: str, files: Iterable[str]) -> None:
    """Let the native parts of an unpacked tree be loaded although its file system forbids it."""
    _require_memory_files(f"{tree} is on a file system mounted noexec")

    def read(name: str) -> bytes:
        with open(os.path.join(tree, name), "rb") as stream:
            return stream.read()

    sys.meta_path.insert(0, NativeFinder(files, read))


def serve_archive(archive: str, key: str, reason: str) -> None:
    """Let everything be imported from a copy of the archive in memory."""
    _require_memory_files(reason)
    try:
        contents = _copy(archive, WHEELS[key])
    except (OSError, zipfile.BadZipFile, KeyError, zlib.error, EOFError) as error:
        sys.exit(f"tmuxpulse: {archive} cannot be read: {error}")
    sys.meta_path[:0] = [
        NativeFinder(contents.namelist(), contents.read),
        ArchiveFinder(contents, archive),
    ]


def _require_memory_files(reason: str) -> None:
    failure = "this system has no memory files"
    if hasattr(os, "memfd_create"):
        try:
            descriptor = os.memfd_create("tmuxpulse")
        except OSError as error:  # a sandbox or an old kernel
            failure = f"memory files are not allowed: {error.strerror}"
        else:
            reachable = os.path.exists(f"/proc/self/fd/{descriptor}")
            os.close(descriptor)
            if reachable:
                return
            failure = "/proc is not mounted"
    sys.exit(
        f"tmuxpulse: no directory to unpack to ({reason}), and {failure}; "
        f"set {VARIABLE} to a private directory where programs may run"
    )


def _copy(archive: str, wheels: Iterable[str]) -> zipfile.ZipFile:
    """Return the files of the archive and of the wheels as one uncompressed archive in memory."""
    copy = zipfile.ZipFile(io.BytesIO(), "w")
    with zipfile.ZipFile(archive) as whole:
        for name in whole.namelist():
            if not name.startswith(("wheels/", "_tmuxpulse_")) and name != "__main__.py":
                copy.writestr(name, whole.read(name))
        for wheel in wheels:
            with zipfile.ZipFile(io.BytesIO(whole.read(f"wheels/{wheel}"))) as part:
                for name in part.namelist():
                    copy.writestr(name, part.read(name))
    return copy


class NativeFinder(MetaPathFinder):
    """Finds native modules whose bytes are given, and has them loaded from memory.

    Args:
        files: paths; those that end in ``.so`` are taken.
        read: returns the bytes of one of them.
    """

    def __init__(self, files: Iterable[str], read: Callable[[str], bytes]) -> None:
        self._read = read
        self._files: dict[str, str] = {}
        for name in files:
            if name.endswith(".so"):
                folder, _, last = name.rpartition("/")
                module = last.split(".", 1)[0]
                self._files[f"{folder}/{module}".strip("/").replace("/", ".")] = name

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the interface has it
        target: types.ModuleType | None = None,  # noqa: ARG002 - the interface has it
    ) -> ModuleSpec | None:
        """Return how to load a native module, or None for any other."""
        name = self._files.get(fullname)
        if name is None:
            return None
        descriptor = os.memfd_create(fullname)
        with open(descriptor, "wb", closefd=False) as stream:
            stream.write(self._read(name))
        # The descriptor stays open: the linker knows libraries by path, and a second one that
        # got the same number would be taken for the first.
        where = f"/proc/self/fd/{descriptor}"
        return spec_from_file_location(fullname, where, loader=ExtensionFileLoader(fullname, where))


class ArchiveFinder(MetaPathFinder):
    """Finds modules, resources and metadata in an archive held in memory.

    Args:
        contents: the archive.
        origin: where it came from, for ``__file__`` and tracebacks.
    """

    def __init__(self, contents: zipfile.ZipFile, origin: str) -> None:
        self._contents = contents
        self._origin = origin
        self._names = frozenset(contents.namelist())

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the interface has it
        target: types.ModuleType | None = None,  # noqa: ARG002 - the interface has it
    ) -> ModuleSpec | None:
        """Return how to load a module or package of the archive, or None for any other."""
        base = fullname.replace(".", "/")
        for name, is_package in ((f"{base}/__init__.py", True), (f"{base}.py", False)):
            if name in self._names:
                return spec_from_file_location(
                    fullname,
                    f"{self._origin}/{name}",
                    loader=ArchiveLoader(self._contents, self._origin, name),
                    submodule_search_locations=[f"{self._origin}/{base}"] if is_package else None,
                )
        return None

    def find_distributions(self, context: DistributionFinder.Context) -> Iterator[Distribution]:
        """Yield the metadata of carried projects: trio-websocket asks for trio's version."""
        from importlib.metadata import PathDistribution

        wanted = None if context.name is None else _normal(context.name)
        for name in sorted(self._names):
            folder, _, last = name.rpartition("/")
            if last == "METADATA" and folder.endswith(".dist-info"):
                project = folder.partition("-")[0]
                if wanted is None or _normal(project) == wanted:
                    yield PathDistribution(zipfile.Path(self._contents, f"{folder}/"))


def _normal(project: str) -> str:
    return project.lower().replace("-", "_").replace(".", "_")


class ArchiveLoader(SourceLoader):
    """Loads one module of an archive held in memory.

    Args:
        contents: the archive.
        origin: the path it came from.
        name: the module's path inside it.
    """

    def __init__(self, contents: zipfile.ZipFile, origin: str, name: str) -> None:
        self._contents = contents
        self._origin = origin
        self._name = name

    def get_filename(self, fullname: str) -> str:  # noqa: ARG002 - a loader here has one module
        """Return the path tracebacks show."""
        return f"{self._origin}/{self._name}"

    def get_data(self, path: str) -> bytes:
        """Return the bytes of a file of the archive.

        Raises:
            OSError: it has no such file.
        """
        try:
            return self._contents.read(os.path.relpath(path, self._origin))
        except KeyError as error:
            raise FileNotFoundError(path) from error

    def get_resource_reader(self, fullname: str) -> ArchiveResources:  # noqa: ARG002 - as above
        """Return what ``importlib.resources.files`` asks."""
        folder = self._name.rpartition("/")[0]
        return ArchiveResources(zipfile.Path(self._contents, f"{folder}/"))


class ArchiveResources:
    """The files beside a module, as ``importlib.resources`` wants them.

    Args:
        folder: the module's folder.
    """

    def __init__(self, folder: zipfile.Path) -> None:
        self._folder = folder

    def files(self) -> zipfile.Path:
        """Return the folder."""
        return self._folder
