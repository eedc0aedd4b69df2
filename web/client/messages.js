// What a server says: texts in, checked objects out. Pure.
//
// Only what the client itself relies on is checked; what is in an event's data is the server's word.

const isText = (value) => typeof value === "string";
const isFlag = (value) => typeof value === "boolean";
const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isList = Array.isArray;
const isObject = (value) => typeof value === "object" && value !== null && !isList(value);
const isTree = (value) => isObject(value) && isList(value.servers) && isList(value.sessions);
const or = (check) => (value) => value === undefined || value === null || check(value);

const REPLIES = new Map(Object.entries({
  "connection.established": { epoch: isText, auth: isObject, protocol: or(isObject), limits: or(isObject) },
  "auth.response": { success: isFlag, token: or(isText), epoch: or(isText) },
  "subscription.confirmed": { subscription: isText, epoch: isText, seq: isCount, recovered: or(isFlag) },
  "unsubscribe.confirmed": {},
  "snapshot.data": { epoch: isText, seq: isCount, data: isTree },
  "command.result": { ok: isFlag, error: or(isText) },
  "batch.result": { results: isList },
  "history.data": { events: isList, cursor: or(isText), lost: or(isList) },
  "emit.accepted": { seq: isCount },
  "explain.data": { pane: isObject, explanation: isObject },
  "health.data": { problems: isObject, features: isObject },
  "replay.state": { position_s: Number.isFinite, paused: isFlag, finished: isFlag, may_steer: isFlag },
  "ticket.issued": {},
  pong: {},
  "stream.gap": { from: isCount, to: isCount, dropped: or(isCount), only: or(isText), reason: or(isText) },
  "stream.epoch": { epoch: isText, previous: isText },
  "stream.reset": { reason: isText },
  "stream.mark": { seq: isCount },
  "stream.lag": { queued: isCount },
  error: { code: isText, message: isText },
}));

// The types of events that this version knows.
export const EVENT_TYPES = new Set([
  "server.up", "server.down", "server.goodbye", "server.trouble",
  "session.created", "session.removed", "session.renamed", "session.attached", "session.detached",
  "window.created", "window.removed", "window.renamed", "window.activated", "window.moved",
  "window.layout",
  "pane.created", "pane.removed", "pane.activated", "pane.moved", "pane.resized", "pane.output",
  "pane.bytes", "pane.error", "pane.warning", "pane.command", "pane.path", "pane.exited",
  "pane.title", "pane.bell", "pane.notification", "pane.progress", "pane.silence",
  "command.started", "command.finished", "agent.status", "system.stats",
]);

export const isEventType = (type) => EVENT_TYPES.has(type) || type.startsWith("custom.");

// Throws where it is no message of the protocol. The type may be one that nobody here knows.
export function decode(line) {
  const message = JSON.parse(line);
  if (!isObject(message) || !isText(message.type)) throw new TypeError("no message");
  const shape = REPLIES.get(message.type);
  if (shape) {
    for (const field in shape) {
      if (!shape[field](message[field])) throw new TypeError(`${message.type}: ${field}`);
    }
  } else if (isEventType(message.type) && !isEvent(message)) {
    throw new TypeError(`${message.type}: not an event`);
  }
  return message;
}

export const isEvent = (message) =>
  isCount(message.seq) && isObject(message.data) && isText(message.timestamp);

export const isReply = (message) => REPLIES.has(message.type);

// What has to be known about the stream at a position: `Gap` and `Restarted`.
export const note = (type, data, epoch, seq) => ({ type, epoch, seq, timestamp: "", data });
