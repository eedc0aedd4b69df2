#!/bin/sh
# Questions in one line each, with jq. `one-liners.sh NAME` runs one; without a name it lists them.
set -eu

case ${1-} in
waiting) # who waits for me, the longest first, with the question
  tmuxpulse ls --json | jq -r '
    [.sessions[] as $s | $s.windows[] as $w | $w.panes[] | select(.status == "waiting")
     | {at: .status_since, text: "\($s.name):\($w.index).\(.index)  \(.reason): \(.last_line)"}]
    | sort_by(.at)[].text'
  ;;
failed) # which panes failed, and why
  tmuxpulse ls --json | jq -r '
    .sessions[] as $s | $s.windows[] as $w | $w.panes[] | select(.status == "error")
    | "\($s.name):\($w.index).\(.index)  \(.reason)"'
  ;;
count) # how many panes are in which status
  tmuxpulse ls --json | jq -c '[.sessions[].windows[].panes[].status] | group_by(.)
    | map({(.[0]): length}) | add'
  ;;
statuses) # each change of a status, as it happens
  tmuxpulse watch --json --type agent.status | jq --unbuffered -r '
    "\(.timestamp) \(.session):\(.window).\(.pane) \(.data.previous) -> \(.data.status): \(.data.reason)"'
  ;;
errors) # each line of an error that is printed anywhere, as it happens
  tmuxpulse watch --json --type pane.error | jq --unbuffered -r '"\(.session): \(.data.line)"'
  ;;
screen) # what a pane shows: one-liners.sh screen SESSION
  session=${2:?the name of a session}
  jq -nc --arg session "$session" '{
    action: "command", command: "capture", target: {session: $session}}' |
    tmuxpulse pipe | jq -r .output
  ;;
*)
  sed -n 's/^\([a-z]*\)) # /\1	/p' "$0"
  ;;
esac
