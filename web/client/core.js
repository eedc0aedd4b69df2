// The client's mind: messages and times in, messages and decisions out. It does no I/O at all.
//
// `client.js` moves texts and waits; everything else is decided here:
//
// - it begins a connection (`opened`), and says when it is gone, or never was (`lost`);
// - it gives what came (`receive`), and sends what `outgoing` gives;
// - at `deadline` it calls `tick`: a silent server is asked for a sign of life, once;
// - when `broken` says why, it drops the connection, and says so (`lost`);
// - after `lost` it waits until `retryAt` and dials again; unless `ended` says why not;
// - what is to be told about the connection is in `news`.
//
// Times are milliseconds of any clock that does not go back.

import { Asks, ask } from "./asks.js";
import * as errors from "./errors.js";
import { decode, isEventType, isReply } from "./messages.js";
import { Streams } from "./streams.js";
import { FULL, Subscription } from "./subscription.js";

const PROTOCOL = 1;
const PATIENCE_MS = 10_000; // for a greeting, for the answer to a token or to a question after silence
const HEARTBEAT_S = 25; // where the server does not say
const MAX_MESSAGE_BYTES = 65_536; // the same
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;

// Where the connection stands: there is none; the server speaks first; a token was given; in use;
// over for good.
const AWAY = 0, GREETING = 1, TOKEN = 2, OPEN = 3, ENDED = 4;

// The milliseconds to wait after so many failures, with full jitter: without it all clients of a
// server that was restarted would come at once, again and again.
export const pause = (failures, random) =>
  random() * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);

export class Core {
  #where;
  #reconnect;
  #random;
  #phase = AWAY;
  #streams = new Streams();
  #asks;
  #outgoing = [];
  #next = []; // to be subscribed on this connection
  #wasOpen = false;
  #isWholeTold = false;
  #failures = 0;
  #heardAt = 0;
  #pingedAt = null;
  #epoch = "";

  // `where`: the server, for messages. `reconnect`: true, false or "always".
  constructor(where, { reconnect = true, random = Math.random } = {}) {
    this.#where = where;
    this.#reconnect = reconnect;
    this.#random = random;
    this.#asks = new Asks(where);
    this.token = null; // what lets us in
    this.broken = null; // why the connection has to be dropped
    this.ended = null; // why it is over for good
    this.retryAt = -Infinity; // when to dial (again)
    this.greeting = null; // what the server said first, and what the token allows
    this.unknown = 0; // messages that meant nothing to this version
    this.askedFor = null; // the subscription that waits for its confirmation
    this.news = []; // states, and {token} that was taken
  }

