// One subscription: what came for one reader, in order and within bounds. Pure.
//
// A position is the rank of an epoch and a number in it: {rank, seq}.

import { compile } from "./filters.js";
import { note } from "./messages.js";

export const MAX_QUEUED = 20_000; // further items are counted, and told as a gap
export const FULL = 1_000; // with so many no more is read, unless somebody waits for something

// Where it stands on this connection: not confirmed; waits for its own replay to be complete; gets
// what comes.
export const NEW = 0;
export const HELD = 1;
export const LIVE = 2;

export class Subscription {
  constructor(wanted, withState) {
    this.wanted = wanted; // filters
    this.withState = withState;
    this.state = null; // the state before the first event, once it came
    this.error = null; // why nothing more comes; what came before is still there
    this.isConfirmed = false; // whether the server has agreed to it, ever
    this.isWaiting = false; // whether somebody waits for an item now
    this.isOver = false; // nobody wants it any more
    this.name = ""; // what the server calls it on this connection
    this.mode = NEW;
    this.at = null; // where to resume from; kept up to date while not LIVE
    this.admits = compile(wanted);
    this.items = []; // from `first` on
    this.first = 0;
    this.held = new Map();
    this.dropped = null; // {first, last, count}
  }

  get length() { return this.items.length - this.first + (this.dropped ? 1 : 0); }

  put(item) {
    if (this.dropped) {
      this.dropped.last = item;
      this.dropped.count++;
    } else if (this.items.length - this.first >= MAX_QUEUED) {
      this.dropped = { first: item, last: item, count: 1 };
    } else this.items.push(item);
  }

  // The next item, or the gap where some were not queued; undefined: there is none.
  take() {
    const { items } = this;
    if (this.first < items.length) {
      const item = items[this.first];
      items[this.first++] = undefined;
      if (this.first === items.length || this.first >= FULL) { // not for each one: it costs
        this.items = items.slice(this.first);
        this.first = 0;
      }
      return item;
    }
    if (!this.dropped) return undefined;
    const { first, last, count } = this.dropped;
    this.dropped = null;
    return note("stream.gap", {
      reason: "slow", first: first.seq, last: first.epoch === last.epoch ? last.seq : null,
      dropped: count, only: null, state: null,
    }, last.epoch, last.seq);
  }

  // Keeps an item until all before it have come. A note comes after the event at its position.
  hold(rank, seq, order, item) {
    if (this.at && !isAfter(rank, seq, this.at) && !(rank === this.at.rank && seq === this.at.seq && order > 0)) return;
    const key = `${rank} ${seq} ${order}`;
    if (!this.held.has(key)) this.held.set(key, { rank, seq, order, item });
  }

  release() {
    const kept = [...this.held.values()];
    kept.sort((a, b) => a.rank - b.rank || a.seq - b.seq || a.order - b.order);
    for (const { item } of kept) this.put(item);
    this.go();
  }

  // From now on it gets what comes; what was kept is too old.
  go() {
    this.held.clear();
    this.mode = LIVE;
  }

  // The connection is gone, with everything up to `at` on this side if it was live.
  cut(at) {
    if (this.mode === LIVE) this.at = at;
    if (this.withState && !this.state) this.at = null; // it comes first: nothing else has come
    this.held.clear();
    this.name = "";
    this.mode = NEW;
  }

  end() {
    this.isOver = true;
    this.items = [];
    this.first = 0;
    this.dropped = null;
    this.held.clear();
  }
}

export const isAfter = (rank, seq, at) => rank > at.rank || (rank === at.rank && seq > at.seq);
