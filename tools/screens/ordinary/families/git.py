"""git: its editor, its questions, its conflicts, what it refuses."""

from __future__ import annotations

from tools.screens.ordinary.steps import (
    BUSY,
    ERROR,
    READY,
    WAITING,
    K,
    Prompt,
    Run,
    S,
    T,
    W,
    at_prompt,
    runs,
)

MARKS = "bash --rcfile ~/.bash-marks"
ARROW = "bash --rcfile ~/.bash-git"
REPO = "cd shop && git init -q && git add -A && git commit -qm 'Prices'"
EDITED = f"{REPO} && sed -i 's/no items/error: nothing/' prices.py && echo more >> README.md"
FORKED = (
    f"{REPO} && git switch -qc fix && sed -i 's/no items/nothing/' prices.py && git commit -qam"
    " 'Fix the error' && git switch -q main && sed -i 's/no items/none/' prices.py && git commit"
    " -qam 'Say none'"
)
REMOTE = (
    f"{REPO} && git clone -q --bare . ../shop.git && git remote add origin ../shop.git && git fetch"
    " -q && git branch -q -u origin/main"
)
BEHIND = (
    f"{REMOTE} && git clone -q ../shop.git ../other && cd ../other && git commit -q --allow-empty"
    " -m Theirs && git push -q && cd ../shop && git commit -q --allow-empty -m Ours"
)
ASKING = (
    "cat > ask.py <<'END'\nimport http.server\nclass Handler(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n        self.send_response(401)\n"
    "        self.send_header('WWW-Authenticate', 'Basic realm=shop')\n        self.end_headers()\n"
    "    def log_message(self, *_):\n        return\n"
    "http.server.HTTPServer(('127.0.0.1', 8099), Handler).serve_forever()\nEND\n"
    "python3 ask.py >/dev/null 2>&1 &"
)
HOOK = (
    f'{REPO} && printf \'#!/bin/sh\\necho "pre-commit: prices.py has trailing blanks" >&2\\nexit'
    " 1\\n' > .git/hooks/pre-commit && chmod +x .git/hooks/pre-commit && echo x >> README.md"
)
HUNK = "Stage this hunk"

