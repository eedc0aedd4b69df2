"""Record what real programs print in a real tmux pane, into the `.bin` files beside this script.

Run it as `python tests/data/streams/regenerate.py [NAME ...]`; with no name it does them all. Each
program runs in a pane of 80 columns and 24 rows of a private tmux server, in the new directory
`/tmp/demo`, with next to no environment and, where the system allows it, alone in a namespace of
processes. The file is what `pipe-pane -O` got, byte for byte. `CAPTURES` at the end has the command
of each. The machine needs bash, zsh, fish, vim, less, htop, top, git, npm, curl, and a Python with
pip and pytest: the one that runs this script.

The `.json` beside each is what has to come out of it. `python tests/data/streams/regenerate.py
--expect` writes these anew from the code as it is; read the difference before you keep it.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import random
import re
import runpy
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
DEMO = Path("/tmp/demo")
DEADLINE_SECONDS = 30
QUIET_SECONDS = 0.4
RESTLESS_SECONDS = 1.5


class Step(NamedTuple):
    """Keys to press, and what the stream has to show before the next step."""

    keys: str
    then: bytes = b""


class Capture(NamedTuple):
    """One stream: a command for `sh`, what is typed into it, and what has to be there before."""

    command: str
    steps: tuple[Step, ...] = ()
    prepare: Callable[[], contextlib.AbstractContextManager[None]] = contextlib.nullcontext
    term: str = "tmux-256color"
    env: Mapping[str, str] = {}


class Pane:
    """A pane of a private server whose output goes to a file."""

    def __init__(self) -> None:
        self.stream = DEMO.parent / f"demo-stream-{os.getpid()}"
        self.stream.write_bytes(b"")
        self.tmux = ["tmux", "-L", f"streams-{os.getpid()}", "-f", "/dev/null", "-u"]

    def start(self, capture: Capture) -> None:
        """Start the server; the program waits until its output is piped."""
        env = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "LC_ALL": "C.UTF-8",
            "HOME": str(DEMO / "home"),
            "SHELL": "/bin/sh",
            "TERM": "xterm-256color",
            **capture.env,
        }
        waiting = f"tmux wait-for go; {capture.command}"
        alone = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
        if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode:
            alone = []
        self.run(
            *("start-server", ";", "set", "-g", "default-terminal", capture.term, ";"),
            *("set", "-g", "remain-on-exit", "on", ";"),
            *("new-session", "-d", "-x", "80", "-y", "24", "--", *alone, "sh", "-c", waiting),
            env=env,
        )
        self.run("pipe-pane", "-O", f"exec cat >{self.stream}")
        self.run("wait-for", "-S", "go")

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run tmux; the environment is for the server that this starts."""
        done = subprocess.run(
            [*self.tmux, *arguments],
            cwd=DEMO,
            env=env,
            check=True,
            capture_output=True,
            text=True,
            timeout=DEADLINE_SECONDS,
        )
        return done.stdout

    def wait(self, then: bytes, since: int) -> None:
        """Wait until the pattern has come, and nothing more does or it never is quiet."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        size, changed = -1, time.monotonic()
        came = float("inf")
        while (now := time.monotonic()) < deadline:
            heard = self.stream.read_bytes()
            if len(heard) != size:
                size, changed = len(heard), now
                if re.search(then, heard[since:]):
                    came = min(came, now)
            if now - came > RESTLESS_SECONDS or (came <= now and now - changed > QUIET_SECONDS):
                return
            time.sleep(0.02)
        raise TimeoutError(f"{then!r} did not come; heard {self.stream.read_bytes()[since:]!r}")

    def wait_for_end(self) -> bytes:
        """Wait until the program has ended, and return everything it printed."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.run("display-message", "-p", "#{pane_dead}").strip() != "1":
            if time.monotonic() > deadline:
                raise TimeoutError(f"it does not end; heard {self.stream.read_bytes()!r}")
            time.sleep(0.02)
        self.wait(b"", 0)
        return self.stream.read_bytes()


def record(capture: Capture) -> bytes:
    """Run one capture in an empty `/tmp/demo`."""
    DEMO.mkdir()  # what is there already is not ours
    (DEMO / "home").mkdir()
    pane = Pane()
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, DEMO, ignore_errors=True)
        stack.enter_context(capture.prepare())
        try:
            pane.start(capture)
            for step in capture.steps:
                since = pane.stream.stat().st_size if step.keys else 0
                if step.keys.startswith("="):
                    pane.run("send-keys", "-l", step.keys[1:])
                elif step.keys:
                    pane.run("send-keys", *step.keys.split())
                pane.wait(step.then, since)
            return pane.wait_for_end()
        finally:
            subprocess.run([*pane.tmux, "kill-server"], check=False, capture_output=True)
            pane.stream.unlink()


