// A client that reconnects by itself and goes on where it was. No dependency; browsers and Node.

const SUBPROTOCOL = "tmuxpulse.v1.ndjson";
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

// Handlers: onSnapshot(tree), onEvent(event), onState("connecting" | "open" | "closed"),
// onNotice(text): something was missed, and why. Returns { close() }.
export function connect(url, handlers, options = {}) {
  const Socket = options.WebSocket ?? globalThis.WebSocket;
  const random = options.random ?? Math.random;
  let position = null; // the last event that was seen: {epoch, seq}
  let failures = 0;
  let socket = null;
  let timer = null;
  let ended = false;

  function open() {
    handlers.onState?.("connecting");
    socket = new Socket(url, [SUBPROTOCOL]);
    socket.onmessage = (message) => {
      for (const line of message.data.split("\n")) take(JSON.parse(line));
    };
    socket.onclose = (event) => {
      if (ended) return;
      handlers.onState?.("closed");
      if (event.code >= 4500 && event.code < 4600) return; // final: trying again will not help
      const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures++);
      timer = setTimeout(open, pause * random()); // full jitter: not everybody at once
    };
  }

  function subscribe() {
    const request = { action: "subscribe", id: 1, filters: {}, snapshot: true };
    if (position) request.resume = position;
    socket.send(JSON.stringify(request));
  }

  function take(message) {
    switch (message.type) {
      case "connection.established":
        subscribe();
        break;
      case "subscription.confirmed":
        failures = 0;
        handlers.onState?.("open");
        break;
      case "snapshot.data":
        position = { epoch: message.epoch, seq: message.seq };
        handlers.onSnapshot?.(message.data);
        break;
      case "stream.gap":
        handlers.onNotice?.(`${message.dropped} events were missed: this page was too slow`);
        break;
      case "stream.reset":
        handlers.onNotice?.(
          message.reason === "epoch"
            ? "the server was restarted; events in between are not known"
            : "the connection was away too long; events in between were missed",
        );
        break;
      case "error":
        handlers.onNotice?.(`the server refused: ${message.message}`);
        break;
      default:
        if (typeof message.seq === "number" && message.type !== "server.goodbye") {
          if (position) position = { ...position, seq: message.seq };
          handlers.onEvent?.(message);
        }
    }
  }

  open();
  return {
    close() {
      ended = true;
      clearTimeout(timer);
      socket.close();
    },
  };
}
