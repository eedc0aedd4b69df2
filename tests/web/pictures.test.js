// What is drawn: activity, timeline, a screen's colours, where a replay is.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Activity, pathOf, SLOT_MS, SLOTS } from "../../web/activity.js";
import { bytesText } from "../../web/attention-view.js";
import { colourOf, contrast, drawn, INK, PAPER, pieces, readable } from "../../web/colours.js";
import { clockText, positionAt } from "../../web/replay-view.js";
import { beginOf, recalled, stretches, totals, turnsOf } from "../../web/timeline.js";

test("activity: more is higher, a slot ends, and what is long ago is gone", () => {
  const activity = new Activity();
  activity.add("p", 10, 1000 * SLOT_MS);
  activity.add("p", 100_000, 1002 * SLOT_MS);
  const levels = activity.levels("p", 1002 * SLOT_MS);
  assert.equal(levels.length, SLOTS);
  assert.ok(levels.at(-1) > levels.at(-3) && levels.at(-3) > 0 && levels.at(-2) === 0);
  assert.ok(activity.levels("p", (1000 + SLOTS) * SLOT_MS).filter(Boolean).length === 1);
  assert.ok(!activity.levels("p", (1002 + 5 * SLOTS) * SLOT_MS).some(Boolean));
  assert.deepEqual(activity.levels("other", 0), []);
  activity.keep(new Map());
  assert.deepEqual(activity.levels("p", 1002 * SLOT_MS), []);
});

test("activity: the levels are the same object until one of them changes", () => {
  const activity = new Activity();
  const now = 1000 * SLOT_MS;
  activity.add("p", 100, now);
  const levels = activity.levels("p", now);
  activity.add("p", 1, now);
  assert.equal(activity.levels("p", now), levels);
  activity.add("p", 100_000, now);
  const higher = activity.levels("p", now);
  assert.ok(higher.at(-1) > levels.at(-1));
  assert.equal(activity.levels("p", now + SLOT_MS).at(-2), higher.at(-1));
  assert.equal(activity.levels("other", now), activity.levels("another", now));
});

test("activity: a clock that goes back breaks nothing", () => {
  const activity = new Activity();
  activity.add("p", 10, 1000 * SLOT_MS);
  activity.add("p", 10, 100 * SLOT_MS);
  assert.equal(activity.levels("p", 1000 * SLOT_MS).filter(Boolean).length, 1);
  assert.match(pathOf([0, 1, 0.5], 60, 14), /^M0 14v-0\.5h1\.4v0\.5zM2 14v-14h1\.4v14zM4 14v-7/);
});

const turn = (at, status, why = "") => ({ at, status, why });

test("timeline: stretches from the beginning to now, equal ones joined", () => {
  const found = stretches([turn(10, "busy"), turn(20, "busy"), turn(30, "waiting", "asks")], 0, 100);
  assert.deepEqual(found.map(({ status, from, to }) => [status, from, to]),
    [["unknown", 0, 10], ["busy", 10, 30], ["waiting", 30, 100]]);
  assert.deepEqual(totals(found), [["waiting", 70], ["busy", 20], ["unknown", 10]]);
  assert.deepEqual(stretches([turn(10, "busy")], 50, 100).map((one) => one.from), [50]);
  assert.deepEqual(stretches([], 50, 100).map((one) => [one.status, one.to]), [["unknown", 100]]);
});

test("timeline: at least a minute, at most a day", () => {
  const now = 1e9;
  assert.equal(beginOf([], now), now - 60_000);
  assert.equal(beginOf([turn(now - 5)], now), now - 60_000);
  assert.equal(beginOf([turn(now - 3_600_000)], now), now - 3_600_000);
  assert.equal(beginOf([turn(0)], now), now - 86_400_000);
});

test("timeline: the past comes before what was seen, of this pane and this tmux alone", () => {
  const at = (seconds) => `2026-11-23T09:00:${seconds}.000Z`;
  const event = (seconds, status, fields = {}) => ({
    type: "agent.status", server: "s", pane_id: "%1", timestamp: at(seconds), data: { status, since: at(seconds), reason: "r" }, ...fields,
  });
  const past = turnsOf([
    event(30, "waiting"), event(20, "busy"), event(10, "ready"), event(25, "busy", { server: "t" }), event(25, "error", { pane_id: "%2" }),
    { type: "pane.exited", server: "s", pane_id: "%1", timestamp: at(40), data: { exit_status: 2, signal: null } },
  ], { server: "s", id: "%1", since: Date.parse(at(15)) });
  assert.deepEqual(past.map((one) => [one.status, one.why]), [["busy", "r"], ["waiting", "r"], ["failed", "exit 2"]]);
  const known = [turn(Date.parse(at(30)), "waiting", "asks")];
  assert.deepEqual(recalled(known, past).map((one) => one.why), ["r", "asks"]);
});

test("colours: the palette's, a true one, and what is none", () => {
  assert.deepEqual([16, 21, 196, 231, 232, 255].map(colourOf), ["#000000", "#0000ff", "#ff0000", "#ffffff", "#080808", "#eeeeee"]);
  assert.equal(colourOf("#A0b0C0"), "#a0b0c0");
  assert.deepEqual(["red", "#fff", 256, -1, 1.5, null, undefined, "url(x)"].map(colourOf), Array(8).fill(null));
});

test("colours: whatever a program asks for can be read", () => {
  const all = [undefined, ...Array.from({ length: 256 }, (_, at) => at), "#000000", "#777777"];
  for (const fg of all) {
    for (const bg of [undefined, 0, 1, 7, 15, 52, 22, 244]) {
      for (const style of [{ fg, bg }, { fg, bg, reverse: true }, { fg, bg, dim: true }]) {
        const { ink, paper } = drawn(style);
        assert.ok(contrast(ink ?? INK, paper ?? PAPER) >= 4.5, JSON.stringify(style));
      }
    }
  }
  assert.equal(readable("#ffffff", "#000000"), "#ffffff");
});

test("a row in pieces: by code points, blanks behind its end, nonsense left out", () => {
  const bold = { bold: true };
  assert.deepEqual(pieces("plain", []), [["plain", null]]);
  assert.deepEqual(pieces("", undefined), []);
  assert.deepEqual(pieces("a😀bc", [[1, 1, bold]]), [["a", null], ["😀", bold], ["bc", null]]);
  assert.deepEqual(pieces("ab", [[1, 3, bold]]), [["a", null], ["b  ", bold]]);
  assert.deepEqual(pieces("ab", [[4, 2, bold]]), [["ab  ", null], ["  ", bold]]);
  assert.deepEqual(pieces("abc", [[2, 1, bold], [0, 1, bold], [2, 1e9, bold], [2, -1, bold]]), [["ab", null], ["c", bold]]);
});

test("where a replay is", () => {
  const state = { position_s: 10, duration_s: 20, speed: 2, paused: false, finished: false };
  assert.equal(positionAt(state, 1000, 3000), 14);
  assert.equal(positionAt(state, 1000, 60_000), 20);
  assert.equal(positionAt({ ...state, paused: true }, 0, 5000), 10);
  assert.equal(positionAt({ ...state, speed: null }, 0, 5000), 10);
  assert.deepEqual([0, 61.9, 3661].map(clockText), ["0:00", "1:01", "1:01:01"]);
});

test("bytes", () => {
  assert.deepEqual([0, 999, 1500, 9.1 * 2 ** 20, 340 * 2 ** 20, 3 * 2 ** 40].map(bytesText),
    ["0 B", "999 B", "1.5 KB", "9.1 MB", "340 MB", "3 TB"]);
});
