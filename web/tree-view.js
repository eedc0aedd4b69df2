// Sessions, their windows and panes, each pane with its command and what it showed last.

import { element, reconcile, setText } from "./dom.js";
import { clean, counted, ending, name } from "./words.js";

const painted = new WeakMap(); // a pane's row -> the pane it shows
const parts = new WeakMap(); // an element -> those of its parts that change

const keep = (node, its) => {
  parts.set(node, its);
  return node;
};

export function paintTree(parent, { servers, sessions }) {
  reconcile(parent, sessions, (one) => `${one.server} ${one.id}`, sessionCard,
    (card, session) => updateSession(card, session, servers.length > 1));
}

// What to say when there is no session. That none runs and that none is watched are two things.
export function emptiness({ servers, sessions }) {
  if (sessions.length) return "";
  if (servers.some((server) => server.up)) return "tmux runs, without a session.";
  const sockets = servers.map((server) => clean(server.socket)).join(", ");
  return sockets ? `No tmux server runs at ${sockets}. It will show here when it does.`
    : "No tmux server is watched yet.";
}

function sessionCard() {
  const its = { title: element("h3"), about: element("span", "about"), windows: element("div") };
  const card = element("details", "session", element("summary", "", its.title, its.about), its.windows);
  card.open = true;
  return keep(card, its);
}

function updateSession(card, session, several) {
  const { title, about, windows } = parts.get(card);
  setText(title, name(session.name));
  setText(about, [
    several && name(session.server),
    counted(session.windows.length, "window"),
    session.attached > 0 && `${session.attached} attached`,
  ].filter(Boolean).join(" · "));
  reconcile(windows, session.windows, (one) => `${one.index} ${one.id}`, windowPart, updateWindow);
}

function windowPart() {
  const its = { title: element("h4"), panes: element("ul", "panes") };
  return keep(element("section", "window", its.title, its.panes), its);
}

function updateWindow(part, window) {
  const { title, panes } = parts.get(part);
  part.classList.toggle("current", Boolean(window.active));
  setText(title, `${window.index}: ${name(window.name)}${window.active ? " · current" : ""}`
    + `${window.zoomed ? " · zoomed" : ""}`);
  panes.ariaLabel = `Panes of window ${window.index}`;
  reconcile(panes, window.panes, (pane) => pane.id, paneRow, updatePane);
}

function paneRow() {
  const its = {
    index: element("span", "index"), command: element("span", "command"), line: element("bdi", "line"),
  };
  return keep(element("li", "pane", its.index, its.command, its.line), its);
}

function updatePane(row, pane) {
  if (painted.get(row) === pane) return;
  painted.set(row, pane);
  const { index, command, line } = parts.get(row);
  const ended = ending(pane);
  row.classList.toggle("active", Boolean(pane.active));
  row.classList.toggle("dead", Boolean(ended) && ended !== "exit 0");
  row.dataset.pane = pane.id;
  row.title = `${pane.id} ${clean(pane.path)}\n${clean(pane.title)}`;
  setText(index, `.${pane.index}`);
  setText(command, name(pane.command) + (ended && ` (${ended})`));
  setText(line, clean((pane.last_line ?? "").trim()));
}
