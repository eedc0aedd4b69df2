"""Servers and watchers: listening, asked, crashed, restarted."""

from __future__ import annotations

from tools.screens.ordinary.steps import (
    BUSY,
    ERROR,
    READY,
    K,
    Outside,
    Pause,
    Run,
    S,
    W,
    at_prompt,
    runs,
)

MARKS = "bash --rcfile ~/.bash-marks"
GET = "curl -s -o /dev/null --max-time 5 http://127.0.0.1:{}"
VITE = "^  ➜  Local:|Local:"
TAKEN = "(python3 -m http.server {} >/dev/null 2>&1 &) ; sleep 1.5"

RUNS = (
    Run(
        "http-server",
        "python3",
        [
            "python3 -m http.server 8000",
            S("listens", READY, "Serving HTTP"),
            Outside(
                "; ".join(GET.format(f"8000/{name}") for name in ("", "error", "fail", "shop"))
            ),
            S("asked", READY, "404", keeps=True, like="errors"),
            Outside("for n in $(seq 30); do " + GET.format("8000/error") + "; done"),
            S("asked-often", READY, "404", keeps=True, like="errors"),
        ],
    ),
    runs(
        "http-server-marked",
        "python3",
        "python3 -m http.server 8000",
        status=READY,
        see="Serving HTTP",
        shell=MARKS,
    ),
    at_prompt(
        "http-server-taken",
        "python3",
        "python3 -m http.server 8000",
        status=ERROR,
        before=TAKEN.format(8000),
        errors="^OSError",
    ),
    Run(
        "http-server-ended",
        "python3",
        [
            "python3 -m http.server 8000",
            W("Serving HTTP"),
            Pause(0.3),
            K("C-c"),
            S("", READY, "Keyboard interrupt", prompt=True, like="a server that listens"),
        ],
    ),
    Run(
        "node-server",
        "node",
        [
            "cd web",
            "node server.js",
            S("listens", READY, "Listening"),
            Outside(GET.format("3000/a") + "; " + GET.format("3000/fail")),
            S("asked", READY, "GET /fail 500", keeps=True, like="errors"),
            Outside(GET.format("3000/crash") + "; sleep 0.5"),
            S("crashed", ERROR, "burned down", errors="^Error: the shop", prompt=True),
        ],
    ),
    at_prompt(
        "node-server-taken",
        "node",
        "cd web",
        "PORT=8000 node server.js",
        status=ERROR,
        before=TAKEN.format(8000),
        see="EADDRINUSE",
        errors="^Error: listen|EADDRINUSE",
    ),
    at_prompt(
        "node-server-taken-marked",
        "node",
        "cd web",
        "PORT=8000 node server.js",
        status=ERROR,
        before=TAKEN.format(8000),
        see="EADDRINUSE",
        shell=MARKS,
        errors="^Error: listen|EADDRINUSE",
    ),
    Run(
        "flask",
        "flask",
        [
            "cd flask",
            "flask run",
            S("listens", READY, "Running on", like="an error, in red"),
            Outside(GET.format("5000/")),
            S("asked", READY, "GET / ", keeps=True),
            Outside(GET.format("5000/fail")),
            S(
                "failed",
                READY,
                "ZeroDivisionError",
                keeps=True,
                like="a program that failed",
                errors='^ZeroDivisionError|" 500 |ERROR in app',
            ),
        ],
    ),
    Run(
        "flask-debug",
        "flask",
        [
            "cd flask",
            "flask run --debug",
            S("listens", READY, "Debugger PIN"),
            Outside("sleep 1; echo '# more' >> flask/app.py"),
            S("reloaded", READY, "Restarting with", keeps=True, like="work"),
        ],
    ),
    at_prompt(
        "flask-no-app",
        "flask",
        "flask run",
        status=ERROR,
        see="Could not locate",
        errors="^Error: ",
    ),
    Run(
        "uvicorn",
        "uvicorn",
        [
            "cd flask",
            "uvicorn quick:app",
            S("listens", READY, "Uvicorn running on"),
            Outside(GET.format("8000/a") + "; " + GET.format("8000/b")),
            S("asked", READY, "200 OK", keeps=True),
        ],
    ),
    at_prompt(
        "uvicorn-no-app",
        "uvicorn",
        "cd flask",
        "uvicorn nothing:app",
        status=ERROR,
        errors="^ERROR:",
    ),
    at_prompt(
        "uvicorn-taken",
        "uvicorn",
        "cd flask",
        "uvicorn quick:app --port 8000",
        before=TAKEN.format(8000),
        status=ERROR,
        errors="^ERROR:",
    ),
    Run(
        "vite",
        "vite",
        [
            "cd web",
            "npm run dev",
            S("listens", READY, VITE),
        ],
    ),
    runs(
        "vite-tiny", "vite", "cd web", "npm run dev", status=READY, see="Local", width=40, height=10
    ),
    Run(
        "nodemon",
        "nodemon",
        [
            "cd web",
            "npm run watch",
            S("waits", READY, "clean exit", like="errors"),
            Outside("echo 'gone();' >> web/watched.js"),
            S("crashed", ERROR, "app crashed", keeps=True, errors="app crashed|^ReferenceError"),
        ],
    ),
    runs("nodemon-server", "nodemon", "cd web", "nodemon server.js", status=READY, see="Listening"),
    Run(
        "postgres",
        "postgres",
        [
            "postgres -D pg -k /tmp",
            S("listens", READY, "ready to accept connections"),
            Outside("psql -h /tmp postgres -c 'select * from nothing' >/dev/null 2>&1 || true"),
            S("asked", READY, "ERROR", keeps=True, like="a program that failed", errors="ERROR:"),
        ],
        before="initdb -D pg -A trust -U dev >/dev/null",
        width=140,
        height=40,
    ),
    at_prompt(
        "postgres-no-data",
        "postgres",
        "postgres -D nothing",
        status=ERROR,
        see="not access|does not exist",
        errors="could not|cannot|does not|not access",
    ),
    runs("netcat-listens", "nc", "nc -nlv 9000", status=READY, see="Listening on"),
    Run(
        "entr",
        "entr",
        [
            "cd shop",
            "ls *.py | entr -c pytest -q",
            S("fine", READY, "5 passed", like="errors"),
            Outside("sed -i 's/0.9/0.8/' shop/prices.py"),
            S("failed", ERROR, "1 failed", errors="^FAILED|^E  |^1 failed", keeps=True),
        ],
    ),
    Run("entr-runs", "entr", ["cd shop", "ls *.py | entr sleep 100", S("", BUSY, "entr")]),
    runs(
        "printing-server",
        "bash",
        'while :; do echo "$(date +%T) INFO GET /error 200"; sleep 0.3; done',
        see="GET",
        still=False,
        like="errors",
    ),
    Run(
        "server-after-failure",
        "node",
        [
            "cd web",
            "node fail.js",
            "node server.js",
            S("", READY, "Listening", errors="^TypeError", like="a failed command above"),
        ],
    ),
    Run(
        "server-below-old-one",
        "node",
        [
            "cat web/server.js",
            "echo Listening on port 3000",
            "sleep 300",
            S("", BUSY, "Listening on port", like="a server that listens"),
        ],
    ),
    at_prompt(
        "server-log-shown",
        "python3",
        "echo 'Listening on http://127.0.0.1:3000'",
        "cat logs/app.log",
        see="started on",
        like="a server that listens",
    ),
)