# --- what has to be there before ---------------------------------------------------------------


@contextlib.contextmanager
def files() -> Iterator[None]:
    """A few files to list and to complete."""
    for name in ("apple.txt", "apricot.txt", "banana.txt"):
        (DEMO / name).write_text(f"{name}\n")
    (DEMO / "numbers").write_text("".join(f"number {n}\n" for n in range(1, 201)))
    yield


@contextlib.contextmanager
def fish_home() -> Iterator[None]:
    """The same, and a prompt that tells nothing of the machine."""
    config = DEMO / "home" / ".config" / "fish" / "config.fish"
    config.parent.mkdir(parents=True)
    config.write_text("set -g fish_greeting\nfunction fish_prompt; printf '$ '; end\n")
    with files():
        yield


@contextlib.contextmanager
def package_index() -> Iterator[None]:
    """A package index on a port of this machine, with one wheel big enough for a progress bar."""
    root = DEMO / "index"
    page = root / "simple" / "demo"
    page.mkdir(parents=True)
    wheel = page / "demo-1.0-py3-none-any.whl"
    info = "demo-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("demo.py", "x = 1\n")
        archive.writestr("demo.bin", bytes(3_000_000))
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    (page / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def copyfile(self, source: object, outputfile: object) -> None:
            # Slowly, so that there is a progress to show.
            while block := source.read(150_000):  # type: ignore[attr-defined]  # typeshed's own protocols are private
                outputfile.write(block)  # type: ignore[attr-defined]  # the same
                time.sleep(0.05)

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 18765), functools.partial(Quiet, directory=str(root))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def npm_package() -> Iterator[None]:
    """Two packages, the one in need of the other."""
    (DEMO / "left").mkdir()
    (DEMO / "left" / "package.json").write_text('{"name": "left", "version": "1.0.0"}')
    (DEMO / "package.json").write_text('{"name": "demo", "version": "1.0.0", "private": true}')
    yield


@contextlib.contextmanager
def test_suite() -> Iterator[None]:
    """A test that passes many times, and one that fails."""
    (DEMO / "test_demo.py").write_text(
        "import pytest\n\n\n"
        '@pytest.mark.parametrize("n", range(100))\n'
        "def test_many(n):\n    assert n >= 0\n\n\n"
        "def test_wrong():\n    assert 1 + 1 == 3\n"
    )
    yield


@contextlib.contextmanager
def repository() -> Iterator[None]:
    """A repository with 300 commits by nobody."""
    stream = ["reset refs/heads/main\n"]
    for n in range(1, 301):
        text = f"{n}\n" * 200
        stream.append(
            f"commit refs/heads/main\nmark :{n}\n"
            f"committer Demo <demo@example.org> {1_700_000_000 + n * 60} +0000\n"
            f"data <<END\nCommit {n} \N{GRINNING FACE}\nEND\n"
            f"M 100644 inline file{n}\ndata {len(text)}\n{text}\n"
        )
    run = functools.partial(subprocess.run, cwd=DEMO, check=True, capture_output=True)
    run(["git", "init", "-q", "--bare", "repository"])
    run(["git", "-C", "repository", "fast-import"], input="".join(stream).encode())
    run(["git", "-C", "repository", "symbolic-ref", "HEAD", "refs/heads/main"])
    yield


@contextlib.contextmanager
def noise() -> Iterator[None]:
    """Random bytes."""
    (DEMO / "noise").write_bytes(random.Random(7).randbytes(40_000))
    yield


@contextlib.contextmanager
def big_file() -> Iterator[None]:
    """Something to copy."""
    (DEMO / "big").write_bytes(bytes(40_000_000))
    yield


def script(body: str) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """A Python program `demo.py`."""

    @contextlib.contextmanager
    def prepare() -> Iterator[None]:
        (DEMO / "demo.py").write_text(body)
        yield

    return prepare


PROGRESS_BAR = r"""
import sys, time
for n in range(0, 101, 5):
    bar = "\u2588" * (n // 5)
    sys.stdout.write(f"\r\x1b[32m{bar:<20}\x1b[0m {n:3d}% \u6e29\u5ea6")
    sys.stdout.flush()
    time.sleep(0.01)
sys.stdout.write("\r\x1b[Kdone: e\u0301t\u00e9 \U0001f389\nnext\n")
"""

