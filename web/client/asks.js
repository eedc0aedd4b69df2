// Requests that wait for their replies, matched by number; over one connection after the other. Pure.

import { RequestError, ServerUnavailable, refusal } from "./errors.js";

export const MAX_WAITING = 1_000; // requests; further ones are refused here
const REPEATABLE = ["snapshot", "history", "explain", "health", "ping"]; // they change nothing

// `done(reply, error)` is called once. `isOurs`: it belongs to this connection alone, and ends with
// it without a word. What is no JSON throws here.
export const ask = (request, done = () => {}, isOurs = false) =>
  ({ action: request.action, body: JSON.stringify(request).slice(1), done, isOurs });

export class Asks {
  #where;
  #waiting = new Map(); // for a reply
  #later = []; // for a connection
  #number = 0;

  constructor(where) { this.#where = where; }

  get size() { return this.#waiting.size + this.#later.length; }

  later(one) {
    if (this.#isFree(one)) this.#later.push(one);
  }

  // What was kept for this connection.
  kept() {
    return this.#later.splice(0);
  }

  // The text to send; null: it is not sent, and done.
  send(one, maxBytes) {
    if (!this.#isFree(one)) return null;
    const id = ++this.#number;
    const text = `{"id":${id},${one.body}`;
    if (text.length * 3 > maxBytes) {
      const size = new TextEncoder().encode(text).length;
      if (size > maxBytes) {
        one.done(null, new RequestError(`a request may have ${maxBytes} bytes, not ${size}`, "TOO_LARGE"));
        return null;
      }
    }
    this.#waiting.set(id, one);
    return text;
  }

  // False: nobody waits for this reply.
  take(reply) {
    const one = this.#waiting.get(reply.id);
    if (!one) return false;
    this.#waiting.delete(reply.id);
    if (reply.type === "error") one.done(null, refusal(this.#where, reply));
    else one.done(reply, null);
    return true;
  }

  // Nobody waits for its reply any more; it may happen all the same.
  cancel(one) {
    this.#later = this.#later.filter((other) => other !== one);
    for (const [id, other] of this.#waiting) if (other === one) this.#waiting.delete(id);
  }

  // The connection is gone: keeps what may be asked again, and fails the rest.
  cut() {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const one of waiting) {
      if (one.isOurs) continue;
      if (REPEATABLE.includes(one.action)) this.#later.push(one);
      else one.done(null, new ServerUnavailable(`${this.#where} went away before it answered;`
        + " whether it did what was asked is not known"));
    }
  }

  // Nothing is answered any more.
  fail(error) {
    const asked = [...this.#waiting.values(), ...this.#later];
    this.#waiting.clear();
    this.#later = [];
    for (const one of asked) if (!one.isOurs) one.done(null, error);
  }

  #isFree(one) {
    if (one.isOurs || this.size < MAX_WAITING) return true;
    one.done(null, new RequestError(`${MAX_WAITING} requests wait already`, "RATE_LIMIT", true));
    return false;
  }
}
