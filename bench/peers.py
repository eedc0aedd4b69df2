"""Other programs that we are measured beside: each in an environment of its own, started and ended.

They are installed from the package index into a cache directory (`TMUXPULSE_BENCH_CACHE`, or
``tmuxpulse-bench`` below the user's cache), once for each version. They see the benchmark's private
tmux server only, and a home directory that is removed afterwards. What cannot be installed or does
not start is left out, and the result says why.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from stage import TmuxStage, end, say

VERSIONS: Final = {"trustmux": "7.22", "muxplex": "0.63.0", "picows": "2.3.1"}
INSTALL_SECONDS: Final = 240.0
START_SECONDS: Final = 30.0


class Unavailable(Exception):
    """A peer cannot be measured here; its text says why."""


def cache() -> Path:
    """Where environments are kept."""
    named = os.environ.get("TMUXPULSE_BENCH_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tmuxpulse-bench"


def environment(name: str, *packages: str) -> Path:
    """An environment with packages in it, made if it is not there: its directory of programs.

    Args:
        name: of the environment.
        packages: what `pip install` is given; by default the peer of this name.

    Raises:
        Unavailable: it could not be made.
    """
    wanted = packages or (f"{name}=={VERSIONS[name]}",)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    version = f"-{VERSIONS[name]}" if name in VERSIONS else ""
    directory = cache() / f"{name}{version}-py{python}"
    programs = directory / "bin"
    if (directory / ".complete").exists():
        return programs
    say(f"installing {' '.join(wanted)}, once")
    shutil.rmtree(directory, ignore_errors=True)
    directory.parent.mkdir(parents=True, exist_ok=True)
    install = [str(programs / "python"), "-m", "pip", "install", "--quiet"]
    make = [sys.executable, "-m", "venv", str(directory)]
    try:
        for command in (make, [*install, "--disable-pip-version-check", *wanted]):
            subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS
            )
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise Unavailable(f"{wanted[0]} could not be installed: {said[-1]}") from error
    (directory / ".complete").touch()
    return programs


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def _running(name: str, command: list[str], env: dict[str, str]) -> Iterator[Path]:
    """A server with a home of its own; where it is, and what it prints goes to `said` there."""
    home = Path(tempfile.mkdtemp(prefix="tp-peer-"))
    own = {key: value for key, value in os.environ.items() if key not in ("TMUX", "TOKEN")}
    for variable in ("CONFIG", "STATE", "DATA", "CACHE"):
        own[f"XDG_{variable}_HOME"] = str(home / variable.lower())
    with (home / "said").open("wb") as said:
        process = subprocess.Popen(
            command,
            env={**own, "HOME": str(home), **env},
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        yield home
        if process.poll() is not None:
            raise Unavailable(f"{name} ended: {_tail(home)}")
    finally:
        end(process)
        shutil.rmtree(home, ignore_errors=True)


def _tail(home: Path) -> str:
    lines = (home / "said").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def ask(port: int, method: str, path: str, body: object = None) -> tuple[int, str, str]:
    """One request: the status, the body, and the cookie that came with it."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        connection.request(
            method, path, body=None if body is None else json.dumps(body), headers=headers
        )
        answer = connection.getresponse()
        cookie = answer.getheader("Set-Cookie") or ""
        return answer.status, answer.read().decode(errors="replace"), cookie
    finally:
        connection.close()


def _until_it_answers(name: str, port: int, path: str, home: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with suppress(OSError, http.client.HTTPException):
            ask(port, "GET", path)
            return
        time.sleep(0.1)
    raise Unavailable(f"{name} did not answer in {START_SECONDS:.0f} s: {_tail(home)}")


@contextmanager
def trustmux(tmux: TmuxStage) -> Iterator[tuple[str, str]]:
    """A trustmuxd that watches the stage: the address of its WebSocket, and a paired cookie.

    Raises:
        Unavailable: it cannot be had.
    """
    program = environment("trustmux") / "trustmuxd"
    port = free_port()
    env = {"TMUX_TMPDIR": tmux.directory, "TRUSTMUX_ALLOW_ROOT": "1"}
    command = [str(program), "--host", "127.0.0.1", "--port", str(port), "--no-advertise"]
    with _running("trustmux", command, env) as home:
        _until_it_answers("trustmux", port, "/ping", home)
        place = home / "state" / "trustmux" / "instances" / "default" / "trustmux.sock"
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(str(place))
            admin.sendall(b'{"action": "pair_generate"}\n')
            answer = json.loads(admin.makefile().readline())
        status, body, cookie = ask(port, "POST", "/pair", {"code": answer.get("code", "")})
        if status != 200:
            raise Unavailable(f"trustmux did not pair: {body[:200]}")
        yield f"ws://127.0.0.1:{port}/ws", cookie.partition(";")[0].partition("=")[2]


@contextmanager
def muxplex(tmux: TmuxStage) -> Iterator[tuple[str, str]]:
    """A muxplex that watches the stage: its address, and the password that it takes.

    Raises:
        Unavailable: it cannot be had.
    """
    # Its application itself: the command refuses to start without ttyd, which only typing needs.
    program = environment("muxplex") / "python"
    port, password = free_port(), secrets.token_urlsafe(16)
    env = {
        "TMUX_TMPDIR": tmux.directory,
        "MUXPLEX_AUTH": "password",
        "MUXPLEX_PASSWORD": password,
    }
    command = [str(program), "-m", "uvicorn", "muxplex.main:app", "--host", "127.0.0.1"]
    with _running("muxplex", [*command, "--port", str(port)], env) as home:
        _until_it_answers("muxplex", port, "/health", home)
        yield f"http://127.0.0.1:{port}", password


def why_not(name: str) -> str:
    """Install a peer; why it cannot be, or nothing."""
    try:
        environment(name)
    except Unavailable as why:
        return str(why)
    return ""


def main() -> None:
    """Install all of them, as far as that can be done; so no measurement waits for a download."""
    for why in map(why_not, VERSIONS):
        if why:
            say(f"left out: {why}")


if __name__ == "__main__":
    main()