# Two rows that are written again and again, as docker compose does it; then ordinary output.
SERVICES = r"""
import sys, time
for n in range(60):
    if n:
        sys.stdout.write("\x1b[2A")
    for name in ("web", "database"):
        sys.stdout.write(f"\x1b[2K {name:<10} waiting {n / 10:.1f}s\n")
    sys.stdout.flush()
    time.sleep(0.005)
for n in range(150):
    print("log line", n)
"""

# What an agent does: a growing transcript above a box that is erased and drawn again.
AGENT = r"""
import sys, time
out = sys.stdout
out.write("\x1b[?2004h\x1b[?25l\x1b]0;\u2810 Thinking\x07")
def box(n):
    spinner = "\u00b7\u2722\u2733\u2736\u273b\u273d"[n % 6]
    return [f"{spinner} Working ({n}s \u00b7 esc to interrupt)", "",
            "\u256d" + "\u2500" * 40 + "\u256e",
            "\u2502 \u276f" + " " * 38 + "\u2502",
            "\u2570" + "\u2500" * 40 + "\u256f"]
out.write("\n".join(box(0)) + "\n")
for n in range(1, 20):
    out.write("\x1b[2K\x1b[1A" * 5 + "\x1b[2K\x1b[G")
    if n % 5 == 0:
        out.write(f"\u25cf Step {n} done\n")
    out.write("\n".join(box(n)) + "\n")
    out.flush()
    time.sleep(0.005)
out.write("\x1b[?2004l\x1b[?25h\x1b]0;\u2733 Idle\x07\x07bye\n")
"""

OSC_133 = r"""
import sys
w = sys.stdout.write
w("\x1b]133;A\x07$ \x1b]133;B\x07ls\r\n")
w("\x1b]133;C;cmdline_url=ls%20-l\x1b\\file\r\n\x1b]133;D;0\x07")
w("\x1b]133;A;k=i\x07$ \x1b]133;B\x07false\r\n\x1b]133;C\x07\x1b]133;D;1;aid=7\x07")
w("\x1b]133;A\x07$ \x1b]133;B\x07\r\n\x1b]133;D\x07\x1b]133;A\x07$ ")
"""

SIGNALS = r"""
import sys
w = sys.stdout.write
w("\x1b]0;both\x07\x1b]2;title \u2733 two\x1b\\\x1b]1;icon\x07\x1bkwindow\x1b\\")
w("\x1b]9;Build done\x07\x1b]777;notify;CI;main; is red\x07")
w("\x1b]99;i=1:d=0;Hello\x1b\\\x1b]99;i=1:p=body;wor\x1b\\")
w("\x1b]9;4;1;42\x07\x1b]9;4;3\x07\x1b]9;4;2;50\x07\x1b]9;4;4\x07\x1b]9;4;0\x07")
w("\x1bPtmux;\x1b\x1b]9;wrapped\x07\x1b\\")
w("\x1b]8;;http://example.org\x1b\\a link\x1b]8;;\x1b\\ and a bell\x07\n")
"""


# --- the captures -------------------------------------------------------------------------------


def typed(*lines: str, prompt: bytes = rb"\$ ") -> tuple[Step, ...]:
    """Type each line when the prompt is there, and leave the shell."""
    steps = [Step("", prompt)]
    for line in lines:
        steps += [Step(f"={line}"), Step("Enter", prompt)]
    return (*steps, Step("=exit"), Step("Enter"))


def at_prompt(*steps: Step, prompt: bytes = rb"\$ ") -> tuple[Step, ...]:
    """Do these steps when the prompt is there, and leave the shell."""
    return (Step("", prompt), *steps, Step("=exit"), Step("Enter"))


def editing(*completion: Step) -> tuple[Step, ...]:
    """Keys that make a line editor redraw, then an unfinished line and a clear."""
    return at_prompt(
        Step("=echo hallo wrld"),
        Step("Left Left Left"),
        Step("=o"),
        Step("Home Right Right Right Right Right Right BSpace"),
        Step("=e C"),
        Step("BSpace End BSpace"),
        Step("=d"),
        Step("Enter", rb"\$ "),
        Step("=cat ap"),
        *completion,
        Step("=ri"),
        Step("Tab"),
        Step("Enter", rb"apricot.txt\r\n"),
        Step("Up Up"),
        Step("C-u"),
        Step("=printf no-newline"),
        Step("Enter", rb"\$ "),
        Step("C-l"),
        Step("=echo last"),
        Step("Enter", rb"\$ "),
    )


BASH = "bash --norc --noprofile -i"
ZSH = "zsh -f -i"
FISH = "fish --no-config --init-command 'function fish_prompt; echo -n \"$ \"; end'"
SHELL = {"PS1": "$ "}

