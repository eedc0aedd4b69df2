// The state that a snapshot and the events after it add up to. Pure: no page, no socket, no clock.
//
// A state is never changed: whoever holds one keeps it. What an event does not touch stays the same
// object in the next state, so a page sees by `===` what it need not paint again.
//
// Of each pane it knows more than a snapshot tells: since when its status holds, what showed it, what
// it was before (`turns`), what its processes use. Times are milliseconds since the epoch: those of
// what is told, or, where an event has `received`, that (in a replay the others are of long ago).
//
// Ids are unique within a tmux server only, so keys begin with the server's name. A window that
// several sessions show has a link in each; its panes exist once.

import { because, byName, ending } from "./words.js";

export const key = (server, id) => `${server} ${id}`;
// With the window in it: windows trade places one event at a time, two at one index for a moment.
const linkKey = (server, session, index, window) => `${server} ${session} ${index} ${window}`;

export function emptyState() {
  return {
    servers: new Map(), sessions: new Map(), windows: new Map(), links: new Map(), panes: new Map(),
  };
}

const MAX_TURNS = 200; // of a pane's status
const OF_PANES = /^(?:pane\.|agent\.status$|system\.stats$)/; // events that change panes at most

// The state of a snapshot. What `before` knows besides of panes that are still there is kept.
export function fromSnapshot(tree, before = null, received = undefined) {
  const state = emptyState();
  for (const server of tree.servers ?? []) state.servers.set(server.name, server);
  for (const { windows, ...session } of tree.sessions) {
    state.sessions.set(key(session.server, session.id), session);
    for (const window of windows) {
      putWindow(state, session.server, session.id, window);
      for (const pane of window.panes) {
        const known = before?.panes.get(key(session.server, pane.id));
        const since = received === undefined ? timeOf(pane.status_since) : known?.since ?? null;
        putPane(state, session.server, window.id, known ? told(known, pane, since) : begun(pane, since));
      }
    }
  }
  return state;
}

// The state with all times from now on: what was told of them was of long ago.
export function rebased(state, now) {
  const panes = new Map([...state.panes].map(([id, pane]) => [id, { ...pane, since: now, turns: [] }]));
  return { ...state, panes };
}

export const apply = (state, event) => applyAll(state, [event]);

// The state after `events`. They are taken together because the maps are copied once for all of
// them, and only that of the panes where nothing else can change. What is not known here, types and
// things, changes nothing: a newer server may speak of it.
export function applyAll(state, events) {
  const draft = { ...state };
  const touched = events.every(({ type }) => OF_PANES.test(type)) ? ["panes"] : Object.keys(state);
  for (const name of touched) draft[name] = new Map(state[name]);
  for (const event of events) changes.get(event.type)?.(draft, event, event.data ?? {});
  return draft;
}

function putWindow(draft, server, session, { id, index, name, layout, zoomed, active }) {
  draft.windows.set(key(server, id), { server, id, name, layout, zoomed });
  draft.links.set(linkKey(server, session, index, id), {
    server, session_id: session, index, window_id: id, active,
  });
}

function putPane(draft, server, window, pane) {
  draft.panes.set(key(server, pane.id), { ...pane, server, window_id: window });
}

function edit(map, id, fields) {
  const found = map.get(id);
  if (found) map.set(id, { ...found, ...fields });
}

const paneOf = (event) => key(event.server, event.pane_id);
const windowOf = (event) => key(event.server, event.window_id);
const sessionOf = (event) => key(event.server, event.session_id);
const linkOf = (event, index = event.window) =>
  linkKey(event.server, event.session_id, index, event.window_id);

const editSession = (...fields) => (draft, event, data) =>
  edit(draft.sessions, sessionOf(event), pick(data, fields));
const editWindow = (...fields) => (draft, event, data) =>
  edit(draft.windows, windowOf(event), pick(data, fields));
const editPane = (...fields) => (draft, event, data) =>
  edit(draft.panes, paneOf(event), pick(data, fields));
const pick = (data, fields) => Object.fromEntries(fields.map((field) => [field, data[field]]));

// A Map, not an object: a type such as `constructor` must find nothing.
// A pane of which a snapshot is the first that is known.
const begun = (pane, since) => ({
  ...pane, since, turns: since === null ? [] : [{ at: since, status: pane.status, why: pane.reason }],
});

// A pane of which a snapshot tells anew.
function told(known, pane, since) {
  const { evidence, finished, turns, rows, errors, news, cpu, memory, processes } = known;
  const kept = { turns, rows, errors, news, cpu, memory, processes };
  if (pane.status === known.status && pane.dead === known.dead) {
    return { ...pane, ...kept, evidence, finished, since: known.since ?? since };
  }
  return {
    ...pane, ...kept, since, news: (news ?? 0) + 1, finished: isFinish(known.status, pane.status),
    turns: since === null ? turns : turned(turns, { at: since, status: pane.status, why: pane.reason }),
  };
}

const isFinish = (from, to) => to === "ready" && ["busy", "waiting", "error"].includes(from);

const turned = (turns, turn) => [...(turns ?? []), turn].slice(-MAX_TURNS);

export function timeOf(stamp) {
  const found = Date.parse(stamp ?? "");
  return Number.isNaN(found) ? null : found;
}

const at = (event, stamp) => event.received ?? timeOf(stamp) ?? timeOf(event.timestamp);

