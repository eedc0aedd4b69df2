"""Shells: prompts of many kinds, commands that run, commands that failed."""

from __future__ import annotations

from tools.screens.ordinary.steps import (
    BUSY,
    ERROR,
    READY,
    WAITING,
    K,
    Pause,
    Prompt,
    Run,
    S,
    T,
    at_prompt,
    runs,
)

MARKS = "bash --rcfile ~/.bash-marks"
SAID = "bash --rcfile ~/.bash-said"
PLAIN = "bash --norc"
GIT = "bash --rcfile ~/.bash-git"
TIME = "bash --rcfile ~/.bash-time"
TITLE = "bash --rcfile ~/.bash-title"
ZSH_MARKS = "env ZDOTDIR=/home/dev/.zsh-marks zsh"
ZSH_ARROW = "env ZDOTDIR=/home/dev/.zsh-arrow zsh"
FISH_MARKS = "env MARKS=1 fish"
BUILT = "cd engine && make -s crash && cd"

RUNS = (
    # --- prompts
    Run("bash-fresh", "bash", [S("", READY, prompt=True), T("ls -l"), S("typing", READY, "ls -l")]),
    at_prompt("bash-plain-prompt", "bash", "cd shop", "ls", shell=PLAIN),
    at_prompt(
        "bash-git-prompt", "bash", "cd shop", shell=GIT, before="cd shop && git init -q", see="main"
    ),
    at_prompt("bash-time-prompt", "bash", "ls engine", shell=TIME),
    at_prompt("bash-title-prompt", "bash", "cd web", "ls -a", shell=TITLE, width=132, height=43),
    at_prompt("bash-wide-screen", "bash", "ls -l shop engine", "uname", width=200, height=50),
    at_prompt("bash-tiny-screen", "bash", "ls", "ls shop", width=40, height=10),
    at_prompt(
        "bash-long-prompt",
        "bash",
        "cd a/very/long/way/down/to/where/the/shop/keeps/all",
        width=40,
        height=10,
        before="mkdir -p a/very/long/way/down/to/where/the/shop/keeps/all",
        like="a prompt that wraps",
    ),
    at_prompt(
        "bash-wide-characters",
        "bash",
        "cd 店/価格",
        "ls",
        "echo 温度 は 20 度",
        before="mkdir -p 店/価格 && touch 店/価格/一覧.txt",
    ),
    Run("bash-cleared", "bash", ["ls shop", Prompt(), K("C-l"), S("", READY, prompt=True)]),
    Run(
        "bash-typing-long",
        "bash",
        [
            T(
                "for file in shop/*.py; do echo looking for an error in $file;"
                " grep -n error $file; done"
            ),
            S("", READY, "done$", like="a command that runs, with error words"),
        ],
    ),
    Run(
        "bash-continued",
        "bash",
        ["echo 'an open quote", S("", READY, "^>", like="the prompt of a program")],
    ),
    Run(
        "bash-here-document",
        "bash",
        [
            "cat > order.txt <<END",
            Pause(0.2),
            K("Enter"),
            T("Password:"),
            K("Enter"),
            S("", READY, "^> Password:", like="a question for a password"),
        ],
    ),
    Run(
        "bash-search",
        "bash",
        ["make -C shop", Prompt(), K("C-r"), T("make"), S("", READY, "reverse-i-search")],
    ),
    Run(
        "bash-completions",
        "bash",
        [
            T("cat shop/"),
            K("Tab", "Tab"),
            S("", READY, "prices.py", like="a listing of error files"),
        ],
    ),
    # --- what runs
    runs("bash-sleeps", "bash", "sleep 300", like="an old prompt above"),
    runs(
        "bash-sleeps-tiny",
        "bash",
        "ls",
        "sleep 300",
        width=40,
        height=10,
        like="an old prompt above",
    ),
    runs(
        "bash-marked-sleeps",
        "bash",
        "ls shop",
        "sleep 300",
        shell=MARKS,
        like="an old prompt above",
    ),
    runs("bash-said-sleeps", "bash", "ls shop", "sleep 300", shell=SAID),
    runs("bash-own-loop", "bash", "while :; do :; done"),
    runs(
        "bash-own-loop-prints",
        "bash",
        "while :; do echo tick; sleep 0.5; done",
        see="tick\ntick",
        still=False,
    ),
    runs(
        "bash-loop-of-errors",
        "bash",
        "while :; do echo checked error.c: ok; sleep 0.4; done",
        see="error.c",
        still=False,
        like="errors",
    ),
    runs("bash-waits-for-job", "bash", "sleep 200 & wait", see="\\[1\\]"),
    runs(
        "bash-after-failure",
        "bash",
        "ls nowhere",
        "sleep 300",
        see="No such file",
        like="a failed command above",
        errors="^ls: ",
    ),
    runs(
        "bash-after-question",
        "bash",
        "cat notes/README.md",
        "sleep 300",
        see="Proceed",
        like="an old question above",
    ),
    runs(
        "bash-prompt-in-output",
        "bash",
        "printf 'dev@box:~$ '; sleep 300",
        see="^dev@box:~\\$$",
        like="a prompt, which a command printed",
    ),
    runs("bash-deploys", "bash", "cd shop", "./deploy.sh 100", see="==> build"),
    runs(
        "bash-types-ahead",
        "bash",
        "sleep 300",
        Pause(0.5),
        T("ls -l"),
        see="ls -l",
        like="a command that is typed",
    ),
    runs(
        "bash-marked-script",
        "bash",
        "shop/quiz.sh",
        see="y/N",
        shell=MARKS,
        like="a question that is none",
    ),
    runs("bash-quiz", "bash", "shop/quiz.sh", see="y/N", like="a question that is none"),
    # --- how it ended
    at_prompt("bash-ls-failed", "bash", "ls /nowhere", status=ERROR, errors="^ls: "),
    at_prompt("bash-not-found", "bash", "shopctl status", status=ERROR, errors="not found$"),
    at_prompt(
        "bash-not-found-typo-tiny",
        "bash",
        "gti status",
        status=ERROR,
        width=40,
        height=10,
        errors="not found$",
    ),
    at_prompt("bash-cd-failed", "bash", "cd /nowhere", status=ERROR, errors="No such file"),
    at_prompt("bash-segfault", "bash", "engine/crash", status=ERROR, before=BUILT, errors="^Segm"),
    at_prompt(
        "bash-marked-failed", "bash", "ls /nowhere", status=ERROR, shell=MARKS, errors="^ls: "
    ),
    at_prompt("bash-marked-silent-failure", "bash", "(exit 3)", status=ERROR, shell=MARKS),
    at_prompt(
        "bash-said-failed",
        "bash",
        "python3 shop/crash.py",
        status=ERROR,
        shell=SAID,
        errors="^ZeroDivisionError",
    ),
    at_prompt("bash-marked-ok", "bash", "ls shop", "echo failed", shell=MARKS, like="a failure"),
    at_prompt(
        "bash-said-no-match",
        "bash",
        "grep -n nothing shop/prices.py",
        shell=SAID,
        like="a failed command",
    ),
    at_prompt(
        "bash-marked-forgiven",
        "bash",
        "ls /nowhere || true",
        shell=MARKS,
        errors="^ls: ",
        like="a failed command",
    ),
    at_prompt(
        "bash-ok-after-failure",
        "bash",
        "ls /nowhere",
        "ls shop",
        see="No such file",
        errors="^ls: ",
        like="a failed command, which is over",
    ),
    at_prompt(
        "bash-ok-after-not-found",
        "bash",
        "shopctl",
        "echo fine",
        see="^fine",
        errors="not found$",
        like="a failed command, which is over",
    ),
    at_prompt("bash-permission", "bash", "cat /etc/shadow", status=ERROR, errors="denied$"),
    at_prompt(
        "bash-script-failed",
        "bash",
        "bash -c 'echo building; nosuchtool --all'",
        status=ERROR,
        errors="not found$",
    ),
    at_prompt("bash-syntax", "bash", "if then fi", status=ERROR, errors="syntax error"),
    Run(
        "bash-interrupted",
        "bash",
        ["sleep 300", Pause(0.5), K("C-c"), S("", READY, "\\^C", prompt=True, like="a failure")],
    ),
    Run(
        "bash-marked-interrupted",
        "bash",
        ["sleep 300", Pause(0.5), K("C-c"), S("", READY, "\\^C", prompt=True, like="a failure")],
        shell=MARKS,
    ),
    # --- jobs
    at_prompt("bash-job-sleeps", "bash", "sleep 300 &", "jobs", like="work in the background"),
    at_prompt("bash-job-works", "bash", "python3 shop/work.py &", status=BUSY),
    at_prompt(
        "bash-marked-job-works",
        "bash",
        "python3 shop/work.py &",
        "ls shop",
        status=BUSY,
        shell=MARKS,
    ),
    Run(
        "bash-job-stopped",
        "bash",
        [
            "python3 shop/work.py",
            Pause(0.8),
            K("C-z"),
            S("", READY, "Stopped", prompt=True, like="work in the background"),
        ],
    ),
    Run(
        "bash-marked-job-stopped",
        "bash",
        [
            "python3 shop/work.py",
            Pause(0.8),
            K("C-z"),
            S("", READY, "Stopped", prompt=True, like="a failed command"),
        ],
        shell=MARKS,
    ),
    Run(
        "bash-job-done", "bash", ["sleep 0.3 &", Pause(0.8), "", S("", READY, "Done", prompt=True)]
    ),
    Run(
        "bash-job-failed",
        "bash",
        [
            "ls /nowhere >/dev/null 2>&1 &",
            Pause(0.8),
            "",
            S("", READY, "Exit 2", prompt=True, like="a failed command"),
        ],
    ),
    # --- questions of scripts
    Run(
        "bash-read",
        "bash",
        [
            "cd shop",
            "./ask.sh",
            S("name", WAITING, "Name of the shop: ?$"),
            T("Corner"),
            S("name-typed", WAITING, "shop: Corner$", like="a line of output"),
            K("Enter"),
            S("yes-no", WAITING, "\\[Y/n\\] ?$"),
        ],
    ),
    runs("bash-read-marked", "bash", "shop/ask.sh", status=WAITING, see="Name of", shell=MARKS),
    runs("bash-read-secret", "bash", "shop/secret.sh", status=WAITING, see="API token: ?$"),
    runs("bash-read-key", "bash", "shop/anykey.sh", status=WAITING, see="any key"),
    runs("bash-select", "bash", "shop/choose.sh", status=WAITING, see="Which one"),
    runs(
        "bash-select-inline",
        "bash",
        "select f in shop/*.py; do break; done",
        status=WAITING,
        see="#\\? ?$",
        like="a listing of error files",
    ),
    runs(
        "bash-read-inline",
        "bash",
        "read -p 'Delete everything? (yes/no) ' answer",
        status=WAITING,
        see="\\(yes/no\\) ?$",
    ),
    runs("bash-rm-asks", "bash", "rm -i shop/error.py", status=WAITING, see="\\? ?$"),
    runs(
        "bash-rm-protected",
        "bash",
        "chmod 444 shop/error.py; rm shop/error.py",
        status=WAITING,
        see="write-protected",
    ),
    runs(
        "bash-cp-asks",
        "bash",
        "cp -i shop/prices.py shop/error.py",
        status=WAITING,
        see="overwrite",
    ),
    runs(
        "bash-gzip-asks",
        "bash",
        "gzip -k logs/app.log",
        "gzip -k logs/app.log",
        status=WAITING,
        see="overwrite",
    ),
    # --- others
    Run(
        "zsh-fresh",
        "zsh",
        [S("", READY, prompt=True), "ls shop", S("listed", READY, "error.py", prompt=True)],
        shell="zsh",
    ),
    Run(
        "zsh-first-time",
        "zsh",
        [S("", WAITING, "Type one of the keys in parentheses")],
        shell="env ZDOTDIR=/home/dev/.zsh-none zsh",
        first="Type one",
    ),
    runs("zsh-sleeps", "zsh", "sleep 300", shell="zsh", like="an old prompt above"),
    at_prompt("zsh-not-found", "zsh", "shopctl", shell="zsh", status=ERROR, errors="not found"),
    runs("zsh-corrects", "zsh", "lls shop", shell="zsh", status=WAITING, see="nyae"),
    runs("zsh-rm-star", "zsh", "rm logs/*", shell="zsh", status=WAITING, see="\\[yn\\]\\?"),
    at_prompt(
        "zsh-no-match", "zsh", "ls *.nothing", shell="zsh", status=ERROR, errors="no matches"
    ),
    at_prompt(
        "zsh-marked-failed", "zsh", "ls /nowhere", shell=ZSH_MARKS, status=ERROR, errors="^ls: "
    ),
    at_prompt("zsh-marked-ok", "zsh", "cat logs/ci.log", shell=ZSH_MARKS, like="a failed build"),
    runs("zsh-marked-runs", "zsh", "ls", "sleep 300", shell=ZSH_MARKS),
    at_prompt("zsh-arrow", "zsh", "cd shop", "ls", shell=ZSH_ARROW, width=100, height=30),
    runs(
        "zsh-arrow-runs",
        "zsh",
        "cd shop",
        "python3 work.py",
        shell=ZSH_ARROW,
        width=100,
        height=30,
        like="a prompt with the time at its right, above",
    ),
    Run(
        "zsh-completions",
        "zsh",
        [T("ls sh"), K("Tab"), T("e"), K("Tab"), S("", READY, "ls shop/error")],
        shell="zsh",
    ),
    at_prompt(
        "zsh-segfault",
        "zsh",
        "engine/crash",
        status=ERROR,
        before=BUILT,
        errors="segmentation",
        shell="zsh",
    ),
    Run(
        "fish-fresh",
        "fish",
        [
            S("", READY, "Welcome", prompt=True),
            "ls shop",
            S("listed", READY, "error.py", prompt=True),
        ],
        shell="fish",
    ),
    Run(
        "fish-first",
        "fish",
        [S("", READY, "Welcome", prompt=True, like="work: completions are made for a first time")],
        before="rm -r .local/share/fish",
        shell="fish",
    ),
    runs("fish-sleeps", "fish", "sleep 300", shell="fish", like="an old prompt above"),
    at_prompt("fish-not-found", "fish", "shopctl", shell="fish", status=ERROR, errors="Unknown"),
    at_prompt("fish-failed", "fish", "ls /nowhere", shell="fish", status=ERROR, errors="^ls: "),
    Run(
        "fish-suggests",
        "fish",
        [
            "echo wrong: error",
            Prompt(),
            T("echo w"),
            S("", READY, "echo w", like="error words that are suggested"),
        ],
        shell="fish",
    ),
    runs("fish-read", "fish", "read name", shell="fish", status=WAITING, see="read>"),
    at_prompt(
        "fish-marked-failed",
        "fish",
        "cat /etc/shadow",
        shell=FISH_MARKS,
        status=ERROR,
        errors="denied",
    ),
    at_prompt(
        "fish-marked-ok", "fish", "ls", "grep -rn error shop", shell=FISH_MARKS, like="errors"
    ),
    at_prompt(
        "fish-marked-false",
        "fish",
        "test -e /nowhere",
        "ls /nowhere; true",
        shell=FISH_MARKS,
        errors="^ls: ",
        like="a failed command",
    ),
    Run("dash-fresh", "dash", [S("", READY, prompt=True)], shell="dash"),
    runs("dash-runs", "dash", "sleep 300", shell="dash", like="an old prompt above"),
    at_prompt("dash-not-found", "dash", "shopctl", shell="dash", status=ERROR, errors="not found$"),
    runs(
        "dash-read",
        "dash",
        "printf 'User: '; read user",
        shell="dash",
        status=WAITING,
        see="User: ?$",
    ),
    Run(
        "bash-typing-narrow",
        "bash",
        [
            "ls -l shop engine",
            Prompt(),
            T("echo a command that is longer than that, and that wraps"),
            S("", READY, "echo"),
        ],
        width=60,
        height=15,
    ),
)
