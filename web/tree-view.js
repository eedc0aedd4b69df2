// Sessions, their windows and panes, each pane with its command, since when, and what it uses.

import { pathOf } from "./activity.js";
import { ageText, kindOf, programOf, SIGNS, textOf, WORDS } from "./attention.js";
import { usage } from "./attention-view.js";
import { button, byId, element, picture, reconcile, setAttribute, setText } from "./dom.js";
import { key } from "./state.js";
import { clean, counted, ending, name } from "./words.js";

const parts = new WeakMap(); // an element -> those of its parts that change
const [WIDTH, HEIGHT] = [60, 14];

const keep = (node, its) => {
  parts.set(node, its);
  return node;
};

// `context`: {chosen, now, levels(key), choose(key, by_hand)}
export function paintTree({ servers, sessions }, context) {
  const panes = new Set(sessions.flatMap((one) => one.windows.flatMap(
    (window) => window.panes.map((pane) => key(one.server, pane.id)))));
  setText(byId("size"), `${counted(sessions.length, "session")}, ${counted(panes.size, "pane")}`);
  reconcile(byId("tree"), sessions, (one) => `${one.server} ${one.id}`, sessionCard,
    (card, session) => updateSession(card, session, servers.length > 1, context));
}

// What to say when there is no session. That none runs and that none is watched are two things.
export function emptiness({ servers, sessions }) {
  if (sessions.size) return "";
  const all = [...servers.values()];
  if (all.some((server) => server.up)) return "tmux runs, without a session.";
  const sockets = all.map((server) => clean(server.socket)).join(", ");
  return sockets ? `No tmux server runs at ${sockets}. It will show here when it does.`
    : "No tmux server is watched yet.";
}

function sessionCard() {
  const its = { title: element("h3"), about: element("span", "about"), windows: element("div") };
  const card = element("details", "session", element("summary", "", its.title, its.about), its.windows);
  card.open = true;
  return keep(card, its);
}

function updateSession(card, session, several, context) {
  const { title, about, windows } = parts.get(card);
  setText(title, name(session.name));
  setText(about, [
    several && name(session.server),
    counted(session.windows.length, "window"),
    session.attached > 0 && `${session.attached} attached`,
  ].filter(Boolean).join(" · "));
  reconcile(windows, session.windows, (one) => `${one.index} ${one.id}`, windowPart,
    (part, window) => updateWindow(part, window, session, context));
}

function windowPart() {
  const its = { title: element("h4"), panes: element("ul", "panes") };
  return keep(element("div", "window", its.title, its.panes), its);
}

function updateWindow(part, window, session, context) {
  const { title, panes } = parts.get(part);
  part.classList.toggle("current", Boolean(window.active));
  setText(title, `${window.index}: ${name(window.name)}${window.active ? " · current" : ""}`
    + `${window.zoomed ? " · zoomed" : ""}`);
  setAttribute(panes, "aria-label", `Panes of window ${window.index}`);
  reconcile(panes, window.panes, (pane) => pane.id,
    (pane) => paneRow(() => context.choose(key(session.server, pane.id), true)),
    (row, pane) => updatePane(row, pane, context));
}

function paneRow(choose) {
  const its = {
    sign: element("span", "sign"), index: element("span", "index"), command: element("bdi", "command"),
    spark: picture("spark", WIDTH, HEIGHT), age: element("span", "age"), line: element("bdi", "line"),
    use: element("span", "use"), made: button("pane-row", "", choose),
  };
  its.sign.ariaHidden = "true";
  its.made.append(its.sign, its.index, its.command, its.spark, its.age, its.line, its.use);
  return keep(element("li", "pane", its.made), its);
}

function updatePane(row, pane, { chosen, now, levels }) {
  const { sign, index, command, spark, age, line, use, made } = parts.get(row);
  const id = key(pane.server, pane.id);
  const kind = kindOf(pane, now);
  const ended = ending(pane);
  row.classList.toggle("active", Boolean(pane.active));
  setAttribute(row, "data-pane", pane.id);
  setAttribute(made, "data-kind", kind);
  setAttribute(made, "aria-current", id === chosen ? "true" : null);
  setAttribute(made, "title", `${pane.id} ${clean(pane.path)}\n${clean(pane.title)}`);
  setText(sign, SIGNS[kind]);
  setText(index, `.${pane.index}`);
  setText(command, name(programOf(pane)) + (ended && ` (${ended})`));
  setText(age, WORDS[kind] + (typeof pane.since === "number" ? ` ${ageText(now - pane.since)}` : ""));
  const said = ["waiting", "failed"].includes(kind) && !pane.dead ? textOf(pane) : (pane.last_line ?? "").trim();
  setText(line, clean(said));
  setText(use, usage(pane));
  setAttribute(spark.firstChild, "d", pathOf(levels(id), WIDTH, HEIGHT));
}
