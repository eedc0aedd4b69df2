"""Layer by layer, as little stories: what a pane shows and does, and what is said of it."""

from __future__ import annotations

import pytest

from tests.status.screens import Pane, screen
from tmuxpulse import events as ev
from tmuxpulse.status.evidence import (
    Exited,
    Output,
    Process,
    Processes,
    Report,
    Resized,
    Signals,
)
from tmuxpulse.tmux.signals import (
    Bell,
    CommandEnd,
    CommandStart,
    Notification,
    Progress,
    Prompt,
    Title,
)

PROMPT = "u@h:~$ ‸"
CLAUDE_BUSY = "✻ Pondering… (12s · esc to interrupt)\n──────\n\u276f \n──────"
CLAUDE_IDLE = "● Done.\n──────\n\u276f \n──────\n  ? for shortcuts"
CLAUDE_ASKS = "Do you want to proceed?\n\u276f 1. Yes\n  2. No\nEsc to cancel"


def report(pane: Pane, status: ev.Status, reason: str = "") -> Report:
    return Report(at=pane.now, status=status, reason=reason, agent_type="claude", source="hook")


def signal(pane: Pane, *signals) -> Signals:
    return Signals(at=pane.now, signals=signals)


def of(pane: Pane, kind: type[ev.Data]) -> list[ev.Data]:
    return [event for event in pane.events if isinstance(event, kind)]


# --- a shell ----------------------------------------------------------------------------------


def test_a_shell_at_its_prompt_is_ready_and_a_command_is_busy():
    pane = Pane().shows(PROMPT, "bash").wait(1)
    pane.shows("u@h:~$ sleep 5", "sleep").wait(1)
    pane.shows("u@h:~$ sleep 5\nu@h:~$ ‸", "bash").wait(1)
    assert pane.announced == ["ready", "busy", "ready"]
    assert pane.verdict.reason == "at a shell prompt"


def test_what_is_announced_says_why_and_since_when():
    pane = Pane(wall_offset=1_000_000_000.0).wait(5)
    pane.shows("[sudo] password for u: ‸", "sudo").wait(1)
    (event,) = of(pane, ev.AgentStatus)
    assert event == ev.AgentStatus(
        status="waiting",
        previous="unknown",
        agent_type=None,
        reason="asks for a password",
        rule="ssh-sudo.password",
        evidence="[sudo] password for u:",
        confidence=0.95,
        since="2001-09-09T01:46:45.000Z",
    )
    assert ev.Event(ev.Place(), event).severity == "warning"


def test_without_a_screen_the_foreground_program_tells():
    pane = Pane().saw(Processes(at=0.0, command="-zsh")).wait(1)
    assert (pane.verdict.status, pane.verdict.rule) == ("ready", "process.shell")
    pane.saw(Processes(at=pane.now, command="make")).wait(1)
    assert (pane.verdict.status, pane.verdict.reason) == ("busy", "runs make")


def test_a_loop_of_the_shells_own_is_busy():
    """The foreground program is the shell, but its prompt is never in the first column."""
    pane = Pane().shows("u@h:~$ while :; do echo; done\n1\n2", "bash").wait(1)
    assert (pane.verdict.status, pane.verdict.rule) == ("busy", "process.shell-works")


def test_the_leader_of_a_pipeline_has_ended():
    """tmux says bash for ``seq 200 | less``, and less is in the foreground."""
    less = Process(pid=3, name="sort", foreground=True)
    pane = Pane().saw(Processes(at=0.0, command="bash", children=(less,)))
    pane.shows("u@h:~$ seq 9 | sort").wait(1)
    assert (pane.verdict.status, pane.verdict.reason) == ("busy", "runs sort")


