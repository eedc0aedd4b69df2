import assert from "node:assert/strict";
import { test } from "node:test";
import {
  EventsMissed, RequestError, ServerRefused, ServerUnavailable, TimedOut, UsageError, connect, severityOf,
} from "../../web/client.js";
import { pause } from "../../web/client/core.js";
import { GREETING, LOCKED, TREE, bell, follow, settled, snapshot, stage } from "./stage.js";

const TAKEN = { type: "auth.response", id: "auth", success: true, permissions: ["read"], client_id: "c", epoch: "e1", seq: 0 };
const REFUSED = { ...TAKEN, success: false, permissions: [] };

// A connection with one subscription by callbacks.
async function following(options = {}, wanted = { snapshot: true }) {
  const scene = await stage(options);
  const { heard, watch } = follow(scene.monitor, wanted);
  await settled();
  return Object.assign(scene, { heard, watch });
}
const opened = (scene) => scene.socket.say(GREETING).then(() => scene.socket.say(scene.confirm(), snapshot(7)));

// --- events -----------------------------------------------------------------------------

test("it subscribes with a snapshot and hears events, several in a message", async () => {
  const scene = await following();
  const { socket, heard, watch } = scene;
  assert.deepEqual(socket.protocols, ["tmuxpulse.v1.ndjson"]);
  await socket.say(GREETING);
  assert.deepEqual(socket.heard, [{ id: 1, action: "subscribe", filters: {}, snapshot: true }]);
  await socket.say(scene.confirm(), snapshot(7));
  await watch.ready;
  await socket.say(bell(8), bell(9));
  assert.deepEqual(heard, [TREE, 8, 9]);
  assert.deepEqual(watch.state, TREE);
  assert.deepEqual(scene.names, ["connecting", "open"]);
});

test("a loop gets what came before it asks, and what comes while it waits", async () => {
  const scene = await stage();
  const events = scene.monitor.events({ types: "pane.*" });
  const first = events.next();
  await scene.socket.say(GREETING);
  assert.deepEqual(scene.socket.last("subscribe").filters, { types: ["pane.*"] });
  await scene.socket.say(scene.confirm());
  await scene.socket.say(bell(1), bell(2), bell(3));
  assert.deepEqual(await first, { value: { ...bell(1), epoch: "e1" }, done: false });
  const seen = [];
  for await (const { seq } of events) {
    seen.push(seq);
    if (seq === 3) break;
  }
  assert.deepEqual(seen, [2, 3]);
  assert.equal(scene.socket.actions.at(-1), "unsubscribe");
  assert.deepEqual(await events.next(), { value: undefined, done: true });
});

test("two loops over one subscription are refused", async () => {
  const scene = await stage();
  const events = scene.monitor.events();
  const first = events.next();
  await assert.rejects(events.next(), UsageError);
  scene.monitor.close();
  assert.deepEqual(await first, { value: undefined, done: true });
});

test("several subscriptions each get their own, and resume one after the other", async () => {
  const scene = await stage();
  const all = follow(scene.monitor);
  const ofB = follow(scene.monitor, { sessions: "b" });
  await scene.socket.say(GREETING);
  assert.deepEqual(scene.socket.actions, ["subscribe"]);
  await scene.socket.say(scene.confirm());
  assert.deepEqual(scene.socket.last("subscribe").filters, { sessions: ["b"] });
  await scene.socket.say(scene.confirm());
  await scene.socket.say(bell(1), bell(2, { session: "b" }));
  await scene.socket.cut();
  await scene.wait(0.25);
  await scene.socket.say(GREETING);
  await scene.socket.say(scene.confirm({ recovered: true, seq: 2 }), bell(3), bell(4, { session: "b" }));
  await scene.socket.say(scene.confirm({ recovered: true, seq: 2 }));
  assert.deepEqual(ofB.heard, [2]);
  assert.equal(scene.names.at(-1), "connecting");
  await scene.socket.say({ type: "pong", id: "ping", timestamp: "t" });
  assert.deepEqual([all.heard, ofB.heard], [[1, 2, 3, 4], [2, 4]]);
  assert.equal(scene.names.at(-1), "open");
});

test("after a cut it goes on from the last event it saw, or the last mark", async () => {
  const scene = await following();
  await opened(scene);
  await scene.socket.say(bell(8), { type: "stream.mark", seq: 12, timestamp: "t" });
  await scene.socket.cut();
  await scene.wait(0.25);
  await scene.socket.say(GREETING);
  assert.deepEqual(scene.socket.heard[0].resume, { epoch: "e1", seq: 12 });
  assert.equal(scene.socket.heard[0].snapshot, false);
  await scene.socket.say(scene.confirm({ recovered: true, seq: 12 }), bell(12), bell(13));
  assert.deepEqual(scene.heard, [TREE, 8, 13]);
});

