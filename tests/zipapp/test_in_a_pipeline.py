"""The built file in a shell pipeline with jq, beside a real tmux: with a server and without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import build_zipapp
from tests.real.served import DEADLINE_SECONDS, Served, place

SCRIPT = """\
{"action":"snapshot","id":1}
this is no request
{"action":"command","command":"send-text","target":{"session":"a"},"text":"typed","enter":true}
{"action":"emit","event":{"type":"custom.done","data":{"by":"a script"}}}
{"action":"ping","id":"last"}
"""
PIPELINE = """'{python}' '{file}' pipe {flags} <script | jq -r '
  if .type == "snapshot.data" then [.id, .data.sessions[].name]
  elif .type == "error" then [.line, .code]
  else [.type, .ok] end | map(tostring) | join(" ")'"""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    output: Path = tmp_path_factory.mktemp("built") / "tmuxpulse.pyz"
    assert build_zipapp.main([f"--output={output}"]) == 0
    return output


@pytest.fixture
def served() -> Iterator[Served]:
    with place() as one:
        one.tmux("new-session", "-d", "-s", "a", "-x", "80", "-y", "24", "exec cat")
        config = one.folder / "config" / "tmuxpulse" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text('[server]\nwrite = "local"\n')
        (one.folder / "script").write_text(SCRIPT)
        yield one


@pytest.mark.parametrize("has_server", [True, False])
def test_a_script_in_and_lines_out(built: Path, served: Served, has_server: bool) -> None:
    if has_server:
        served.serve()
    flags = "" if has_server else f"-S '{served.folder}/s'"
    done = subprocess.run(
        ["sh", "-c", PIPELINE.format(python=sys.executable, file=built, flags=flags)],
        env=served.env | {"TMUXPULSE_CACHE_DIR": str(served.folder / "cache")},
        cwd=served.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=3 * DEADLINE_SECONDS,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        *("1 a", "2 INVALID_JSON", "command.result true"),
        *("emit.accepted null", "pong null"),
    ]
    served.until(lambda: "typed" in served.tmux("capture-pane", "-p", "-t", "a"))
