// What a program asks, as requests; and what it is told, out of replies. Pure.

import { RequestError, UsageError } from "./errors.js";
import { filtersOf } from "./filters.js";
import { isEvent, isEventType, note } from "./messages.js";

const PAGE = 500; // events
const PLACES = ["server", "session", "window", "pane"];

export function wanted(options) {
  const found = filtersOf(options);
  if (!found) {
    throw new UsageError("no such filter: types, sessions, windows, panes, statuses, severity and"
      + " contains are each a text or a list of texts");
  }
  return found;
}

const isGiven = ([, value]) => value !== undefined && value !== null;
const given = (fields) => Object.fromEntries(Object.entries(fields).filter(isGiven));

export const snapshot = (target = {}, styled = false) => {
  const named = given(target);
  return {
    action: "snapshot", ...Object.keys(named).length ? { target: named } : {}, ...styled ? { styled } : {},
  };
};

export const explain = (target) => ({ action: "explain", target: given(target) });

export const emit = (type, data = {}, place = {}) =>
  ({ action: "emit", event: { ...given(place), type, data } });

// `command("send-text", {pane: "%3", text: "make"})`: what names a place is the target.
export function command(name, fields) {
  if (typeof name !== "string") throw new UsageError('a command has a name, such as "send-text"');
  const target = {};
  const rest = {};
  for (const [field, value] of Object.entries(given(fields))) {
    (PLACES.includes(field) ? target : rest)[field] = value;
  }
  return { ...rest, action: "command", command: name, target };
}

export const batch = (commands, { key, deadline_s }) => ({
  action: "batch", commands: commands.map(({ command: name, ...fields }) => command(name, fields)),
  ...given({ key, deadline_s }),
});

export const history = ({ text, since, until, newestFirst = false, limit = PAGE, ...filters }) => ({
  action: "history", filters: wanted(filters), newest_first: newestFirst,
  limit: Math.max(1, Math.min(limit, PAGE)),
  ...given({ contains: text, since: timeOf(since), until: timeOf(until) }),
});

function timeOf(time) {
  if (!(time instanceof Date)) return time;
  if (Number.isNaN(time.getTime())) throw new UsageError("that is no time");
  return time.toISOString();
}

// --- replies ---------------------------------------------------------------------------------

// A reply without what belongs to the way it came.
export const rest = ({ type, id, ...found }) => found;

export function outputOf(reply) {
  if (!reply.ok) throw new RequestError(reply.error || "tmux did not do it", "COMMAND_FAILED");
  return reply.output;
}

// The events of a page, after a gap for each range that was lost.
export function eventsOf({ events, lost }) {
  const gaps = (lost ?? []).map(({ epoch, first, last, count }) => note("stream.gap", {
    reason: "lost", first, last, dropped: count, only: null, state: null,
  }, epoch, first - 1));
  return [...gaps, ...events.filter((one) => isEventType(String(one?.type)) && isEvent(one))];
}
