// Who needs a person, and how much. Pure; times are milliseconds since the epoch.
//
// The order is the terminal's: failed, the newest first; waiting, the longest first; done, the newest
// first; then busy and idle ones by place. What was acknowledged comes last until there is news.

import { key } from "./state.js";
import { because, byName, ending } from "./words.js";

export const KINDS = ["failed", "waiting", "done", "busy", "idle"];
export const WORDS = {
  failed: "failed", waiting: "waiting", done: "done", busy: "busy", idle: "idle", seen: "seen",
};
export const SIGNS = { failed: "✗", waiting: "●", done: "✓", busy: "▶", idle: "·", seen: "·" };
const DONE_MS = 600_000; // after that, what is done is old news

// What a pane is to a person at a time.
export function kindOf(pane, now) {
  const recent = typeof pane.since === "number" && now - pane.since < DONE_MS;
  if (pane.dead) {
    if (pane.signal || pane.exit_status) return "failed";
    return recent ? "done" : "idle";
  }
  switch (pane.status) {
    case "error": return "failed";
    case "waiting": case "busy": return pane.status;
    default: return pane.finished && recent ? "done" : "idle";
  }
}

// What to say of a pane in a line: the question, the error, else what it showed last.
export function textOf(pane) {
  const last = (pane.last_line ?? "").trim();
  if (pane.dead) return [ending(pane), (pane.last_error ?? "").trim()].filter(Boolean).join(": ");
  if (pane.status === "waiting") return (pane.evidence ?? "").trim() || last || pane.reason || "";
  if (pane.status === "error") return because({ reason: pane.reason, evidence: pane.evidence?.trim() || last });
  return last || pane.reason || "";
}

export const programOf = (pane) => pane.agent_type || pane.command || "";

// Where each window is: in the session that is oldest, when several show it.
export function placesOf(state) {
  const found = new Map();
  const age = ({ session_id }) => Number(session_id.slice(1));
  for (const link of state.links.values()) {
    const window = key(link.server, link.window_id);
    const known = found.get(window);
    if (!known || age(link) < age(known)) found.set(window, link);
  }
  for (const [window, link] of found) {
    found.set(window, {
      ...link, session: state.sessions.get(key(link.server, link.session_id))?.name ?? link.session_id,
      name: state.windows.get(window)?.name ?? "",
    });
  }
  return found;
}

// All panes, those that need somebody first: {key, pane, place, kind, acknowledged}. `seen` has, for
// each pane that was acknowledged, what was news then.
export function attention(state, now, seen = new Map()) {
  const places = placesOf(state);
  const rows = [];
  for (const [id, pane] of state.panes) {
    const place = places.get(key(pane.server, pane.window_id));
    if (!place) continue; // its window is told of next, or was let go
    const kind = kindOf(pane, now);
    const acknowledged = KINDS.indexOf(kind) < KINDS.indexOf("busy") && seen.get(id) === (pane.news ?? 0);
    rows.push({ key: id, pane, place, kind, acknowledged });
  }
  return rows.sort((a, b) => compare(a, b, now));
}

function compare(a, b, now) {
  const byRank = rank(a) - rank(b);
  if (byRank) return byRank;
  if (rank(a) < KINDS.indexOf("busy")) {
    const [mine, its] = [a.pane.since ?? now, b.pane.since ?? now];
    if (mine !== its) return a.kind === "waiting" ? mine - its : its - mine;
  }
  return byPlace(a, b);
}

const rank = (row) => (row.acknowledged ? KINDS.length : KINDS.indexOf(row.kind));

const byPlace = (a, b) =>
  byName(a.place.server, b.place.server) || byName(a.place.session, b.place.session)
  || a.place.index - b.place.index || a.pane.index - b.pane.index;

// How many there are of each kind; what was acknowledged counts as what it is.
export function countsOf(rows) {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  for (const { kind } of rows) counts[kind] += 1;
  return counts;
}

// Whether a text is in what the list says of a pane.
export function matches(row, needle) {
  const { pane, place } = row;
  return !needle || [placeText(row), place.name, programOf(pane), textOf(pane), pane.title, pane.path]
    .some((one) => (one ?? "").toLowerCase().includes(needle));
}

export const placeText = ({ pane, place }) => `${place.session}:${place.index}.${pane.index}`;

// How long something has been, in the two largest units: "3 s", "5 min", "2 h 10 min".
export function ageText(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