def test_a_background_job_at_work_is_busy_and_one_that_sleeps_is_not():
    def children(cpu: float) -> Processes:
        job = Process(pid=3, name="make", cpu_seconds=cpu, state="S")
        return Processes(at=pane.now, command="bash", children=(job,))

    pane = Pane().shows("u@h:~$ make &\n[1] 3\nu@h:~$ ‸")
    pane.saw(children(0.0)).wait(5).saw(children(4.0)).wait(5)
    assert (pane.verdict.status, pane.verdict.rule) == ("busy", "process.background")
    assert pane.verdict.evidence == "make"
    pane.saw(children(4.01)).wait(5)
    assert pane.verdict.status == "ready"


def test_a_stopped_job_is_no_work():
    def children(cpu: float) -> Processes:
        job = Process(pid=3, name="vim", cpu_seconds=cpu, state="T")
        return Processes(at=pane.now, command="bash", children=(job,))

    pane = Pane().shows(PROMPT).saw(children_at := Processes(at=0.0, command="bash"))
    pane.saw(children(0.0)).wait(5).saw(children(4.0)).wait(5)
    assert children_at.children is None
    assert pane.verdict.status == "ready"


def test_a_failed_build_is_an_error_until_another_command():
    failed = "u@h:~$ make\nmake: *** [Makefile:3: a.o] Error 1\n"
    pane = Pane().shows(failed + PROMPT, "bash").wait(1)
    assert (pane.verdict.status, pane.verdict.rule) == ("error", "builds.make-failed")
    pane.shows(failed + "u@h:~$ git sta‸").wait(1)
    assert pane.verdict.status == "error"
    pane.shows(failed + "u@h:~$ ls\na\n" + PROMPT).wait(1)
    assert pane.verdict.status == "ready"


def test_an_empty_line_acknowledges_a_failure():
    failed = "u@h:~$ make\nmake: *** [Makefile:3: a.o] Error 1\nu@h:~$\n"
    assert Pane().shows(failed + PROMPT, "bash").wait(1).announced == ["ready"]


def test_a_pane_that_appends_needs_no_screen():
    pane = Pane().saw(Processes(at=0.0, command="bash"))
    pane.saw(Output(at=0.0, bytes=10, partial="u@h:~$ ")).wait(1)
    assert pane.verdict.status == "ready"
    pane.saw(Processes(at=pane.now, command="apt"))
    lines = ("u@h:~$ apt install x", "Reading package lists...")
    pane.saw(Output(at=pane.now, bytes=60, lines=lines, partial="Continue? [Y/n] ")).wait(1)
    assert (pane.verdict.status, pane.verdict.evidence) == ("waiting", "Continue? [Y/n]")
    pane.saw(Output(at=pane.now, bytes=9, lines=("Continue? [Y/n] y",))).wait(1)
    assert pane.verdict.status == "busy"


# --- marks of a shell -------------------------------------------------------------------------


def test_marks_give_commands_their_duration():
    pane = Pane().saw(signal(pane_ := Pane(), Prompt()))
    assert pane_.events == []
    pane.wait(2).saw(signal(pane, CommandStart("make all"))).wait(3)
    pane.saw(signal(pane, CommandEnd(2), Prompt())).wait(1)
    assert of(pane, ev.CommandStarted) == [ev.CommandStarted(command_line="make all")]
    assert of(pane, ev.CommandFinished) == [
        ev.CommandFinished(exit_status=2, duration_s=3.0, command_line="make all")
    ]
    assert pane.announced == ["ready", "busy", "error"]
    assert pane.verdict.reason == "make: exit status 2"
    pane.saw(signal(pane, CommandStart("ls"))).saw(signal(pane, CommandEnd(0), Prompt())).wait(1)
    assert pane.announced[3:] == ["ready"]


@pytest.mark.parametrize(
    ("command", "status", "expected"),
    [
        ("make", 0, "ready"),
        ("make", 2, "error"),
        ("grep x y", 1, "ready"),
        ("grep x y", 2, "error"),
        ("sleep 9", 130, "ready"),
        ("yes | head", 141, "ready"),
        ("vim", 148, "ready"),
        ("./a", 139, "error"),
        (None, 1, "error"),
        ("make", None, "ready"),
    ],
)
def test_how_a_command_ended(command, status, expected):
    pane = Pane()
    pane.saw(signal(pane, CommandStart(command))).wait(1)
    pane.saw(signal(pane, CommandEnd(status), Prompt())).wait(1)
    assert pane.verdict.status == expected


