// The page: what comes in changes values, and once a frame the values are painted.

import { Activity } from "./activity.js";
import { attention } from "./attention.js";
import { AttentionView, CountsView } from "./attention-view.js";
import { connect } from "./client.js";
import { ConnectionView } from "./connection-view.js";
import { byId, setText } from "./dom.js";
import { EventFilters } from "./event-filters.js";
import { HistoryView } from "./history-view.js";
import { Log } from "./log-view.js";
import { Looks } from "./looks.js";
import { Missed } from "./missed.js";
import { Notify } from "./notify.js";
import { PaneView } from "./pane-view.js";
import { ReplayView } from "./replay-view.js";
import { isShown, show, watchKeys, watchTheme, watchViews } from "./shell.js";
import { applyAll, emptyState, fromSnapshot, key, rebased, tree } from "./state.js";
import { turnsOf } from "./timeline.js";
import { fromAddress, keep, recall } from "./token.js";
import { emptiness, paintTree } from "./tree-view.js";
import { Typing } from "./typing.js";

const arrived = fromAddress(); // before anything else
const monitor = connect({ // and this next: while its socket opens, the page is made
  token: arrived ?? recall(), reconnect: "always", onToken: keep, onState: stand,
});
const MAX_PENDING = 1000; // events between two frames; a page that is not seen has no frames
const TICK_MS = 1000;
const REST_MS = 40; // after a picture with news, which is enough for the eye
const MANY = 20; // events in a picture: nobody reads that fast, so that the next one can wait
const LONG_REST_MS = 120;
const VIEWS = ["attention", "sessions", "screen", "live"];

let state = emptyState();
let known = false; // whether a snapshot ever came
let pending = []; // events that are neither in the state nor in the log yet
let asked = false; // for a frame
let viewed = false; // whether panes were painted
let quiet = 0; // until when there is none, by the page's clock
let rows = []; // of `attention`, as they were painted last
let chosen = null; // the key of the pane on the right
let replayed = false; // times in events are of a recording
let ticked = 0;
const seen = new Map(); // pane -> its `news` when somebody acknowledged it
const recalled = new Set(); // panes whose past was asked for
const activity = new Activity();
const missed = new Missed();
const log = new Log(byId("events"));

const connection = new ConnectionView((token) => monitor.retry(token));
const list = new AttentionView((key, by_hand) => (key ? choose(key, by_hand) : schedule()));
const counts = new CountsView(schedule);
const pane = new PaneView({ acknowledge });
const filters = new EventFilters((wanted) => {
  log.filter(wanted);
  schedule();
});
const notify = new Notify((key) => choose(key, true), (text) => notice(text, "stream.error"));

// --- what comes in ----------------------------------------------------------------------

function begin(tree) {
  fold();
  known = true;
  connection.known();
  state = fromSnapshot(tree, state, replayed ? Date.now() : undefined);
  looks.news(chosen);
  schedule();
}

function take(item) {
  switch (item.type) {
    case "stream.gap": case "stream.epoch": {
      const told = missed.tell(item);
      if (told) notice(told, item.type);
      // Another run's first events build the state from nothing.
      const now = item.type === "stream.epoch" ? { servers: [], sessions: [] } : item.data.state;
      if (now) begin(now);
      return;
    }
    case "server.goodbye":
      notice(`the server ends: ${item.data.reason}`, "stream.goodbye");
  }
  if (replayed) item.received = Date.now();
  pending.push(item);
  if (pending.length >= MAX_PENDING) fold();
  if (document.hidden && Date.now() - ticked > TICK_MS) tick();
  schedule();
}

function fold() {
  if (!pending.length) return;
  const now = Date.now();
  for (const { type, server, pane_id, data } of pending) {
    if (type === "pane.output") activity.add(key(server, pane_id), data.bytes || 1, now);
    if ((type === "pane.output" || type === "pane.resized") && key(server, pane_id) === chosen) looks.news(chosen);
  }
  state = applyAll(state, pending);
  log.add(pending);
  pending = [];
}

// Said aloud, and in its place among the events: what came before stands before it.
function notice(text, type) {
  connection.notice(text);
  fold();
  log.add([{ type, timestamp: new Date().toISOString(), data: { message: text } }]);
  schedule();
}

// --- what is shown ----------------------------------------------------------------------

function schedule() {
  if (asked) return;
  asked = true;
  const rest = quiet - performance.now();
  if (rest > 0) setTimeout(requestAnimationFrame, rest, paint);
  else requestAnimationFrame(paint);
}

function paint() {
  asked = false;
  const many = pending.length > MANY;
  quiet = performance.now() + (many ? LONG_REST_MS : pending.length ? REST_MS : 0);
  const shown = new Set(VIEWS.filter(isShown)); // asked before anything is written
  fold();
  const now = Date.now();
  order(now);
  paintWho(shown, now);
  const first = known && !viewed; // the panes are there a frame sooner
  viewed ||= first;
  if (many || first) requestAnimationFrame(() => { // two frames, each half as long
    paintWhat(shown, now);
    if (first && chosen) remember(chosen); // nor is it asked for before that
  });
  else paintWhat(shown, now);
}

function paintWho(shown, now) {
  const context = { chosen, now, known, levels: (id) => activity.levels(id, now), choose, kind: counts.kind };
  counts.paint(rows);
  if (shown.has("attention")) list.paint(rows, context);
  setText(byId("empty"), known ? emptiness(state) : "");
  if (shown.has("sessions")) paintTree(tree(state), context);
}

