"""What `doctor` looks at of settings, rules, tokens, the audit log and the history.

As in `checks`, nothing is changed, but that a missing state directory is made.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from tmuxpulse.cli.checks import Check
from tmuxpulse.collect.rulebook import read_rules
from tmuxpulse.collect.secrets import redactor_of
from tmuxpulse.config.layers import load_settings
from tmuxpulse.config.places import config_file, rules_dir, state_dir
from tmuxpulse.errors import UsageError
from tmuxpulse.history.files import check_private as check_private_history
from tmuxpulse.history.files import companions, damaged
from tmuxpulse.serve.audit_files import check_private, read_head
from tmuxpulse.serve.audit_log import places
from tmuxpulse.serve.keeping import DATABASE
from tmuxpulse.serve.token_store import TokenStore

SOON_SECONDS = 7 * 86_400.0
LITTLE_BYTES = 100_000_000


def check_settings(environ: Mapping[str, str] | None = None) -> Check:
    """The file of settings, the variables, and what they switch on or off."""
    name = "settings"
    try:
        loaded = load_settings(environ=environ)
        redactor_of(loaded.settings.redaction)
    except UsageError as error:
        remedy = "mend it; tmuxpulse config check tells every mistake"
        return Check(name=name, level="fail", text=str(error), remedy=remedy)
    text = f"{loaded.file or f'no file {config_file(environ)}'}"
    loose = []
    if not loaded.settings.redaction.enabled:
        loose.append("secrets are shown ([redaction] enabled)")
    if not loaded.settings.audit.enabled:
        loose.append("nothing is written down ([audit] enabled)")
    if loaded.settings.server.write == "anywhere":
        loose.append("panes may be commanded from other machines ([server] write)")
    if loose:
        return Check(
            name=name,
            level="warn",
            text=f"{text}: {'; '.join(loose)}",
            remedy="right if you meant it",
        )
    return Check(name=name, level="ok", text=text)


def check_rules(environ: Mapping[str, str] | None = None) -> Check:
    """The rules of statuses: the user's files that are skipped, and why."""
    name = "rules"
    folder = rules_dir(environ)
    families, complaints = read_rules(str(folder))
    if complaints:
        others = f" (and {len(complaints) - 1} more)" if len(complaints) > 1 else ""
        text = f"a file is skipped: {complaints[0]}{others}"
        remedy = "mend it; a server reads it when it starts"
        return Check(name=name, level="warn", text=text, remedy=remedy)
    own = len(list(folder.glob("*.toml"))) if folder.is_dir() else 0
    rules = sum(len(family.rules) + len(family.lines) for family in families)
    yours = f"{own} files of yours in {folder}" if own else f"none of yours ({folder})"
    return Check(name=name, level="ok", text=f"{rules} rules; {yours}")


def check_tokens(environ: Mapping[str, str] | None = None) -> Check:
    """The store of tokens."""
    name = "tokens"
    now = time.time()
    try:
        records = TokenStore(state_dir(environ) / "tokens.json").records
    except UsageError as error:
        remedy = "look who could read it, then rotate the tokens"
        return Check(name=name, level="fail", text=str(error), remedy=remedy)
    live = [record for record in records if record.is_live(now)]
    soon = [
        one for one in live if one.expires_at is not None and one.expires_at < now + SOON_SECONDS
    ]
    text = f"{len(live)} live" if live else "none (tmuxpulse token create NAME, tmuxpulse open)"
    if soon:
        return Check(
            name=name,
            level="warn",
            text=f"{text}; {soon[0].name} expires within a week",
            remedy=f"tmuxpulse token rotate {soon[0].id}",
        )
    return Check(name=name, level="ok", text=text)


def check_audit(environ: Mapping[str, str] | None = None) -> Check:
    """The audit log's places; whether it is unbroken is for `audit verify`."""
    name = "audit log"
    try:
        directory, head = places(state_dir(environ))
        check_private(directory, head)
        last = read_head(head)
    except UsageError as error:
        remedy = "make it private, then look with: tmuxpulse audit verify"
        return Check(name=name, level="fail", text=str(error), remedy=remedy)
    entries = "no entry yet" if last is None else f"{last.n} entries"
    return Check(name=name, level="ok", text=f"{Path(directory)}: {entries}")


def check_history(environ: Mapping[str, str] | None = None) -> Check:
    """The history's files, and what was set aside; what is in them a server finds out."""
    name = "history"
    try:
        settings = load_settings(environ=environ).settings.history
        database = state_dir(environ) / "history" / DATABASE
        check_private_history(database)
        size = sum(path.stat().st_size for path in companions(database) if path.exists())
        free = shutil.disk_usage(database.parent if size else state_dir(environ)).free
    except UsageError as error:
        remedy = "mend it, or move it away: a new one is made"
        return Check(name=name, level="fail", text=str(error), remedy=remedy)
    except OSError as error:
        remedy = "look why; without it the server runs, and keeps nothing"
        return Check(name=name, level="fail", text=f"{database}: {error.strerror}", remedy=remedy)
    if not settings.enabled:
        return Check(name=name, level="ok", text="switched off ([history] enabled)")
    kept = "with what panes print" if settings.output else "without what panes print"
    text = f"{database}: {size / 1e6:.1f} MB, {settings.days:g} days, {kept}"
    aside = damaged(database)
    if aside:
        text = f"{text}; {len(aside)} damaged set aside, such as {aside[-1].name}"
        remedy = f"nothing to do; sqlite3 {aside[-1]} .recover may still read it, else remove it"
        return Check(name=name, level="warn", text=text, remedy=remedy)
    if free < LITTLE_BYTES:
        text = f"{text}; only {free / 1e6:.0f} MB are free there"
        return Check(name=name, level="warn", text=text, remedy="make room on that disk")
    return Check(name=name, level="ok", text=text)