CAPTURES: dict[str, Capture] = {
    "bash": Capture(BASH, editing(Step("Tab"), Step("Tab", rb"apricot")), files, env=SHELL),
    "bash-screen-256color": Capture(
        BASH,
        typed("ls --color=always", "false", "clear", "echo é 温度"),
        files,
        "screen-256color",
        SHELL,
    ),
    "bash-long-line": Capture(
        BASH,
        at_prompt(
            Step("=echo " + "long " * 20 + "line"),
            Step("Left Left Left Left"),
            Step("=fi"),
            Step("Home"),
            Step("=: "),
            Step("Enter", rb"\$ "),
        ),
        env=SHELL,
    ),
    "zsh": Capture(ZSH, editing(Step("Tab", rb"apricot")), files, env=SHELL),
    "zsh-two-line-prompt": Capture(
        ZSH,
        editing(Step("Tab", rb"apricot")),
        files,
        env={"PS1": "%~ on main\n$ ", "RPS1": "right"},
    ),
    "fish": Capture("fish", editing(Step("Tab", rb"ricot")), fish_home),
    "vim": Capture(
        "vim -u NONE -N numbers; echo after",
        (Step("", rb"number 1"), Step("=Gohello"), Step("Escape"), Step("=:wq"), Step("Enter")),
        files,
    ),
    "less": Capture(
        "less numbers; echo after",
        (
            Step("", rb"number 20"),
            Step("Space"),
            Step("=b"),
            Step("=/150"),
            Step("Enter"),
            Step("=q"),
        ),
        files,
    ),
    "less-no-alternate-screen": Capture(
        "less -X numbers; echo after",
        (Step("", rb"number 20"), Step("Space"), Step("=b"), Step("=q")),
        files,
    ),
    "htop": Capture("htop -d 2; echo after", (Step("", rb"Quit"), Step("Down"), Step("=q"))),
    "top": Capture("top -d 0.2; echo after", (Step("", rb"COMMAND"), Step("=q"))),
    "pip": Capture(
        "pip --no-cache-dir --disable-pip-version-check install --target packages"
        " --index-url http://127.0.0.1:18765/simple demo",
        prepare=package_index,
    ),
    "npm": Capture(
        "npm install ./left; npm ls",
        prepare=npm_package,
        env={f"npm_config_{name}": "false" for name in ("audit", "fund", "update_notifier")},
    ),
    "pytest": Capture("pytest -p no:cacheprovider --color=yes; echo", prepare=test_suite),
    "git": Capture(
        "git -c advice.detachedHead=false clone --progress file://$PWD/repository copy;"
        " git --no-pager -C copy log --color=always --oneline --graph -n 20;"
        " git --no-pager -C copy diff --color=always HEAD~1 --stat",
        prepare=repository,
    ),
    "progress": Capture("python demo.py", prepare=script(PROGRESS_BAR)),
    "dd": Capture("dd if=/dev/zero of=/dev/null bs=64k count=300000 status=progress"),
    "curl": Capture("curl -o copy file://$PWD/big", prepare=big_file),
    "yes": Capture("yes | head -n 1000"),
    "noise": Capture("stty raw; cat noise", prepare=noise),
    "clear": Capture("echo one; printf 'part'; clear; printf 'two\\n'; tput reset; echo three"),
    "services": Capture("python demo.py", prepare=script(SERVICES)),
    "agent": Capture("python demo.py", prepare=script(AGENT)),
    "osc-133": Capture("python demo.py", prepare=script(OSC_133)),
    "signals": Capture("python demo.py", prepare=script(SIGNALS)),
}


def expect() -> None:
    """Write what the code makes of each stream now."""
    sys.path.insert(0, str(HERE.parents[2]))
    told = runpy.run_path(str(HERE.parents[1] / "tmux" / "test_text.py"))["told"]
    for stream in sorted(HERE.glob("*.bin")):
        text = json.dumps(told(stream.read_bytes()), indent=1, ensure_ascii=False)
        stream.with_suffix(".json").write_text(text + "\n")


def main() -> None:
    """Record what is named on the command line, or everything."""
    if sys.argv[1:] == ["--expect"]:
        expect()
        return
    for name in sys.argv[1:] or CAPTURES:
        stream = record(CAPTURES[name])
        if len(stream) >= 65536:
            raise SystemExit(f"{name} is too large: {len(stream)} bytes")
        (HERE / f"{name}.bin").write_bytes(stream)
        print(f"{name}: {len(stream)} bytes")


if __name__ == "__main__":
    main()