test("what is missing is an item, with the state to go on from", async () => {
  const scene = await following();
  await opened(scene);
  await scene.socket.say({ type: "stream.gap", from: 8, to: 20, dropped: 13 }, snapshot(20), bell(21));
  const gap = { reason: "slow", first: 8, last: 20, dropped: 13, only: null, state: TREE };
  assert.deepEqual(scene.heard.slice(1), [["stream.gap", gap], 21]);
  await scene.socket.cut();
  await scene.wait(0.25);
  await scene.socket.say(GREETING);
  await scene.socket.say(scene.confirm({ seq: 90 }), { type: "stream.reset", reason: "expired" }, snapshot(90));
  await scene.socket.say(bell(89), bell(91));
  assert.equal(scene.heard.at(-1), 91); // the older one had come before the state
  const reset = { reason: "expired", first: null, last: null, dropped: null, only: null, state: TREE };
  assert.deepEqual(scene.heard.at(-2), ["stream.gap", reset]);
});

test("a gap whose state does not come is told before the next event, one of a type in its place", async () => {
  const scene = await stage();
  const events = scene.monitor.events();
  await scene.socket.say(GREETING);
  await scene.socket.say(scene.confirm());
  await scene.socket.say(bell(3), { type: "stream.gap", from: 7, to: 9, dropped: 3, only: "pane.output" }, bell(8),
    { type: "stream.gap", from: 5, to: 6, dropped: 2, only: "pane.output" },
    { type: "stream.gap", from: 9, to: 20, dropped: 12 }, bell(21));
  const seen = [];
  for await (const { seq, data: { first = null, state = null } } of events) {
    seen.push([seq, first, state]);
    if (seq === 21) break;
  }
  assert.deepEqual(seen, [[3, null, null], [3, 7, null], [8, null, null], [4, 5, null], [20, 9, null], [21, null, null]]);
});

test("a resume goes on into the next run of the server", async () => {
  const scene = await following();
  await opened(scene);
  await scene.socket.cut();
  await scene.wait(0.25);
  await scene.socket.say({ ...GREETING, epoch: "e2" });
  await scene.socket.say(scene.confirm({ recovered: true, seq: 7 }),
    { type: "stream.epoch", epoch: "e2", previous: "e1" }, bell(1));
  assert.deepEqual(scene.heard.slice(1), [["stream.epoch", { epoch: "e2", previous: "e1" }], 1]);
  await scene.socket.cut();
  await scene.wait(0.5);
  await scene.socket.say({ ...GREETING, epoch: "e2" });
  assert.deepEqual(scene.socket.heard[0].resume, { epoch: "e2", seq: 1 });
});

test("a goodbye is no event, and a type that is not known changes nothing", async () => {
  const scene = await following();
  await opened(scene);
  await scene.socket.say({ type: "server.goodbye", seq: 7, timestamp: "t", data: { code: 1001, reason: "end" } });
  await scene.socket.say({ type: "pane.new", seq: 8, data: {} }, { type: "stream.new" }, { type: "pong", id: 99 });
  assert.deepEqual(scene.heard, [TREE]);
  assert.equal(scene.monitor.unknown, 3);
  await scene.socket.say({ type: "stream.lag", seq: 9, queued: 500 });
  assert.deepEqual(scene.states.at(-1), { name: "lagging", queued: 500 });
});

test("what cannot be read ends the connection, not the client", async () => {
  const scene = await following();
  await opened(scene);
  scene.socket.onmessage({ data: `${JSON.stringify(bell(8))}\n{"torn` });
  assert.ok(scene.socket.closed);
  assert.deepEqual(scene.heard, [TREE, 8]);
  assert.equal(scene.states.at(-1).name, "waiting");
  assert.ok(scene.states.at(-1).error instanceof ServerUnavailable);
  await scene.wait(0.25);
  for (const data of [new Blob([]), "null", '"text"', "[]", "{}", '{"type":"pane.bell","seq":-1}']) {
    scene.socket.onmessage({ data });
    assert.equal(scene.monitor.state.name, "waiting");
    await scene.wait(10);
  }
});

test("a filter that makes no sense is refused here, one that the server refuses is told", async () => {
  const scene = await stage();
  for (const wrong of [{ type: "x" }, { types: [1] }, { types: "" }, { panes: 3 }]) {
    assert.throws(() => scene.monitor.events(wrong), UsageError);
  }
  assert.throws(() => scene.monitor.subscribe({}, {}), UsageError);
  const events = scene.monitor.events({ types: ["[" ] });
  const { heard, watch } = follow(scene.monitor);
  await scene.socket.say(GREETING);
  const no = { type: "error", id: "subscribe", code: "INVALID_FILTER", message: "no", retryable: false };
  await scene.socket.say(no);
  await scene.socket.say({ ...no, code: "FORBIDDEN" });
  await assert.rejects(events.next(), (error) => error instanceof RequestError && error.code === "INVALID_FILTER");
  await assert.rejects(watch.ready, ServerRefused);
  assert.deepEqual(heard, ["FORBIDDEN"]);
  assert.equal(scene.monitor.state.name, "open");
});