def test_marks_know_better_than_old_output():
    shown = "u@h:~$ make -k || true\nmake: *** [x] Error 1\n" + PROMPT
    pane = Pane().shows(shown, "bash")
    pane.saw(signal(pane, CommandStart("make -k || true"))).wait(1)
    pane.saw(signal(pane, CommandEnd(0), Prompt())).wait(1)
    assert pane.verdict.status == "ready"


def test_a_program_without_a_mark_makes_the_marks_void():
    pane = Pane()
    pane.saw(signal(pane, Prompt()), Processes(at=0.0, command="bash")).wait(1)
    pane.saw(Processes(at=pane.now, command="make")).wait(1)
    assert pane.verdict.status == "busy"


def test_a_list_that_lags_behind_a_mark_does_not_make_it_void():
    pane = Pane().saw(Processes(at=0.0, command="bash"), signal(Pane(), CommandStart("ls"))).wait(1)
    pane.saw(signal(pane, CommandEnd(0), Prompt())).wait(0.1)
    pane.saw(Processes(at=pane.now, command="ls")).wait(1)
    assert pane.verdict.status == "ready"


def test_a_prompt_elsewhere_counts():
    pane = Pane().saw(Processes(at=0.0, command="ssh")).wait(1)
    pane.saw(signal(pane, CommandEnd(0), Prompt())).wait(1)
    assert pane.verdict.status == "ready"


def test_a_question_in_a_command_of_the_shells_own():
    pane = Pane().shows("u@h:~$ read -p 'Go? [y/N] ' x\nGo? [y/N] ‸", "bash")
    pane.saw(signal(pane, CommandStart("read"))).wait(1)
    assert pane.verdict.status == "waiting"


# --- reports ----------------------------------------------------------------------------------


def test_a_report_is_believed_at_once():
    pane = Pane().shows(CLAUDE_IDLE, "claude").wait(3)
    pane.saw(report(pane, "busy", "edits a.py")).wait(1)
    assert (pane.verdict.status, pane.verdict.reason) == ("busy", "edits a.py")
    assert pane.verdict.rule == "report.hook"


def test_escape_fires_no_hook_and_the_screen_tells():
    pane = Pane().shows(CLAUDE_BUSY, "claude").saw(report(pane_now(0.0), "busy")).wait(5)
    pane.shows(CLAUDE_IDLE).wait(3)
    assert pane.announced == ["busy", "ready"]


def pane_now(now: float) -> Pane:
    pane = Pane()
    pane.now = now
    return pane


def test_a_permission_that_was_granted_without_a_hook():
    pane = Pane().shows(CLAUDE_BUSY, "claude").wait(2)
    pane.shows(CLAUDE_ASKS).saw(report(pane, "waiting", "Bash")).wait(5)
    assert pane.verdict.reason == "Bash"
    pane.shows(CLAUDE_BUSY).wait(2)
    assert pane.announced == ["busy", "waiting", "busy"]


def test_a_screen_that_lags_behind_a_report_does_not_beat_it():
    pane = Pane().shows(CLAUDE_BUSY, "claude").wait(5)
    pane.saw(report(pane, "ready")).wait(0.3)
    pane.shows(CLAUDE_BUSY.replace("12s", "13s")).wait(0.5)
    pane.shows(CLAUDE_IDLE).wait(3)
    assert pane.announced == ["busy", "ready"]


def test_a_screen_right_after_a_report_beats_it_when_it_stays():
    pane = Pane().shows(CLAUDE_ASKS, "claude").wait(5)
    pane.saw(report(pane, "busy")).wait(0.5)
    pane.shows(CLAUDE_IDLE).wait(2)
    assert pane.announced == ["waiting", "busy"]
    pane.wait(3)
    assert pane.announced == ["waiting", "busy", "ready"]


