"""Package managers: apt, dpkg, pip, npm."""

from __future__ import annotations

from functools import partial

from tools.screens.ordinary.steps import (
    ERROR,
    READY,
    WAITING,
    K,
    Pause,
    Run,
    S,
    T,
    W,
    at_prompt,
    runs,
)

MARKS = "bash --rcfile ~/.bash-marks"
root_prompt = partial(at_prompt, user="root", shell="bash --rcfile ~/.bash-root")
root_runs = partial(runs, user="root", shell="bash --rcfile ~/.bash-root")
CLEAN = (
    "dpkg --purge --force-all shop-tools libshop-error shop-slow shop-broken shop-asks"
    " >/dev/null 2>&1; dpkg --configure -a >/dev/null; rm -f /etc/shop.conf;"
)
OLD = f"{CLEAN} apt-get -qq install -y shop-tools=1.0 >/dev/null 2>&1"
LIB = (
    "mkdir -p w/shoplib w/shoplib-1.0.dist-info && cd w && touch shoplib/__init__.py"
    " shoplib-1.0.dist-info/RECORD && printf 'Metadata-Version: 2.1\\nName: shoplib\\nVersion:"
    " 1.0\\n' > shoplib-1.0.dist-info/METADATA && printf 'Wheel-Version: 1.0\\nGenerator: x\\n"
    "Root-Is-Purelib: true\\nTag: py3-none-any\\n' > shoplib-1.0.dist-info/WHEEL && python3 -m"
    " zipfile -c ../shoplib-1.0-py3-none-any.whl shoplib shoplib-1.0.dist-info && cd .. &&"
    " python3 -m venv env &&"
)
INSTALL = "env/bin/pip install --no-index ./shoplib-1.0-py3-none-any.whl"
SLOW = (
    "mkdir slow && cd slow && printf 'import time\\nprint(1)\\ntime.sleep(200)\\n' > setup.py &&"
    " cd .. && python3 -m venv env"
)