test("what a callback throws is reported and stops nothing", async () => {
  const scene = await stage();
  const thrown = [];
  const keep = (error) => thrown.push(error.message);
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", keep);
  const seen = [];
  scene.monitor.subscribe({}, ({ seq }) => { seen.push(seq); throw new Error(`at ${seq}`); });
  await scene.socket.say(GREETING);
  await scene.socket.say(scene.confirm());
  await scene.socket.say(bell(1), bell(2));
  process.removeAllListeners("uncaughtException");
  for (const one of before) process.on("uncaughtException", one);
  assert.deepEqual([seen, thrown], [[1, 2], ["at 1", "at 2"]]);
});

test("a callback may close, ask and begin anew, in the middle of a message", async () => {
  const scene = await stage();
  const seen = [];
  let depth = 0;
  let deepest = 0;
  const watch = scene.monitor.subscribe({}, ({ seq }) => {
    seen.push(seq);
    deepest = Math.max(deepest, ++depth);
    if (seq === 1) scene.monitor.ping().catch(() => {});
    if (seq === 2) scene.monitor.retry("another");
    if (seq === 5) watch.close();
    depth--;
  });
  await scene.socket.say(GREETING);
  await scene.socket.say(scene.confirm());
  await scene.socket.say(bell(1), bell(2), bell(3));
  assert.deepEqual(seen, [1, 2, 3]); // what came has come
  assert.equal(scene.sockets.length, 2);
  await scene.socket.say(GREETING);
  assert.deepEqual(scene.socket.last("subscribe").resume, { epoch: "e1", seq: 3 });
  await scene.socket.say(scene.confirm({ recovered: true, seq: 3 }), bell(4), bell(5), bell(6));
  assert.deepEqual(seen, [1, 2, 3, 4, 5]);
  assert.equal(deepest, 1); // none is called in the middle of another
});

test("a queue is bounded, and what is not in it is a gap", async () => {
  const scene = await stage();
  const events = scene.monitor.events();
  await scene.socket.say(GREETING);
  await scene.socket.say(scene.confirm());
  const many = Array.from({ length: 20_005 }, (_, at) => bell(at + 1));
  await scene.socket.say(...many);
  for (let seq = 1; seq <= 20_000; seq++) assert.equal((await events.next()).value.seq, seq);
  const { value } = await events.next();
  assert.deepEqual([value.type, value.seq, value.data],
    ["stream.gap", 20_005, { reason: "slow", first: 20_001, last: 20_005, dropped: 5, only: null, state: null }]);
  await scene.socket.say(bell(20_006));
  assert.equal((await events.next()).value.seq, 20_006);
});

test("a socket that can pause is not read while enough waits, unless somebody waits for an answer", async () => {
  const scene = await stage();
  const events = scene.monitor.events();
  const calls = [];
  Object.assign(scene.socket, { pause: () => calls.push("pause"), resume: () => calls.push("resume") });
  await scene.socket.say(GREETING);
  await scene.socket.say(scene.confirm());
  await scene.socket.say(...Array.from({ length: 1000 }, (_, at) => bell(at + 1)));
  assert.deepEqual(calls, ["pause"]);
  await scene.wait(300); // nothing is read: nobody is taken for dead
  assert.equal(scene.monitor.state.name, "open");
  const asked = scene.monitor.ping();
  assert.deepEqual(calls, ["pause", "resume"]);
  await scene.socket.say({ type: "pong", id: "ping", timestamp: "t" });
  await asked;
  assert.deepEqual(calls, ["pause", "resume", "pause"]);
  await events.next();
  assert.deepEqual(calls, ["pause", "resume", "pause", "resume"]);
});

test("how much an item matters", () => {
  const severity = (type, data = {}) => severityOf({ type, data });
  assert.deepEqual(["pane.error", "pane.warning", "pane.bell", "stream.gap", "stream.epoch", "constructor"].map((one) => severity(one)),
    ["error", "warning", "info", "warning", "info", "info"]);
  assert.deepEqual(["error", "waiting", "busy"].map((status) => severity("agent.status", { status })),
    ["error", "warning", "info"]);
});

// --- waiting for an event ------------------------------------------------------------------

test("an event is waited for by filters and a predicate", async () => {
  const scene = await stage();
  const found = scene.monitor.waitFor((event) => event.seq > 1, { types: "pane.bell", timeoutSeconds: 60 });
  await scene.socket.say(GREETING);
  await scene.socket.say(scene.confirm());
  await scene.socket.say({ type: "stream.epoch", epoch: "e2", previous: "e1" }, bell(1), bell(2), bell(3));
  assert.equal((await found).seq, 2);
  assert.equal(scene.socket.actions.at(-1), "unsubscribe");
  assert.equal(scene.timers.size, 1); // of the connection
});

