import assert from "node:assert/strict";
import { test } from "node:test";
import { because, clean, describe, ending } from "../../web/words.js";

const output = (data) => describe({
  type: "pane.output", timestamp: "t", server: "s", session: "shop", session_id: "$0", window: 1, pane: 2,
  linked_sessions: ["api"], data,
});

test("control characters and direction overrides are shown, not obeyed", () => {
  assert.equal(clean("\x1b[31mred\x07\x7f\n"), "^[[31mred^G^?^J");
  assert.equal(clean("a\u202eb\u2066c\x9bd\u2028"), "a\ufffdb\ufffdc\ufffdd\ufffd");
  assert.equal(clean("tab\tübung 👩‍💻 שלום"), "tab\tübung 👩‍💻 שלום");
  assert.equal(clean(undefined), "");
});

test("a long line is cut, never inside a character, and says how much is missing", () => {
  assert.equal(clean("x".repeat(9000), 3), "xxx … 8997 more");
  assert.equal(clean("ab😀cd", 3), "ab … 4 more");
});

test("output is its lines, or its rows; many are bounded", () => {
  assert.equal(output({ mode: "append", lines: ["a  ", ""], partial: "$ " }).text, "a\n$");
  assert.equal(output({ mode: "screen", rows: { 3: "x", 4: " " } }).text, "x");
  const many = output({ mode: "append", lines: Array(40).fill("y"), partial: "", cut: 5 }).text.split("\n");
  assert.deepEqual([many.length, many[0], many.at(-1)], [14, "… 28 lines before", "… 5 bytes left out"]);
});

test("a row says where, what and how bad", () => {
  const row = output({ mode: "append", lines: [] });
  assert.deepEqual([row.where, row.at], ["shop", ":1.2"]);
  const said = (type, data) => describe({ type, server: "s", data });
  assert.equal(said("session.renamed", { previous: "a", name: "b" }).text, "a → b");
  assert.equal(said("new.thing", { one: 1, two: "", three: {} }).text, "one: 1");
  assert.equal(said("stream.gap", { message: "5 missed" }).text, "5 missed");
  assert.equal(said("constructor", {}).text, "");
  assert.equal(said("server.down", { reason: "gone" }).severity, "warning");
  assert.equal(said("agent.status", { status: "error", previous: "busy" }).severity, "error");
  assert.equal(said("server.up", { version: "3.3a", socket: "/s", engine: "pipe" }).where, "s");
});

test("how a pane ended", () => {
  assert.deepEqual(
    [{ dead: false }, { dead: true, exit_status: null }, { dead: true, exit_status: 0 },
      { dead: true, exit_status: null, signal: "9" }].map(ending),
    ["", "ended", "exit 0", "signal 9"],
  );
});

test("why: the reason, and what showed it unless that says it already", () => {
  assert.equal(because({ reason: "asks", evidence: " Go on? " }), "asks: Go on?");
  assert.equal(because({ reason: "asks: Go on?", evidence: "Go on?" }), "asks: Go on?");
  assert.equal(because({ reason: "", evidence: "Go on?" }), "Go on?");
  assert.equal(because({ reason: "asks" }), "asks");
});
