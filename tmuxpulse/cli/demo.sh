# The panes of `tmuxpulse demo`, in plain sh: sh panes.sh NAME
# DEMO_PID is the process that shows them; without it they end, whatever became of it.
# DEMO_TMUX is the tmux program.

say() {
    printf '%s\n' "$*"
}

rest() {
    sleep "$1"
    kill -0 "$DEMO_PID" 2>/dev/null || exec "$DEMO_TMUX" kill-server
}

title() {
    printf '\033]2;%s\007' "$*"
}

build() {
    run=1
    while :; do
        title "build $run"
        say "\$ make shop"
        done=0
        for file in cart catalog checkout invoice search stock ship; do
            done=$((done + 14))
            say "[ $done%] compiling src/$file.c"
            [ "$file" = stock ] && [ $((run % 2)) = 0 ] &&
                say "src/stock.c:41:9: warning: unused variable 'left' [-Wunused-variable]"
            rest 1
        done
        say "[100%] linking shop"
        say "build $run finished in 7 s"
        run=$((run + 1))
        rest 4
    done
}

tests() {
    run=1
    while :; do
        title "tests $run"
        say "\$ run-tests --all"
        for test in add remove discount shipping; do
            say "tests/test_cart.py::test_$test PASSED"
            rest 1
        done
        say "tests/test_cart.py::test_total FAILED"
        say "E   AssertionError: assert 41 == 42"
        printf '\a'
        say "1 failed, 4 passed in 4.0 s"
        run=$((run + 1))
        rest 6
    done
}

deploy() {
    while :; do
        rest 2
        say "release 1.4.2 is ready: 12 files changed"
        printf 'Deploy to production? [y/N] '
        read -r answer || exec "$DEMO_TMUX" kill-server
        case $answer in
            y*) say "deploying ... done" ;;
            *) say "not deployed" ;;
        esac
    done
}

log() {
    number=1000
    while :; do
        case $((number % 9)) in
            0) say "ERROR 500 GET /cart/$number: connection to the database was refused" ;;
            3 | 6) say "INFO  200 GET /search?q=tea+$number" ;;
            *) say "INFO  200 GET /catalog/$number" ;;
        esac
        number=$((number + 1))
        rest 2
    done
}

flood() {
    while :; do
        rest 15
        say "\$ export-orders --all"
        row=1
        while [ $row -le 3000 ]; do
            say "order $row exported"
            row=$((row + 1))
        done
        say "3000 orders exported"
    done
}

case $1 in
    build | tests | deploy | log | flood) "$1" ;;
    *)
        say "unknown pane: $1" >&2
        exit 2
        ;;
esac
