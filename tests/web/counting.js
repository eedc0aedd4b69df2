// A client for `bench/bench_client.py`: counting.js NAME URL EVENTS
//
// Prints the CPU seconds of this process from the first event to the last.

import { connect } from "../../web/client.js";
import { WebSocket } from "./sockets.js";

const [name, url, last] = process.argv.slice(2);
let start = null;
let seen = 0;

function count(seq) {
  start ??= process.cpuUsage();
  seen++;
  if (seq < Number(last)) return;
  const { user, system } = process.cpuUsage(start);
  console.log(JSON.stringify({ cpu: (user + system) / 1e6, events: seen }));
  process.exit();
}

if (name === "ws") { // the loop that one writes first
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.once("message", () => socket.send('{"action":"subscribe","id":1}'));
  socket.on("message", (text) => {
    const found = JSON.parse(text);
    if (found.type === "pane.output") count(found.seq);
  });
} else if (name === "javascript") {
  for await (const { seq } of connect({ url, WebSocket }).events()) count(seq);
} else {
  connect({ url, WebSocket }).subscribe({}, ({ seq }) => count(seq));
}
