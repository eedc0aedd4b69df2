"""Orders against a real tmux: what was meant happens, exactly, and nothing else does.

A recorder in a pane writes down every byte that its raw terminal gives it. Traps stand around it:
an option, files that a shell would make, a second recorder in the same window and one elsewhere.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tests.real.harness import (
    WAIT_SECONDS,
    PrivateServer,
    children,
    eventually,
    private_server,
)
from tmuxpulse.collect.command import Tmux
from tmuxpulse.collect.perform import perform
from tmuxpulse.collect.sockets import is_alive
from tmuxpulse.errors import RequestError, TmuxNotFound, TmuxTimeout, TmuxUnavailable
from tmuxpulse.tmux.keys import every_key
from tmuxpulse.tmux.orders import (
    Capture,
    Interrupt,
    KillPane,
    NewWindow,
    Order,
    RenameSession,
    RenameWindow,
    Select,
    SendKeys,
    SendText,
    Split,
    check,
)
from tmuxpulse.tmux.outcomes import MAX_OUTPUT_BYTES, NOT_RUN, Outcome

SECONDS = 15.0
DONE = Outcome(ok=True)
END = b"\xfe"  # in no text, since no UTF-8 has it

# What tmux or a shell gives a meaning to, somewhere; TRAP becomes the path of a file.
TRAPS = [
    "#(touch TRAP)",
    "$(touch TRAP)",
    "`touch TRAP`",
    "; run-shell 'touch TRAP'",
    "' ; run-shell 'touch TRAP' ; '",
    "\n run-shell 'touch TRAP'\n",
    "; set -g @canary dead",
    "' ; set -g @canary dead ; '",
    "\nset -g @canary dead\n",
    "} ; set -g @canary dead",
    "\\; set-buffer dead",
    "kill-server",
]
PIECES = [*"'\"\\;#{}$~%=, -()`[]:.!?*&|<>@^\t\n", "\\;", " ; ", "--", "-t", "-H", "-l", "-X"]
PIECES += [
    "$HOME",
    "${HOME}",
    "~root",
    "#{pid}",
    "##",
    "#[",
    "##[x",
    "#S",
    "#,",
    "\\u0041",
    "\\101",
]
PIECES += ["%if 1", "%endif", "%hidden X=1", "%H:%M", "Enter", "C-c", "0x41", "q", "cancel"]
PIECES += [
    "é",
    "🚀",
    "👨\u200d👩",
    "日本",
    "\u2028",
    "\u00a0",
    "\u202e",
    "\u0301",
    "\u0378",
    "\U0010ffff",
]
NAME_PIECES = [
    piece
    for piece in [*PIECES, *TRAPS]
    if not any(bad in piece for bad in "\n\t\\$\u2028\u202e\u0378\U0010ffff") and piece != "#["
]

texts = st.lists(st.sampled_from([*TRAPS, *PIECES]), min_size=1, max_size=8).map("".join) | st.text(
    st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40
)
names = st.lists(st.sampled_from(NAME_PIECES), min_size=1, max_size=5).map("".join)


class Scene:
    """A server with a recorder (`pane`) in a window of two panes, and a second window."""

    def __init__(self, server: PrivateServer) -> None:
        self.server = server
        self.files = server.directory / "files"
        self.files.mkdir()
        self.trap = self.files / "trap"
        self.pane = self.tmux("new-session", "-d", "-P", "-F", "#{pane_id}", *self.record("pane"))
        beside = ("split-window", "-d", "-P", "-F", "#{pane_id}", "-t", self.pane)
        self.beside = self.tmux(*beside, *self.record("beside"))
        self.tmux("new-window", "-d", *self.record("elsewhere"))
        self.tmux("set-option", "-g", "@canary", "alive")
        self.session, self.window = self.tmux(
            "display-message", "-p", "-t", self.pane, "#{session_id} #{window_id}"
        ).split()
        for name in ("pane", "beside", "elsewhere"):
            wait_until(lambda name=name: (self.files / f"{name}.ready").exists())
        self.read = 0
        self.before = self.surroundings()

    def record(self, name: str) -> list[str]:
        """A command that records its terminal."""
        file = self.files / name
        return ["sh", "-c", f"stty raw -echo; : >{file}; : >{file}.ready; exec cat >{file}"]

    def tmux(self, *arguments: str) -> str:
        return trio.run(self.server.run, *arguments)

    def perform(self, *orders: Order) -> list[Outcome]:
        async def run() -> list[Outcome]:
            return await perform(self.server.tmux, orders, seconds=SECONDS)

        return trio.run(run)

    def arrived(self) -> bytes:
        """What has come to the recorder since the last time; an end mark of ours comes after."""
        self.tmux("send-keys", "-t", self.pane, "-H", END.hex())
        file = self.files / "pane"
        wait_until(lambda: file.stat().st_size > self.read and file.read_bytes().endswith(END))
        got = file.read_bytes()[self.read : -1]
        self.read += len(got) + 1
        return got

    def surroundings(self) -> str:
        """What no text, key or path may change."""
        return self.tmux(
            *("show-options", "-gv", "@canary", ";", "list-sessions", "-F", "#{session_id}"),
            *(";", "list-panes", "-a", "-F", "#{window_id} #{pane_id} #{pane_in_mode}"),
            *(";", "list-buffers"),
        )

    def snap(self, *command: str, file: Path) -> None:
        """Run a command that makes a file through a format, and wait for the file in tmux.

        tmux ends such a shell when the client that asked goes, so the client stays.
        """
        until = f"until [ -e {file} ]; do sleep 0.01; done"
        self.tmux(*command, f"#(touch {file})", ";", "run-shell", until)


def wait_until(holds) -> None:
    end = time.monotonic() + WAIT_SECONDS
    while not holds():
        assert time.monotonic() < end, "never came true"
        time.sleep(0.002)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with private_server() as server:
        yield Scene(server)


@pytest.fixture
def server() -> Iterator[PrivateServer]:
    with private_server() as one:
        yield one


def test_the_traps_can_snap(scene: Scene) -> None:
    # Else the tests below would show nothing: this is what comes of a name that is not escaped.
    scene.snap("rename-window", "-t", scene.window, file=scene.files / "renamed")
    window_id = ("new-window", "-dPF", "#{window_id}", "-t", f"{scene.session}:")
    scene.snap(*window_id, "-c", file=scene.files / "path")
    scene.tmux("kill-window", "-t", f"{scene.session}:$")


@settings(max_examples=250)
@example(text="".join(TRAPS), enter=True)
@example(text="".join(PIECES), enter=False)
@example(text=";", enter=False)
@example(text="-", enter=True)
@example(text="", enter=True)
@example(text="\n", enter=False)
@example(text="a" * 16_384, enter=False)
@example(text="🚀" * 16_384, enter=True)
@given(text=texts, enter=st.booleans())
def test_exactly_the_text_arrives_and_nowhere_else(scene: Scene, text: str, enter: bool) -> None:
    text = text.replace("TRAP", str(scene.trap))
    assert scene.perform(SendText(scene.pane, text, enter)) == [DONE]
    assert scene.arrived() == (text.replace("\n", "\r") + "\r" * enter).encode()
    assert scene.surroundings() == scene.before


@settings(max_examples=60)
@example(name="".join(NAME_PIECES)[:180])
@example(name="#(touch TRAP)")
@example(name="-t")
@given(name=names)
def test_names_arrive_as_they_are(scene: Scene, name: str) -> None:
    name = name.replace("TRAP", str(scene.trap))
    try:
        check(RenameWindow(scene.window, name))
    except RequestError:
        assume(False)
    show = ("display-message", "-p", "-t", scene.pane)
    assert scene.perform(RenameWindow(scene.window, name)) == [DONE]
    assert scene.tmux(*show, "#{window_name}") == name
    (made,) = scene.perform(NewWindow(scene.session, name))
    pane_id = made.output.split()[2]
    assert scene.tmux("display-message", "-p", "-t", pane_id, "#{window_name}") == name
    assert scene.perform(KillPane(pane_id)) == [DONE]
    name = name.replace(":", "").replace(".", "")
    if name:
        assert scene.perform(RenameSession(scene.session, name)) == [DONE]
        assert scene.tmux(*show, "#{session_name}") == name
    assert scene.surroundings() == scene.before


@settings(max_examples=25)
@example(names=["#(touch TRAP)", "#{pid}", "#[x", "##", "$HOME", "a\\b", "'", "~", "%H"])
@given(names=st.lists(st.sampled_from(NAME_PIECES).filter(lambda name: len(name) < 20), min_size=1))
def test_paths_arrive_as_they_are_and_run_nothing(scene: Scene, names: list[str]) -> None:
    parts = [name.replace("TRAP", "trap").replace("/", "") for name in names[:10]]
    path = scene.files.resolve() / "paths" / "/".join(part for part in parts if part != ".")
    path.mkdir(parents=True, exist_ok=True)
    nowhere = f"/#(touch {scene.trap})"
    made = scene.perform(
        NewWindow(scene.session, path=str(path)),
        Split(scene.beside, horizontal=False, path=str(path)),
        NewWindow(scene.session, path=nowhere),
    )
    panes = [outcome.output.split()[2] for outcome in made]
    for pane_id in panes[:2]:
        show = ("display-message", "-p", "-t", pane_id, "#{pane_current_path}")
        wait_until(lambda show=show: scene.tmux(*show) == str(path))
    assert scene.perform(*[KillPane(pane_id) for pane_id in panes]) == [DONE] * 3
    assert scene.surroundings() == scene.before


def test_every_key_arrives_as_from_a_plain_send_keys(scene: Scene) -> None:
    keys = [*every_key(), "é", "M-🚀", "日"]
    mark = "¦"
    ours: list[bytes] = []
    for at in range(0, len(keys), 32):
        orders: list[Order] = []
        for key in keys[at : at + 32]:
            orders += [SendKeys(scene.pane, (key,)), SendText(scene.pane, mark)]
        assert scene.perform(*orders) == [DONE] * len(orders)
        ours += scene.arrived().split(mark.encode())[:-1]
    for key in keys:
        argument = key[:-1] + "\\;" if key.endswith(";") else key  # tmux's own rule for arguments
        send = ("send-keys", "-t", scene.pane)
        scene.tmux(*send, "--", argument, ";", *send, "-l", mark)
    plain = scene.arrived().split(mark.encode())[:-1]
    assert dict(zip(keys, ours, strict=True)) == dict(zip(keys, plain, strict=True))
    # None is lost, and none is typed letter by letter.
    assert [key for key, got in zip(keys, ours, strict=True) if not got] == []
    assert [key for key, got in zip(keys, ours, strict=True) if key.encode() == got] == [
        key for key in keys if len(key) == 1
    ]


def test_many_keys_keep_their_order_and_interrupt_is_control_c(scene: Scene) -> None:
    keys = ("a", "Enter", "C-c", "'", ";", "-", " ", "Tab", "é") * 28
    assert scene.perform(SendKeys(scene.pane, keys), Interrupt(scene.pane)) == [DONE] * 2
    assert scene.arrived() == "a\r\x03';- \té".encode() * 28 + b"\x03"


@pytest.mark.parametrize("mode", ["copy-mode", "choose-tree", "clock-mode"])
def test_a_pane_in_a_mode_leaves_it_and_the_program_gets_the_keys(scene: Scene, mode: str) -> None:
    orders: list[Order] = [
        SendText(scene.pane, "q:x\n"),
        SendKeys(scene.pane, ("q", "Enter")),
        Interrupt(scene.pane),
    ]
    for order, got in zip(orders, [b"q:x\r", b"q\r", b"\x03"], strict=True):
        scene.tmux(mode, "-t", scene.pane)
        assert scene.tmux("display-message", "-p", "-t", scene.pane, "#{pane_in_mode}") == "1"
        assert scene.perform(order) == [DONE]
        assert scene.arrived() == got
        assert scene.surroundings() == scene.before


def test_a_pane_that_takes_no_input_is_an_error_and_ends_the_batch(scene: Scene) -> None:
    scene.tmux("select-pane", "-d", "-t", scene.pane)
    first, second = scene.perform(SendText(scene.pane, "lost"), SendText(scene.beside, "never"))
    assert first == Outcome(ok=False, error="input to the pane is switched off")
    assert second == Outcome(ok=False, error=NOT_RUN)
    scene.tmux("select-pane", "-e", "-t", scene.pane)
    assert scene.arrived() == b""


def test_a_batch_is_in_order_and_ends_at_the_first_failure(scene: Scene) -> None:
    outcomes = scene.perform(
        SendText(scene.pane, "one"),
        SendKeys(scene.pane, ("Enter",)),
        SendText(scene.pane, "two"),
        RenameWindow("@999", "x"),
        SendText(scene.pane, "three"),
        KillPane(scene.pane),
    )
    assert outcomes[:3] == [DONE] * 3
    assert outcomes[3] == Outcome(ok=False, error="can't find window: @999")
    assert outcomes[4:] == [Outcome(ok=False, error=NOT_RUN)] * 2
    assert scene.arrived() == b"one\rtwo"
    with pytest.raises(RequestError):
        scene.perform(SendText(scene.pane, "one"), KillPane("x"))
    assert scene.arrived() == b""


def test_no_trap_has_snapped(scene: Scene) -> None:
    # Last of those that use the scene: any shell started by one of them has run by the end of this.
    scene.snap("rename-window", "-t", scene.window, file=scene.files / "proof")
    assert not scene.trap.exists()
    assert [(scene.files / name).read_bytes() for name in ("beside", "elsewhere")] == [b"", b""]
    assert scene.surroundings() == scene.before


async def test_a_dead_pane_is_an_error(server: PrivateServer) -> None:
    await server.new_session("a")
    await server.run("set-option", "-g", "remain-on-exit", "on")
    pane_id = await server.run("new-window", "-d", "-P", "-F", "#{pane_id}", "true")

    async def dead() -> bool:
        return await server.run("display", "-p", "-t", pane_id, "#{pane_dead}") == "1"

    await eventually(dead)
    outcomes = await perform(server.tmux, [SendText(pane_id, "x")], seconds=SECONDS)
    assert outcomes == [Outcome(ok=False, error="the program in the pane has ended")]
    outcomes = await perform(server.tmux, [KillPane(pane_id), KillPane(pane_id)], seconds=SECONDS)
    assert outcomes == [DONE, Outcome(ok=False, error=f"can't find pane: {pane_id}")]


async def test_a_shell_runs_what_is_entered(server: PrivateServer) -> None:
    await server.new_session("a", "sh")
    file = server.directory / "made"
    text = f"printf '%s' \"$((6 * 7))\" >{file}.new\nmv {file}.new {file}"
    assert await perform(server.tmux, [SendText("%0", text, enter=True)], seconds=SECONDS) == [DONE]

    async def there() -> bool:
        return file.exists()

    await eventually(there)
    assert file.read_text() == "42"


async def test_what_is_made_is_told_and_steals_nothing(
    server: PrivateServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = server.directory.resolve() / "home"
    home.mkdir()
    await server.run("new-session", "-d", "-s", "other", "cat")
    await server.run("new-session", "-d", "-s", "a", "-c", str(home), "cat")
    told = server.directory / "told"
    await server.run("set-option", "-g", "default-command", f"echo $PATH $PWD >>{told}; exec cat")
    looks = ("list-panes", "-a", "-F", "#{session_id} #{window_id} #{pane_id}")
    before = await server.run(*looks)
    focus = await server.run("display", "-p", "-t", "a:", "#{window_id} #{pane_id}")
    monkeypatch.setenv("PATH", "/ours:" + os.environ["PATH"])
    monkeypatch.setenv("TMUX_PANE", "%0")
    orders: list[Order] = [
        NewWindow("$1"),
        Split("%1", horizontal=True),
        Split("%1", horizontal=False),
    ]
    outcomes = await perform(server.tmux, orders, seconds=SECONDS)
    made = [outcome.output for outcome in outcomes]
    assert {*(await server.run(*looks)).split("\n")} == {*before.split("\n"), *made}
    assert [line.split()[0] for line in made] == ["$1"] * 3
    assert await server.run("display", "-p", "-t", "a:", "#{window_id} #{pane_id}") == focus

    async def all_told() -> bool:
        return told.exists() and told.read_text().count("\n") == 3

    await eventually(all_told)
    lines = told.read_text().splitlines()
    assert all(line.endswith(f" {home}") for line in lines)  # the session's, not ours
    assert not any("/ours" in line for line in lines)
    sizes = await server.run("list-panes", "-t", "%1", "-F", "#{pane_id} #{pane_left} #{pane_top}")
    places = {line.split()[0]: line.split()[1:] for line in sizes.split("\n")}
    assert places[made[1].split()[2]][0] != "0"  # beside
    assert places[made[2].split()[2]][0] == "0"  # below
    assert places[made[2].split()[2]][1] != "0"


async def test_select_chooses_window_and_pane_of_the_right_session(server: PrivateServer) -> None:
    await server.new_session("a")
    await server.run("new-window", "-d", "-t", "a:", "cat")
    await server.run("split-window", "-d", "-t", "%1", "cat")
    await server.new_session("b")
    await server.run("link-window", "-d", "-s", "@1", "-t", "b:")
    now = ("display", "-p", "#{window_id} #{pane_id}")

    async def current(session: str) -> str:
        return await server.run(*now[:2], "-t", f"{session}:", now[2])

    assert (await current("a"), await current("b")) == ("@0 %0", "@2 %3")
    orders: list[Order] = [Select(pane_id="%2", window_id="@1", session_id="$0")]
    assert await perform(server.tmux, orders, seconds=SECONDS) == [DONE]
    assert (await current("a"), await current("b")) == ("@1 %2", "@2 %3")
    orders = [Select(window_id="@0"), Select(window_id="@1", session_id="$1")]
    assert await perform(server.tmux, orders, seconds=SECONDS) == [DONE] * 2
    assert (await current("a"), await current("b")) == ("@0 %0", "@1 %2")
    await server.run("resize-pane", "-Z", "-t", "%2")
    assert await perform(server.tmux, [Select(pane_id="%1")], seconds=SECONDS) == [DONE]
    assert (
        await server.run("display", "-p", "-t", "%1", "#{window_zoomed_flag}#{pane_active}") == "11"
    )
    orders = [Select(window_id="@0", session_id="$1")]
    (outcome,) = await perform(server.tmux, orders, seconds=SECONDS)
    assert outcome == Outcome(ok=False, error="can't find window: @0")
    assert await server.run("list-clients") == ""


async def test_a_capture_has_the_screen_and_the_history_asked_for(server: PrivateServer) -> None:
    await server.run("new-session", "-d", "-x", "80", "-y", "24", "cat")
    await server.run("set-option", "-g", "history-limit", "20000")
    numbers = "i=0; while [ $i -lt 12000 ]; do i=$((i+1)); printf '%060d é\\n' $i; done; exec cat"
    pane_id = await server.run("new-window", "-d", "-P", "-F", "#{pane_id}", "sh", "-c", numbers)

    lines = [f"{number:060d} é" for number in range(1, 12_001)]

    async def printed() -> bool:
        (outcome,) = await perform(server.tmux, [Capture(pane_id)], seconds=SECONDS)
        return outcome.output.rstrip("\n").split("\n") == lines[-23:]

    await eventually(printed)
    orders = [Capture(pane_id), Capture(pane_id, 2), Capture(pane_id, 10_000), Capture("%99")]
    screen, some, much, none = await perform(server.tmux, orders, seconds=SECONDS)
    assert screen.output.rstrip("\n").split("\n") == lines[-23:]
    assert some.output.rstrip("\n").split("\n") == lines[-25:]
    note, *kept = much.output.rstrip("\n").split("\n")
    assert note.endswith("bytes left out]")
    assert kept == lines[-len(kept) :]
    assert MAX_OUTPUT_BYTES - 200 < len(much.output.encode()) < MAX_OUTPUT_BYTES + 100
    assert none == Outcome(ok=False, error="can't find pane: %99")


async def test_the_last_pane_can_be_ended(server: PrivateServer) -> None:
    await server.new_session("a")
    assert await perform(server.tmux, [KillPane("%0")], seconds=SECONDS) == [DONE]

    async def gone() -> bool:
        return not is_alive(server.tmux.socket)

    await eventually(gone)  # it ends once it has seen its last client leave
    with pytest.raises(TmuxUnavailable):
        await perform(server.tmux, [KillPane("%0")], seconds=SECONDS)


async def test_no_server_and_no_program_are_told_apart(server: PrivateServer) -> None:
    with pytest.raises(TmuxUnavailable) as caught:
        await perform(server.tmux, [KillPane("%0")], seconds=SECONDS)
    assert caught.value.socket == server.tmux.socket
    for program in ("/nonexistent/tmux", "no-such-tmux"):
        with pytest.raises(TmuxNotFound):
            await perform(Tmux(program, server.tmux.socket), [KillPane("%0")], seconds=SECONDS)


async def test_a_server_that_does_not_answer(server: PrivateServer) -> None:
    await server.new_session("a")
    identity = await server.identity()
    orders = [RenameSession("$0", "changed")]
    before = children()
    os.kill(identity.pid, signal.SIGSTOP)
    try:
        with pytest.raises(TmuxTimeout) as caught:
            await perform(server.tmux, orders, seconds=0.3)
        with trio.move_on_after(0.3) as scope:
            await perform(server.tmux, orders, seconds=SECONDS)
        assert scope.cancelled_caught
        assert children() == before
    finally:
        os.kill(identity.pid, signal.SIGCONT)
    assert caught.value.seconds == 0.3
    # Nobody sent those scripts, so they have not run; the server is as it was, and can be ended.
    assert await perform(server.tmux, [Capture("%0")], seconds=SECONDS) != []
    assert await server.run("display", "-p", "-t", "%0", "#{session_name}") == "a"
    await server.end()
