// A client of tmuxpulse: it comes back by itself after a cut, goes on where it was, and says so where
// it cannot. No dependency; browsers and Node. `client.d.ts` says what everything takes and gives.
//
// `client/link.js` moves texts and waits; what is decided is decided in `client/core.js`.

import { whereIs } from "./client/address.js";
import { ask } from "./client/asks.js";
import { EventsMissed, ServerUnavailable, TimedOut, UsageError } from "./client/errors.js";
import { Link } from "./client/link.js";
import * as questions from "./client/questions.js";
import { CLOSED, Calls, Loop } from "./client/reader.js";

export {
  EventsMissed, RequestError, ServerRefused, ServerUnavailable, TimedOut, TmuxpulseError, UsageError,
} from "./client/errors.js";
export { severityOf } from "./client/filters.js";

const TIMEOUT_SECONDS = 30;
const NO_WEBSOCKET = "this platform has no WebSocket: npm install ws, import it, and"
  + " connect({ WebSocket }) with it (Node has one of its own from 22 on)";
const CLOCK = {
  now: () => performance.now(),
  setTimeout: (run, milliseconds) => setTimeout(run, milliseconds),
  clearTimeout: (timer) => clearTimeout(timer),
};

export function connect(options = {}) {
  const place = whereIs(options.url, globalThis.location);
  const Socket = options.WebSocket ?? globalThis.WebSocket;
  if (!Socket) throw new UsageError(NO_WEBSOCKET);
  const link = new Link(place, Socket, options.clock ?? CLOCK, options);
  return new Monitor(link, options.timeoutSeconds ?? TIMEOUT_SECONDS);
}

class Monitor {
  #link;
  #timeoutSeconds;

  constructor(link, timeoutSeconds) {
    this.#link = link;
    this.#timeoutSeconds = timeoutSeconds;
  }

  get state() { return this.#link.state; }

  get greeting() { return this.#link.core.greeting; }

  get unknown() { return this.#link.core.unknown; }

  // --- events ------------------------------------------------------------------------------

  events(options = {}) {
    return this.#read(options, (one) => new Loop(one, this.#link));
  }

  subscribe(options, handlers) {
    const calls = typeof handlers === "function" ? { onItem: handlers } : handlers;
    if (typeof calls?.onItem !== "function") throw new UsageError("subscribe() needs onItem()");
    return this.#read(options, (one) => new Calls(one, this.#link, calls));
  }

  #read({ snapshot = false, ...filters }, make) {
    const reader = make(this.#link.core.subscribe(questions.wanted(filters), snapshot));
    this.#link.readers.add(reader);
    queueMicrotask(() => this.#link.settle()); // nobody is called before who called has the reader
    return reader;
  }

  waitFor(predicate, { timeoutSeconds, signal, ...filters } = {}) {
    return new Promise((resolve, reject) => {
      const end = (settle, value) => {
        settle(value); // before the other ways to end
        stop();
        watch.close();
      };
      const onItem = (item) => {
        try {
          if (item.type === "stream.gap") throw missed(item);
          if (item.type !== "stream.epoch" && (!predicate || predicate(item))) end(resolve, item);
        } catch (error) {
          end(reject, error);
        }
      };
      const watch = this.subscribe(filters, {
        onItem, onError: (error) => end(reject, error), onEnd: () => reject(new ServerUnavailable(CLOSED)),
      });
      const stop = this.#patience("no such event came", timeoutSeconds, signal,
        (error) => end(reject, error));
    });
  }

  // --- requests ----------------------------------------------------------------------------

  async snapshot(target, { styled = false, ...waiting } = {}) {
    return (await this.#ask(questions.snapshot(target, styled), "snapshot.data", waiting)).data;
  }

  async command(name, fields = {}, waiting) {
    const request = questions.command(name, fields);
    return questions.outputOf(await this.#ask(request, "command.result", waiting));
  }

  async batch(commands, options = {}) {
    return (await this.#ask(questions.batch(commands, options), "batch.result", options)).results;
  }

  async* history({ timeoutSeconds, signal, ...options } = {}) {
    let request = questions.history(options);
    let left = options.limit ?? Infinity;
    while (request && left > 0) {
      const page = await this.#ask(request, "history.data", { timeoutSeconds, signal });
      for (const event of questions.eventsOf(page)) {
        yield event;
        if (--left <= 0) return;
      }
      request = page.cursor ? { ...request, cursor: page.cursor } : null;
    }
  }

  async emit(type, data, place, waiting) {
    return (await this.#ask(questions.emit(type, data, place), "emit.accepted", waiting)).seq;
  }

  async explain(target, waiting) {
    return questions.rest(await this.#ask(questions.explain(target), "explain.data", waiting));
  }

  async health(waiting) {
    return questions.rest(await this.#ask({ action: "health" }, "health.data", waiting));
  }

  async replay(order = {}, waiting) {
    return questions.rest(await this.#ask({ action: "replay", ...order }, "replay.state", waiting));
  }

  async ping(waiting) {
    const began = this.#link.clock.now();
    await this.#ask({ action: "ping" }, "pong", waiting);
    return (this.#link.clock.now() - began) / 1000;
  }

  // --- the connection ----------------------------------------------------------------------

  retry(token) { this.#link.retry(token); }

  close() { this.#link.close(); }

  // --- waiting -----------------------------------------------------------------------------

  #ask(request, type, { timeoutSeconds = this.#timeoutSeconds, signal } = {}) {
    return new Promise((resolve, reject) => {
      const one = ask(request, (reply, error) => {
        stop();
        if (error) reject(error);
        else if (reply.type === type) resolve(reply);
        else reject(new ServerUnavailable("the server answered something else than was asked"));
      });
      const stop = this.#patience("no answer came", timeoutSeconds, signal, (error) => {
        this.#link.core.cancel(one);
        reject(error);
      });
      if (signal?.aborted) return;
      this.#link.core.ask(one);
      this.#link.settle();
    });
  }

  // Calls `fail` when time is up or the signal says so, unless what it gives was called before.
  #patience(what, seconds, signal, fail) {
    const { clock } = this.#link;
    const abort = () => {
      stop();
      fail(signal.reason);
    };
    const timer = seconds === undefined ? undefined
      : clock.setTimeout(() => fail(new TimedOut(what, seconds)), 1000 * seconds);
    const stop = () => {
      clock.clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    };
    if (signal?.aborted) queueMicrotask(abort); // who waits has nothing to stop yet
    else signal?.addEventListener("abort", abort);
    return stop;
  }
}

const missed = ({ data }) => new EventsMissed(`events were missed while waiting (${data.reason});`
  + " look at snapshot(), and wait again");
