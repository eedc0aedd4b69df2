import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../../web/client.js";

// A socket that plays the server's part when told to, and a clock that moves when told to.
function stage(options = {}) {
  const sockets = [];
  const timers = new Set();
  let now = 0;
  class Socket {
    constructor(url, protocols) {
      Object.assign(this, { url, protocols, sent: [] });
      sockets.push(this);
    }
    send(text) { this.sent.push(JSON.parse(text)); }
    close() { this.closed = true; }
    say(...messages) { this.onmessage({ data: messages.map((one) => JSON.stringify(one)).join("\n") }); }
  }
  const heard = [];
  const codes = [];
  const tokens = [];
  const client = connect("ws://x/monitor", {
    onState: (name, detail, code) => {
      heard.push(detail === undefined ? name : `${name} ${detail}`);
      codes.push(code);
    },
    onToken: (token) => tokens.push(token),
    onSnapshot: (tree) => heard.push(tree),
    onEvent: (event) => heard.push(event.seq),
    onNotice: (text, kind) => heard.push(`! ${kind}: ${text}`),
  }, {
    ...options,
    WebSocket: Socket,
    random: () => 1,
    setTimeout(run, ms) {
      const timer = { run, at: now + ms };
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer) => timers.delete(timer),
  });
  const wait = (seconds) => {
    now += 1000 * seconds;
    for (const timer of [...timers]) if (timer.at <= now && timers.delete(timer)) timer.run();
  };
  return { sockets, heard, codes, tokens, client, wait, timers };
}

const GREETING = { type: "connection.established", heartbeat_s: 25 };
const LOCKED = { ...GREETING, epoch: "", seq: 0, auth: { required: true } };
const TAKEN = { type: "auth.response", id: 0, success: true, permissions: ["read"], token: null };
const REFUSED = { type: "auth.response", id: 0, success: false, permissions: [] };
const CONFIRMED = { type: "subscription.confirmed" };
const SNAPSHOT = { type: "snapshot.data", epoch: "e1", seq: 7, data: "tree" };
const BELL = { type: "pane.bell", seq: 8 };

test("it subscribes with a snapshot and hears events, several in a message", () => {
  const { sockets, heard } = stage();
  assert.deepEqual(sockets[0].protocols, ["tmuxpulse.v1.ndjson"]);
  sockets[0].say(GREETING);
  assert.deepEqual(sockets[0].sent, [{ action: "subscribe", id: 1, filters: {}, snapshot: true }]);
  sockets[0].say(CONFIRMED, SNAPSHOT);
  sockets[0].say(BELL, { type: "pane.bell", seq: 9 });
  assert.deepEqual(heard, ["connecting", "open", "tree", 8, 9]);
});

test("after a cut it goes on from the last event it saw", () => {
  const { sockets, heard, wait } = stage();
  sockets[0].say(GREETING, CONFIRMED, SNAPSHOT, BELL, { type: "stream.mark", seq: 12 });
  sockets[0].onclose({ code: 1006 });
  wait(0.25);
  sockets[1].say(GREETING);
  assert.deepEqual(sockets[1].sent[0].resume, { epoch: "e1", seq: 12 });
  assert.deepEqual(heard.slice(-3), [8, "waiting 0.25", "connecting"]);
});

test("each failure in a row doubles the pause, up to ten seconds; success forgets them", () => {
  const { sockets, heard, wait } = stage();
  const pauses = [];
  for (let tries = 0; tries < 8; tries++) {
    sockets.at(-1).onclose({ code: 1006 });
    pauses.push(Number(heard.at(-1).slice("waiting ".length)));
    wait(pauses.at(-1));
  }
  assert.deepEqual(pauses, [0.25, 0.5, 1, 2, 4, 8, 10, 10]);
  sockets.at(-1).say(GREETING, CONFIRMED, SNAPSHOT);
  sockets.at(-1).onclose({ code: 4000 });
  assert.equal(heard.at(-1), "waiting 0.25");
});