APT = (
    at_prompt(
        "apt-simulates",
        "apt-get",
        "apt-get -s install shop-tools",
        see="^Conf shop-tools",
        like="an installation",
    ),
    at_prompt(
        "apt-search", "apt-cache", "apt-cache search error", see="libshop-error", like="errors"
    ),
    at_prompt(
        "apt-show", "apt", "apt show libshop-error 2>/dev/null", see="^Package", like="errors"
    ),
    at_prompt("apt-no-root", "apt-get", "apt-get install shop-tools", status=ERROR, errors="^E: "),
    at_prompt("apt-policy", "apt-cache", "apt-cache policy shop-tools", see="Candidate"),
    root_runs(
        "apt-asks",
        "apt-get",
        "apt-get install shop-tools",
        status=WAITING,
        see="\\[Y/n\\] ?$",
        before=CLEAN,
        like="errors, above",
    ),
    root_runs(
        "apt-asks-tiny",
        "apt",
        "apt install shop-tools",
        status=WAITING,
        see="\\[Y/n\\] ?$",
        before=CLEAN,
        width=40,
        height=10,
    ),
    Run(
        "apt-typed-answer",
        "apt",
        [
            "apt install shop-tools",
            W("\\[Y/n\\]"),
            T("n"),
            S("typed", WAITING, "\\[Y/n\\] n"),
            K("Enter"),
            S("aborted", READY, "Abort", prompt=True, like="a question above"),
        ],
        user="root",
        shell="bash --rcfile ~/.bash-root",
        before=CLEAN,
    ),
    root_prompt(
        "apt-installs",
        "apt-get",
        "apt-get install -y shop-tools",
        before=CLEAN,
        see="Setting up shop-tools",
        like="errors",
    ),
    root_runs(
        "apt-removes",
        "apt",
        "apt remove libshop-error",
        status=WAITING,
        see="\\[Y/n\\] ?$",
        before=OLD,
    ),
    root_runs("apt-slow", "apt-get", "apt-get install -y shop-slow", see="indexing", before=CLEAN),
    Run(
        "apt-lock",
        "apt-get",
        [
            "apt-get -o DPkg::Lock::Timeout=100 install -y shop-tools",
            S("", "busy", "Waiting for cache lock", still=False, like="an error"),
        ],
        user="root",
        shell="bash --rcfile ~/.bash-root",
        before=f"{CLEAN} (apt-get install -y shop-slow >/dev/null 2>&1 &) ; sleep 3",
    ),
    root_prompt(
        "apt-locked",
        "apt-get",
        "apt-get install -y shop-tools",
        status=ERROR,
        errors="^E: ",
        before=f"{CLEAN} (apt-get install -y shop-slow >/dev/null 2>&1 &) ; sleep 3",
    ),
    root_prompt(
        "apt-unable", "apt-get", "apt-get install shopp", before=CLEAN, status=ERROR, errors="^E: "
    ),
    root_prompt(
        "apt-unable-plain",
        "apt",
        "apt install nothing",
        before=CLEAN,
        status=ERROR,
        errors="^E: ",
        width=120,
        height=40,
    ),
    root_prompt(
        "apt-broken",
        "apt-get",
        "apt-get install -y shop-broken",
        before=CLEAN,
        status=ERROR,
        errors="^E: |^dpkg: error|cannot reach",
    ),
    root_runs(
        "apt-conffile",
        "apt-get",
        "echo colour=green > /etc/shop.conf",
        "apt-get install -y shop-tools",
        before=OLD,
        status=WAITING,
        see="default=N",
    ),
    root_runs(
        "apt-dialog",
        "apt-get",
        "apt-get install -y shop-asks",
        before=CLEAN,
        status=WAITING,
        see="How large is the shop",
    ),
    root_runs(
        "apt-plain-dialog",
        "apt-get",
        "DEBIAN_FRONTEND=readline apt-get install -y shop-asks",
        before=CLEAN,
        status=WAITING,
        see="How large is the shop",
    ),
    root_prompt(
        "dpkg-lists",
        "dpkg",
        "dpkg -l libshop-error | cat",
        see="error reporting",
        before=OLD,
        like="errors",
    ),
    root_prompt(
        "dpkg-depends",
        "dpkg",
        "dpkg -i /mnt/shelf/shop-tools_1.0_all.deb",
        before=CLEAN,
        status=ERROR,
        errors="^dpkg: error",
    ),
    root_prompt("dpkg-missing", "dpkg", "dpkg -i nothing.deb", status=ERROR, errors="^dpkg: error"),
)

PIP = (
    at_prompt("pip-installs", "pip", INSTALL, before=f"{LIB} true", see="Successfully installed"),
    at_prompt(
        "pip-missing",
        "pip",
        "env/bin/pip install --no-index shopnothing",
        before="python3 -m venv env",
        status=ERROR,
        errors="^ERROR: ",
    ),
    at_prompt(
        "pip-missing-zsh",
        "pip",
        "env/bin/pip install --no-index shopnothing",
        shell="zsh",
        before="python3 -m venv env",
        status=ERROR,
        errors="^ERROR: ",
    ),
    runs(
        "pip-retries",
        "pip",
        "env/bin/pip install --retries 9 --timeout 1 -i http://127.0.0.1:9/simple shopnothing",
        before="python3 -m venv env",
        see="Retrying",
        errors="^WARNING: Retrying",
        still=False,
        like="a failed command",
    ),
    at_prompt(
        "pip-no-file",
        "pip",
        "env/bin/pip install -r nothing.txt",
        before="python3 -m venv env",
        status=ERROR,
        errors="^ERROR: ",
    ),
    runs(
        "pip-uninstalls",
        "pip",
        "env/bin/pip uninstall shoplib",
        status=WAITING,
        see="\\(Y/n\\)",
        before=f"{LIB} {INSTALL} -q",
    ),
    at_prompt(
        "pip-not-there",
        "pip",
        "env/bin/pip uninstall nothing",
        before="python3 -m venv env",
        see="WARNING: Skipping",
        like="an error",
    ),
    at_prompt("pip-lists", "pip", "pip list 2>/dev/null | head -n 15", see="Package"),
    runs(
        "pip-builds",
        "pip",
        "env/bin/pip install --no-build-isolation --no-index ./slow",
        before=SLOW,
        see="Processing ./slow",
        still=False,
    ),
    at_prompt(
        "pip-external",
        "pip",
        "/usr/bin/python3 -m pip install shoplib",
        status=ERROR,
        see="externally-managed|No module named pip",
        errors="externally-managed|No module named",
    ),
    at_prompt(
        "venv-active",
        "bash",
        "source env/bin/activate",
        before="python3 -m venv env",
        see="^\\(env\\) ",
    ),
    runs(
        "venv-runs",
        "bash",
        "source env/bin/activate",
        "python shop/work.py",
        before="python3 -m venv env",
        see="work.py",
        like="an old prompt above",
    ),
)

