import assert from "node:assert/strict";
import { test } from "node:test";
import { admits, isFilter, NOTHING } from "../../web/filters.js";
import { describe } from "../../web/words.js";

const row = describe({
  type: "pane.output", timestamp: "t", server: "s", session: "shop", session_id: "$0", window: 1, window_id: "@3",
  pane: 2, linked_sessions: ["api"], data: { mode: "append", lines: ["Hello World"] },
});
const here = { server: "s", id: "$0", name: "shop" };
const passes = (wanted, one = row) => admits({ ...NOTHING, ...wanted }, one);
const bad = (type) => ({ ...row, ...describe({ type, server: "s", data: { line: "x" } }), server: "s" });

test("family, session by id or link, text", () => {
  assert.ok(passes({}) && passes({ family: "pane" }) && passes({ session: here }));
  assert.ok(passes({ text: " hello w" }) && passes({ text: "shop:1" }));
  assert.ok(passes({ session: { server: "s", id: "$4", name: "api" } }));
  assert.ok(!passes({ family: "window" }) && !passes({ family: "-output" }) && !passes({ text: "bye" }));
  assert.ok(!passes({ session: { ...here, server: "other" } }) && !passes({ session: { ...here, id: "$1" } }));
});

test("window, by its id on its server", () => {
  assert.ok(passes({ window: { server: "s", window_id: "@3" } }));
  assert.ok(!passes({ window: { server: "s", window_id: "@4" } }) && !passes({ window: { server: "t", window_id: "@3" } }));
});

test("severity: warnings are with errors", () => {
  assert.ok(passes({ severity: "warning" }, bad("pane.error")) && passes({ severity: "warning" }, bad("pane.warning")));
  assert.ok(passes({ severity: "error" }, bad("pane.error")) && !passes({ severity: "error" }, bad("pane.warning")));
  assert.ok(!passes({ severity: "warning" }));
});

test("what is of no session is asked for none, nor for a text", () => {
  const gap = describe({ type: "stream.gap", data: { message: "missed" } });
  assert.ok(passes({ session: here, window: { server: "s", window_id: "@9" }, text: "bye" }, gap));
  assert.ok(!passes({ family: "pane" }, gap));
});

test("whether anything is filtered", () => {
  assert.ok(!isFilter(NOTHING) && isFilter({ ...NOTHING, severity: "error" }));
});
