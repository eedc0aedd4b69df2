// Keeps what is known of one pane's screen up to date: asks when there is news, but not too often,
// since each look is work for tmux. No page.

const PAUSE_MS = 400;
const EAGER_MS = 150; // while somebody types into it
const RETRY_MS = 2000;
const REST_MS = 60_000; // after a refusal

export class Looks {
  #ask; // (pane) -> Promise of its view
  #show; // (key, view or null, error)
  #clock;
  #key = null;
  #pane = null;
  #stale = false;
  #running = false;
  #last = -Infinity;
  #rest = 0;
  eager = false;

  constructor(ask, show, clock = () => performance.now()) {
    this.#ask = ask;
    this.#show = show;
    this.#clock = clock;
  }

  // Another pane, or none.
  choose(key, pane) {
    this.#pane = pane;
    if (key === this.#key) return;
    this.#key = key;
    this.#stale = key !== null;
    this.#last = -Infinity;
    this.#rest = 0;
  }

  // Something was printed in it, or its size changed.
  news(key) {
    if (key === this.#key) this.#stale = true;
  }

  // To be called now and then; asks if it is time.
  async turn() {
    const now = this.#clock();
    if (!this.#stale || this.#running || now < this.#rest) return;
    if (now - this.#last < (this.eager ? EAGER_MS : PAUSE_MS)) return;
    const [key, pane] = [this.#key, this.#pane];
    this.#stale = false;
    this.#running = true;
    this.#last = now;
    try {
      const view = await this.#ask(pane);
      if (key === this.#key) this.#show(key, view, null);
    } catch (error) {
      if (key === this.#key) {
        this.#rest = this.#clock() + (error.retryable || error.code === "UNAVAILABLE" ? RETRY_MS : REST_MS);
        this.#stale = true;
        this.#show(key, null, error);
      }
    } finally {
      this.#running = false;
    }
  }
}
