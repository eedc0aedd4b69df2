// A socket that plays the server's part when told to, and a clock that moves when told to.

import { connect } from "../../web/client.js";

export const GREETING = {
  type: "connection.established", client_id: "c-1", timestamp: "t", server: { name: "tmuxpulse", version: "9" },
  protocol: { min: 1, max: 1 }, epoch: "e1", seq: 0, auth: { required: false }, heartbeat_s: 25,
};
export const LOCKED = { ...GREETING, epoch: "", auth: { required: true } };
export const TREE = { servers: [], sessions: [] };
export const bell = (seq, fields = {}) => ({ type: "pane.bell", seq, timestamp: "t", session: "a", data: {}, ...fields });
export const snapshot = (seq, fields = {}) => ({ type: "snapshot.data", epoch: "e1", seq, data: TREE, ...fields });

// Everything that is to happen at once has happened.
export const settled = () => new Promise((resolve) => { setImmediate(resolve); });

export async function stage(options = {}) {
  const sockets = [];
  const timers = new Set();
  const states = [];
  const tokens = [];
  let now = 0;
  class Socket {
    constructor(...given) {
      [this.url, this.protocols, this.options] = given;
      this.heard = [];
      sockets.push(this);
    }

    send(text) { this.heard.push(JSON.parse(text)); }

    close() { this.closed = true; }

    // Says objects in one message; an id that is a name of an action is that of its last request.
    say(...messages) {
      this.onopen({});
      const said = messages.map(({ id, ...rest }) =>
        JSON.stringify(typeof id === "string" ? { id: this.last(id).id, ...rest } : { id, ...rest }));
      this.onmessage({ data: said.join("\n") });
      return settled();
    }

    last(action) { return this.heard.findLast((one) => one.action === action); }

    cut(code = 1006, reason = "") {
      this.onclose({ code, reason });
      return settled();
    }

    get actions() { return this.heard.map(({ action }) => action); }
  }
  const confirm = (fields = {}) => ({
    type: "subscription.confirmed", id: "subscribe", subscription: `s-${sockets.at(-1).heard.length}`,
    subscriptions: [], filters: {}, epoch: "e1", seq: 0, recovered: false, ...fields,
  });
  const monitor = connect({
    url: "ws://127.0.0.1:8765/monitor", WebSocket: Socket, random: () => 1,
    onState: (state) => states.push(state), onToken: (token) => tokens.push(token), ...options,
    clock: {
      now: () => now,
      setTimeout(run, ms) {
        const timer = { run, at: now + ms };
        timers.add(timer);
        return timer;
      },
      clearTimeout: (timer) => timers.delete(timer),
    },
  });
  await settled();
  // Lets time pass, from one timer to the next.
  const wait = async (seconds) => {
    const end = now + 1000 * seconds;
    for (;;) {
      const next = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      now = Math.max(now, next.at);
      timers.delete(next);
      next.run();
      await settled();
    }
    now = end;
  };
  return {
    sockets, timers, states, tokens, monitor, wait, confirm,
    get socket() { return sockets.at(-1); },
    get names() { return states.map(({ name }) => name); },
  };
}

// What a subscription with callbacks heard, in order.
export function follow(monitor, options = {}) {
  const heard = [];
  const watch = monitor.subscribe(options, {
    onItem: ({ type, seq, data }) => heard.push(type === "pane.bell" ? seq : [type, data]),
    onSnapshot: (tree) => heard.push(tree),
    onError: (error) => heard.push(error.code),
  });
  return { heard, watch };
}
