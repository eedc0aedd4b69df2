# The panes of `tmuxpulse demo`, in plain sh: sh panes.sh NAME
# DEMO_PID is the process that shows them; without it they end, whatever became of it.
# DEMO_TMUX is the tmux program.

red=$(printf '\033[1;31m') green=$(printf '\033[32m') yellow=$(printf '\033[1;33m')
blue=$(printf '\033[38;5;75m') violet=$(printf '\033[38;2;190;120;255m') plain=$(printf '\033[m')

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
            say "$blue[ $done%]$plain ${green}compiling$plain src/$file.c"
            [ "$file" = stock ] && [ $((run % 2)) = 0 ] &&
                say "src/stock.c:41:9: ${violet}warning:$plain unused variable 'left' [-Wunused-variable]"
            rest 1
        done
        say "$blue[100%]$plain ${green}linking$plain shop"
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
            say "tests/test_cart.py::test_$test ${green}PASSED$plain"
            rest 1
        done
        say "tests/test_cart.py::test_total ${red}FAILED$plain"
        say "${red}E   AssertionError: assert 41 == 42$plain"
        printf '\a'
        say "${red}1 failed$plain, ${green}4 passed$plain in 4.0 s"
        run=$((run + 1))
        rest 6
    done
}

deploy() {
    while :; do
        rest 2
        say "release ${violet}1.4.2$plain is ready: ${green}12 files changed$plain"
        printf '%sDeploy to production?%s [y/N] ' "$yellow" "$plain"
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
            0) say "${red}ERROR$plain 500 GET /cart/$number: connection to the database was refused" ;;
            3 | 6) say "${blue}INFO$plain  200 GET /search?q=tea+$number" ;;
            *) say "${blue}INFO$plain  200 GET /catalog/$number" ;;
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
