// A client that reconnects by itself and goes on where it was. No dependency; browsers and Node.

const SUBPROTOCOL = "tmuxpulse.v1.ndjson";
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
const PATIENCE_MS = 10_000; // for a greeting, for the answer to a ping

// Handlers, each may be left out:
//   onState(state, detail, code)
//                           "connecting" | "open" | "waiting" (detail: seconds until the next try)
//                           | "locked" (a token is asked for, and there is none: `retry(token)`)
//                           | "ended" (detail: why, code: the close code; it does not come back
//                           by itself)
//   onToken(token)          this one was taken: to be given the next time, too
//   onSnapshot(tree)        the whole truth; the events that follow change it
//   onEvent(event)
//   onNotice(text, kind)    something was missed or refused: "gap" | "reset" | "error" | "goodbye"
// Options: token, a string or a function that gives one. It goes into one message, nowhere else.
// For tests: WebSocket, random, setTimeout, clearTimeout.
// Returns { close(), retry(token) }; `retry` does not wait any longer, with a token it begins anew.
export function connect(url, handlers, options = {}) {
  const Socket = options.WebSocket ?? globalThis.WebSocket;
  const random = options.random ?? Math.random;
  const later = options.setTimeout ?? ((run, ms) => setTimeout(run, ms));
  const cancel = options.clearTimeout ?? ((timer) => clearTimeout(timer));
  let token = options.token;
  let given = null; // the one that this connection was opened with
  let position = null; // the last event that was seen: {epoch, seq}
  let failures = 0;
  let socket = null;
  let timer = null; // one at a time: until the next try, or of the watch over this connection
  let silent = false; // whether what panes printed is missing in what a resume brings
  let restarted = false; // whether it goes on into another run of the server
  let heartbeat_ms = null; // known from the greeting on

  const say = (...what) => handlers.onState?.(...what);

  function open() {
    say("connecting");
    heartbeat_ms = null;
    const mine = socket = new Socket(url, [SUBPROTOCOL]);
    mine.onmessage = (message) => { if (mine === socket) receive(message.data); };
    mine.onclose = (event) => { if (mine === socket) lost(event.code, event.reason); };
    watch();
  }

  // A connection can be dead without anybody having closed it. Silence is asked about once.
  function watch() {
    cancel(timer);
    timer = heartbeat_ms === null ? later(drop, PATIENCE_MS) : later(() => {
      socket.send(JSON.stringify({ action: "ping" }));
      timer = later(drop, PATIENCE_MS);
    }, heartbeat_ms);
  }

  function drop() {
    const silent = socket;
    lost(1006, "");
    silent.close(); // waits for the other side; nobody here does
  }

  function lost(code, reason) {
    socket = null;
    cancel(timer);
    if (code >= 4500 && code < 4600) { // trying again will not help
      if (ENDINGS.has(code) && typeof token === "string") token = null;
      say("ended", ENDINGS.get(code) ?? (reason || `code ${code}`), code);
      return;
    }
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures++);
    const pause = longest * (1 + random()) / 2; // jitter: not everybody at once
    timer = later(open, pause);
    say("waiting", pause / 1000);
  }

  function receive(text) {
    watch();
    const mine = socket;
    for (const message of parse(text)) {
      if (mine !== socket) return; // a handler closed it
      take(message);
    }
  }

  function parse(text) {
    try {
      return text.split("\n").map((line) => JSON.parse(line));
    } catch {
      handlers.onNotice?.("a message could not be read; connecting anew", "error");
      drop();
      return [];
    }
  }

  function take(message) {
    switch (message.type) {
      case "connection.established": {
        heartbeat_ms = message.heartbeat_s > 0 ? 1000 * message.heartbeat_s : 25_000;
        watch();
        if (message.auth?.required) authenticate();
        else subscribe();
        break;
      }
      case "auth.response":
        if (message.success) {
          if (message.token) token = message.token; // what was given was good for this one time
          handlers.onToken?.(message.token ?? given);
          subscribe();
        } else {
          const refused = socket;
          lost(4500, "");
          refused.close();
        }
        break;
      case "subscription.confirmed":
        failures = 0;
        silent = restarted = false;
        say("open");
        break;
      case "snapshot.data":
        position = { epoch: message.epoch, seq: message.seq };
        handlers.onSnapshot?.(message.data);
        break;
      case "stream.epoch": // of another run of the server; its first events build the state anew
        position = { epoch: message.epoch, seq: 0 };
        restarted = true;
        handlers.onNotice?.(`the server was restarted${silent ? `; ${NOT_KEPT}` : ""}`, "epoch");
        handlers.onSnapshot?.({ servers: [], sessions: [] });
        break;
      case "stream.gap":
        if (message.reason !== "history") {
          handlers.onNotice?.(`${message.dropped === 1 ? "1 event was" : `${message.dropped} events were`}`
            + " missed: this page was too slow", "gap");
        } else if (message.only === "pane.output" && !silent) {
          silent = true; // said once for a resume, however many runs it goes through
          handlers.onNotice?.(`${restarted ? "the server was restarted; " : ""}${NOT_KEPT}`, "gap");
        }
        break;
      case "stream.reset":
        handlers.onNotice?.(RESETS.get(message.reason) ?? "the stream begins anew", "reset");
        break;
      case "server.goodbye": // its number is the last event's
        handlers.onNotice?.(`the server ends: ${message.data?.reason ?? ""}`, "goodbye");
        break;
      case "error":
        handlers.onNotice?.(`the server refused: ${message.message}`, "error");
        break;
      default:
        if (typeof message.seq !== "number") return;
        if (position) position = { epoch: position.epoch, seq: message.seq };
        if (!message.type.startsWith("stream.")) handlers.onEvent?.(message);
    }
  }

  function authenticate() {
    given = typeof token === "function" ? token() : token;
    if (given) {
      socket.send(JSON.stringify({ action: "auth", id: 0, token: given }));
    } else {
      close(); // the server would not wait for a person
      say("locked");
    }
  }

  function subscribe() {
    const request = { action: "subscribe", id: 1, filters: {}, snapshot: true };
    if (position) request.resume = position;
    socket.send(JSON.stringify(request));
  }

  function close() {
    const open = socket;
    socket = null;
    cancel(timer);
    open?.close();
  }

  open();
  return {
    close,
    retry(another) {
      if (another) {
        token = another;
        close();
      }
      if (socket) return;
      cancel(timer);
      open();
    },
  };
}

const NOT_KEPT = "what panes printed in between is not kept";
const ENDINGS = new Map([ // after these a token is good for nothing any more
  [4500, "the token is not good: it is wrong, too old, or was used before"],
  [4503, "access was revoked"],
]);
const RESETS = new Map([
  ["epoch", "the server was restarted; events in between are not known"],
  ["expired", "the connection was away too long; events in between were missed"],
  ["scope", "not everything may be read any more; events in between were left out"],
]);