test("a wait ends with time, a signal, a gap, a broken predicate and the connection", async () => {
  const scene = await stage();
  const late = scene.monitor.waitFor(null, { timeoutSeconds: 2 });
  const stopped = new AbortController();
  const aborted = scene.monitor.waitFor(null, { signal: stopped.signal });
  const missed = scene.monitor.waitFor(null, { types: "pane.output" });
  const broken = scene.monitor.waitFor(() => { throw new Error("mine"); }, { types: "pane.bell" });
  const last = scene.monitor.waitFor(() => false, { types: "pane.bell" });
  const failures = Promise.all([
    assert.rejects(late, (error) => error instanceof TimedOut && error.seconds === 2),
    assert.rejects(aborted, { message: "enough" }),
    assert.rejects(missed, EventsMissed),
    assert.rejects(broken, { message: "mine" }),
    assert.rejects(last, ServerUnavailable),
    assert.rejects(scene.monitor.waitFor(null, { signal: AbortSignal.abort(new Error("before")) }), { message: "before" }),
  ]);
  await scene.wait(2);
  stopped.abort(new Error("enough"));
  await scene.socket.say(GREETING);
  for (let round = 0; round < 6; round++) await scene.socket.say(scene.confirm());
  await scene.socket.say(bell(1, { session: "b" }));
  await scene.socket.say({ type: "stream.gap", from: 2, to: 3, dropped: 2, only: "pane.output" }, bell(4));
  scene.monitor.close();
  await failures;
});

// --- requests ------------------------------------------------------------------------------

test("what is asked, and what it gives", async () => {
  const { monitor, socket } = await stage();
  await socket.say(GREETING);
  const asked = async (promise, request, reply) => {
    promise.catch(() => {}); // who asked looks at it later
    await settled();
    const { id, ...heard } = socket.heard.at(-1);
    assert.deepEqual(heard, request);
    await socket.say({ id, ...reply });
    return promise;
  };
  assert.deepEqual(await asked(monitor.snapshot(), { action: "snapshot" }, snapshot(3)), TREE);
  assert.deepEqual(await asked(monitor.snapshot({ session: "a", pane: undefined }),
    { action: "snapshot", target: { session: "a" } }, snapshot(3)), TREE);
  assert.equal(await asked(monitor.command("send-text", { pane: "%3", text: "make", key: "k" }),
    { action: "command", command: "send-text", target: { pane: "%3" }, text: "make", key: "k" },
    { type: "command.result", ok: true, output: "" }), "");
  await assert.rejects(asked(monitor.command("interrupt", { pane: "%9" }),
    { action: "command", command: "interrupt", target: { pane: "%9" } },
    { type: "command.result", ok: false, error: "no such pane" }), { code: "COMMAND_FAILED", message: "no such pane" });
  const results = [{ ok: true, output: "", error: null }];
  assert.deepEqual(await asked(monitor.batch([{ command: "interrupt", pane: 1 }], { deadline_s: 3 }),
    { action: "batch", commands: [{ action: "command", command: "interrupt", target: { pane: 1 } }], deadline_s: 3 },
    { type: "batch.result", results }), results);
  assert.equal(await asked(monitor.emit("custom.deploy", { version: 3 }, { session: "api" }),
    { action: "emit", event: { session: "api", type: "custom.deploy", data: { version: 3 } } },
    { type: "emit.accepted", seq: 5 }), 5);
  assert.deepEqual(await asked(monitor.explain({ pane: "%3" }), { action: "explain", target: { pane: "%3" } },
    { type: "explain.data", epoch: "e1", seq: 1, server: "s", pane: {}, explanation: {} }),
  { epoch: "e1", seq: 1, server: "s", pane: {}, explanation: {} });
  const health = { pid: 1, uptime_s: 2, problems: {}, features: { commands: true } };
  assert.deepEqual(await asked(monitor.health(), { action: "health" }, { type: "health.data", ...health }), health);
  assert.equal(await asked(monitor.ping(), { action: "ping" }, { type: "pong", timestamp: "t" }), 0);
  await assert.rejects(monitor.command(undefined), UsageError);
  await assert.rejects(monitor.emit("custom.x", { big: 1n }), TypeError);
});

test("history comes page by page, with what was lost in its place", async () => {
  const { monitor, socket } = await stage();
  await socket.say(GREETING);
  const since = new Date(0);
  const seen = [];
  const all = (async () => {
    for await (const one of monitor.history({ types: "pane.*", text: "err", since, limit: 3 })) {
      seen.push([one.type, one.seq, one.epoch]);
    }
  })();
  await settled();
  const { id, ...first } = socket.heard.at(-1);
  assert.deepEqual(first, {
    action: "history", filters: { types: ["pane.*"] }, newest_first: false, limit: 3, contains: "err", since: since.toISOString(),
  });
  const kept = (seq, type = "pane.bell") => ({ ...bell(seq), type, epoch: "e0" });
  await socket.say({
    type: "history.data", id: "history", cursor: "c", events: [kept(4), kept(5, "pane.new"), null, 7],
    lost: [{ epoch: "e0", first: 2, last: 3, count: 2 }],
  });
  assert.equal(socket.last("history").cursor, "c");
  await socket.say({ type: "history.data", id: "history", cursor: "d", events: [kept(6), kept(7)] });
  await all;
  assert.deepEqual(seen, [["stream.gap", 1, "e0"], ["pane.bell", 4, "e0"], ["pane.bell", 6, "e0"]]);
  assert.equal(socket.heard.length, 2);
  await assert.rejects(monitor.history({ since: new Date(NaN) }).next(), UsageError);
});

