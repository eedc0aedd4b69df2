import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, emptyState, fromSnapshot, tree } from "../../web/state.js";

const PANE = {
  id: "%0", index: 0, active: true, command: "sh", pid: 9, title: "", path: "/", width: 80,
  height: 24, dead: false, last_line: "$",
};
const WINDOW = { id: "@0", index: 0, name: "sh", active: true, layout: "x", zoomed: false };
const at = { server: "default", session: "a", session_id: "$0" };
const inWindow = { ...at, window: 0, window_id: "@0" };
const inPane = { ...inWindow, pane: 0, pane_id: "%0" };

function snapshot() {
  return fromSnapshot({
    sessions: [
      { server: "default", id: "$0", name: "a", attached: 1, windows: [{ ...WINDOW, panes: [PANE] }] },
    ],
  });
}

test("created events build what a snapshot holds", () => {
  const state = emptyState();
  apply(state, { ...at, type: "session.created", data: { id: "$0", name: "a", attached: 1 } });
  apply(state, { ...inWindow, type: "window.created", data: WINDOW });
  apply(state, { ...inPane, type: "pane.created", data: PANE });
  assert.deepEqual(tree(state), tree(snapshot()));
});

test("names, places and sizes follow", () => {
  const state = snapshot();
  apply(state, { ...at, type: "session.renamed", data: { name: "b" } });
  apply(state, { ...inWindow, type: "window.renamed", data: { name: "vim" } });
  apply(state, { ...inWindow, window: 3, type: "window.moved", data: { index: 3, previous: 0 } });
  apply(state, { ...inPane, type: "pane.resized", data: { width: 10, height: 5 } });
  apply(state, { ...inPane, type: "pane.command", data: { command: "vim", pid: 10 } });
  const [session] = tree(state);
  assert.equal(session.name, "b");
  assert.equal(session.windows[0].index, 3);
  assert.equal(session.windows[0].name, "vim");
  assert.equal(session.windows[0].panes[0].width, 10);
  assert.equal(session.windows[0].panes[0].command, "vim");
});

test("one pane and one window are active", () => {
  const state = snapshot();
  apply(state, {
    ...inPane, pane: 1, pane_id: "%1", type: "pane.created",
    data: { ...PANE, id: "%1", index: 1, active: false },
  });
  apply(state, { ...inPane, pane: 1, pane_id: "%1", type: "pane.activated", data: {} });
  assert.deepEqual(tree(state)[0].windows[0].panes.map((pane) => pane.active), [false, true]);
  apply(state, {
    ...at, window: 1, window_id: "@1", type: "window.created",
    data: { ...WINDOW, id: "@1", index: 1, active: false },
  });
  apply(state, { ...at, window: 1, window_id: "@1", type: "window.activated", data: {} });
  assert.deepEqual(tree(state)[0].windows.map((window) => window.active), [false, true]);
});

test("a window in two sessions is there until the last one lets go", () => {
  const state = snapshot();
  const other = { ...at, session: "z", session_id: "$1" };
  apply(state, { ...other, type: "session.created", data: { id: "$1", name: "z" } });
  apply(state, { ...other, window: 5, window_id: "@0", type: "window.created", data: { ...WINDOW, index: 5 } });
  assert.deepEqual(tree(state).map((session) => session.windows[0].panes[0].id), ["%0", "%0"]);
  apply(state, { ...inWindow, type: "window.removed", data: {} });
  assert.equal(tree(state)[1].windows[0].panes.length, 1);
  apply(state, { ...other, window: 5, window_id: "@0", type: "window.removed", data: {} });
  assert.equal(state.windows.size, 0);
});

test("the last line is the last that says something", () => {
  const state = snapshot();
  const say = (data) => apply(state, { ...inPane, type: "pane.output", data });
  const line = () => tree(state)[0].windows[0].panes[0].last_line;
  say({ mode: "append", lines: ["one", "two"], partial: "" });
  assert.equal(line(), "two");
  say({ mode: "append", lines: [], partial: "$ " });
  assert.equal(line(), "$ ");
  say({ mode: "screen", rows: { 10: "low", 2: "high", 11: " " } });
  assert.equal(line(), "low");
});

test("events about what is not there, and unknown ones, change nothing", () => {
  const state = snapshot();
  const before = JSON.stringify(tree(state));
  for (const type of ["pane.moved", "pane.activated", "window.moved", "pane.title", "new.thing"]) {
    apply(state, { ...inPane, pane_id: "%9", window_id: "@9", type, data: { index: 1, previous: 0 } });
  }
  assert.equal(JSON.stringify(tree(state)), before);
});
