"""Panes for the page's tests and pictures: ``panes.py NAME`` plays a program, in colour.

They end with their terminal.
"""

from __future__ import annotations

import itertools
import sys
import time

RESET, BOLD, DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"
RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN = (f"\x1b[3{n}m" for n in range(1, 7))


def say(text: str = "", *, end: str = "\r\n") -> None:
    """Print a line at once; it ends plain."""
    sys.stdout.write(text + RESET + end)
    sys.stdout.flush()


def agent() -> None:
    """Work a little, show a change, and ask."""
    say("\x1b]2;refactor the cart\x07", end="")
    say(f"{MAGENTA}✻{RESET} {BOLD}I move the discount into a function, then run the tests.")
    say()
    say(f"{GREEN}●{RESET} {BOLD}Update{RESET}(src/cart.py)")
    say(f"  {DIM}└{RESET}  Updated src/cart.py with 3 additions and 2 removals")
    say(f"     {DIM}41{RESET}      total = sum(line.price * line.count for line in lines)")
    say("     \x1b[48;5;52m42 -    if customer.is_regular and total > 100:                 ")
    say("     \x1b[48;5;52m43 -        total *= 0.9                                        ")
    say("     \x1b[48;5;22m42 +    total -= discount(customer, total)                      ")
    say("     \x1b[48;5;22m43 +    return round(total, 2)                                  ")
    say()
    say(f"{GREEN}●{RESET} {BOLD}Bash{RESET}(run-tests tests/test_cart.py)")
    say()
    say(f"{CYAN}╭{'─' * 60}╮")
    say(f"{CYAN}│{RESET} {BOLD}Do you want to proceed?{RESET}{' ' * 36}{CYAN}│")
    say(f"{CYAN}│{RESET} {BLUE}> 1. Yes{RESET}{' ' * 51}{CYAN}│")
    say(f"{CYAN}│{RESET}   2. No, and tell me what to do differently{' ' * 16}{CYAN}│")
    say(f"{CYAN}╰{'─' * 60}╯")
    while True:
        say("Do you want to proceed? [y/n] ", end="")
        if not (line := sys.stdin.readline()):
            return
        say(f"{GREEN}you said {line.strip()}")
        for number in range(12):
            say(f"running test {number} of 12")
            time.sleep(0.2)


def failing() -> None:
    """A test run with an error; it stays."""
    say("\x1b]2;tests\x07", end="")
    say("$ run-tests --all")
    for name in ("add", "remove", "discount"):
        say(f"tests/test_cart.py::test_{name} {GREEN}PASSED")
    say(f"tests/test_cart.py::test_total {RED}FAILED")
    say(f"{RED}E   AssertionError: assert 41 == 42")
    say(f"{BOLD}{RED}1 failed{RESET}, {GREEN}3 passed{RESET} in 0.4 s")
    while sys.stdin.readline():
        pass


def done() -> None:
    """A job that ends well."""
    say("$ export-orders --all")
    for row in range(40):
        say(f"order {row} exported")
    say(f"{GREEN}{BOLD}3000 orders exported")


def build() -> None:
    """A build that goes on and on."""
    files = ("cart", "catalog", "checkout", "invoice", "search", "stock", "ship")
    for run in itertools.count(1):
        say(f"{DIM}$ make shop")
        for number, file in enumerate(files, 1):
            say(f"{BLUE}[{number * 14:3}%]{RESET} compiling src/{BOLD}{file}.c")
            if file == "stock":
                say(f'src/stock.c:41:9: {YELLOW}warning:{RESET} unused variable "left"')
            time.sleep(0.25)
        say(f"{GREEN}[100%]{RESET} linking shop")
        say(f"build {run} finished")


def log() -> None:
    """A server's log."""
    for number in itertools.count(1000):
        if number % 7 == 0:
            say(f"psql: {RED}error{RESET}: connection refused (GET /cart/{number})")
        elif number % 4 == 0:
            say(f"{YELLOW}WARN {RESET} GET /tea/{number} took 2.1 s")
        else:
            say(f"{GREEN}INFO {RESET} 200 GET /catalog/{number} in {number % 17} ms")
        time.sleep(0.4)


def prompt() -> None:
    """A question in plain text."""
    say("release 1.4.2 is ready: 12 files changed")
    say("Deploy to production? [y/N] ", end="")
    while line := sys.stdin.readline():
        say(f"answer: {line.strip()}")
        say("Deploy to production? [y/N] ", end="")


if __name__ == "__main__":
    {one.__name__: one for one in (agent, failing, done, build, log, prompt)}[sys.argv[1]]()