test("after a cut what changes nothing is asked again, and the rest fails", async () => {
  const scene = await stage();
  const early = scene.monitor.snapshot();
  await scene.socket.say(GREETING);
  const command = scene.monitor.command("interrupt", { pane: "%1" });
  const failed = assert.rejects(command, ServerUnavailable);
  await scene.socket.cut();
  await failed;
  const meanwhile = scene.monitor.command("interrupt", { pane: "%2" });
  await scene.wait(0.25);
  await scene.socket.say(GREETING);
  assert.deepEqual(scene.socket.actions, ["snapshot", "command"]);
  await scene.socket.say(snapshot(1, { id: "snapshot" }), { type: "command.result", id: "command", ok: true, output: "" });
  assert.deepEqual(await early, TREE);
  assert.equal(await meanwhile, "");
});

test("a request has its time, its size and its number", async () => {
  const scene = await stage({ timeoutSeconds: 5 });
  await scene.socket.say({ ...GREETING, heartbeat_s: 1000, limits: { max_message_bytes: 200 } });
  const late = assert.rejects(scene.monitor.ping(), { code: "TIMED_OUT", message: "no answer came in 5 s" });
  const sooner = assert.rejects(scene.monitor.ping({ timeoutSeconds: 1 }), { message: "no answer came in 1 s" });
  const stop = new AbortController();
  const aborted = assert.rejects(scene.monitor.ping({ signal: stop.signal }), { message: "enough" });
  const never = assert.rejects(scene.monitor.ping({ signal: AbortSignal.abort(new Error("before")) }), { message: "before" });
  assert.equal(scene.socket.heard.length, 3);
  stop.abort(new Error("enough"));
  await scene.wait(5);
  await Promise.all([late, sooner, aborted, never]);
  await scene.socket.say({ type: "pong", id: "ping", timestamp: "t" });
  assert.equal(scene.monitor.unknown, 1); // nobody waits for it any more
  await assert.rejects(scene.monitor.emit("custom.x", { text: "ü".repeat(80) }), { code: "TOO_LARGE" });
  assert.equal(scene.socket.heard.length, 3);
  const many = Array.from({ length: 1000 }, () => scene.monitor.ping().catch(() => {}));
  await assert.rejects(scene.monitor.ping(), { code: "RATE_LIMIT", retryable: true });
  scene.monitor.close();
  await Promise.all(many);
});

test("a refusal has the code of the protocol", async () => {
  const { monitor, socket } = await stage();
  await socket.say(GREETING);
  const refused = async (fields) => {
    const asked = monitor.ping().then(assert.fail, (error) => error);
    await socket.say({ type: "error", id: "ping", message: "no", ...fields });
    return asked;
  };
  const slower = await refused({ code: "RATE_LIMIT", retryable: true, retry_after: 2 });
  assert.deepEqual([slower.constructor, slower.retryable, slower.retryAfter], [RequestError, true, 2]);
  assert.ok(await refused({ code: "FORBIDDEN" }) instanceof ServerRefused);
  const asked = assert.rejects(monitor.snapshot(), /something else/);
  await socket.say({ type: "pong", id: "snapshot", timestamp: "t" });
  await asked;
});

// --- the connection ------------------------------------------------------------------------

test("each failure in a row doubles the pause, up to ten seconds; success forgets them", async () => {
  const scene = await following({ reconnect: "always" });
  const pauses = [];
  for (let tries = 0; tries < 8; tries++) {
    await scene.socket.cut();
    pauses.push(scene.states.at(-1).seconds);
    await scene.wait(pauses.at(-1));
  }
  assert.deepEqual(pauses, [0.25, 0.5, 1, 2, 4, 8, 10, 10]);
  await opened(scene);
  await scene.socket.cut(4000);
  assert.equal(scene.states.at(-1).seconds, 0.25);
});

test("a pause is a random part of its bound", () => {
  for (const [failures, random, milliseconds] of [[0, 0, 0], [0, 0.5, 125], [3, 0.999, 1998], [5000, 0.5, 5000]]) {
    assert.equal(pause(failures, () => random), milliseconds);
  }
});

test("the first failure is final unless it is said otherwise, and so is any where nothing comes back", async () => {
  const first = await stage();
  await first.socket.cut();
  assert.deepEqual(first.names, ["connecting", "ended"]);
  assert.match(first.states.at(-1).error.message, /^cannot reach ws:\/\/127.0.0.1:8765; start one/);
  await assert.rejects(first.monitor.events().next(), ServerUnavailable);
  await assert.rejects(first.monitor.ping(), ServerUnavailable);
  assert.equal(first.timers.size, 0);
  const once = await following({ reconnect: false });
  await opened(once);
  await once.socket.cut();
  assert.deepEqual(once.heard, [TREE, "UNAVAILABLE"]);
});

test("a wait can be cut short, and only a wait", async () => {
  const scene = await following();
  await opened(scene);
  scene.monitor.retry();
  assert.equal(scene.sockets.length, 1);
  await scene.socket.cut();
  scene.monitor.retry();
  assert.equal(scene.sockets.length, 2);
  assert.equal(scene.timers.size, 1);
});

