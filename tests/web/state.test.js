import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, applyAll, emptyState, fromSnapshot, tree } from "../../web/state.js";

const PANE = {
  id: "%0", index: 0, active: true, command: "sh", pid: 9, title: "", path: "/", width: 80,
  height: 24, dead: false, last_line: "$",
};
const WINDOW = { id: "@0", index: 0, name: "sh", active: true, layout: "x", zoomed: false };
const SERVER = { name: "default", socket: "/s", up: true, pid: 1 };
const at = { server: "default", session: "a", session_id: "$0" };
const inWindow = { ...at, window: 0, window_id: "@0" };
const inPane = { ...inWindow, pane: 0, pane_id: "%0" };

const snapshot = () => fromSnapshot({
  servers: [SERVER],
  sessions: [
    { server: "default", id: "$0", name: "a", attached: 1, created: 7, windows: [{ ...WINDOW, panes: [PANE] }] },
  ],
});
const sessions = (state) => tree(state).sessions;
const pane = (state) => sessions(state)[0].windows[0].panes[0];

test("created events build what a snapshot holds", () => {
  const state = applyAll(emptyState(), [
    { ...at, type: "session.created", data: { id: "$0", name: "a", attached: 1, created: 7 } },
    { ...inWindow, type: "window.created", data: WINDOW },
    { ...inPane, type: "pane.created", data: PANE },
  ]);
  assert.deepEqual(sessions(state), sessions(snapshot()));
});

test("a state is never changed, and what an event does not touch stays the same", () => {
  const before = snapshot();
  const frozen = JSON.stringify(tree(before));
  const after = apply(before, { ...inPane, type: "pane.title", data: { title: "t" } });
  assert.equal(JSON.stringify(tree(before)), frozen);
  assert.equal(pane(after).title, "t");
  assert.equal(after.windows.get("default @0"), before.windows.get("default @0"));
});

test("ids of two servers are two things", () => {
  const other = { server: "work", id: "$0", name: "b", attached: 0, created: 8, windows: [{ ...WINDOW, panes: [PANE] }] };
  const both = applyAll(fromSnapshot({
    servers: [SERVER],
    sessions: [{ ...other, server: "default", name: "a" }, other],
  }), [{ ...inPane, server: "work", type: "pane.command", data: { command: "vim", pid: 1 } }]);
  assert.deepEqual(sessions(both).map((one) => one.windows[0].panes[0].command), ["sh", "vim"]);
});

test("a window in two sessions is there until the last one lets go", () => {
  const other = { ...at, session: "z", session_id: "$1" };
  const link = { ...other, window: 5, window_id: "@0" };
  let state = applyAll(snapshot(), [
    { ...other, type: "session.created", data: { id: "$1", name: "z" } },
    { ...link, type: "window.created", data: { ...WINDOW, index: 5 } },
  ]);
  assert.deepEqual(sessions(state).map((one) => one.windows[0].panes[0].id), ["%0", "%0"]);
  state = apply(state, { ...inWindow, type: "window.removed", data: {} });
  assert.equal(sessions(state)[1].windows[0].panes.length, 1);
  state = apply(state, { ...link, type: "window.removed", data: {} });
  assert.equal(state.windows.size, 0);
});

test("the last line is the last that says something", () => {
  let state = snapshot();
  const said = (data) => {
    state = apply(state, { ...inPane, type: "pane.output", data });
    return pane(state).last_line;
  };
  assert.equal(said({ mode: "append", lines: [], partial: "" }), "$");
  assert.equal(said({ mode: "append", lines: ["one", "two"], partial: "" }), "two");
  assert.equal(said({ mode: "append", lines: [], partial: "$ " }), "$ ");
  assert.equal(said({ mode: "screen", rows: { 10: "low", 2: "high", 11: " " } }), "low");
  assert.equal(said({ mode: "screen", rows: { 2: "changed" } }), "low");
  assert.equal(said({ mode: "screen", rows: { 10: "" } }), "changed");
  assert.equal(said({ mode: "append", lines: ["back"], partial: "" }), "back");
});

test("a pane that ended, and begins anew", () => {
  let state = apply(snapshot(), { ...inPane, type: "pane.exited", data: { exit_status: null, signal: "9" } });
  assert.deepEqual([pane(state).dead, pane(state).signal], [true, "9"]);
  state = apply(state, { ...inPane, type: "pane.command", data: { command: "sh", pid: 10 } });
  assert.deepEqual([pane(state).dead, pane(state).signal], [false, null]);
});

test("a server goes and comes", () => {
  let state = apply(snapshot(), { server: "default", type: "server.down", data: { reason: "" } });
  assert.equal(tree(state).servers[0].up, false);
  state = apply(state, { server: "default", type: "server.up", data: { pid: 7, socket: "/s" } });
  assert.deepEqual(tree(state).servers, [{ name: "default", socket: "/s", up: true, pid: 7 }]);
});

test("events about what is not there, and unknown ones, change nothing", () => {
  const types = ["pane.moved", "pane.activated", "window.moved", "pane.title", "session.renamed",
    "new.thing", "constructor", "__proto__"];
  const state = applyAll(snapshot(), types.map((type) => ({
    ...inPane, session_id: "$9", pane_id: "%9", window_id: "@9", type, data: { index: 1, previous: 0 },
  })));
  assert.deepEqual(tree(state), tree(snapshot()));
});

test("what events of panes do not touch stays the same object", () => {
  const before = snapshot();
  const output = { ...inPane, type: "pane.output", data: { mode: "append", lines: ["x"], partial: "" } };
  const after = applyAll(before, [output, { ...inPane, type: "pane.title", data: { title: "t" } }]);
  assert.deepEqual([pane(after).last_line, pane(after).title], ["x", "t"]);
  assert.notEqual(pane(before).title, "t");
  for (const name of ["servers", "sessions", "windows", "links"]) assert.equal(after[name], before[name]);
  const renamed = applyAll(before, [output, { ...inPane, type: "session.renamed", data: { name: "other" } }]);
  assert.notEqual(renamed.sessions, before.sessions);
  assert.deepEqual(tree(before), tree(snapshot()));
  assert.equal(tree(renamed).sessions[0].name, "other");
});
