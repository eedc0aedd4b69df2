// The page: the tree of what is there, and the events as they come. Text only ever goes in as text.

import { connect } from "./client.js";
import { apply, emptyState, fromSnapshot, tree } from "./state.js";

const MAX_EVENTS = 500; // rows in the page
const MAX_LINES = 40; // of one event

const byId = (id) => document.getElementById(id);
let state = emptyState();
let changed = true;
let fresh = []; // events not yet painted
let paused = false;

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// --- the tree ---------------------------------------------------------------------------

function paintTree() {
  const sessions = tree(state);
  const shown = sessions.map(sessionCard);
  if (!shown.length) shown.push(element("p", "empty", "No tmux session yet; waiting for one."));
  byId("tree").replaceChildren(...shown);
  byId("counts").textContent = `${count(sessions.length, "session")}, ${count(state.panes.size, "pane")}`;
}

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

function sessionCard(session) {
  const card = element("article", "session");
  card.append(element("h3", "", session.name));
  for (const window of session.windows) {
    const mark = window.active ? " *" : "";
    card.append(element("p", "window", `${window.index}: ${window.name ?? ""}${mark}`));
    const panes = element("ul", "panes");
    panes.append(...window.panes.map(paneRow));
    card.append(panes);
  }
  return card;
}

function paneRow(pane) {
  const row = element("li", pane.dead ? "dead" : "");
  row.dataset.pane = pane.id;
  row.append(
    element("span", pane.active ? "active" : "", `${pane.index} ${pane.id}`),
    element("span", "command", pane.command),
    element("span", "line", pane.last_line),
  );
  row.title = `${pane.title} — ${pane.path}`;
  return row;
}

// --- the events -------------------------------------------------------------------------

const SEVERITY = {
  "pane.error": "error",
  "pane.warning": "warning",
  "server.down": "warning",
  "server.trouble": "warning",
};

function textOf(event) {
  const data = event.data ?? {};
  if (event.type === "pane.output") {
    const lines = data.mode === "screen" ? Object.values(data.rows) : [...data.lines, data.partial];
    const shown = lines.filter((line) => line.trim());
    const left = shown.length - MAX_LINES;
    return (left > 0 ? [`… ${left} more lines`, ...shown.slice(-MAX_LINES)] : shown).join("\n");
  }
  return Object.entries(data)
    .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value) && value !== "")
    .map(([name, value]) => `${name}: ${value}`)
    .join("  ");
}

function wanted(event) {
  const family = byId("family").value;
  const session = byId("session").value.trim();
  const text = byId("text").value.trim().toLowerCase();
  return (!family || event.type.startsWith(`${family}.`))
    && (!session || (event.session ?? "").includes(session))
    && (!text || `${event.type}\n${textOf(event)}`.toLowerCase().includes(text));
}

function eventRow(event) {
  const row = element("li", SEVERITY[event.type] ?? "");
  const time = element("time", "", new Date(event.timestamp).toLocaleTimeString());
  time.dateTime = event.timestamp;
  const place = event.session === undefined
    ? event.server ?? ""
    : `${event.session}${event.window === undefined ? "" : `:${event.window}`}`
      + `${event.pane === undefined ? "" : `.${event.pane}`}`;
  row.append(time, element("span", "place", place), element("span", "type", event.type));
  const text = textOf(event);
  if (text) row.append(element("span", "text", text));
  return row;
}

function paintEvents() {
  const list = byId("events");
  const rows = fresh.slice(-MAX_EVENTS).filter(wanted).map(eventRow).reverse();
  fresh = [];
  list.prepend(...rows);
  while (list.childElementCount > MAX_EVENTS) list.lastElementChild.remove();
}

// One paint a frame, however many events came.
function paint() {
  if (changed) {
    changed = false;
    paintTree();
  }
  if (fresh.length && !paused) paintEvents();
  byId("pause").textContent = paused ? `Go on (${fresh.length} wait)` : "Pause";
}

let asked = false;

function schedule() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    paint();
  });
}

// --- what moves it ----------------------------------------------------------------------

const STATES = { connecting: "connecting…", open: "live", closed: "not connected; trying again" };

function notice(text) {
  const shown = byId("notice");
  shown.textContent = text;
  shown.hidden = false;
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => { shown.hidden = true; }, 15_000);
}

connect(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/monitor`, {
  onState(name) {
    byId("connection").dataset.state = name;
    byId("connection").textContent = STATES[name];
  },
  onSnapshot(data) {
    state = fromSnapshot(data);
    changed = true;
    schedule();
  },
  onEvent(event) {
    apply(state, event);
    changed = true;
    fresh.push(event);
    if (fresh.length > 2 * MAX_EVENTS) fresh = fresh.slice(-MAX_EVENTS);
    schedule();
  },
  onNotice: notice,
});

byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  schedule();
});
byId("filters").addEventListener("submit", (event) => event.preventDefault());
schedule();