NPM = (
    Run(
        "npm-init",
        "npm",
        [
            "mkdir new && cd new",
            "npm init",
            S("name", WAITING, "package name: \\(new\\)"),
            K("Enter"),
            K("Enter"),
            S("description", WAITING, "^description: ?$"),
            K("Enter"),
            S("entry", WAITING, "^entry point"),
            K("Enter"),
            K("Enter"),
            K("Enter"),
            K("Enter"),
            K("Enter"),
            K("Enter"),
            K("Enter"),
            S("ok", WAITING, "Is this OK"),
        ],
    ),
    at_prompt("npm-test", "npm", "cd web", "npm test", see="fail 0", like="failed tests"),
    at_prompt(
        "npm-test-fails",
        "npm",
        "cd web",
        "npm test",
        status=ERROR,
        see="fail 1",
        errors="AssertionError|^\u2139 fail|^# fail|^not ok|^✖|^    ✖|failing tests",
        before="sed -i 's/\\* 3/* 4/' web/price.js",
        height=60,
    ),
    at_prompt(
        "npm-test-fails-marked",
        "npm",
        "cd web",
        "npm test",
        status=ERROR,
        see="fail|Error",
        before="sed -i 's/\\* 3/* 4/' web/price.js",
        shell=MARKS,
        errors="AssertionError|^\u2139 fail|^# fail|^not ok|✖|failing tests",
    ),
    at_prompt(
        "npm-no-script",
        "npm",
        "cd web",
        "npm run nothing",
        status=ERROR,
        errors="^npm (?:error|ERR!) Missing script",
    ),
    at_prompt("npm-no-package", "npm", "npm start", status=ERROR, errors="^npm (?:error|ERR!)"),
    at_prompt(
        "npm-script-fails",
        "npm",
        "cd web",
        "npm run fail",
        status=ERROR,
        see="TypeError",
        errors="^TypeError|^npm (?:error|ERR!)",
    ),
    runs(
        "npm-fetches",
        "npm",
        "cd web",
        "npm install --registry http://127.0.0.1:9 left",
        before="sed -i 's/1/9/;s/3000/20000/' .npmrc",
        see="left",
        still=False,
    ),
    at_prompt(
        "npm-refused",
        "npm",
        "cd web",
        "npm install --fetch-retries 0 --registry http://127.0.0.1:9 left",
        status=ERROR,
        see="ECONNREFUSED",
        errors="^npm (?:error|ERR!)",
    ),
    at_prompt("npm-lists", "npm", "cd web", "npm ls", see="shopfront"),
    at_prompt("npm-run", "npm", "cd web", "npm run", see="lint", like="a failure"),
    at_prompt("npm-installs", "npm", "cd web", "npm install ../jest", see="added"),
    runs("npm-starts", "npm", "cd web", "npm start", status=READY, see="Listening on"),
    runs(
        "npx-asks",
        "npm",
        "cd web",
        "npx ../jest",
        Pause(1.0),
        status=ERROR,
        see="could not determine",
        errors="could not determine|^npm (?:error|ERR!)",
    ),
)
