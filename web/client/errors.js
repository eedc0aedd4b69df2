// Every error of the client, and what the end of a connection means: come back, or do not.
//
//   TmuxpulseError        `code` tells them apart
//   ├── UsageError        it makes no sense as it was written
//   ├── ServerUnavailable no server answers, or it went away
//   ├── ServerRefused     it answered and refused
//   ├── RequestError      one request was refused
//   ├── EventsMissed      what was waited for may have gone by unseen
//   └── TimedOut          it did not come in time

export class TmuxpulseError extends Error {
  constructor(message, code) {
    super(message);
    this.name = this.constructor.name;
    this.code = code;
  }
}

export class UsageError extends TmuxpulseError {
  constructor(message) { super(message, "USAGE"); }
}

export class ServerUnavailable extends TmuxpulseError {
  constructor(message) { super(message, "UNAVAILABLE"); }
}

export class ServerRefused extends TmuxpulseError {}

export class RequestError extends TmuxpulseError {
  constructor(message, code, retryable = false, retryAfter = null) {
    super(message, code);
    this.retryable = retryable;
    this.retryAfter = retryAfter;
  }
}

export class EventsMissed extends TmuxpulseError {
  constructor(message) { super(message, "EVENTS_MISSED"); }
}

export class TimedOut extends TmuxpulseError {
  constructor(what, seconds) {
    super(`${what} in ${seconds} s`, "TIMED_OUT");
    this.seconds = seconds;
  }
}

// --- what the end of a connection means ----------------------------------------------------

export const REVOKED = "4503";
const MAKE_ONE = "make one there with: tmuxpulse token create NAME";
const CODES = { 4500: "AUTH_FAILED", 4502: "AUTH_REQUIRED" };
const REFUSALS = ["AUTH_REQUIRED", "AUTH_FAILED", "FORBIDDEN"];

export function closed(where, code, reason) {
  if (code >= 4500 && code < 4600) { // the protocol's own: do not come back
    const remedy = CODES[code] ? `; ${MAKE_ONE}` : "";
    return new ServerRefused(
      `${where} ended the connection: ${reason || code}${remedy}`, CODES[code] ?? String(code));
  }
  if (code === 1006) return new ServerUnavailable(`${where} went away without a word`);
  return new ServerUnavailable(`${where} went away: ${reason || `close code ${code}`}`);
}

// An HTTP answer instead of a WebSocket.
export function rejected(where, status) {
  if (status === 401) return badToken(where);
  if (status === 408 || status === 429 || status >= 500) { // another time it may go better
    return new ServerUnavailable(`${where} does not take a connection now (${status})`);
  }
  const hint = status === 421
    ? ": it does not know itself by this name; add it there to [server] allowed_hosts" : "";
  return new ServerRefused(`${where} refused the connection (${status})${hint}`, String(status));
}

export const unreachable = (where) =>
  new ServerUnavailable(`cannot reach ${where}; start one with: tmuxpulse serve`);
export const noProtocol = (where) =>
  new ServerUnavailable(`${where} does not speak tmuxpulse's protocol`);
export const anotherVersion = (where, release) => new ServerRefused(
  `${where} is tmuxpulse ${release}, which speaks another version of the protocol; use the same`
  + " release on both sides", "VERSION");
export const noToken = (where) =>
  new ServerRefused(`${where} wants a token; ${MAKE_ONE}`, "AUTH_REQUIRED");
export const badToken = (where) =>
  new ServerRefused(`${where} did not take the token; ${MAKE_ONE}`, "AUTH_FAILED");
export const noAnswer = (where, seconds) =>
  new ServerUnavailable(`${where} gave no answer in ${seconds} s`);
export const silent = (where) => new ServerUnavailable(`${where} fell silent`);

// The answer `error` to a request.
export function refusal(where, { code, message, retryable, retry_after }) {
  return REFUSALS.includes(code)
    ? new ServerRefused(`${where} refused: ${message}`, code)
    : new RequestError(message, code, retryable ?? false, retry_after ?? null);
}