const changes = new Map(Object.entries({
  "server.up": (draft, event, data) =>
    draft.servers.set(event.server, { ...data, name: event.server, up: true }),
  "server.down": (draft, event) => edit(draft.servers, event.server, { up: false }),
  "session.created": (draft, event, data) =>
    draft.sessions.set(sessionOf(event), {
      server: event.server, id: event.session_id, name: data.name, attached: data.attached ?? 0,
      created: data.created ?? 0,
    }),
  "session.removed": (draft, event) => draft.sessions.delete(sessionOf(event)),
  "session.renamed": editSession("name"),
  "session.attached": editSession("attached"),
  "session.detached": editSession("attached"),
  "window.created": (draft, event, data) => putWindow(draft, event.server, event.session_id, data),
  "window.removed": (draft, event) => {
    draft.links.delete(linkOf(event));
    for (const link of draft.links.values()) {
      if (link.server === event.server && link.window_id === event.window_id) return;
    }
    draft.windows.delete(windowOf(event));
  },
  "window.renamed": editWindow("name"),
  "window.layout": editWindow("layout", "zoomed"),
  "window.moved": (draft, event, data) => {
    const link = draft.links.get(linkOf(event, data.previous));
    if (!link) return;
    draft.links.delete(linkOf(event, data.previous));
    draft.links.set(linkOf(event, data.index), { ...link, index: data.index });
  },
  "window.activated": (draft, event) => {
    const chosen = linkOf(event);
    for (const [id, link] of draft.links) {
      if (link.server === event.server && link.session_id === event.session_id) {
        draft.links.set(id, { ...link, active: id === chosen });
      }
    }
  },
  "pane.created": (draft, event, data) => putPane(draft, event.server, event.window_id, begun(data, null)),
  "pane.removed": (draft, event) => draft.panes.delete(paneOf(event)),
  "pane.moved": editPane("index", "window_id", "active"),
  "pane.activated": (draft, event) => {
    const chosen = draft.panes.get(paneOf(event));
    if (!chosen) return;
    for (const [id, pane] of draft.panes) {
      const active = pane === chosen;
      if (pane.server === event.server && pane.window_id === chosen.window_id
        && pane.active !== active) draft.panes.set(id, { ...pane, active });
    }
  },
  "pane.resized": editPane("width", "height"),
  "pane.command": (draft, event, { command, pid }) =>
    edit(draft.panes, paneOf(event), { command, pid, dead: false, exit_status: null, signal: null }),
  "pane.exited": (draft, event, { exit_status, signal }) => {
    const pane = draft.panes.get(paneOf(event));
    if (!pane) return;
    const since = at(event);
    const ended = { dead: true, exit_status, signal };
    const turn = { at: since, status: signal || exit_status ? "failed" : "ended", why: ending(ended) };
    draft.panes.set(paneOf(event), {
      ...pane, ...ended, since, news: (pane.news ?? 0) + 1, turns: turned(pane.turns, turn),
    });
  },
  "pane.title": editPane("title"),
  "pane.path": editPane("path"),
  "pane.output": (draft, event, data) => {
    const pane = draft.panes.get(paneOf(event));
    if (pane) draft.panes.set(paneOf(event), { ...pane, ...shownAfter(pane, data) });
  },
  "pane.error": (draft, event, data) => {
    const pane = draft.panes.get(paneOf(event));
    if (!pane) return;
    draft.panes.set(paneOf(event), {
      ...pane, errors: (pane.errors ?? 0) + 1, last_error: data.line, news: (pane.news ?? 0) + 1,
    });
  },
  "agent.status": (draft, event, data) => {
    const pane = draft.panes.get(paneOf(event));
    if (!pane) return;
    const since = at(event, data.since);
    const fields = ["status", "reason", "agent_type", "evidence"];
    const is_news = ["status", "reason", "evidence"].some((one) => (pane[one] ?? "") !== (data[one] ?? ""));
    draft.panes.set(paneOf(event), {
      ...pane, ...pick(data, fields), since, status_since: data.since,
      finished: isFinish(pane.status, data.status),
      news: (pane.news ?? 0) + (is_news ? 1 : 0),
      turns: turned(pane.turns, { at: since, status: data.status, why: because(data) }),
    });
  },
  "system.stats": (draft, event, { panes = [] }) => {
    for (const { pane_id, cpu_percent: cpu, memory_bytes: memory, processes } of panes) {
      edit(draft.panes, key(event.server, pane_id), { cpu, memory, processes });
    }
  },
}));

// What a pane shows last, by the server's own rule: the lowest row of a screen, the prompt or the
// last finished line of a pane that appends; blank ones say nothing. Of a screen only the rows that
// ever changed are known, so until its lowest one does, the one above it stands here.
function shownAfter(pane, data) {
  const rows = data.mode === "screen" ? { ...pane.rows, ...data.rows } : undefined;
  const shown = rows
    ? Object.keys(rows).sort((a, b) => a - b).map((at) => rows[at])
    : [...data.lines ?? [], data.partial ?? ""];
  return { rows, last_line: shown.findLast((line) => line.trim()) ?? pane.last_line };
}

// Sessions by age, their windows and panes by index: the snapshot's shape again.
export function tree(state) {
  const panes = grouped(state.panes, (pane) => key(pane.server, pane.window_id));
  const links = grouped(state.links, (link) => key(link.server, link.session_id));
  const inside = (link) => ({
    ...state.windows.get(key(link.server, link.window_id)),
    index: link.index,
    active: link.active,
    panes: panes.get(key(link.server, link.window_id)) ?? [],
  });
  return {
    servers: [...state.servers.values()],
    sessions: byAge(state.sessions).map((session) => ({
      ...session, windows: (links.get(key(session.server, session.id)) ?? []).map(inside),
    })),
  };
}

const ageOf = (session) => Number(session.id.slice(1));

// Sessions, each server's oldest first.
export const byAge = (sessions) => [...sessions.values()]
  .sort((a, b) => byName(a.server, b.server) || ageOf(a) - ageOf(b));

function grouped(map, keyOf) {
  const groups = new Map();
  for (const one of [...map.values()].sort((a, b) => a.index - b.index)) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return groups;
}