test("a wait can be cut short, and only a wait", () => {
  const { sockets, client, timers } = stage();
  client.retry();
  assert.equal(sockets.length, 1);
  sockets[0].onclose({ code: 1006 });
  client.retry();
  assert.equal(sockets.length, 2);
  assert.equal(timers.size, 1);
});

test("a server that does not greet is given up", () => {
  const { sockets, heard, wait } = stage();
  wait(9.9);
  assert.equal(heard.at(-1), "connecting");
  wait(0.1);
  assert.equal(heard.at(-1), "waiting 0.25");
  assert.ok(sockets[0].closed);
  sockets[0].onclose({ code: 1006 }); // late: it counts for nothing
  sockets[0].say(GREETING);
  assert.equal(heard.at(-1), "waiting 0.25");
});

test("silence is asked about, and is the end when it stays", () => {
  const { sockets, heard, wait } = stage();
  sockets[0].say(GREETING, CONFIRMED, SNAPSHOT);
  wait(25);
  assert.deepEqual(sockets[0].sent.at(-1), { action: "ping" });
  sockets[0].say({ type: "pong" });
  wait(24);
  sockets[0].say(BELL);
  wait(24);
  assert.equal(sockets[0].sent.length, 2);
  wait(1);
  assert.equal(sockets[0].sent.length, 3);
  wait(10);
  assert.equal(heard.at(-1), "waiting 0.25");
  assert.ok(sockets[0].closed);
});

test("it says when something was missed", () => {
  const { sockets, heard } = stage();
  sockets[0].say(GREETING, CONFIRMED, { type: "stream.gap", from: 1, to: 5, dropped: 5 });
  assert.match(heard.at(-1), /^! gap: 5 events were missed/);
  for (const [reason, words] of [["epoch", /restarted/], ["expired", /too long/], ["?", /anew/]]) {
    sockets[0].say({ type: "stream.reset", reason });
    assert.match(heard.at(-1), words);
  }
  sockets[0].say({ type: "error", code: "RATE_LIMIT", message: "slowly" });
  assert.equal(heard.at(-1), "! error: the server refused: slowly");
});

test("a resume goes on into the next run of the server", () => {
  const { sockets, heard, wait } = stage();
  sockets[0].say(GREETING, CONFIRMED, SNAPSHOT, BELL);
  sockets[0].onclose({ code: 1006 });
  wait(0.25);
  sockets[1].say({ ...GREETING, epoch: "e2" }, { ...CONFIRMED, recovered: true });
  sockets[1].say({ type: "stream.gap", from: 9, to: 20, dropped: null, only: "system.stats", reason: "history" });
  assert.equal(heard.at(-1), "open");
  sockets[1].say({ type: "stream.gap", from: 9, to: 20, dropped: null, only: "pane.output", reason: "history" });
  assert.equal(heard.at(-1), "! gap: what panes printed in between is not kept");
  sockets[1].say({ type: "stream.epoch", epoch: "e2", previous: "e1" });
  assert.equal(heard.at(-2), "! epoch: the server was restarted; what panes printed in between is not kept");
  assert.deepEqual(heard.at(-1), { servers: [], sessions: [] });
  sockets[1].say({ type: "stream.gap", from: 1, to: 2, dropped: null, only: "pane.output", reason: "history" });
  assert.deepEqual(heard.at(-1), { servers: [], sessions: [] });
  sockets[1].say(CONFIRMED, { type: "stream.epoch", epoch: "e2", previous: "e1" });
  sockets[1].say({ type: "stream.gap", from: 1, to: 2, dropped: null, only: "pane.output", reason: "history" });
  assert.equal(heard.at(-1), "! gap: the server was restarted; what panes printed in between is not kept");
  sockets[1].say({ ...BELL, seq: 3 });
  sockets[1].onclose({ code: 1006 });
  wait(0.5);
  sockets[2].say(GREETING);
  assert.deepEqual(sockets[2].sent[0].resume, { epoch: "e2", seq: 3 });
});