  get isOpen() { return this.#phase === OPEN; }

  get subscriptions() { return this.#streams.all; }

  // When to call `tick`, if nothing comes before.
  get deadline() {
    if (this.#phase === AWAY || this.#phase === ENDED) return Infinity;
    if (this.#phase !== OPEN) return this.#heardAt + PATIENCE_MS;
    return this.#pingedAt === null ? this.#heardAt + this.#heartbeatMs : this.#pingedAt + PATIENCE_MS;
  }

  // Whether nothing more is to be read now: so much waits, and nobody for anything else.
  get isFull() {
    const { all } = this.#streams;
    return all.some((one) => one.length >= FULL) && !this.#asks.size
      && !all.some((one) => one.isWaiting && !one.length);
  }

  // --- the connection --------------------------------------------------------------------

  // A connection is being made; this token is for it.
  opened(now, token) {
    this.token = token;
    this.#phase = GREETING;
    this.#heardAt = now;
    this.#pingedAt = null;
    this.#isWholeTold = false;
    this.#say({ name: "connecting" });
  }

  lost(error, now) {
    if (this.#phase === ENDED) return;
    this.#cut();
    const comesBack = this.#reconnect && (this.#wasOpen || this.#reconnect === "always");
    if (!comesBack || !(error instanceof errors.ServerUnavailable)) {
      this.end(error);
      return;
    }
    const milliseconds = pause(this.#failures++, this.#random);
    this.retryAt = now + milliseconds;
    this.#say({ name: "waiting", seconds: milliseconds / 1000, error });
  }

  // Begins anew, whatever there was: also after the end.
  again(now) {
    this.#cut();
    this.ended = null;
    for (const one of this.#streams.all) one.error = null;
    this.retryAt = now;
  }

  // It is over; what came before can still be read.
  end(error) {
    if (this.#phase === ENDED) return;
    this.#cut();
    this.#phase = ENDED;
    this.ended = error;
    this.#asks.fail(error);
    for (const one of this.#streams.all) one.error = error;
    const isLocked = error.code === "AUTH_REQUIRED" && !this.token;
    this.#say({ name: isLocked ? "locked" : "ended", error });
  }

  // Nothing could be heard, since nothing was read.
  stillThere(now) { this.#heardAt = now; }

  // The deadline has come, and nothing was heard.
  tick(now) {
    if (now < this.deadline || this.broken) return;
    if (this.#phase !== OPEN) this.broken = errors.noAnswer(this.#where, PATIENCE_MS / 1000);
    else if (this.#pingedAt !== null) this.broken = errors.silent(this.#where);
    else {
      this.#pingedAt = now;
      this.#send(ask({ action: "ping" }, undefined, true));
    }
  }

  outgoing() { return this.#outgoing.splice(0); }

  // --- what a program wants --------------------------------------------------------------

  subscribe(wanted, withState) {
    const one = new Subscription(wanted, withState);
    if (this.ended) {
      one.error = this.ended;
      return one;
    }
    this.#streams.add(one);
    if (this.#phase === OPEN || this.#phase === TOKEN) {
      this.#next.push(one);
      this.#subscribeNext();
    }
    return one;
  }

  unsubscribe(one) {
    one.end();
    this.#streams.remove(one);
    if (this.#phase === OPEN && one.name) {
      this.#send(ask({ action: "unsubscribe", subscription: one.name }, undefined, true));
      one.name = "";
    }
  }

  // Without a connection it is asked as soon as there is one.
  ask(one) {
    if (this.ended) one.done(null, this.ended);
    else if (this.#phase === OPEN) this.#send(one);
    else this.#asks.later(one);
  }

  cancel(one) { this.#asks.cancel(one); }

  // --- what comes ------------------------------------------------------------------------

  // Takes what came. What cannot be read breaks the connection.
  receive(text, now) {
    this.#heardAt = now;
    this.#pingedAt = null;
    for (const line of typeof text === "string" ? text.split("\n") : [""]) {
      if (this.broken || this.#phase === ENDED || this.#phase === AWAY) return;
      let message;
      try {
        message = decode(line);
      } catch {
        this.broken = errors.noProtocol(this.#where);
        return;
      }
      if (this.#phase === OPEN && isEventType(message.type)) {
        // A goodbye is not of the stream: its number is the last event's.
        if (message.type !== "server.goodbye") this.#streams.event(message);
      } else this.#take(message);
    }
  }

  #take(message) {
    if (this.#phase === GREETING) {
      this.#greeted(message);
      return;
    }
    switch (message.type) {
      case "snapshot.data":
        if (message.id === undefined || message.id === null) this.#streams.take(message);
        else this.#answered(message);
        break;
      case "stream.gap": case "stream.reset": case "stream.epoch": case "stream.mark":
        this.#streams.take(message);
        break;
      case "stream.lag":
        this.#say({ name: "lagging", queued: message.queued });
        break;
      default:
        this.#answered(message);
    }
  }

  #answered(message) {
    if (!isReply(message) || !this.#asks.take(message)) this.unknown++;
  }

  #greeted(message) {
    const { min = PROTOCOL, max = PROTOCOL } = message.protocol ?? {};
    if (message.type !== "connection.established") {
      this.broken = errors.noProtocol(this.#where);
    } else if (!(min <= PROTOCOL && PROTOCOL <= max)) {
      this.broken = errors.anotherVersion(this.#where, message.server?.version);
    } else if (!message.auth.required) {
      this.#begin();
      this.#open(message, message.epoch);
    } else if (!this.token) {
      this.broken = errors.noToken(this.#where);
    } else {
      this.#phase = TOKEN;
      this.#send(ask({ action: "auth", token: this.token },
        (reply) => this.#admitted(message, reply), true));
      this.#begin(); // what is behind the token is answered after it, and spares a way there and back
    }
  }

  #admitted(greeting, reply) {
    if (this.#phase !== TOKEN) return;
    if (reply?.type !== "auth.response" || !reply.success) {
      this.broken = errors.badToken(this.#where);
      return;
    }
    const { permissions = [], sessions = [], expires_at = null } = reply;
    this.news.push({ token: reply.token ?? this.token, isOther: Boolean(reply.token) });
    this.token = reply.token ?? this.token; // what was given was good for one time
    this.#open({ ...greeting, permissions, sessions, expires_at }, reply.epoch ?? "");
  }

  #open(greeting, epoch) {
    this.greeting = { permissions: null, sessions: [], expires_at: null, ...greeting };
    this.#epoch = this.greeting.epoch = epoch;
    this.#phase = OPEN;
    this.#wasOpen = true;
    for (const one of this.#asks.kept()) this.#send(one);
    if (!this.#next.length && !this.askedFor) this.#isWhole();
  }

  // --- subscriptions, one after the other ------------------------------------------------

  #begin() {
    this.#next = this.#streams.begin();
    this.#subscribeNext();
  }

  #subscribeNext() {
    if (this.askedFor || !this.#next.length) return;
    const one = this.askedFor = this.#next.shift();
    const resume = this.#streams.position(one);
    this.#send(ask(
      { action: "subscribe", filters: one.wanted, snapshot: one.withState && !resume, resume },
      (reply, error) => this.#confirmed(one, reply, error), true));
  }

  #confirmed(one, reply, error) {
    if (this.askedFor !== one) return; // the connection is gone
    if (this.#phase !== OPEN) { // it was answered before the token
      this.broken = errors.noProtocol(this.#where);
      return;
    }
    this.askedFor = null;
    if (reply?.type === "subscription.confirmed") {
      const isHeld = this.#streams.confirmed(one, reply);
      if (one.isOver) this.unsubscribe(one);
      else if (isHeld) {
        // Its replay has no end of its own; an answer to this comes after all of it.
        this.askedFor = one;
        this.#send(ask({ action: "ping" }, () => this.#replayed(one), true));
        return;
      }
    } else {
      one.error = error ?? errors.noProtocol(this.#where);
      this.#streams.remove(one);
    }
    this.#goOn();
  }

  #replayed(one) {
    if (this.askedFor !== one) return;
    this.askedFor = null;
    this.#streams.release(one, this.#epoch);
    this.#goOn();
  }

  #goOn() {
    if (!this.#next.length) this.#isWhole();
    this.#subscribeNext();
  }

  #isWhole() {
    this.#failures = 0;
    if (this.#isWholeTold) return;
    this.#isWholeTold = true;
    this.#say({ name: "open" });
  }

  // --- helpers ---------------------------------------------------------------------------

  #cut() {
    this.#phase = AWAY;
    this.broken = null;
    this.#outgoing = [];
    this.#next = [];
    this.askedFor = null;
    this.#streams.cut();
    this.#asks.cut();
  }

  get #heartbeatMs() {
    const told = this.greeting?.heartbeat_s;
    return 1000 * (told > 0 ? told : HEARTBEAT_S);
  }

  #send(one) {
    const text = this.#asks.send(one, this.greeting?.limits?.max_message_bytes ?? MAX_MESSAGE_BYTES);
    if (text !== null) this.#outgoing.push(text);
  }

  #say(state) { this.news.push({ state }); }
}
