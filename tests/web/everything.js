// Asks a real server everything that one can ask: everything.js URL WRITER READER
//
// Given are tokens; what it saw is printed as JSON.

import assert from "node:assert/strict";
import { RequestError, ServerRefused, connect } from "../../web/client.js";
import { WebSocket } from "./sockets.js";

const [url, writer, reader] = process.argv.slice(2);
const monitor = connect({ url, token: writer, WebSocket });
const events = monitor.events({ types: ["custom.*", "session.renamed"], snapshot: true });
await events.ready;
assert.equal(events.state.sessions[0].name, "api");
const output = monitor.waitFor(({ data }) => [...data.lines, data.partial, ...Object.values(data.rows)].join().includes("one1two"),
  { types: "pane.output", timeoutSeconds: 60 });

const [session] = (await monitor.snapshot()).sessions;
const pane = session.windows[0].panes[0].id;
await monitor.command("send-text", { pane, text: "echo one$((1))two", enter: true });
await output;
const [alone] = (await monitor.snapshot({ session: "api", pane })).sessions;
assert.match(alone.windows[0].panes[0].screen.join("\n"), /one1two/);
assert.match(await monitor.command("capture", { pane }), /one1two/);
assert.equal((await monitor.command("status", { pane })).id, pane);

const batch = [{ command: "rename", session: "api", name: "web" }];
for (let times = 0; times < 2; times++) {
  assert.deepEqual((await monitor.batch(batch, { key: "k" })).map(({ ok }) => ok), [true]);
}
await assert.rejects(monitor.snapshot({ session: "nobody" }), (error) =>
  error instanceof RequestError && error.code === "NOT_FOUND");
assert.equal((await monitor.explain({ pane })).pane.id, pane);
assert.ok((await monitor.health()).pid > 0);
assert.ok(await monitor.ping() >= 0);

const first = (await events.next()).value;
assert.deepEqual([first.type, first.data.name], ["session.renamed", "web"]);
await monitor.emit("custom.deploy", { version: 3 }, { session: "web" });
const second = (await events.next()).value;
assert.deepEqual([second.type, second.session, second.data], ["custom.deploy", "web", { version: 3 }]);
events.close();

// What was kept is written a moment later.
let kept = [];
for (const end = Date.now() + 60_000; !kept.includes("custom.deploy") && Date.now() < end;) {
  kept = [];
  for await (const { type } of monitor.history({ types: ["session.renamed", "custom.*"] })) kept.push(type);
}
assert.deepEqual(kept, ["session.renamed", "custom.deploy"]);
monitor.close();

const quiet = connect({ url, token: reader, WebSocket });
await assert.rejects(quiet.command("interrupt", { session: "web" }), (error) =>
  error instanceof ServerRefused && error.code === "FORBIDDEN");
quiet.close();
const stranger = connect({ url, token: `tp_${"x".repeat(40)}`, WebSocket });
await assert.rejects(stranger.ping(), (error) => error instanceof ServerRefused && error.code === "AUTH_FAILED");
const nobody = connect({ url, WebSocket });
await assert.rejects(nobody.ping(), { code: "AUTH_REQUIRED" });
assert.equal(nobody.state.name, "locked");
console.log("done");