RUNS = (
    Run(
        "git-commit-vim",
        "git",
        [
            "cd shop",
            "EDITOR=vim git commit -a",
            S("", WAITING, "COMMIT_EDITMSG"),
            K("i"),
            T("Say what the error was"),
            S("typing", WAITING, "INSERT"),
            K("Escape"),
            T(":wq"),
            K("Enter"),
            S("done", READY, "2 files changed", prompt=True),
        ],
        before=EDITED,
    ),
    runs(
        "git-commit-nano",
        "git",
        "cd shop",
        "EDITOR=nano git commit -a",
        status=WAITING,
        see="COMMIT_EDITMSG",
        before=EDITED,
    ),
    runs(
        "git-commit-emacs",
        "git",
        "cd shop",
        "EDITOR='emacs -nw -Q' git commit -a",
        status=WAITING,
        see="COMMIT_EDITMSG",
        before=EDITED,
    ),
    runs(
        "git-commit-verbose",
        "git",
        "cd shop",
        "EDITOR=vim git commit -av",
        status=WAITING,
        see="COMMIT_EDITMSG",
        before=EDITED,
        width=100,
        height=45,
        like="errors in a diff",
    ),
    runs(
        "git-commit-marked",
        "git",
        "cd shop",
        "EDITOR=vim git commit -a",
        status=WAITING,
        see="COMMIT_EDITMSG",
        before=EDITED,
        shell=MARKS,
    ),
    Run(
        "git-commit-aborted",
        "git",
        [
            "cd shop",
            "EDITOR=vim git commit -a",
            W("COMMIT_EDITMSG"),
            T(":q!"),
            K("Enter"),
            S("", READY, "Aborting commit", prompt=True, like="a failure"),
        ],
        before=EDITED,
    ),
    at_prompt(
        "git-commit-nothing",
        "git",
        "cd shop",
        "git commit",
        before=REPO,
        see="nothing to commit",
        like="a failure",
    ),
    at_prompt(
        "git-commit-hook",
        "git",
        "cd shop",
        "git commit -qam x",
        before=HOOK,
        status=ERROR,
        see="trailing blanks",
        errors="trailing blanks",
    ),
    runs(
        "git-tag-editor",
        "git",
        "cd shop",
        "EDITOR=vim git tag -a v1",
        status=WAITING,
        see="TAG_EDITMSG",
        before=REPO,
    ),
    Run(
        "git-rebase",
        "git",
        [
            "cd shop",
            "git switch -q fix",
            "EDITOR=vim git rebase -i main",
            S("todo", WAITING, "git-rebase-todo"),
            T(":wq"),
            K("Enter"),
            S(
                "conflict",
                ERROR,
                "CONFLICT",
                errors="^CONFLICT|^error: could not apply",
                prompt=True,
            ),
            "git status",
            S(
                "status",
                READY,
                "both modified",
                prompt=True,
                errors="^CONFLICT|^error: could not apply",
                like="a failure, above",
            ),
        ],
        before=FORKED,
    ),
    at_prompt(
        "git-merge-conflict",
        "git",
        "cd shop",
        "git merge fix",
        before=FORKED,
        status=ERROR,
        see="CONFLICT",
        errors="^CONFLICT|^Automatic merge failed",
    ),
    at_prompt(
        "git-merge-conflict-arrow",
        "git",
        "cd shop",
        "git merge fix",
        before=FORKED,
        status=ERROR,
        see="CONFLICT",
        errors="^CONFLICT|^Automatic merge failed",
        shell=ARROW,
    ),
    at_prompt(
        "git-pick-conflict",
        "git",
        "cd shop",
        "git cherry-pick fix",
        before=FORKED,
        status=ERROR,
        see="CONFLICT",
        errors="^CONFLICT|^error: could not apply",
        width=120,
        height=40,
    ),
    at_prompt(
        "git-merge-fine",
        "git",
        "cd shop",
        "git merge --no-edit -X ours fix",
        before=FORKED,
        see="Merge made",
        like="a conflict",
    ),
    runs(
        "git-mergetool",
        "git",
        "cd shop",
        "git merge fix",
        "git mergetool --prompt -t vimdiff",
        before=FORKED,
        status=WAITING,
        see="Hit return to start",
        errors="^CONFLICT|^Automatic",
        like="a failed command above",
    ),
    Run(
        "git-add-patch",
        "git",
        [
            "cd shop",
            "git add -p",
            S("first", WAITING, HUNK),
            T("y"),
            K("Enter"),
            S("second", WAITING, HUNK, like="errors in a diff"),
            T("?"),
            K("Enter"),
            S("help", WAITING, HUNK),
        ],
        before=EDITED,
    ),
    runs(
        "git-add-patch-zsh",
        "git",
        "cd shop",
        "git add -p",
        status=WAITING,
        see=HUNK,
        before=EDITED,
        shell="zsh",
        width=60,
        height=14,
    ),
    runs(
        "git-checkout-patch",
        "git",
        "cd shop",
        "git checkout -p",
        status=WAITING,
        see="Discard this hunk",
        before=EDITED,
    ),
    runs(
        "git-clean",
        "git",
        "cd shop",
        "touch a b",
        "git clean -i",
        status=WAITING,
        see="What now",
        before=REPO,
    ),
    at_prompt("git-clone", "git", "git clone shop.git copy", before=REMOTE, see="done"),
    at_prompt("git-clone-missing", "git", "git clone nothing.git", status=ERROR, errors="^fatal: "),
    at_prompt("git-no-repository", "git", "git status", status=ERROR, errors="^fatal: "),
    at_prompt(
        "git-no-repository-marked", "git", "git log", status=ERROR, errors="^fatal: ", shell=MARKS
    ),
    at_prompt(
        "git-no-repository-zsh", "git", "git log", status=ERROR, errors="^fatal: ", shell="zsh"
    ),
    at_prompt(
        "git-push",
        "git",
        "cd shop",
        "git commit -q --allow-empty -m 'Fix: error'",
        "git push",
        before=REMOTE,
        see="main -> main",
    ),
    at_prompt(
        "git-push-rejected",
        "git",
        "cd shop",
        "git push",
        before=BEHIND,
        status=ERROR,
        see="rejected",
        errors="^ ! \\[rejected|^error: failed to push",
    ),
    at_prompt(
        "git-pathspec",
        "git",
        "cd shop",
        "git checkout nothing",
        before=REPO,
        status=ERROR,
        errors="^error: pathspec",
    ),
    at_prompt(
        "git-would-overwrite",
        "git",
        "cd shop",
        "sed -i 's/none/nought/' prices.py",
        "git switch fix",
        before=FORKED,
        status=ERROR,
        errors="^error: Your local",
    ),
    at_prompt(
        "git-unresolved",
        "git",
        "git ls-remote ssh://nowhere.example.org/shop",
        status=ERROR,
        errors="^ssh: |^fatal: ",
    ),
    runs(
        "git-clone-asks-user",
        "git",
        "git clone http://127.0.0.1:8099/till",
        before=ASKING,
        status=WAITING,
        see="^Username for",
    ),
    runs(
        "git-clone-asks-password",
        "git",
        "git clone http://dev@127.0.0.1:8099/till",
        before=ASKING,
        status=WAITING,
        see="^Password for",
    ),
    runs(
        "git-fetch-asks-host",
        "git",
        "git ls-remote git.example.org:shop.git",
        status=WAITING,
        see="fingerprint",
    ),
    Run(
        "git-bisect",
        "git",
        [
            "cd shop",
            "git bisect start HEAD HEAD~3",
            S("", READY, "Bisecting", prompt=True, like="work"),
            "git bisect run sleep 100",
            S("runs", BUSY, "running"),
        ],
        before=f"{REPO} && for n in 1 2 3; do git commit -q --allow-empty -m $n; done",
    ),
    at_prompt("git-stash", "git", "cd shop", "git stash", before=EDITED, see="Saved working"),
    at_prompt(
        "git-help-typo",
        "git",
        "git statsu",
        status=ERROR,
        see="is not a git command",
        errors="is not a git command",
    ),
    at_prompt(
        "git-am-failed",
        "git",
        "cd shop",
        "git am ../logs/ci.log",
        before=REPO,
        status=ERROR,
        see="format detection failed",
        errors="detection failed",
    ),
    Run(
        "git-fsck",
        "git",
        ["cd shop", "git fsck", Prompt(), "git gc", S("", READY, "gc", prompt=True)],
        before=REPO,
    ),
)
