// The state that a snapshot and the events after it add up to. Pure: no page, no socket, no clock.
//
// A state is never changed: whoever holds one keeps it. What an event does not touch stays the same
// object in the next state, so a page sees by `===` what it need not paint again.
//
// Ids are unique within a tmux server only, so keys begin with the server's name. A window that
// several sessions show has a link in each; its panes exist once.

export const key = (server, id) => `${server} ${id}`;
// With the window in it: windows trade places one event at a time, two at one index for a moment.
const linkKey = (server, session, index, window) => `${server} ${session} ${index} ${window}`;

export function emptyState() {
  return {
    servers: new Map(), sessions: new Map(), windows: new Map(), links: new Map(), panes: new Map(),
  };
}

export function fromSnapshot(tree) {
  const state = emptyState();
  for (const server of tree.servers ?? []) state.servers.set(server.name, server);
  for (const { windows, ...session } of tree.sessions) {
    state.sessions.set(key(session.server, session.id), session);
    for (const window of windows) {
      putWindow(state, session.server, session.id, window);
      for (const pane of window.panes) putPane(state, session.server, window.id, pane);
    }
  }
  return state;
}

export const apply = (state, event) => applyAll(state, [event]);

// The state after `events`. They are taken together because the maps are copied once for all of
// them. What is not known here, types and things, changes nothing: a newer server may speak of it.
export function applyAll(state, events) {
  const draft = {};
  for (const [name, map] of Object.entries(state)) draft[name] = new Map(map);
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
const changes = new Map(Object.entries({
  "server.up": (draft, event, data) =>
    draft.servers.set(event.server, { ...data, name: event.server, up: true }),
  "server.down": (draft, event) => edit(draft.servers, event.server, { up: false }),
  "session.created": (draft, event, data) =>
    draft.sessions.set(sessionOf(event), {
      server: event.server, id: event.session_id, name: data.name, attached: data.attached ?? 0,
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
  "pane.created": (draft, event, data) => putPane(draft, event.server, event.window_id, data),
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
  "pane.exited": (draft, event, { exit_status, signal }) =>
    edit(draft.panes, paneOf(event), { dead: true, exit_status, signal }),
  "pane.title": editPane("title"),
  "pane.path": editPane("path"),
  "pane.output": (draft, event, data) => {
    const pane = draft.panes.get(paneOf(event));
    if (pane) draft.panes.set(paneOf(event), { ...pane, ...shownAfter(pane, data) });
  },
  "agent.status": (draft, event, data) => edit(draft.panes, paneOf(event), {
    ...pick(data, ["status", "reason", "agent_type"]), status_since: data.since,
  }),
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
  const age = (session) => Number(session.id.slice(1));
  return {
    servers: [...state.servers.values()],
    sessions: [...state.sessions.values()]
      .sort((a, b) => a.server.localeCompare(b.server) || age(a) - age(b))
      .map((session) => ({
        ...session, windows: (links.get(key(session.server, session.id)) ?? []).map(inside),
      })),
  };
}

function grouped(map, keyOf) {
  const groups = new Map();
  for (const one of [...map.values()].sort((a, b) => a.index - b.index)) {
    const group = groups.get(keyOf(one));
    if (group) group.push(one);
    else groups.set(keyOf(one), [one]);
  }
  return groups;
}
