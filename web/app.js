// The page: what comes in changes values, and once a frame the values are painted.

import { connect } from "./client.js";
import { byId, element, reconcile, setText } from "./dom.js";
import { Log } from "./log-view.js";
import { applyAll, emptyState, fromSnapshot, key, tree } from "./state.js";
import { fromAddress, keep, recall, tokenIn } from "./token.js";
import { emptiness, paintTree } from "./tree-view.js";
import { clean, counted, describe, name } from "./words.js";

const arrived = fromAddress(); // before anything else
const MAX_PENDING = 1000; // events between two frames; a page that is not seen has no frames

let state = emptyState();
let painted = null; // the state that the tree shows
let pending = []; // events that are neither in the state nor in the log yet
let asked = false;
const log = new Log(byId("events"));
const family = byId("family");
const session = byId("session");
const text = byId("text");

function fold() {
  if (!pending.length) return;
  state = applyAll(state, pending);
  log.add(pending.map(describe));
  pending = [];
}

function paint() {
  asked = false;
  fold();
  if (state !== painted) {
    painted = state;
    const shown = tree(state);
    paintTree(byId("tree"), shown);
    setText(byId("empty"), known ? emptiness(shown) : "");
    setText(byId("counts"),
      `${counted(state.sessions.size, "session")}, ${counted(state.panes.size, "pane")}`);
    paintSessionChoice(shown.sessions);
  }
  log.paint();
  byId("none").hidden = log.shown > 0;
  setText(byId("none"), log.filtered ? "No event here passes these filters." : "No events yet.");
  setText(byId("pause"), log.paused ? `Resume (${log.waiting} new)` : "Pause");
}

function schedule() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(paint);
}

// --- the filters ------------------------------------------------------------------------

let chosen = null; // the session whose events are shown: {server, id, name}

function paintSessionChoice(there) {
  const now = chosen && state.sessions.get(idOf(chosen));
  const gone = chosen && !now;
  if (now && now !== chosen) {
    chosen = now; // it has another name, perhaps
    filter();
  }
  reconcile(session, [null, ...there, ...gone ? [chosen] : []], idOf,
    () => element("option"),
    (option, one) => {
      option.value = idOf(one);
      setText(option, one ? name(one.name) + (gone && one === chosen ? " (gone)" : "") : "all sessions");
    });
}

const idOf = (one) => (one ? key(one.server, one.id) : "");

function filter() {
  if (session.value !== idOf(chosen)) chosen = state.sessions.get(session.value) ?? null;
  log.filter({ family: family.value, session: chosen, text: text.value });
  schedule();
}

byId("filters").addEventListener("input", filter);
byId("filters").addEventListener("submit", (event) => event.preventDefault());
byId("pause").addEventListener("click", () => {
  log.pause(!log.paused);
  byId("pause").ariaPressed = String(log.paused);
  schedule();
});

// --- the connection ---------------------------------------------------------------------

let known = false; // whether a snapshot ever came

const STATES = {
  connecting: () => "Connecting…",
  open: () => "Live",
  waiting: (seconds) => `Not connected; next try in ${Math.ceil(seconds)} s`,
  ended: (why) => `Disconnected: ${clean(why)}`,
  locked: () => "Locked",
};
const NEEDS_ANOTHER = [4500, 4503]; // the token is not good, or not any more

function showConnection(to, detail, code) {
  const barred = to === "locked" || NEEDS_ANOTHER.includes(code);
  byId("connection").dataset.state = to;
  setText(byId("connection"), STATES[barred ? "locked" : to](detail));
  byId("retry").hidden = barred || to === "open" || to === "connecting";
  if (barred) askForToken(code ? detail : "");
  else if (to === "open") showKeyForm(false);
  document.body.classList.toggle("old", to !== "open" && known); // what is shown may be out of date
}

function notice(text, kind) {
  setText(byId("notice-text"), clean(text));
  byId("notice").hidden = false;
  fold(); // what came before stands before it
  log.add([describe({
    type: `stream.${kind}`, timestamp: new Date().toISOString(), data: { message: text },
  })]);
  schedule();
}

// Until a token was taken, the form stands in the place of everything else.
function showKeyForm(shown) {
  byId("key").hidden = !shown;
  byId("main").hidden = shown;
}

function askForToken(why) {
  keep(null);
  showKeyForm(true);
  setText(byId("key-why"), clean(why)); // now that it is seen it is read out, too
  byId("token").focus();
}

byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = tokenIn(byId("token").value);
  byId("token").value = "";
  if (token) client.retry(token);
});
addEventListener("hashchange", () => { // an address with a token was put into this tab
  const token = fromAddress();
  if (token) client.retry(token);
});

byId("dismiss").addEventListener("click", () => { byId("notice").hidden = true; });

const client = connect(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/monitor`, {
  onState: showConnection,
  onToken: keep,
  onSnapshot(snapshot) {
    fold();
    known = true;
    state = fromSnapshot(snapshot);
    schedule();
  },
  onEvent(event) {
    pending.push(event);
    if (pending.length >= MAX_PENDING) fold();
    schedule();
  },
  onNotice: notice,
}, { token: arrived ?? recall() });
byId("retry").addEventListener("click", () => client.retry());
addEventListener("online", () => { if (byId("connection").dataset.state === "waiting") client.retry(); });
