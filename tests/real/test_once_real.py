"""What one look at a real tmux shows has no secrets in it."""

from __future__ import annotations

from tests.real.harness import eventually, private_server
from tmuxpulse.cli.once import look_once
from tmuxpulse.redaction.redactor import make_redactor

TOKEN = "ghp_" + "aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1234"


async def test_secrets_in_last_lines_and_titles_are_masked():
    with private_server() as server:
        # As long as that it wraps: the secret's end is alone in the last row.
        text = "." * 60 + f" {TOKEN}"
        await server.new_session("a", f"printf '%s' '{text}'; exec cat")
        await server.run("select-pane", "-T", "token=hunter2", "-t", "a:")

        async def last_line() -> str:
            tree = await look_once([server.tmux.socket], make_redactor([]))
            (pane,) = tree.sessions[0].windows[0].panes
            assert pane.title == "token=[redacted:token]"
            return pane.last_line

        async def shown() -> bool:
            return bool(await last_line())

        await eventually(shown)
        assert await last_line() == "█" * (len(text) - 80)