test("a goodbye is no event of the stream", () => {
  const { sockets, heard, wait } = stage();
  sockets[0].say(GREETING, CONFIRMED, SNAPSHOT, BELL);
  sockets[0].say({ type: "server.goodbye", seq: 3, data: { reason: "shutting down" } });
  assert.equal(heard.at(-1), "! goodbye: the server ends: shutting down");
  sockets[0].onclose({ code: 1001 });
  wait(0.25);
  sockets[1].say(GREETING);
  assert.equal(sockets[1].sent[0].resume.seq, 8);
});

test("what cannot be read ends the connection, not the client", () => {
  const { sockets, heard, wait } = stage();
  sockets[0].say(GREETING, CONFIRMED, SNAPSHOT);
  sockets[0].onmessage({ data: `${JSON.stringify(BELL)}\n{"torn` });
  assert.match(heard.at(-2), /could not be read/);
  assert.equal(heard.at(-1), "waiting 0.25");
  wait(0.25);
  sockets[1].onmessage({ data: new Blob([]) });
  assert.equal(heard.at(-1), "waiting 0.5");
});

test("a type that is not known changes nothing", () => {
  const { sockets, heard } = stage();
  sockets[0].say(GREETING, CONFIRMED, SNAPSHOT);
  sockets[0].say({ type: "something.new" }, { type: "stream.lag" }, { type: "unsubscribe.confirmed" });
  assert.equal(heard.at(-1), "tree");
});

test("a final refusal ends it, and so does close", () => {
  const { sockets, heard, timers, client } = stage();
  sockets[0].onclose({ code: 4504, reason: "too many connections" });
  assert.equal(heard.at(-1), "ended too many connections");
  assert.equal(timers.size, 0);
  client.retry(); // a person may still ask
  client.close();
  assert.ok(sockets[1].closed);
  sockets[1].onclose({ code: 1000 });
  assert.equal(timers.size, 0);
});

// --- tokens -----------------------------------------------------------------------------

const asksFor = (socket) => socket.sent.map((one) => one.action);

test("where one is required, the token goes first and nothing else until it was taken", () => {
  const { sockets, heard, tokens } = stage({ token: "tp_a_b" });
  sockets[0].say(LOCKED);
  assert.deepEqual(sockets[0].sent, [{ action: "auth", id: 0, token: "tp_a_b" }]);
  sockets[0].say(TAKEN);
  assert.deepEqual(asksFor(sockets[0]), ["auth", "subscribe"]);
  sockets[0].say(CONFIRMED, SNAPSHOT, BELL);
  assert.deepEqual(heard, ["connecting", "open", "tree", 8]);
  assert.deepEqual(tokens, ["tp_a_b"]);
});

test("where none is required, none is given", () => {
  for (const greeting of [GREETING, { ...GREETING, auth: { required: false } }]) {
    const { sockets, tokens } = stage({ token: "tp_a_b" });
    sockets[0].say(greeting);
    assert.deepEqual(asksFor(sockets[0]), ["subscribe"]);
    assert.deepEqual(tokens, []);
  }
});

test("a token is in no address, state or notice, and goes on nobody's console", (t) => {
  const consoles = ["log", "info", "warn", "error", "debug"].map((name) => t.mock.method(console, name, () => {}));
  const { sockets, heard, wait } = stage({ token: "tp_canary" });
  sockets[0].say(LOCKED, TAKEN, CONFIRMED, SNAPSHOT);
  sockets[0].onmessage({ data: "{torn" });
  wait(1);
  sockets[1].say(LOCKED, REFUSED);
  assert.ok(!JSON.stringify([heard, sockets.map((one) => [one.url, one.protocols])]).includes("canary"));
  assert.deepEqual(consoles.map((one) => one.mock.callCount()), [0, 0, 0, 0, 0]);
});