function paintWhat(shown, now) {
  if (shown.has("screen")) pane.paint(rows.find((row) => row.key === chosen) ?? null, now);
  if (!shown.has("live")) return;
  filters.paint(state);
  log.paint();
  if (log.owes) schedule();
  byId("none").hidden = log.shown > 0;
  setText(byId("none"), log.filtered ? "No event here passes these filters." : "No events yet.");
  setText(byId("pause"), log.paused ? `Resume (${log.waiting} new)` : "Pause");
}

function order(now) {
  rows = attention(state, now, seen);
  if (!rows.some((row) => row.key === chosen)) choose(rows[0]?.key ?? null, false);
  notify.look(rows, now);
}

function tick() {
  ticked = Date.now();
  fold();
  if (document.hidden) order(ticked);
  activity.keep(state.panes);
  for (const one of seen.keys()) if (!state.panes.has(one)) seen.delete(one);
  replay.paint();
  schedule();
}

// --- what somebody does -----------------------------------------------------------------

function choose(id, by_hand) {
  const is_other = id !== chosen;
  chosen = id;
  if (is_other) typing.reset();
  looks.choose(id, state.panes.get(id));
  if (id && viewed && monitor.state.name === "open") remember(id);
  if (by_hand && !isShown("screen")) show("screen");
  schedule();
}

function acknowledge(row) {
  if (!row) return;
  if (row.acknowledged) seen.delete(row.key);
  else seen.set(row.key, row.pane.news ?? 0);
  schedule();
}

function move(by) {
  if (!isShown("attention")) show("attention");
  const buttons = [...document.querySelectorAll("#list button")];
  const at = buttons.findIndex((one) => one.ariaCurrent === "true");
  const next = buttons[Math.min(Math.max(0, at + by), buttons.length - 1)];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  if (next && isShown("screen")) next.click();
  if (asked) paint(); // the next key may come before the next frame
}

const target = (id) => {
  const { server, id: pane } = state.panes.get(id) ?? {};
  const row = rows.find((one) => one.key === id);
  return row && { server, session: row.place.session_id, pane };
};

// What a pane's status was before this page looked; a server without a history leaves it at that.
async function remember(id) {
  if (recalled.has(id) || replayed) return;
  recalled.add(id);
  const { server, id: pane_id } = state.panes.get(id) ?? {};
  const since = 1000 * (state.servers.get(server)?.start_time ?? 0);
  const found = [];
  try {
    const options = { types: ["agent.status", "pane.exited"], panes: [pane_id], newestFirst: true, limit: 200 };
    for await (const event of monitor.history(options)) if (event.type !== "stream.gap") found.push(event);
  } catch {
    return; // it keeps none, or does not tell it to us
  }
  pane.recall(id, turnsOf(found, { server, id: pane_id, since }));
  schedule();
}

byId("pause").addEventListener("click", () => {
  log.pause(!log.paused);
  byId("pause").ariaPressed = String(log.paused);
  schedule();
});
watchViews(schedule);
const recolour = watchTheme();

// --- the connection ---------------------------------------------------------------------

const looks = new Looks(async () => {
  const where = target(chosen);
  const found = where && viewIn(await monitor.snapshot(where, { styled: true }), where.pane);
  if (!found) throw new Error("It is not there any more.");
  return found;
}, (id, view, error) => {
  pane.show(id, view, error);
  schedule();
});

function viewIn({ sessions }, id) {
  for (const { windows } of sessions) {
    for (const { panes } of windows) for (const one of panes) if (one.id === id) return one;
  }
  return null;
}

const typing = new Typing(pane.typing, (name, fields) => {
  looks.news(chosen);
  return monitor.command(name, { ...target(chosen), ...fields });
}, (on) => { looks.eager = on; });

const replay = new ReplayView((order) => monitor.replay(order), (text) => notice(text, "stream.error"));

function stand(now) {
  connection.show(now);
  const live = now.name === "open" || now.name === "lagging";
  typing.allow(live && Boolean(monitor.greeting?.permissions?.includes("write")));
  if (now.name !== "open") return;
  missed.opened();
  looks.news(chosen);
  replay.begin().then((is_replay) => {
    if (is_replay && !replayed) state = rebased(state, Date.now());
    replayed = is_replay;
  });
  if (chosen) remember(chosen);
}

monitor.subscribe({ snapshot: true }, {
  onSnapshot: begin,
  onItem: take,
  onError(error) { // else the connection has ended, which is shown
    if (monitor.state.name === "open") notice(`the server refused: ${error.message}`, "stream.error");
  },
});
new HistoryView(monitor, () => state.panes.get(chosen) ?? null);

watchKeys([
  ["j", "the next pane", () => move(1)],
  ["k", "the pane before", () => move(-1)],
  ["a", "seen: below the others until there is news", () => acknowledge(rows.find((row) => row.key === chosen))],
  ["i", "type into the pane (where that is allowed)", () => { if (!isShown("screen")) show("screen"); typing.focus(); }],
  ["/", "filter the events by text", () => { show("live"); byId("text").focus(); }],
  ["f", "find a pane", () => { show("attention"); byId("find").focus(); }],
  ["h", "search the history", () => { show("past"); byId("past-text").focus(); }],
  ["l", "the panes, those that need you first", () => show("attention")],
  ["s", "sessions and windows", () => show("sessions")],
  ["p", "stop and go on with the events", () => byId("pause").click()],
  ["t", "colours: as the system, dark, light", recolour],
  ["Space", "replay: stop and go on", () => replay.toggle()],
  ["< ,", "replay: 10 s back", () => replay.step(-1)],
  ["> .", "replay: 10 s on", () => replay.step(1)],
]);
setInterval(tick, TICK_MS);
setInterval(() => looks.turn(), 100);
