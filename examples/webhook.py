#!/usr/bin/env python3
"""Post to a chat when a pane waits for an answer or fails.

    WEBHOOK_URL=https://hooks.example/T0/B0/secret python webhook.py

The body is `{"text": …}`, as Slack, Mattermost and others take it. The address is a secret, so it
comes from the environment, where `ps` does not show it. Texts of panes leave this machine: secrets
in them are masked as far as they are known (see docs/reference/redaction.md).
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request

import tmuxpulse
from tmuxpulse.errors import TmuxpulseError
from tmuxpulse.events import AgentStatus

TRIES = 5
TIMEOUT_SECONDS = 10.0


def text_of(event: tmuxpulse.Event) -> str:
    """What to say of an event."""
    match event.data:
        case AgentStatus(status=status, reason=reason, evidence=evidence):
            where = f"{event.session}:{event.window}.{event.pane}"
            what = "waits for you" if status == "waiting" else "failed"
            return (
                f"*{where}* {what}: {reason}\n> {evidence}"
                if evidence
                else (f"*{where}* {what}: {reason}")
            )
        case tmuxpulse.Gap(reason=reason):
            return f"Some events were missed ({reason}); look at `tmuxpulse ls`."
    return ""


def post(url: str, text: str) -> None:
    """Post a text; a chat that is busy is asked again, one that refuses is not."""
    body = json.dumps({"text": text}).encode()
    request = urllib.request.Request(  # noqa: S310  # checked in main
        url, data=body, headers={"Content-Type": "application/json"}
    )
    for attempt in range(TRIES):
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            if error.code not in {429, 500, 502, 503, 504}:
                print(f"webhook: refused with {error.code}", file=sys.stderr, flush=True)
                return
        except OSError as error:
            print(f"webhook: {error}", file=sys.stderr, flush=True)
        time.sleep(0.5 * 2**attempt)
    print(f"webhook: given up after {TRIES} tries: {text!r}", file=sys.stderr, flush=True)


def main() -> int:
    """Run as a program."""
    url = os.environ.get("WEBHOOK_URL", "")
    if not url.startswith(("https://", "http://127.0.0.1:")):
        print("webhook: set WEBHOOK_URL to the https:// address of a webhook", file=sys.stderr)
        return 2
    try:
        with tmuxpulse.connect() as monitor:
            events = monitor.events(types=["agent.status"], statuses=["waiting", "error"])
            print("watching", flush=True)
            for event in events:
                if text := text_of(event):
                    post(url, text)
    except KeyboardInterrupt:
        return 130
    except TmuxpulseError as error:
        print(f"webhook: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
