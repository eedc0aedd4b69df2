"""Every start of tmuxpulse.pyz: find the unpacked tree for this interpreter, check it, run it.

msgspec has a native part, and a native part cannot be imported out of a zip. So the first start
unpacks the archive, with compiled bytecode, to a private directory named by content; every later
one only checks that the tree is whole and begins as quickly as an installed program. This module
is that later start and is compiled anew each time: it stays small and imports next to nothing.
The rare ways are in modules of their own, imported when needed.

It knows nothing of what tmuxpulse does, of wheels, or of how a tree is made.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from importlib import machinery

from _tmuxpulse_carried import CONTENT_HASH, KEYS

VARIABLE = "TMUXPULSE_CACHE_DIR"
TREE = "pyz-"
"""How the name of a tree begins: a directory the user chose may hold other things too."""
MARKER = ".ok"
"""Lists size and path of every file of a tree; written last, so a tree with it was finished."""

_DAY_SECONDS = 86_400
_held: list[int] = []  # descriptors whose lock must last as long as the process


class Unusable(Exception):
    """There is no directory to unpack to; the text says why."""


class Refused(Unusable):
    """There is one, but others could have put a program of theirs into it."""


def start() -> None:
    """Make the carried packages importable, then run the program; does not return."""
    place = os.path.dirname(__file__)  # the archive, as sys.path has it
    archive = os.path.abspath(place)
    key = interpreter_key()
    if key not in KEYS:
        sys.exit(_not_carried(key))
    tree = ""
    try:
        root = cache_root()
        tree = os.path.join(root, f"{TREE}{CONTENT_HASH[:24]}-{key}")
        files = _find_or_make(archive, key, root, tree)
    except Unusable as error:
        if isinstance(error, Refused):
            sys.stderr.write(f"tmuxpulse: not unpacking to {error}; starting from memory\n")
        import _tmuxpulse_memory

        _tmuxpulse_memory.serve_archive(archive, key, str(error))
        sys.path[:] = [entry for entry in sys.path if entry != place]
    else:
        if _may_not_hold_programs(tree):
            import _tmuxpulse_memory

            _tmuxpulse_memory.serve_native_parts(tree, files)
        # The tree takes the place of the archive: from here on the .pyz may be replaced.
        sys.path[:] = [tree, *(entry for entry in sys.path if entry != place)]
    _run()


def _run() -> None:
    try:
        from tmuxpulse.cli.main import main
    except ImportError as error:
        if error.path is None or not error.path.endswith(".so"):
            raise
        # A dlopen that failed: a C library that is too old, a directory that forbids programs.
        sys.exit(
            f"tmuxpulse: a native part cannot be loaded: {error.msg}; if its directory forbids "
            f"programs, set {VARIABLE} to another one"
        )
    sys.exit(main())


def interpreter_key() -> str:
    """Name what a native part must fit, such as ``cpython-312-x86_64-linux-gnu``.

    It is the interpreter's own file suffix for such parts, which also tells free-threaded and
    debug builds apart, made complete where it says too little: macOS leaves out the machine, and
    CPython 3.10 says ``gnu`` on musl too.
    """
    key = next(iter(machinery.EXTENSION_SUFFIXES), "").strip(".").rpartition(".")[0]
    if key.endswith("-darwin"):
        return f"{key}-{os.uname().machine}"
    if key.endswith("-linux-gnu") and not _is_glibc():
        return key[: -len("gnu")] + "musl"
    return key


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (ValueError, OSError):  # musl: the name or its value is unknown
        return False


def _not_carried(key: str) -> str:
    pythons = {carried.split("-")[1] for carried in KEYS}
    versions = ", ".join(f"3.{minor}" for minor in sorted(int(one[1:]) for one in pythons))
    platforms = ", ".join(sorted({carried.split("-", 2)[2] for carried in KEYS}))
    return (
        f"tmuxpulse: this file carries nothing for this Python ({key or sys.implementation.name}, "
        f"{sys.executable}); it carries CPython {versions} on {platforms}"
    )


def cache_root() -> str:
    """Return the directory trees live in; it need not exist. Never a shared one such as /tmp.

    Raises:
        Unusable: neither a variable nor a home directory names one.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return os.path.abspath(chosen)
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # the specification says to ignore a relative one
        home = os.path.expanduser("~")
        if not os.path.isabs(home):
            raise Unusable("there is no home directory")
        base = os.path.join(home, *_CACHES[sys.platform == "darwin"])
    return os.path.join(base, "tmuxpulse")


_CACHES = {True: ("Library", "Caches"), False: (".cache",)}


def _find_or_make(archive: str, key: str, root: str, tree: str) -> list[str]:
    if check_root(root):
        files = check_tree(tree)
        if files is not None:
            return files
    import _tmuxpulse_unpack

    _tmuxpulse_unpack.unpack_in_child(archive, key, root, tree)
    files = check_tree(tree) if check_root(root) else None
    if files is None:
        raise Unusable(f"{tree} was damaged as soon as it was made")
    return files


def check_root(root: str) -> bool:
    """Tell whether the directory is there, and stop if anybody else could write to it.

    Raises:
        Refused: it is a link, or another user's, or others may write to it.
        Unusable: it cannot be looked at.
    """
    try:
        status = os.lstat(root)
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise Unusable(f"{root}: {error}") from None
    if not stat.S_ISDIR(status.st_mode):
        raise Refused(f"{root}, which is not a directory")
    if status.st_uid != os.geteuid():
        raise Refused(f"{root}, which belongs to user {status.st_uid}")
    if status.st_mode & 0o022:
        raise Refused(f"{root}, which other users may write to")
    return True


def check_tree(tree: str) -> list[str] | None:
    """Return the files of a tree if every one has its size, else None; keeps it from the sweep.

    A truncated native part would end the process with SIGBUS and truncated bytecode with an
    EOFError, and neither names its cause: some 400 sizes cost 2 ms.
    """
    try:
        marker = os.open(f"{tree}/{MARKER}", os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        files = _read_marker(tree, marker)
    except (OSError, ValueError):
        files = None
    if files is None:
        os.close(marker)
    else:
        _held.append(marker)
    return files


def _read_marker(tree: str, marker: int) -> list[str] | None:
    import fcntl

    try:
        fcntl.flock(marker, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return None  # it is being swept away
    except OSError:
        pass  # a file system without locks: the sweep gets none either, and leaves the tree
    status = os.fstat(marker)
    count, *lines = os.read(marker, status.st_size).decode().splitlines()
    if status.st_uid != os.geteuid() or int(count) != len(lines):
        return None
    files = []
    for line in lines:
        size, name = line.split(" ", 1)
        if os.lstat(f"{tree}/{name}").st_size != int(size):
            return None
        files.append(name)
    if time.time() - status.st_mtime > _DAY_SECONDS:
        try:
            os.utime(marker)  # "used today", for the sweep
        except OSError:
            return files  # a read-only file system, where nothing is swept
    return files


def _may_not_hold_programs(tree: str) -> bool:
    """Tell whether the file system is mounted noexec, where dlopen fails."""
    flag = getattr(os, "ST_NOEXEC", 0)  # Linux names it, macOS does not
    return bool(flag and os.statvfs(tree).f_flag & flag)