test("a one-time token is given once; what it was exchanged for is given after a cut", () => {
  const { sockets, tokens, wait } = stage({ token: "tp_once" });
  sockets[0].say(LOCKED, { ...TAKEN, token: "tp_lasting" }, CONFIRMED, SNAPSHOT, BELL);
  assert.deepEqual(tokens, ["tp_lasting"]);
  sockets[0].onclose({ code: 1006 });
  wait(0.25);
  sockets[1].say(LOCKED, TAKEN);
  assert.equal(sockets[1].sent[0].token, "tp_lasting");
  assert.deepEqual(sockets[1].sent[1].resume, { epoch: "e1", seq: 8 });
  assert.deepEqual(tokens, ["tp_lasting", "tp_lasting"]);
});

test("a function is asked for the token each time", () => {
  const given = ["tp_1", "tp_2"];
  const { sockets, tokens, wait } = stage({ token: () => given.shift() });
  sockets[0].say(LOCKED, TAKEN, CONFIRMED);
  sockets[0].onclose({ code: 1001 });
  wait(0.25);
  sockets[1].say(LOCKED, TAKEN);
  assert.deepEqual(tokens, ["tp_1", "tp_2"]);
});

test("a wrong token ends it, and is not given again", () => {
  const { sockets, heard, codes, tokens, timers, client } = stage({ token: "tp_wrong" });
  sockets[0].say(LOCKED, REFUSED);
  assert.match(heard.at(-1), /^ended the token is not good/);
  assert.equal(codes.at(-1), 4500);
  assert.ok(sockets[0].closed);
  sockets[0].onclose({ code: 4500 }); // what the server does after it
  assert.equal(heard.length, 2);
  assert.deepEqual([tokens, timers.size], [[], 0]);
  client.retry();
  sockets[1].say(LOCKED);
  assert.deepEqual([heard.at(-1), sockets[1].sent], ["locked", []]);
});

test("without a token it is locked, silently, until one is there", () => {
  for (const token of [undefined, null, "", () => null]) {
    const { sockets, heard, timers, client } = stage({ token });
    sockets[0].say(LOCKED);
    assert.deepEqual(heard, ["connecting", "locked"]);
    assert.deepEqual([sockets[0].sent, timers.size], [[], 0]);
    assert.ok(sockets[0].closed);
    sockets[0].onclose({ code: 1005 });
    assert.equal(heard.length, 2);
    client.retry("tp_now");
    sockets[1].say(LOCKED, TAKEN, CONFIRMED);
    assert.equal(sockets[1].sent[0].token, "tp_now");
    assert.equal(heard.at(-1), "open");
  }
});

test("another token begins another connection, even while one is open", () => {
  const { sockets, client, timers } = stage({ token: "tp_1" });
  sockets[0].say(LOCKED, TAKEN, CONFIRMED);
  client.retry("tp_2");
  assert.ok(sockets[0].closed);
  sockets[1].say(LOCKED);
  assert.equal(sockets[1].sent[0].token, "tp_2");
  assert.equal(timers.size, 1);
});

test("no close code from 4500 to 4599 is tried again, and the others are", () => {
  for (const [code, ending] of [[4502, "ended late"], [4503, "ended access was revoked"], [4599, "ended late"],
    [4499, "waiting 0.25"], [4600, "waiting 0.25"]]) {
    const { sockets, heard, codes, timers } = stage({ token: "tp_a_b" });
    sockets[0].say(LOCKED, TAKEN, CONFIRMED);
    sockets[0].onclose({ code, reason: "late" });
    assert.equal(heard.at(-1), ending);
    assert.deepEqual([timers.size, codes.at(-1)], ending.startsWith("ended") ? [0, code] : [1, undefined]);
  }
});

test("a revoked token is not given again, one that came too late is", () => {
  for (const [code, sent] of [[4503, []], [4502, ["auth"]]]) {
    const { sockets, client } = stage({ token: "tp_a_b" });
    sockets[0].say(LOCKED, TAKEN, CONFIRMED);
    sockets[0].onclose({ code });
    client.retry();
    sockets[1].say(LOCKED);
    assert.deepEqual(asksFor(sockets[1]), sent);
  }
});
