// The driver of the JavaScript client; README.md has the contract.
//
//     node driver.js < CLIENT
//     node --experimental-websocket driver.js own < CLIENT    by the platform's own WebSocket

import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { ServerRefused, connect } from "../../web/client.js";
import * as sockets from "../web/sockets.js";

const END = "custom.end";
const RESETS = ["epoch", "expired", "scope"];

const tell = (report) => process.stdout.write(`${JSON.stringify(report)}\n`);
const tellState = (tree) => { if (tree) tell({ snapshot: tree.sessions.map(({ name }) => name) }); };

// Reports one item; false: it was the last.
function told(item) {
  const { type, seq, data } = item;
  if (type === END) return false;
  if (type === "stream.gap") {
    const { reason, first, last, dropped, only } = data;
    if (RESETS.includes(reason)) tell({ reset: reason });
    else tell({ gap: { from: first, to: last, dropped, only, reason } });
    tellState(data.state);
  } else if (type === "stream.epoch") tell({ epoch: data.epoch });
  else if (type.startsWith("custom.")) tell({ event: seq, type, data });
  else tell({ event: seq, type });
  return true;
}

const WebSocket = process.argv[2] === "own" ? globalThis.WebSocket : sockets.WebSocket;
const client = JSON.parse(await text(process.stdin));
const monitor = connect({
  url: client.url, token: client.token, WebSocket,
  onState: ({ name }) => { if (name === "open") tell({ state: "open" }); },
});
try {
  const events = monitor.events({ ...client.filters, snapshot: client.snapshot });
  await events.ready;
  tellState(events.state);
  await sleep(1000 * (client.pause_s ?? 0));
  for await (const item of events) if (!told(item)) break;
} catch (error) {
  if (!(error instanceof ServerRefused)) throw error;
  tell({ refused: error.code });
}
monitor.close();