test("a server that does not greet is given up", async () => {
  const scene = await stage({ reconnect: "always" });
  const [socket] = scene.sockets;
  await scene.wait(9.9);
  assert.equal(scene.monitor.state.name, "connecting");
  await scene.wait(0.1);
  assert.equal(scene.monitor.state.name, "waiting");
  assert.ok(socket.closed);
  await socket.cut(); // late: it counts for nothing
  await socket.say(GREETING);
  assert.deepEqual([scene.monitor.state.name, socket.heard], ["waiting", []]);
});

test("silence is asked about once, and is the end when it stays", async () => {
  const scene = await following();
  await opened(scene);
  const { socket } = scene;
  await scene.wait(25);
  assert.deepEqual(socket.actions, ["subscribe", "ping"]);
  await socket.say({ type: "pong", id: "ping", timestamp: "t" });
  await scene.wait(24);
  await socket.say(bell(8));
  await scene.wait(24);
  assert.equal(socket.heard.length, 2);
  await scene.wait(1);
  assert.equal(socket.heard.length, 3);
  await scene.wait(10);
  assert.equal(scene.monitor.state.name, "waiting");
  assert.match(scene.monitor.state.error.message, /silent/);
  assert.ok(socket.closed);
});

test("a heartbeat that is shorter than the patience counts", async () => {
  const scene = await stage();
  await scene.socket.say({ ...GREETING, heartbeat_s: 0.5 });
  await scene.wait(0.5);
  assert.deepEqual(scene.socket.actions, ["ping"]);
});

test("no close code from 4500 to 4599 is tried again, and the others are", async () => {
  for (const [code, name, told] of [[4502, "ended", "AUTH_REQUIRED"], [4503, "ended", "4503"],
    [4599, "ended", "4599"], [4499, "waiting", "UNAVAILABLE"], [4600, "waiting", "UNAVAILABLE"]]) {
    const scene = await following({ token: "tp_a_b" });
    await scene.socket.say(LOCKED);
    await scene.socket.say(TAKEN);
    await scene.socket.say(scene.confirm(), snapshot(7));
    await scene.socket.cut(code, "late");
    assert.deepEqual([scene.monitor.state.name, scene.monitor.state.error.code], [name, told]);
    assert.match(scene.monitor.state.error.message, /late/);
    assert.equal(scene.timers.size, name === "ended" ? 0 : 1);
  }
});

test("an HTTP answer instead of a connection is understood where it is told", async () => {
  for (const [status, name, told] of [[401, "ended", "AUTH_FAILED"], [421, "ended", "421"], [403, "ended", "403"],
    [503, "waiting", "UNAVAILABLE"], [429, "waiting", "UNAVAILABLE"]]) {
    const scene = await stage({ reconnect: "always" });
    scene.socket.onerror({ message: `Unexpected server response: ${status}` });
    await scene.socket.cut();
    assert.deepEqual([scene.monitor.state.name, scene.monitor.state.error.code], [name, told]);
  }
});

test("a socket that fails before it is open is over, whether it says so or not", async () => {
  const scene = await stage({ reconnect: "always" });
  const [first] = scene.sockets;
  first.onerror({ message: "" }); // and no more: as Node's own does
  await settled();
  assert.deepEqual([scene.monitor.state.name, scene.monitor.state.error.code], ["waiting", "UNAVAILABLE"]);
  await scene.wait(2);
  assert.equal(scene.sockets.length, 2);
  await first.cut(); // the others do
  await scene.socket.say(GREETING);
  assert.equal(scene.monitor.state.name, "open");
  scene.socket.onerror({ message: "" }); // once it is open its end is told
  assert.equal(scene.monitor.state.name, "open");
});

test("another version of the protocol, and somebody else", async () => {
  const newer = await stage();
  await newer.socket.say({ ...GREETING, protocol: { min: 2, max: 3 } });
  assert.equal(newer.states.at(-1).error.code, "VERSION");
  const other = await stage();
  await other.socket.say({ type: "hello" });
  assert.match(other.states.at(-1).error.message, /does not speak/);
});

test("closing ends loops, refuses what was asked, and is the end", async () => {
  const scene = await following();
  const events = scene.monitor.events();
  await opened(scene);
  const waiting = events.next();
  const asked = assert.rejects(scene.monitor.ping(), ServerUnavailable);
  const unready = assert.rejects(events.ready, ServerUnavailable);
  scene.monitor.close();
  await Promise.all([asked, unready]);
  assert.deepEqual(await waiting, { value: undefined, done: true });
  assert.ok(scene.socket.closed);
  await scene.socket.cut(1000);
  assert.deepEqual([scene.monitor.state, scene.timers.size, scene.heard], [{ name: "closed" }, 0, [TREE]]);
  assert.throws(() => scene.monitor.retry(), UsageError);
  scene.monitor.close();
});

