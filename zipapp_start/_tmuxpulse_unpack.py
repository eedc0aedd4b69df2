"""The first start of tmuxpulse.pyz: unpack it, once, for this interpreter.

Everything happens in a forked child, since compiling some 200 modules would leave a long-lived
server 5 MB larger. The child works in a directory of its own beside the tree and renames it when
it is complete, so nobody ever sees half a tree: neither twelve starts at once nor a kill -9 in
between needs more care than that. The lock only spares the twelve doing the same work.

It knows nothing of how a tree is found or run.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from _tmuxpulse_carried import CONTENT_HASH
from _tmuxpulse_start import MARKER, TREE, VARIABLE, Unusable, check_root, check_tree
from _tmuxpulse_wheels import WHEELS

if TYPE_CHECKING:
    from typing import NoReturn

LOCK_SECONDS = 60
"""How long to wait for another start that unpacks; then do without the lock."""
STALE_SECONDS = 600
"""Age of a working directory that nobody can still be working in (unpacking takes a second)."""
SIGINT_EXIT = 130
"""What a shell reports for a program ended by Ctrl-C."""
UNUSED_SECONDS = 30 * 86_400
"""Age of a tree's last use after which it is removed."""

_TEMPORARY = ".tmp-pyz-"
# Exit codes of the child; every other one is an errno.
_INTERRUPTED, _REPLACED, _BROKEN = 200, 201, 202
_ENDS = {
    _REPLACED: "was replaced while it started; start it again",
    _BROKEN: "is damaged; compare it with its published checksum",
}


def unpack_in_child(archive: str, key: str, root: str, tree: str) -> None:
    """Make the tree, or find that another start just did.

    Raises:
        Unusable: it cannot be made: no space, no permission, a child that was killed.
    """
    _refuse_foreign_home(root)
    try:
        child = os.fork()
        if child == 0:
            _be_the_child(archive, key, root, tree)
        _, status = os.waitpid(child, 0)
    except KeyboardInterrupt:
        sys.exit(SIGINT_EXIT)
    code = os.waitstatus_to_exitcode(status)
    if code == _INTERRUPTED:
        sys.exit(SIGINT_EXIT)
    if code in _ENDS:
        sys.exit(f"tmuxpulse: {archive} {_ENDS[code]}")
    if code < 0:
        raise Unusable(f"{root}: unpacking was ended by signal {-code}")
    if code:
        raise Unusable(f"{root}: {os.strerror(code)}")


def _be_the_child(archive: str, key: str, root: str, tree: str) -> NoReturn:
    code = 1
    try:
        code = _unpack(archive, key, root, tree)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except OSError as error:
        code = error.errno or 1
    except Unusable:
        code = 0  # the directory is not ours: the parent looks again, and has the words
    finally:
        os._exit(code)


def _refuse_foreign_home(root: str) -> None:
    """Create nothing in another user's home: sudo keeps HOME, and root's files would stay."""
    if os.environ.get(VARIABLE):
        return
    parent = root
    while not os.path.exists(parent):
        parent = os.path.dirname(parent)
    if os.stat(parent).st_uid != os.geteuid():
        raise Unusable(f"{parent} belongs to another user")


def _unpack(archive: str, key: str, root: str, tree: str) -> int:
    import shutil

    os.umask(0o077)
    os.makedirs(root, mode=0o700, exist_ok=True)
    check_root(root)
    if _take_lock(root):
        _sweep(root)
    if check_tree(tree) is not None:
        return 0
    working = _working_name(root)
    os.mkdir(working, 0o700)
    try:
        fresh = os.path.join(working, "tree")
        code = _fill(archive, key, fresh, tree)
        if code:
            return code
        # Without a lock another start may have been quicker; its tree may be in use by now.
        if check_tree(tree) is not None:
            return 0
        if os.path.lexists(tree):  # damaged: aside with it, in one step
            os.rename(tree, os.path.join(working, "damaged"))
        try:
            os.rename(fresh, tree)
        except OSError:  # quicker by a hair
            if check_tree(tree) is None:
                raise
    finally:
        shutil.rmtree(working, ignore_errors=True)
    return 0


def _fill(archive: str, key: str, fresh: str, tree: str) -> int:
    """Write the files of the archive and of the wheels, their bytecode, then the marker."""
    import compileall
    import io
    import zipfile
    import zlib
    from py_compile import PycInvalidationMode

    try:
        with zipfile.ZipFile(archive) as whole:
            if CONTENT_HASH.encode() not in whole.read("_tmuxpulse_carried.py"):
                return _REPLACED
            names = [n for n in whole.namelist() if not n.startswith(("wheels/", "_tmuxpulse_"))]
            whole.extractall(fresh, [name for name in names if name != "__main__.py"])
            for wheel in WHEELS[key]:
                with zipfile.ZipFile(io.BytesIO(whole.read(f"wheels/{wheel}"))) as part:
                    part.extractall(fresh)
    except (zipfile.BadZipFile, KeyError, zlib.error, EOFError):
        return _BROKEN
    sys.pycache_prefix = None  # bytecode belongs into the tree, whatever the user's setting
    # Unchecked: the marker has the sizes, and a look at each source's time would be for nothing.
    compileall.compile_dir(
        fresh,
        ddir=tree,  # else every import would have to correct what tracebacks show
        quiet=2,
        force=True,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    lines = []
    for folder, _, files in os.walk(fresh):
        for name in files:
            path = os.path.join(folder, name)
            lines.append(f"{os.lstat(path).st_size} {os.path.relpath(path, fresh)}\n")
    with open(os.path.join(fresh, MARKER), "w", encoding="utf-8") as stream_out:
        stream_out.write(f"{len(lines)}\n")
        stream_out.writelines(sorted(lines))
    return 0


def _take_lock(root: str) -> bool:
    """Wait for the lock; False if there is none to be had. The end of the process frees it."""
    import fcntl

    lock = os.open(f"{root}/.pyz-lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                return False
        except OSError:
            return False  # a file system without locks
        else:
            return True
        time.sleep(0.05)


def _sweep(root: str) -> None:
    """Remove what killed starts left and trees nobody used for a month, but none in use."""
    import shutil

    now = time.time()
    for name in os.listdir(root):
        path = os.path.join(root, name)
        if name.startswith(_TEMPORARY):
            if now - os.lstat(path).st_mtime > STALE_SECONDS:
                shutil.rmtree(path, ignore_errors=True)
        elif name.startswith(TREE) and _is_unused(path, now):
            aside = _working_name(root)
            os.rename(path, aside)  # in one step, so that no start finds half of it
            shutil.rmtree(aside, ignore_errors=True)


def _working_name(root: str) -> str:
    return os.path.join(root, f"{_TEMPORARY}{os.getpid()}-{time.monotonic_ns()}")


def _is_unused(tree: str, now: float) -> bool:
    """Tell whether a tree was not used for long and is not in use; the lock stays until the end."""
    import fcntl

    try:
        marker = os.open(os.path.join(tree, MARKER), os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return now - os.lstat(tree).st_mtime > UNUSED_SECONDS
    if now - os.fstat(marker).st_mtime <= UNUSED_SECONDS:
        os.close(marker)
        return False
    try:
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
