// The history of a pane's status as stretches of time. Pure.

import { timeOf } from "./state.js";
import { because, ending } from "./words.js";

const MAX_TURNS = 200;
const SHORTEST_MS = 60_000;
const LONGEST_MS = 86_400_000;

// Turns that were seen, after those that the history knows; both oldest first.
export function recalled(known, past) {
  const first = known[0]?.at ?? Infinity;
  return [...past.filter((one) => one.at < first), ...known].slice(-MAX_TURNS);
}

// The turns of one pane in events of the history, oldest first. `since`: when its tmux server
// started; before, the same id was another pane.
export function turnsOf(events, { server, id, since }) {
  return events
    .filter((one) => one.server === server && one.pane_id === id && timeOf(one.timestamp) >= since)
    .map(turnOf)
    .sort((a, b) => a.at - b.at);
}

function turnOf({ type, timestamp, data }) {
  const at = timeOf(data.since) ?? timeOf(timestamp);
  return type === "agent.status" ? { at, status: data.status, why: because(data) }
    : { at, status: data.signal || data.exit_status ? "failed" : "ended", why: ending({ ...data, dead: true }) };
}

// Stretches from `begin` to `end`: {status, why, from, to}; what is before the first turn is unknown.
export function stretches(turns, begin, end) {
  const found = [];
  turns.forEach((turn, at) => {
    const to = Math.min(turns[at + 1]?.at ?? end, end);
    const from = Math.max(turn.at, begin);
    if (to <= from) return;
    const last = found.at(-1);
    if (last && last.status === turn.status && last.why === turn.why && last.to === from) last.to = to;
    else found.push({ status: turn.status, why: turn.why, from, to });
  });
  if (!found.length || found[0].from > begin) {
    found.unshift({ status: "unknown", why: "", from: begin, to: found[0]?.from ?? end });
  }
  return found;
}

// From when on to show: the first turn, but at least a minute and at most a day.
export function beginOf(turns, now) {
  return Math.max(now - LONGEST_MS, Math.min(turns[0]?.at ?? now, now - SHORTEST_MS));
}

// How long each status held in all: [[status, milliseconds], …], the longest first.
export function totals(found) {
  const sums = new Map();
  for (const { status, from, to } of found) sums.set(status, (sums.get(status) ?? 0) + to - from);
  return [...sums].sort((a, b) => b[1] - a[1]);
}
