// When somebody is told of a wait, and when a pane is looked at.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Bell, DWELL_MS } from "../../web/bell.js";
import { Looks } from "../../web/looks.js";

const row = (key, since, fields = {}) => ({ key, kind: "waiting", acknowledged: false, pane: { since }, ...fields });
const keys = (rows) => rows.map((one) => one.key);

test("a wait is told once, after it has lasted", () => {
  const bell = new Bell();
  assert.deepEqual(keys(bell.due([row("a", 1000)], 1000)), []);
  assert.deepEqual(keys(bell.due([row("a", 1000)], 1000 + DWELL_MS)), ["a"]);
  assert.deepEqual(keys(bell.due([row("a", 1000)], 1e9)), []);
  assert.deepEqual(keys(bell.due([row("a", 2e9)], 2e9 + DWELL_MS)), ["a"]); // another wait
  bell.due([], 3e9);
  assert.deepEqual(keys(bell.due([row("a", 2e9)], 3e9)), ["a"]); // it was over in between
});

test("others than waits, and what was acknowledged, are not told", () => {
  const bell = new Bell();
  const rows = [row("a", 0, { kind: "failed" }), row("b", 0, { acknowledged: true })];
  assert.deepEqual(keys(bell.due(rows, 1e9)), []);
});

test("who looks is told nothing, also not later of what was seen", () => {
  const bell = new Bell();
  assert.deepEqual(keys(bell.due([row("a", 0)], 1e6, true)), []);
  assert.deepEqual(keys(bell.due([row("a", 0), row("b", 1e6)], 2e6)), ["b"]);
});

test("a wait of which nobody knows since when lasts from when it was seen", () => {
  const bell = new Bell();
  assert.deepEqual(keys(bell.due([row("a", null)], 1e6)), []);
  assert.deepEqual(keys(bell.due([row("a", null)], 1e6 + DWELL_MS)), ["a"]);
});

function stage() {
  const its = { now: 0, asked: [], shown: [] };
  const ask = (pane) => new Promise((resolve, reject) => its.asked.push({ pane, resolve, reject }));
  its.looks = new Looks(ask, (key, view, error) => its.shown.push([key, view, error?.code]), () => its.now);
  return its;
}
const settled = () => new Promise((done) => setImmediate(done));

test("a pane is looked at when it is chosen and when there is news, not too often, one at a time", async () => {
  const it = stage();
  it.looks.choose("a", "A");
  it.looks.turn();
  it.now += 5000;
  it.looks.news("a");
  it.looks.turn();
  assert.equal(it.asked.length, 1); // the first has no answer yet
  it.asked[0].resolve("view");
  await settled();
  assert.deepEqual(it.shown, [["a", "view", undefined]]);
  it.looks.turn();
  assert.equal(it.asked.length, 2);
  it.asked[1].resolve("view");
  await settled();
  it.now += 10;
  it.looks.news("a");
  it.looks.turn();
  assert.equal(it.asked.length, 2); // too soon
  it.now += 1000;
  it.looks.news("b"); // another's
  it.looks.turn();
  assert.equal(it.asked.length, 3);
  it.asked[2].resolve("view");
  await settled();
  it.now += 1000;
  it.looks.turn();
  assert.equal(it.asked.length, 3); // nothing new
});

test("an answer for a pane that is not chosen any more is not shown", async () => {
  const it = stage();
  it.looks.choose("a", "A");
  it.looks.turn();
  it.looks.choose("b", "B");
  it.asked[0].resolve("view");
  await settled();
  assert.deepEqual(it.shown, []);
  it.looks.turn();
  assert.equal(it.asked[1].pane, "B");
});

test("a refusal is shown, and asked about again much later; one that may pass, sooner", async () => {
  const it = stage();
  for (const [error, rest] of [[{ code: "FORBIDDEN" }, 60_000], [{ code: "RATE_LIMIT", retryable: true }, 2000]]) {
    it.looks.choose(error.code, "A");
    it.looks.turn();
    it.asked.at(-1).reject(error);
    await settled();
    assert.deepEqual(it.shown.at(-1), [error.code, null, error.code]);
    const count = it.asked.length;
    it.now += rest - 1;
    it.looks.turn();
    assert.equal(it.asked.length, count);
    it.now += 1;
    it.looks.turn();
    assert.equal(it.asked.length, count + 1);
    it.asked.at(-1).resolve("view");
    await settled();
  }
});
