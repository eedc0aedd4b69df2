// What a program holds of a subscription: a loop's side, and that of callbacks.

import { ServerUnavailable, UsageError } from "./errors.js";

export const CLOSED = "the connection was closed by this program";

// What a program's function throws is its own affair: reported as uncaught, and stops nothing here.
export function call(callback, ...what) {
  try {
    callback?.(...what);
  } catch (error) {
    queueMicrotask(() => { throw error; });
  }
}

// `one`: the core's subscription. `link`: `settle()`, `isPaused`, and `leave(reader)`.
class Reader {
  #settleReady;

  constructor(one, link) {
    this.one = one;
    this.link = link;
    this.isReady = false;
    this.ready = new Promise((resolve, reject) => { this.#settleReady = { resolve, reject }; });
    this.ready.catch(() => {}); // who does not wait for it is told by other means
  }

  get state() { return this.one.state; }

  close() {
    if (this.one.isOver) return;
    this.end();
    this.link.leave(this);
  }

  // Nothing more is to be given; the connection knows.
  end() {
    this.one.end();
    this.#settleReady.reject(new ServerUnavailable(CLOSED));
  }

  // Looks at what has changed.
  deliver() {
    const { one } = this;
    if (!this.isReady && one.isConfirmed && (one.state || !one.withState)) {
      this.isReady = true;
      this.#settleReady.resolve();
      this.began();
    }
    this.give();
    if (one.error) this.#settleReady.reject(one.error);
  }

  began() {}
}

// Iterated over by one reader.
export class Loop extends Reader {
  #waiting = null;

  next() {
    const { one, link } = this;
    const item = one.take();
    if (item !== undefined) {
      if (link.isPaused) link.settle();
      return Promise.resolve({ value: item, done: false });
    }
    if (one.isOver) return Promise.resolve({ value: undefined, done: true });
    if (one.error) return Promise.reject(this.#failed());
    if (this.#waiting) {
      return Promise.reject(new UsageError("somebody waits for these events already; give each its"
        + " own: events()"));
    }
    one.isWaiting = true;
    if (link.isPaused) link.settle();
    return new Promise((resolve, reject) => { this.#waiting = { resolve, reject }; });
  }

  return() {
    this.close();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() { return this; }

  give() {
    if (!this.#waiting) return;
    const item = this.one.take();
    if (item !== undefined) this.#answer().resolve({ value: item, done: false });
    else if (this.one.error) this.#answer().reject(this.#failed());
  }

  end() {
    super.end();
    this.#answer()?.resolve({ value: undefined, done: true });
  }

  #answer() {
    const waiting = this.#waiting;
    this.#waiting = null;
    this.one.isWaiting = false;
    return waiting;
  }

  // A loop that has failed is over.
  #failed() {
    const { error } = this.one;
    this.close();
    return error;
  }
}

// Calls back; `onEnd`, which is not for everybody, when it is closed.
export class Calls extends Reader {
  #handlers;
  #told = null; // the error that was told of

  constructor(one, link, handlers) {
    super(one, link);
    this.#handlers = handlers;
  }

  began() {
    if (this.one.state) call(this.#handlers.onSnapshot?.bind(this.#handlers), this.one.state);
  }

  give() {
    const { one } = this;
    for (let item = one.take(); item !== undefined; item = one.take()) {
      call((what) => this.#handlers.onItem(what), item);
    }
    if (one.error === this.#told || one.isOver) return;
    this.#told = one.error;
    if (one.error) call(this.#handlers.onError?.bind(this.#handlers), one.error);
  }

  end() {
    super.end();
    call(this.#handlers.onEnd?.bind(this.#handlers));
  }
}
