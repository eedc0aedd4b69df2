import assert from "node:assert/strict";
import { test } from "node:test";
import { ageText, attention, countsOf, kindOf, matches, textOf } from "../../web/attention.js";
import { apply, applyAll, fromSnapshot, rebased } from "../../web/state.js";

const T = Date.parse("2026-11-23T09:00:00.000Z");
const stamp = (seconds) => new Date(T + 1000 * seconds).toISOString();
const PANE = {
  index: 0, active: true, command: "sh", pid: 9, title: "", path: "/", width: 80, height: 24, dead: false,
  status: "unknown", status_since: "", reason: "", last_line: "",
};
// Panes by number, each in a window of its own.
const tree = (panes) => ({
  servers: [{ name: "s", socket: "/s", up: true }],
  sessions: [{
    server: "s", id: "$0", name: "a", attached: 1,
    windows: panes.map((pane, at) => ({
      id: `@${at}`, index: at, name: "w", active: false, layout: "x", zoomed: false,
      panes: [{ ...PANE, id: `%${at}`, ...pane }],
    })),
  }],
});
const of = (number, type, data, seconds = 0) => ({
  type, data, server: "s", session: "a", session_id: "$0", window: number, window_id: `@${number}`,
  pane: 0, pane_id: `%${number}`, timestamp: stamp(seconds),
});
const status = (number, to, since, fields = {}) =>
  of(number, "agent.status", { status: to, previous: "unknown", reason: "", evidence: "", since: stamp(since), ...fields });
const shown = (state, now, seen) => attention(state, now, seen).map((row) => `${row.pane.id} ${row.acknowledged ? "seen" : row.kind}`);
const pane = (state, number) => state.panes.get(`s %${number}`);

test("failed the newest first, waiting the longest first, done the newest first, then by place", () => {
  let state = fromSnapshot(tree(Array(9).fill({})));
  state = applyAll(state, [
    status(0, "busy", 1), status(1, "waiting", 50), status(2, "error", 10), status(3, "waiting", 5),
    status(4, "error", 20), status(5, "busy", 2), status(5, "ready", 30), status(6, "busy", 2), status(6, "ready", 40),
    status(8, "busy", 0),
  ]);
  assert.deepEqual(shown(state, T + 60_000), [
    "%4 failed", "%2 failed", "%3 waiting", "%1 waiting", "%6 done", "%5 done", "%0 busy", "%8 busy", "%7 idle",
  ]);
  assert.deepEqual(countsOf(attention(state, T + 60_000)), { failed: 2, waiting: 2, done: 2, busy: 2, idle: 1 });
});

test("done is old news after ten minutes; ready from the start is idle", () => {
  const state = applyAll(fromSnapshot(tree([{}, { status: "ready", status_since: stamp(0) }])),
    [status(0, "busy", 0), status(0, "ready", 10)]);
  assert.equal(kindOf(pane(state, 0), T + 11_000), "done");
  assert.equal(kindOf(pane(state, 0), T + 611_000), "idle");
  assert.equal(kindOf(pane(state, 1), T + 11_000), "idle");
});

test("how it ended decides; a program that is started anew runs again", () => {
  let state = applyAll(fromSnapshot(tree([{}, {}, {}])), [
    of(0, "pane.exited", { exit_status: 1, signal: null }, 5), of(1, "pane.exited", { exit_status: 0, signal: null }, 5),
    of(2, "pane.exited", { exit_status: null, signal: "9" }, 6),
  ]);
  assert.deepEqual(shown(state, T + 10_000), ["%2 failed", "%0 failed", "%1 done"]);
  assert.equal(textOf(pane(state, 0)), "exit 1");
  assert.equal(textOf(pane(apply(state, of(0, "pane.error", { line: "E  41 == 42", rule: "r" })), 0)), "exit 1: E  41 == 42");
  state = apply(state, of(0, "pane.command", { command: "make", previous: "sh", pid: 10 }, 8));
  assert.equal(kindOf(pane(state, 0), T + 10_000), "idle");
});

test("what was acknowledged is last, until there is news", () => {
  let state = apply(fromSnapshot(tree([{}, {}])), status(0, "waiting", 5, { evidence: "Go on?" }));
  const seen = new Map([["s %0", pane(state, 0).news]]);
  assert.deepEqual(shown(state, T, seen), ["%1 idle", "%0 seen"]);
  state = apply(state, status(0, "waiting", 5, { evidence: "Go on?" }));
  assert.deepEqual(shown(state, T, seen), ["%1 idle", "%0 seen"]); // the same again is no news
  state = apply(state, status(0, "waiting", 6, { evidence: "And now?" }));
  assert.deepEqual(shown(state, T, seen), ["%0 waiting", "%1 idle"]);
});

test("the question, the error, else the last line", () => {
  assert.equal(textOf({ status: "waiting", evidence: " Go on? ", last_line: "x" }), "Go on?");
  assert.equal(textOf({ status: "waiting", last_line: "Deploy? " }), "Deploy?");
  assert.equal(textOf({ status: "waiting", reason: "asks" }), "asks");
  assert.equal(textOf({ status: "error", reason: "no network", last_line: "lost" }), "no network: lost");
  assert.equal(textOf({ status: "busy", last_line: " [ 3%] " }), "[ 3%]");
});

test("a new snapshot keeps what is known of panes that stay, and sees what ended meanwhile", () => {
  const first = applyAll(fromSnapshot(tree([{}, {}])), [
    status(0, "waiting", 5, { evidence: "Go on?" }), status(1, "busy", 5),
    { type: "system.stats", server: "s", data: { panes: [{ pane_id: "%0", cpu_percent: 12.5, memory_bytes: 9, processes: 2 }] } },
  ]);
  const state = fromSnapshot(tree([
    { status: "waiting", status_since: stamp(5) }, { status: "ready", status_since: stamp(20) },
  ]), first);
  assert.equal(textOf(pane(state, 0)), "Go on?");
  assert.equal(pane(state, 0).cpu, 12.5);
  assert.equal(pane(state, 0).news, pane(first, 0).news);
  assert.equal(kindOf(pane(state, 1), T + 30_000), "done");
  assert.equal(pane(state, 1).news, pane(first, 1).news + 1);
  assert.deepEqual(pane(state, 1).turns.map((one) => one.status), ["busy", "ready"]);
});

test("in a replay times are those at which things came", () => {
  const now = T + 86_400_000;
  const state = apply(rebased(fromSnapshot(tree([{ status: "busy", status_since: stamp(0) }])), now),
    { ...status(0, "waiting", 5), received: now + 7000 });
  assert.equal(pane(state, 0).since, now + 7000);
  assert.equal(pane(fromSnapshot(tree([{ status: "waiting", status_since: stamp(0) }]), state, now + 9000), 0).since, now + 7000);
});

test("a pane is found by place, program, path and what is said of it", () => {
  const [row] = attention(fromSnapshot(tree([{ command: "claude", path: "/srv/Shop", last_line: "Reading" }])), T);
  assert.ok(["", "a:0.0", "claude", "srv/shop", "reading"].every((needle) => matches(row, needle)));
  assert.ok(!matches(row, "nothing"));
});

test("ages", () => {
  assert.deepEqual([-5, 59_999, 60_000, 3_600_000, 7_800_000, 90_000_000].map(ageText),
    ["0 s", "59 s", "1 min", "1 h", "2 h 10 min", "1 d 1 h"]);
});
