// The shell around the core: one socket after the other, one timer, and who is to be told.

import { Core } from "./core.js";
import { REVOKED, ServerUnavailable, UsageError, closed, rejected, unreachable } from "./errors.js";
import { CLOSED, call } from "./reader.js";

const SUBPROTOCOL = "tmuxpulse.v1.ndjson";
const FORGOTTEN = ["AUTH_FAILED", REVOKED]; // after these a token is good for nothing any more
const HTTP_ANSWER = /^Unexpected server response: (\d+)$/; // as the package ws says it
const IN_A_HEADER = /^[!-~]+$/;

export class Link {
  #url;
  #where;
  #Socket;
  #options;
  #token;
  #socket = null;
  #wasUp = false; // whether this socket ever was open
  #status = 0; // of an HTTP answer instead of a WebSocket
  #timer = null;
  #timerAt = Infinity;
  #isSettling = false;
  #isUnsettled = false;
  #isClosed = false;

  // `clock`: `now`, `setTimeout` and `clearTimeout`, in milliseconds.
  constructor({ url, where }, Socket, clock, options) {
    this.#url = url;
    this.#where = where;
    this.#Socket = Socket;
    this.#options = options;
    this.#token = options.token;
    this.clock = clock;
    this.core = new Core(where, options);
    this.state = { name: "connecting" };
    this.readers = new Set();
    this.isPaused = false; // nothing is read, since events wait to be taken
    this.#dial(); // at once: a handshake takes its time, in which whoever called goes on
    queueMicrotask(() => this.settle()); // nobody is told before who called has what it called for
  }

  // Something has happened: tells everybody, sends what is to be sent, and sets the timer.
  settle() {
    this.#isUnsettled = true;
    if (this.#isSettling) return; // by something that is told now; it goes on after that
    this.#isSettling = true;
    while (this.#isUnsettled) {
      this.#isUnsettled = false;
      for (let news = this.core.news.shift(); news; news = this.core.news.shift()) this.#tell(news);
      for (const reader of this.readers) reader.deliver();
      if (this.core.broken) {
        this.#drop();
        this.#lost(this.core.broken);
      }
      for (const text of this.core.outgoing()) this.#socket?.send(text);
    }
    this.#isSettling = false;
    this.#pauseOrResume();
    this.#watch();
  }

  leave(reader) {
    this.readers.delete(reader);
    this.core.unsubscribe(reader.one);
    this.settle();
  }

  retry(token) {
    if (this.#isClosed) throw new UsageError(CLOSED);
    if (token) this.#token = token;
    else if (this.#socket) return;
    this.#drop();
    this.core.again(this.clock.now());
    this.#dial();
    this.settle();
  }

  close() {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#drop();
    this.core.end(new ServerUnavailable(CLOSED));
    for (const reader of this.readers) reader.end();
    this.readers.clear();
    this.settle();
  }

  // --- one connection ------------------------------------------------------------------------

  // Begins one; who calls settles.
  #dial() {
    let socket = null;
    try {
      const token = (typeof this.#token === "function" ? this.#token() : this.#token) || null;
      if (token !== null && typeof token !== "string") throw new TypeError("a token is a text");
      this.core.opened(this.clock.now(), token);
      socket = this.#connect(token);
    } catch (error) { // by what the program gave: its words may hold the token
      this.core.end(new UsageError(`cannot begin a connection to ${this.#where} (${error.name}); look`
        + " at the url, token and WebSocket that connect() was given"));
      return;
    }
    this.#socket = socket;
    this.#wasUp = false;
    this.#status = 0;
    socket.onopen = () => { this.#wasUp ||= socket === this.#socket; };
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      this.core.receive(data, this.clock.now());
      this.settle();
    };
    const over = (code, reason) => {
      if (socket !== this.#socket) return;
      this.#socket = null;
      this.isPaused = false;
      this.#lost(this.#why(code, reason));
      this.settle();
    };
    socket.onerror = ({ message }) => {
      if (socket !== this.#socket) return;
      this.#status = Number(HTTP_ANSWER.exec(message)?.[1] ?? 0);
      if (!this.#wasUp) over(); // of one that was refused, Node's own tells no end
    };
    socket.onclose = ({ code, reason }) => over(code, reason);
  }

  #connect(token) {
    const Socket = this.#Socket;
    if (Socket === globalThis.WebSocket) return new Socket(this.#url, [SUBPROTOCOL]);
    const headers = token && IN_A_HEADER.test(token) ? { Authorization: `Bearer ${token}` } : {};
    return new Socket(this.#url, [SUBPROTOCOL], { headers, perMessageDeflate: false });
  }

  #why(code, reason) {
    if (this.#status) return rejected(this.#where, this.#status);
    return this.#wasUp ? closed(this.#where, code, reason) : unreachable(this.#where);
  }

  #lost(error) {
    this.core.lost(error, this.clock.now());
    this.#isUnsettled = true;
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    if (this.isPaused) socket.resume();
    this.isPaused = false;
    socket.close(); // waits for the other side; nobody here does
  }

  #pauseOrResume() {
    const socket = this.#socket;
    if (!socket?.pause || !socket.resume || this.core.isFull === this.isPaused) return;
    this.isPaused = !this.isPaused;
    if (this.isPaused) socket.pause();
    else {
      this.core.stillThere(this.clock.now());
      socket.resume();
    }
  }

  // --- time ----------------------------------------------------------------------------------

  // One timer, and it is not set anew for each message: at its time it is seen what is due.
  #watch() {
    const { core } = this;
    const due = core.ended ? Infinity : this.#socket ? core.deadline : core.retryAt;
    if (this.#timer !== null && due >= this.#timerAt && due !== Infinity) return;
    if (this.#timer !== null) this.clock.clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = due;
    if (due === Infinity || due === -Infinity) return;
    this.#timer = this.clock.setTimeout(() => {
      this.#timer = null;
      this.#due();
    }, Math.max(0, Math.ceil(due - this.clock.now())));
  }

  #due() {
    const now = this.clock.now();
    if (!this.#socket) {
      if (now >= this.core.retryAt) this.#dial();
    } else if (this.isPaused) this.core.stillThere(now);
    else this.core.tick(now);
    this.settle();
  }

  // --- who is told ---------------------------------------------------------------------------

  #tell({ state, token, isOther }) {
    if (token) {
      if (isOther) this.#token = token;
      call((what) => this.#options.onToken?.(what), token);
      return;
    }
    if (state.name === "ended" && FORGOTTEN.includes(state.error.code)
      && typeof this.#token === "string") this.#token = null;
    this.state = this.#isClosed ? { name: "closed" } : state;
    call((what) => this.#options.onState?.(what), this.state);
  }
}