test("one that is closed at once closes what it began, and nobody is told of more", async () => {
  const sockets = [];
  const told = [];
  const monitor = connect({
    url: "ws://127.0.0.1:1/", reconnect: "always", onState: ({ name }) => told.push(name),
    WebSocket: class {
      closed = 0;
      constructor() { sockets.push(this); }
      close() { this.closed++; }
    },
  });
  assert.deepEqual(told, []); // before who called has the monitor
  monitor.close();
  await settled();
  sockets[0].onclose({ code: 1006, reason: "" });
  await settled();
  assert.deepEqual(sockets.map((one) => one.closed), [1]);
  assert.equal(told.at(-1), "closed");
});

// --- addresses -----------------------------------------------------------------------------

test("which addresses are taken", async () => {
  const urlOf = async (url) => (await stage({ url })).socket.url;
  assert.equal(await urlOf("ws://127.0.0.1/"), "ws://127.0.0.1:8765/");
  assert.equal(await urlOf("http://localhost:80/monitor"), "ws://localhost/monitor");
  assert.equal(await urlOf("ws://[::1]:99"), "ws://[::1]:99/");
  assert.equal(await urlOf("https://pulse.example"), "wss://pulse.example/");
  for (const url of ["pulse.example", "ftp://x/", "ws://pulse.example/", "wss://u@x/", "wss://x/?tp_canary",
    "wss://x/#token=tp_canary", "ws://127.0.0.1.evil.example/", "", undefined]) {
    assert.throws(() => connect({ url, WebSocket: class {} }),
      (error) => error instanceof UsageError && !error.message.includes("canary"), String(url));
  }
});

test("in a page the address is the page's own server", async (t) => {
  globalThis.location = { protocol: "https:", host: "pulse.example:8765" };
  t.after(() => { delete globalThis.location; });
  assert.equal((await stage({ url: undefined })).socket.url, "wss://pulse.example:8765/monitor");
});

test("without a WebSocket it says what to do", (t) => {
  const { WebSocket } = globalThis;
  t.after(() => { if (WebSocket) globalThis.WebSocket = WebSocket; });
  delete globalThis.WebSocket;
  assert.throws(() => connect({ url: "ws://127.0.0.1/" }), /npm install ws/);
});

// --- tokens --------------------------------------------------------------------------------

test("where one is required, the token goes first, and what is wanted at once behind it", async () => {
  const scene = await following({ token: "tp_a_b" });
  const { socket } = scene;
  assert.deepEqual(socket.options.headers, { Authorization: "Bearer tp_a_b" });
  await socket.say(LOCKED);
  assert.deepEqual(socket.heard[0], { id: 1, action: "auth", token: "tp_a_b" });
  assert.deepEqual(socket.actions, ["auth", "subscribe"]);
  scene.monitor.snapshot().catch(() => {}); // a question waits until the token was taken
  await settled();
  assert.deepEqual(socket.actions, ["auth", "subscribe"]);
  await socket.say({ ...TAKEN, sessions: ["api*"], expires_at: "2027" });
  assert.deepEqual(socket.actions, ["auth", "subscribe", "snapshot"]);
  await socket.say(scene.confirm(), snapshot(7), bell(8));
  assert.deepEqual([scene.names, scene.heard, scene.tokens], [["connecting", "open"], [TREE, 8], ["tp_a_b"]]);
  const { permissions, sessions, expires_at, epoch, heartbeat_s } = scene.monitor.greeting;
  assert.deepEqual([permissions, sessions, expires_at, epoch, heartbeat_s], [["read"], ["api*"], "2027", "e1", 25]);
});

test("who answers before it has taken the token does not speak the protocol", async () => {
  const scene = await following({ token: "tp_a_b" });
  const { socket } = scene;
  await socket.say(LOCKED);
  await socket.say(scene.confirm());
  assert.ok(socket.closed);
  assert.match(scene.states.at(-1).error.message, /does not speak/);
});

test("where none is required, none is given", async () => {
  const scene = await following({ token: "tp_a_b" });
  assert.equal(scene.monitor.greeting, null);
  await scene.socket.say(GREETING);
  assert.deepEqual(scene.socket.actions, ["subscribe"]);
  assert.deepEqual([scene.tokens, scene.monitor.greeting.permissions], [[], null]);
});

test("a platform's own WebSocket gets no header", async (t) => {
  const { WebSocket } = globalThis;
  t.after(() => { globalThis.WebSocket = WebSocket; });
  const given = [];
  globalThis.WebSocket = class {
    constructor(...what) { given.push(what); }

    close() {}
  };
  const monitor = connect({ url: "ws://127.0.0.1/", token: "tp_a_b" });
  await settled();
  monitor.close();
  assert.deepEqual(given, [["ws://127.0.0.1:8765/", ["tmuxpulse.v1.ndjson"]]]);
});

