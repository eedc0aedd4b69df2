// The state that a snapshot and the events after it add up to. Pure: no page, no socket.
//
// Ids are unique within a tmux server only, so keys begin with the server's name. A window that
// several sessions show has a link in each; its panes exist once.

export function emptyState() {
  return { sessions: new Map(), windows: new Map(), links: new Map(), panes: new Map() };
}

const key = (server, id) => `${server} ${id}`;
const linkKey = (server, session, index, window) => `${server} ${session} ${index} ${window}`;

export function fromSnapshot(tree) {
  const state = emptyState();
  for (const session of tree.sessions) {
    const server = session.server;
    state.sessions.set(key(server, session.id), {
      server, id: session.id, name: session.name, attached: session.attached,
    });
    for (const window of session.windows) {
      putWindow(state, server, session.id, window);
      for (const pane of window.panes) {
        state.panes.set(key(server, pane.id), { ...pane, server, window_id: window.id });
      }
    }
  }
  return state;
}

function putWindow(state, server, session, window) {
  state.windows.set(key(server, window.id), {
    server, id: window.id, name: window.name, layout: window.layout, zoomed: window.zoomed,
  });
  state.links.set(linkKey(server, session, window.index, window.id), {
    server, session_id: session, index: window.index, window_id: window.id, active: window.active,
  });
}

// Changes `state` by one event; an event about something that is not there changes nothing.
export function apply(state, event) {
  const change = changes[event.type];
  if (change) change(state, event, event.data ?? {});
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

const changes = {
  "session.created": (state, event, data) =>
    state.sessions.set(sessionOf(event), {
      server: event.server, id: event.session_id, name: data.name, attached: data.attached ?? 0,
    }),
  "session.removed": (state, event) => state.sessions.delete(sessionOf(event)),
  "session.renamed": (state, event, data) =>
    edit(state.sessions, sessionOf(event), { name: data.name }),
  "session.attached": (state, event, data) =>
    edit(state.sessions, sessionOf(event), { attached: data.attached }),
  "session.detached": (state, event, data) =>
    edit(state.sessions, sessionOf(event), { attached: data.attached }),
  "window.created": (state, event, data) =>
    putWindow(state, event.server, event.session_id, data),
  "window.removed": (state, event) => {
    state.links.delete(linkOf(event));
    for (const link of state.links.values()) {
      if (link.server === event.server && link.window_id === event.window_id) return;
    }
    state.windows.delete(windowOf(event));
  },
  "window.renamed": (state, event, data) =>
    edit(state.windows, windowOf(event), { name: data.name }),
  "window.layout": (state, event, data) =>
    edit(state.windows, windowOf(event), { layout: data.layout, zoomed: data.zoomed }),
  "window.moved": (state, event, data) => {
    const link = state.links.get(linkOf(event, data.previous));
    if (!link) return;
    state.links.delete(linkOf(event, data.previous));
    state.links.set(linkOf(event, data.index), { ...link, index: data.index });
  },
  "window.activated": (state, event) => {
    const chosen = linkOf(event);
    for (const [id, link] of state.links) {
      if (link.server === event.server && link.session_id === event.session_id) {
        state.links.set(id, { ...link, active: id === chosen });
      }
    }
  },
  "pane.created": (state, event, data) =>
    state.panes.set(paneOf(event), { ...data, server: event.server, window_id: event.window_id }),
  "pane.removed": (state, event) => state.panes.delete(paneOf(event)),
  "pane.moved": (state, event, data) =>
    edit(state.panes, paneOf(event), {
      index: data.index, window_id: data.window_id, active: data.active,
    }),
  "pane.activated": (state, event) => {
    const chosen = state.panes.get(paneOf(event));
    if (!chosen) return;
    for (const [id, pane] of state.panes) {
      if (pane.server === event.server && pane.window_id === chosen.window_id) {
        state.panes.set(id, { ...pane, active: pane === chosen });
      }
    }
  },
  "pane.resized": (state, event, data) =>
    edit(state.panes, paneOf(event), { width: data.width, height: data.height }),
  "pane.command": (state, event, data) =>
    edit(state.panes, paneOf(event), { command: data.command, pid: data.pid, dead: false }),
  "pane.exited": (state, event, data) =>
    edit(state.panes, paneOf(event), { dead: true, exit_status: data.exit_status }),
  "pane.title": (state, event, data) => edit(state.panes, paneOf(event), { title: data.title }),
  "pane.path": (state, event, data) => edit(state.panes, paneOf(event), { path: data.path }),
  "pane.output": (state, event, data) => {
    const line = lastLine(data);
    if (line) edit(state.panes, paneOf(event), { last_line: line });
  },
};

function lastLine(data) {
  const shown = data.mode === "screen"
    ? Object.entries(data.rows).sort((a, b) => a[0] - b[0]).map((row) => row[1])
    : [...data.lines, data.partial];
  return shown.filter((line) => line.trim()).at(-1);
}

// Sessions by age, their windows and panes by index, as a page shows them.
export function tree(state) {
  const age = (id) => Number(id.slice(1));
  const panes = new Map();
  for (const pane of state.panes.values()) {
    const window = key(pane.server, pane.window_id);
    if (!panes.has(window)) panes.set(window, []);
    panes.get(window).push(pane);
  }
  const windows = new Map();
  for (const link of [...state.links.values()].sort((a, b) => a.index - b.index)) {
    const session = key(link.server, link.session_id);
    const window = state.windows.get(key(link.server, link.window_id));
    const inside = (panes.get(key(link.server, link.window_id)) ?? [])
      .sort((a, b) => a.index - b.index);
    if (!windows.has(session)) windows.set(session, []);
    windows.get(session).push({ ...window, index: link.index, active: link.active, panes: inside });
  }
  return [...state.sessions.values()]
    .sort((a, b) => a.server.localeCompare(b.server) || age(a.id) - age(b.id))
    .map((session) => ({ ...session, windows: windows.get(key(session.server, session.id)) ?? [] }));
}