def test_a_counter_that_goes_on_beats_a_report():
    pane = Pane().shows(CLAUDE_BUSY, "claude").wait(5)
    pane.saw(report(pane, "ready")).wait(2)
    assert pane.verdict.status == "ready"
    pane.shows(CLAUDE_BUSY.replace("12s", "19s")).wait(2)
    assert pane.verdict.status == "busy"


def test_an_agent_that_was_killed_leaves_a_shell():
    pane = Pane().shows(CLAUDE_BUSY, "claude").saw(report(pane_now(0.0), "busy")).wait(5)
    pane.shows(CLAUDE_BUSY + "\nKilled\n" + PROMPT, "bash").wait(2)
    assert pane.verdict.status == "error"  # the shell says so
    assert pane.verdict.rule == "shells.crashed"
    assert pane.verdict.agent_type is None


def test_a_resize_is_no_news_about_a_report():
    pane = Pane().shows(CLAUDE_BUSY, "claude").wait(5)
    pane.saw(report(pane, "ready")).wait(5)
    pane.saw(Resized(at=pane.now)).shows(CLAUDE_BUSY.replace("──────", "───")).wait(5)
    assert pane.verdict.status == "ready"


# --- title, progress, notifications -----------------------------------------------------------


def test_a_spinner_in_the_title_is_busy_and_a_question_goes_before_it():
    pane = Pane().shows("● hi", "claude").saw(signal(Pane(), Title("⠂ Fix"))).wait(2)
    assert (pane.verdict.status, pane.verdict.rule) == ("busy", "claude.title-busy")
    pane.shows(CLAUDE_ASKS).wait(1)
    pane.saw(signal(pane, Title("⠐ Fix"))).wait(2)
    assert pane.verdict.status == "waiting"


def test_progress_is_busy_until_the_program_ends():
    pane = Pane().saw(Processes(at=0.0, command="installer"))
    pane.saw(signal(pane, Progress("normal", 40))).wait(1)
    assert (pane.verdict.status, pane.verdict.reason) == ("busy", "tells its progress 40 %")
    pane.saw(signal(pane, Progress("error"))).wait(1)
    assert pane.verdict.status == "error"
    pane.saw(Processes(at=pane.now, command="bash")).wait(2)
    assert pane.verdict.status == "ready"


def test_bells_and_notifications_are_told_by_explain():
    pane = Pane().saw(Processes(at=0.0, command="x"))
    pane.saw(signal(pane, Bell(), Notification("hi", "there"))).wait(1)
    known = [known.text for known in pane.status.explain(pane.now).evidence]
    assert "rang the bell" in known
    assert "notified 'hi: there'" in known


# --- the screen -------------------------------------------------------------------------------


def test_a_viewer_inside_an_agent_changes_nothing():
    pane = Pane().shows(CLAUDE_BUSY, "claude").wait(2)
    pane.shows(" Select model\n \u276f 1. Default\n Enter to confirm · Esc to exit").wait(5)
    assert pane.announced == ["busy"]
    assert pane.status.explain(pane.now).opinions[0].claim.rule == "claude.picker"


def test_a_server_that_listens_stays_ready_when_the_line_has_gone():
    pane = Pane().shows("u@h:~$ node s\nServer listening on http://localhost:3987", "node").wait(1)
    assert pane.verdict.status == "ready"
    for turn in range(10):
        log = "\n".join(f"GET /{turn}{row}" for row in range(30))
        pane.saw(Output(at=pane.now, bytes=900, appends=False)).shows(log).wait(1)
    assert pane.announced == ["ready"]
    pane.shows("Error: x\nu@h:~$ ‸", "bash").wait(1)
    assert pane.verdict.status in ("ready", "error")
    pane.shows("u@h:~$ make", "make").wait(1)
    assert pane.verdict.status == "busy"