test("a token is in no address, state or error, and goes on nobody's console", async (t) => {
  const consoles = ["log", "info", "warn", "error", "debug"].map((name) => t.mock.method(console, name, () => {}));
  const scene = await following({ token: "tp_canary" });
  await scene.socket.say(LOCKED);
  await scene.socket.say(TAKEN);
  await scene.socket.say(scene.confirm(), snapshot(7));
  scene.socket.onmessage({ data: "{torn" });
  await scene.wait(1);
  await scene.socket.say(LOCKED);
  await scene.socket.say(REFUSED);
  const told = [...scene.states, ...scene.heard].map((one) => [JSON.stringify(one), String(one.error)]);
  assert.equal(scene.monitor.state.name, "ended");
  assert.ok(!JSON.stringify([told, scene.sockets.map(({ url, protocols }) => [url, protocols])]).includes("canary"));
  assert.deepEqual(consoles.map((one) => one.mock.callCount()), [0, 0, 0, 0, 0]);
  const broken = await stage({ token: () => { throw new Error("tp_canary"); } });
  assert.ok(broken.states.at(-1).error instanceof UsageError);
  assert.ok(!broken.states.at(-1).error.message.includes("canary"));
  const odd = await stage({ token: "tp_two\r\nlines" });
  assert.deepEqual(odd.socket.options.headers, {});
});

test("a one-time token is given once; what it was exchanged for is given after a cut", async () => {
  const scene = await following({ token: "tp_once" });
  await scene.socket.say(LOCKED);
  await scene.socket.say({ ...TAKEN, token: "tp_lasting" });
  await scene.socket.say(scene.confirm(), snapshot(7), bell(8));
  assert.deepEqual(scene.tokens, ["tp_lasting"]);
  await scene.socket.cut();
  await scene.wait(0.25);
  await scene.socket.say(LOCKED);
  await scene.socket.say(TAKEN);
  assert.equal(scene.socket.heard[0].token, "tp_lasting");
  assert.deepEqual(scene.socket.heard[1].resume, { epoch: "e1", seq: 8 });
  assert.deepEqual(scene.tokens, ["tp_lasting", "tp_lasting"]);
});

test("a function is asked for the token each time", async () => {
  const given = ["tp_1", "tp_2"];
  const scene = await following({ token: () => given.shift() });
  await scene.socket.say(LOCKED);
  await scene.socket.say(TAKEN);
  await scene.socket.say(scene.confirm(), snapshot(7));
  await scene.socket.cut(1001);
  await scene.wait(0.25);
  await scene.socket.say(LOCKED);
  await scene.socket.say(TAKEN);
  assert.deepEqual(scene.tokens, ["tp_1", "tp_2"]);
});

test("a wrong token ends it, and is not given again", async () => {
  const scene = await following({ token: "tp_wrong" });
  const [socket] = scene.sockets;
  await socket.say(LOCKED);
  await socket.say(REFUSED);
  assert.deepEqual([scene.names, scene.heard], [["connecting", "ended"], ["AUTH_FAILED"]]);
  assert.ok(socket.closed);
  await socket.cut(4500); // what the server does after it
  assert.deepEqual([scene.names.length, scene.tokens, scene.timers.size], [2, [], 0]);
  scene.monitor.retry();
  await scene.socket.say(LOCKED);
  assert.deepEqual([scene.monitor.state.name, scene.socket.heard], ["locked", []]);
});

test("without a token it is locked until one is there; then what was subscribed to goes on", async () => {
  for (const token of [undefined, null, "", () => null]) {
    const scene = await following({ token });
    const loop = scene.monitor.events();
    const [socket] = scene.sockets;
    await socket.say(LOCKED);
    assert.deepEqual([scene.names, scene.heard], [["connecting", "locked"], ["AUTH_REQUIRED"]]);
    assert.deepEqual([socket.heard, socket.closed, scene.timers.size], [[], true, 0]);
    await assert.rejects(loop.next(), { code: "AUTH_REQUIRED" });
    assert.deepEqual(await loop.next(), { value: undefined, done: true });
    await socket.cut(1005);
    assert.equal(scene.names.length, 2);
    scene.monitor.retry("tp_now");
    await scene.socket.say(LOCKED);
    await scene.socket.say(TAKEN);
    assert.equal(scene.socket.heard[0].token, "tp_now");
    await scene.socket.say(scene.confirm(), snapshot(7), bell(8));
    assert.deepEqual([scene.monitor.state.name, scene.heard], ["open", ["AUTH_REQUIRED", TREE, 8]]);
  }
});

test("another token begins another connection, even while one is open", async () => {
  const scene = await following({ token: "tp_1" });
  const [socket] = scene.sockets;
  await socket.say(LOCKED);
  await socket.say(TAKEN);
  scene.monitor.retry("tp_2");
  assert.ok(socket.closed);
  await scene.socket.say(LOCKED);
  assert.equal(scene.socket.heard[0].token, "tp_2");
  assert.equal(scene.timers.size, 1);
});

test("a revoked token is not given again, one that came too late is", async () => {
  for (const [code, sent] of [[4503, []], [4502, ["auth", "subscribe"]]]) {
    const scene = await following({ token: "tp_a_b" });
    await scene.socket.say(LOCKED);
    await scene.socket.say(TAKEN);
    await scene.socket.cut(code);
    scene.monitor.retry();
    await scene.socket.say(LOCKED);
    assert.deepEqual(scene.socket.actions, sent);
  }
});
