#!/usr/bin/env node
// Who does what, from the state on: a line for each pane, then one for each change.
//
//   tmuxpulse token create follow --scope read --scope output --file ~/.tmuxpulse-token
//   TMUXPULSE_TOKEN_FILE=~/.tmuxpulse-token node examples/follow.mjs
//
// Node 22 has WebSockets of its own. Node 20 has them with `node --experimental-websocket`, or pass
// `WebSocket` of the package `ws` to `connect`.

import { readFileSync } from "node:fs";
import { connect } from "../web/client.js";

const url = process.env.TMUXPULSE_URL ?? "ws://127.0.0.1:8765/";
const file = process.env.TMUXPULSE_TOKEN_FILE;
if (!file) {
  console.error("follow: set TMUXPULSE_TOKEN_FILE to a file with a token; tmuxpulse token create makes one");
  process.exit(2);
}

const monitor = connect({ url, token: readFileSync(file, "utf8").trim() });
process.once("SIGINT", () => { monitor.close(); process.exitCode = 130; });

// What panes print may hold anything: nothing of it may steer the terminal.
const clean = (text) => text.replace(/[\p{Cc}\p{Cf}]/gu, "\u{fffd}");
const say = (where, status, why) => console.log(`${clean(where)}  ${status}  ${clean(why)}`);

function sayAll(tree) {
  for (const session of tree.sessions) {
    for (const window of session.windows) {
      for (const pane of window.panes) {
        say(`${session.name}:${window.index}.${pane.index}`, pane.status, pane.reason);
      }
    }
  }
}

try {
  const events = monitor.events({ types: ["agent.status"], snapshot: true });
  await events.ready;
  sayAll(events.state);
  for await (const event of events) {
    switch (event.type) {
      case "agent.status":
        say(`${event.session}:${event.window}.${event.pane}`, event.data.status, event.data.reason);
        break;
      case "stream.gap":
        console.log(`something was missed (${event.data.reason})`);
        if (event.data.state) sayAll(event.data.state);
        break;
      case "stream.epoch":
        console.log("the server was restarted; nothing was missed");
        break;
    }
  }
} catch (error) {
  console.error(`follow: ${error.message}`);
  process.exitCode = 1;
} finally {
  monitor.close();
}