def test_a_watcher_tells_what_its_last_build_was():
    first = "[1] Found 0 errors. Watching for file changes."
    pane = Pane().shows(first, "node").wait(2)
    pane.shows(first + "\n[2] File change detected. Starting incremental compilation...").wait(2)
    pane.shows(first + "\n[3] Found 2 errors. Watching for file changes.").wait(2)
    assert pane.announced == ["ready", "busy", "error"]


def test_an_old_question_is_none():
    pane = Pane().shows("Continue? [y/N] y\nworking\nmore\n‸", "setup").wait(5)
    assert pane.announced == ["busy"]


def test_an_agent_that_no_rule_knows_is_unknown():
    pane = Pane().shows("hm", "claude").wait(5)
    assert pane.announced == ["unknown"]
    assert pane.verdict.status == "unknown"
    assert pane.status.announced.agent_type == "claude"
    assert pane.status.announced.reason == "no rule knows what it shows"


def test_another_question_is_announced_and_more_typing_is_not():
    pane = Pane().shows("Continue? [y/N] ‸", "x").wait(1)
    pane.shows("Continue? [y/N] n‸").wait(1)
    assert pane.announced == ["waiting"]
    pane.shows("Continue? [y/N] n\nPassword: ‸").wait(1)
    assert pane.announced == ["waiting", "waiting"]


def test_a_wrapped_question_is_read_whole():
    text = "Are you sure you want to continue co\nnnecting (yes/no/[fingerprint])? ‸"
    assert Pane().shows(text, "ssh", width=36).wait(1).announced == ["waiting"]


# --- time -------------------------------------------------------------------------------------


def test_a_status_has_to_hold():
    pane = Pane().shows(CLAUDE_BUSY, "claude").wait(2)
    for _ in range(20):
        pane.shows(CLAUDE_IDLE).wait(0.3)
        pane.shows(CLAUDE_BUSY).wait(0.3)
    assert pane.announced == ["busy"]


def test_a_change_is_told_as_soon_as_it_has_held():
    pane = Pane().shows(PROMPT, "bash").wait(3)
    told = len(pane.events)
    began = pane.now
    pane.shows("Password: ‸", "su")
    while len(pane.events) == told:
        due = pane.status.due
        assert due is not None
        pane.now = due
        pane.events += pane.status.tick(due)
    assert pane.now - began <= 0.2 + 0.15


def test_nothing_is_due_when_nothing_can_change():
    pane = Pane().shows(PROMPT, "bash").wait(10)
    assert pane.status.due is None


def test_the_same_screen_again_announces_nothing():
    pane = Pane().shows("Password: ‸", "su").wait(2)
    for _ in range(5):
        pane.shows("Password: ‸").wait(2)
    assert pane.announced == ["waiting"]


def test_a_redraw_after_a_resize_is_no_activity():
    pane = Pane(silence_seconds=None).saw(Resized(at=0.0))
    for _ in range(9):
        pane.saw(Output(at=pane.now, bytes=4000, appends=False)).wait(0.1)
    assert pane.announced == []
    pane.wait(5)
    for _ in range(9):
        pane.saw(Output(at=pane.now, bytes=4000, appends=False)).wait(0.1)
    assert pane.announced == ["busy"]
    assert pane.verdict.rule == "rhythm.prints"
    pane.wait(10)
    assert pane.announced == ["busy", "unknown"]


def test_a_job_that_stalls_is_told_once():
    pane = Pane(silence_seconds=30).saw(Processes(at=0.0, command="make"))
    pane.saw(Output(at=0.0, bytes=9, lines=("cc a.c",))).wait(100)
    assert of(pane, ev.PaneSilence) == [ev.PaneSilence(seconds=30.0)]
    pane.saw(Output(at=pane.now, bytes=9, lines=("cc b.c",))).wait(100)
    assert len(of(pane, ev.PaneSilence)) == 2


def test_a_shell_at_its_prompt_may_be_silent():
    pane = Pane(silence_seconds=30).shows(PROMPT, "bash")
    pane.saw(Output(at=0.0, bytes=9, appends=False)).wait(100)
    assert of(pane, ev.PaneSilence) == []


