import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../../web/client.js";

// A socket that plays the server's part when told to.
function stage() {
  const sockets = [];
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
    onState: (name) => heard.push(name),
    onSnapshot: (tree) => heard.push(tree),
    onEvent: (event) => heard.push(event.seq),
    onNotice: (text) => heard.push(`! ${text}`),
  }, { WebSocket: Socket, random: () => 0 });
  return { sockets, heard, client };
}

const GREETING = { type: "connection.established" };
const CONFIRMED = { type: "subscription.confirmed" };
const SNAPSHOT = { type: "snapshot.data", epoch: "e1", seq: 7, data: "tree" };
const soon = () => new Promise((resolve) => { setTimeout(resolve, 5); });

test("it subscribes with a snapshot and hears events, several in a message", () => {
  const { sockets, heard } = stage();
  sockets[0].say(GREETING);
  assert.deepEqual(sockets[0].protocols, ["tmuxpulse.v1.ndjson"]);
  assert.deepEqual(sockets[0].sent, [{ action: "subscribe", id: 1, filters: {}, snapshot: true }]);
  sockets[0].say(CONFIRMED, SNAPSHOT);
  sockets[0].say({ type: "pane.bell", seq: 8 }, { type: "pane.bell", seq: 9 });
  assert.deepEqual(heard, ["connecting", "open", "tree", 8, 9]);
});

test("after a cut it goes on from the last event it saw", async () => {
  const { sockets, heard } = stage();
  sockets[0].say(GREETING, CONFIRMED, SNAPSHOT, { type: "pane.bell", seq: 8 });
  sockets[0].onclose({ code: 1006 });
  await soon();
  sockets[1].say(GREETING);
  assert.deepEqual(sockets[1].sent[0].resume, { epoch: "e1", seq: 8 });
  assert.deepEqual(heard.slice(-2), ["closed", "connecting"]);
});

test("it says when something was missed", () => {
  const { sockets, heard } = stage();
  sockets[0].say(GREETING, CONFIRMED, { type: "stream.gap", from: 1, to: 5, dropped: 5 });
  sockets[0].say({ type: "stream.reset", reason: "epoch" }, { type: "stream.reset", reason: "expired" });
  assert.match(heard.at(-3), /^! 5 events were missed/);
  assert.match(heard.at(-2), /restarted/);
  assert.match(heard.at(-1), /away too long/);
});

test("a final refusal ends it, and so does close", async () => {
  const { sockets, heard } = stage();
  sockets[0].onclose({ code: 4500 });
  await soon();
  assert.equal(sockets.length, 1);
  assert.equal(heard.at(-1), "closed");
  const other = stage();
  other.client.close();
  other.sockets[0].onclose({ code: 1000 });
  await soon();
  assert.equal(other.sockets.length, 1);
  assert.equal(other.sockets[0].closed, true);
});

test("a goodbye is no event of the stream", () => {
  const { sockets, heard } = stage();
  sockets[0].say(GREETING, CONFIRMED, SNAPSHOT, { type: "server.goodbye", seq: 7 });
  assert.equal(heard.at(-1), "tree");
});
