import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../../web/client.js";

// A socket that plays the server's part when told to, and a clock that moves when told to.
function stage() {
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
  const client = connect("ws://x/monitor", {
    onState: (name, detail) => heard.push(detail === undefined ? name : `${name} ${detail}`),
    onSnapshot: (tree) => heard.push(tree),
    onEvent: (event) => heard.push(event.seq),
    onNotice: (text, kind) => heard.push(`! ${kind}: ${text}`),
  }, {
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
  return { sockets, heard, client, wait, timers };
}

const GREETING = { type: "connection.established", heartbeat_s: 25 };
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
  sockets[0].onclose({ code: 4500, reason: "bad token" });
  assert.equal(heard.at(-1), "ended bad token");
  assert.equal(timers.size, 0);
  client.retry(); // a person may still ask
  client.close();
  assert.ok(sockets[1].closed);
  sockets[1].onclose({ code: 1000 });
  assert.equal(timers.size, 0);
});
