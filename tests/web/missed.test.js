import assert from "node:assert/strict";
import { test } from "node:test";
import { Missed, endingOf, isBarred } from "../../web/missed.js";

const gap = (data) => ({ type: "stream.gap", data: { dropped: null, only: null, ...data } });
const restarted = { type: "stream.epoch", data: { epoch: "e2", previous: "e1" } };
const NOT_KEPT = "what panes printed in between is not kept";

test("what was missed, in words", () => {
  const missed = new Missed();
  assert.equal(missed.tell(gap({ reason: "slow", dropped: 1 })), "1 event was missed: this page was too slow");
  assert.equal(missed.tell(gap({ reason: "slow", dropped: 5 })), "5 events were missed: this page was too slow");
  assert.equal(missed.tell(gap({ reason: "slow" })), "some events were missed: this page was too slow");
  for (const [reason, words] of [["epoch", /restarted/], ["expired", /too long/], ["scope", /left out/], ["?", /anew/]]) {
    assert.match(missed.tell(gap({ reason })), words);
  }
});

test("what is not kept is said once for a connection, with the restart that it belongs to", () => {
  const missed = new Missed();
  const output = gap({ reason: "history", only: "pane.output" });
  assert.equal(missed.tell(gap({ reason: "history", only: "system.stats" })), null);
  assert.equal(missed.tell(output), NOT_KEPT);
  assert.equal(missed.tell(restarted), `the server was restarted; ${NOT_KEPT}`);
  assert.equal(missed.tell(output), null);
  missed.opened();
  assert.equal(missed.tell(restarted), "the server was restarted");
  assert.equal(missed.tell(output), `the server was restarted; ${NOT_KEPT}`);
});

test("why there is no connection, and whether another token is needed", () => {
  const ended = (code) => ({ name: "ended", error: { code, message: "m" } });
  assert.deepEqual(["AUTH_FAILED", "4503", "4504"].map((code) => isBarred(ended(code))), [true, true, false]);
  assert.ok(isBarred({ name: "locked", error: { code: "AUTH_REQUIRED" } }));
  assert.ok(!isBarred({ name: "open" }));
  assert.match(endingOf({ code: "AUTH_FAILED" }), /^the token is not good/);
  assert.equal(endingOf({ code: "4504", message: "too many" }), "too many");
});
