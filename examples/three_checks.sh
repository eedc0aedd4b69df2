#!/bin/sh
# For CI: three checks beside each other, each in a pane of its own. Waits for all of them, and fails
# with the last lines of those that failed. Nothing of your own tmux is touched.
#
#   examples/three_checks.sh [CHECK CHECK CHECK]
set -eu

[ $# -gt 0 ] || set -- 'make lint' 'make types' 'make unit'
socket=checks-$$
tmux() { command tmux -L "$socket" "$@"; }
trap 'tmux kill-server 2>/dev/null || true' EXIT

# Panes stay after their command, with its exit status.
command tmux -L "$socket" -f /dev/null start-server \; set-option -g remain-on-exit on \; \
  new-session -d -s keep -x 200 -y 50 cat
panes=
number=0
for check in "$@"; do
  number=$((number + 1))
  tmux new-session -d -s "check-$number" -x 200 -y 50 "$check"
  panes="$panes --pane check-$number"
done

# shellcheck disable=SC2086  # several options on purpose
tmuxpulse wait -L "$socket" $panes --all --timeout "${TIMEOUT:-15m}" 'exit == 0 or exit != 0'

failed=$(tmuxpulse ls -L "$socket" --json | jq -r '
  .sessions[] | select(.name | startswith("check-")) |
  select(.windows[0].panes[0].exit_status != 0) | .name')
for name in $failed; do
  echo "--- $name failed; its last lines:"
  tmux capture-pane -p -t "$name" -S -100 | grep -v '^$' | tail -n 20
done
[ -z "$failed" ] && echo "all $number checks passed"
