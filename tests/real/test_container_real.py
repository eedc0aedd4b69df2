"""The sample for a container, run without one: its variables alone, its commands, its health.

Nothing is built here, for images cannot be had everywhere: what its `RUN` lines make is made in a
directory of the test's own, which stands for the container's root.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, page_of
from tests.programs import program

SAMPLE = ROOT / "deploy" / "container" / "Dockerfile"
PAGE = ROOT / "docs" / "how-to" / "containers.md"
PORT = "8765"
DEADLINE_SECONDS = 60.0
LOOK_SECONDS = 0.1


def instructions(text: str) -> list[tuple[str, str]]:
    """Each instruction and what it is given, lines that go on joined."""
    joined = text.replace("\\\n", " ").splitlines()
    parts = [line.partition(" ") for line in joined if line.strip()]
    return [(name, " ".join(rest.split())) for name, _, rest in parts]


class Container:
    """What the sample makes, in a directory.

    Attributes:
        env: what its processes get.
        port: a free one, in the place of its own.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        with socket.create_server(("127.0.0.1", 0)) as one:
            self.port = str(one.getsockname()[1])
        self._said = instructions(SAMPLE.read_text())
        self.env: dict[str, str] = {
            "PATH": f"{root / 'bin'}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "TMUX_TMPDIR": str(root),  # a container has a /tmp of its own
            "TMUXPULSE_SERVER_PORT": self.port,
        }
        for pair in shlex.split(self.of("ENV")):
            name, _, value = pair.partition("=")
            self.env[name] = self._placed(value)
        (root / "bin").mkdir()
        installed = root / "bin" / "tmuxpulse"
        installed.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec python3 -m tmuxpulse "$@"\n')
        installed.chmod(0o755)
        (made,) = re.findall(r"install -d .*", SAMPLE.read_text())
        assert " -m 700 -o pulse /data " in made
        mine = self._placed(made).replace("-o pulse", f"-o {os.getuid()}")
        subprocess.run(["sh", "-ec", mine], check=True)

    def of(self, name: str) -> str:
        """What the only instruction of a name is given."""
        (found,) = (rest for one, rest in self._said if one == name)
        return found

    def command(self, text: str) -> list[str]:
        """A command in its exec form, with the port and the places of this test."""
        words: list[str] = json.loads(text)
        return [self._placed(word).replace(PORT, self.port) for word in words]

    def health(self) -> int:
        """What its health check ends with."""
        return subprocess.run(
            self.command(self.of("HEALTHCHECK").removeprefix("CMD ")),
            env=self.env,
            check=False,
            capture_output=True,
            timeout=DEADLINE_SECONDS,
        ).returncode

    def _placed(self, text: str) -> str:
        return text.replace("/data", f"{self._root}/data")


@pytest.fixture
def container() -> Iterator[Container]:
    root = Path(tempfile.mkdtemp(prefix="tp-"))
    it = Container(root)
    try:
        yield it
    finally:
        subprocess.run(["tmux", "kill-server"], env=it.env, check=False, capture_output=True)
        shutil.rmtree(root, ignore_errors=True)


def test_it_starts_is_healthy_and_ends(container: Container) -> None:
    first, *rest = container.command(container.of("ENTRYPOINT"))
    assert container.health() != 0
    process = subprocess.Popen(
        [program(first), "-s", *rest, *container.command(container.of("CMD"))],
        env=container.env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while container.health() != 0:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(LOOK_SECONDS)
        listed = subprocess.run(
            ["tmuxpulse", "ls", "--json"],
            env=container.env,
            check=True,
            capture_output=True,
            timeout=DEADLINE_SECONDS,
        )
        assert [one["name"] for one in json.loads(listed.stdout)["sessions"]] == ["main"]
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=DEADLINE_SECONDS)
        assert process.returncode == 0
        assert f"http://127.0.0.1:{container.port}/".encode() in said
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_the_page_shows_the_sample() -> None:
    (shown,) = (
        block.text
        for block in page_of(PAGE.name, PAGE.read_text()).blocks
        if block.language == "dockerfile"
    )
    assert shown == SAMPLE.read_text()


def test_what_its_commands_start_is_installed(container: Container) -> None:
    (installed,) = re.findall(r"--no-install-recommends ([a-z0-9 ]+) &&", SAMPLE.read_text())
    for name in ("ENTRYPOINT", "CMD"):
        for word in ("tini", "tmux", "python3"):
            if re.search(rf"\b{word}\b", container.of(name)):
                assert word in installed.split()
    assert "python3" in installed.split()  # the one file is started by it