def test_a_pane_whose_program_ended():
    pane = Pane().saw(Processes(at=0.0, command="make")).wait(1)
    pane.saw(Exited(at=pane.now, exit_status=3)).wait(1)
    assert (pane.verdict.status, pane.verdict.reason) == (
        "error",
        "its program ended with exit status 3",
    )
    pane.saw(Processes(at=pane.now, command="bash")).shows(PROMPT).wait(1)
    assert pane.verdict.status == "ready"


# --- lines ------------------------------------------------------------------------------------


def errors(pane: Pane) -> list[str]:
    return [event.line for event in pane.events if isinstance(event, ev.PaneError)]


def test_lines_are_told_with_their_rule():
    pane = Pane().saw(Output(at=0.0, bytes=99, lines=("make: *** [a.o] Error 1", "0 errors")))
    assert pane.events == [ev.PaneError(line="make: *** [a.o] Error 1", rule="builds.make")]


def test_what_a_reader_shows_is_not_told():
    pane = Pane()
    pane.saw(signal(pane, CommandStart("git diff")))
    pane.saw(Output(at=0.0, bytes=99, lines=("make: *** [a.o] Error 1",)))
    pane.saw(signal(pane, CommandEnd(0), Prompt(), CommandStart("make")))
    pane.saw(Output(at=0.0, bytes=99, lines=("make: *** [b.o] Error 1",)))
    assert errors(pane) == ["make: *** [b.o] Error 1"]


def test_new_rows_of_a_program_that_prints_are_lines():
    shown = "u@h:~$ make\ncc a.c"
    pane = Pane().shows(shown, "make")
    failed = shown + "\nmake: *** [a.o] Error 1\n" + PROMPT
    pane.shows(failed, "bash").shows(failed).wait(1).shows(failed)
    assert errors(pane) == ["make: *** [a.o] Error 1"]


def test_what_was_on_the_screen_before_is_not_told():
    assert errors(Pane().shows("make: *** [a.o] Error 1\n" + PROMPT, "bash").wait(1)) == []


def test_what_an_agent_or_an_editor_shows_is_not_told():
    pane = Pane().shows(CLAUDE_BUSY, "claude").wait(1)
    pane.shows("make: *** [a.o] Error 1\n" + CLAUDE_BUSY).wait(1)
    pane.shows("x", "vim", alternate=True).wait(1)
    pane.shows("make: *** [a.o] Error 1", alternate=True).wait(1)
    assert errors(pane) == []


# --- explaining -------------------------------------------------------------------------------


def test_explain_says_what_won_and_what_lost():
    pane = Pane().shows(CLAUDE_BUSY, "claude").saw(report(pane_now(0.0), "ready")).wait(1)
    pane.saw(signal(pane, Title("✳ Fix"))).wait(4)
    found = pane.status.explain(pane.now)
    first, *others = found.opinions
    assert (first.claim.rule, first.outcome, first.age) == ("report.hook", "won", 5.0)
    lost = {other.claim.rule: other.outcome for other in others}
    assert lost["claude.working"] == "lost: report.hook goes before"
    assert "claude.title-idle" in lost
    assert "claude.ready" in found.matched
    assert found.dwell_left is None
    assert {known.layer for known in found.evidence} >= {"report", "control", "process", "screen"}


def test_explain_tells_what_still_has_to_dwell():
    pane = Pane().shows(PROMPT, "bash").wait(3)
    pane.shows("Password: ‸", "su").wait(0.15)
    found = pane.status.explain(pane.now)
    assert found.announced.status == "ready"
    assert found.verdict.status == "waiting"
    assert found.dwell_left == pytest.approx(0.05)


def test_a_screen_without_a_cursor_is_read_by_its_last_row():
    import msgspec

    shown = msgspec.structs.replace(screen("Password:"), cursor_row=None, cursor_column=None)
    assert Pane().saw(Processes(at=0.0, command="su"), shown).wait(1).announced == ["waiting"]
