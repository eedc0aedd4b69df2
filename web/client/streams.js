// What comes on one connection, put where it belongs: to each subscription its own, in order. Pure.
//
// A connection brings the union of what was subscribed to, each event once. After a cut every
// subscription resumes from its own position, one after the other, and the server does not repeat
// for the second what it sent for the first. So a subscription that waits for its turn is held: what
// comes for it is kept, and when its own replay is complete all of it is put in order.
//
// Epochs have ranks, in the order in which they were heard of.

import { wantsType } from "./filters.js";
import { note } from "./messages.js";
import { HELD, LIVE, NEW, isAfter } from "./subscription.js";

const BEFORE_ALL = { rank: -1, seq: 0 };

export class Streams {
  constructor() {
    this.all = []; // subscriptions, oldest first; replaced, never changed
    this.repeated = 0; // events that had come before, or that nobody wants
    this.epochs = [];
    this.notes = 0; // that were told of
    this.rank = 0; // of the epoch that the next event is of
    this.at = BEFORE_ALL; // what every live subscription has
    this.only = null; // the one that there is on this connection
    this.lead = null; // the first to resume; the others are held
    this.replayed = null; // whose replay, reset or state comes now
    this.gap = null; // a snapshot is to come after it
    this.reset = null; // the same
  }

  // --- connections ---------------------------------------------------------------------------

  // A connection is open: what to subscribe to, in the order in which to do it.
  begin() {
    const order = [...this.all.filter((one) => one.at), ...this.all.filter((one) => !one.at)];
    this.lead = order[0]?.at ? order[0] : null;
    for (const one of order) one.mode = !one.at || one === this.lead ? NEW : HELD;
    this.at = BEFORE_ALL;
    this.only = order.length === 1 ? order[0] : null;
    return order;
  }

  cut() {
    this.#flush(null);
    for (const one of this.all) one.cut(this.at);
    this.only = this.lead = this.replayed = null;
  }

  add(one) {
    this.only = this.all.length ? null : one;
    this.all = [...this.all, one];
  }

  // What is on its way for it is for nobody.
  remove(one) {
    this.all = this.all.filter((other) => other !== one);
    this.only = null;
  }

  // Where to resume from; undefined: it is to begin now.
  position({ at }) {
    return at ? { epoch: this.epochs[at.rank], seq: at.seq } : undefined;
  }

  // It holds; true: it is to be released when its replay is complete.
  confirmed(one, reply) {
    this.#flush(null);
    one.isConfirmed = true;
    one.name = reply.subscription;
    this.rank = this.#rankOf(reply.epoch);
    this.replayed = one;
    if (reply.recovered && one !== this.lead) return true;
    one.go();
    this.#reach(this.rank, reply.seq);
    return false;
  }

  // Its replay is complete; what comes next is of the run `epoch`.
  release(one, epoch) {
    this.#flush(null);
    this.rank = this.#rankOf(epoch);
    if (one.mode === HELD) one.release();
  }

  // --- what comes ----------------------------------------------------------------------------

  event(event) {
    if (this.gap || this.reset) this.#flush(null);
    const { rank, only } = this;
    const { seq } = event;
    const isNew = isAfter(rank, seq, this.at);
    if (isNew) this.at = { rank, seq };
    event.epoch = this.epochs[rank] ?? "";
    if (only) {
      if (isNew && only.mode === LIVE) only.put(event);
      else this.repeated++;
      return;
    }
    for (const one of this.all) {
      if (one.mode === LIVE) {
        if (isNew && one.admits(event)) one.put(event);
      } else if (one.mode === HELD && one.admits(event)) one.hold(rank, seq, 0, event);
    }
  }

  take(message) {
    if (message.type === "snapshot.data") {
      this.#flush(message);
      return;
    }
    this.#flush(null);
    switch (message.type) {
      case "stream.mark": this.#reach(this.rank, message.seq); break;
      case "stream.epoch": this.#nextEpoch(message); break;
      case "stream.reset": this.reset = message; break;
      case "stream.gap":
        if (message.only) this.#thinned(message);
        else this.gap = message;
    }
  }

  #nextEpoch({ epoch, previous }) {
    this.rank = this.#rankOf(epoch);
    const isNew = isAfter(this.rank, 0, this.at);
    this.#tell([this.replayed], note("stream.epoch", { epoch, previous }, epoch, 0), this.rank, 0, isNew);
    this.#reach(this.rank, 0);
  }

  // One type is missing; the others of the range follow, and others may be before it.
  #thinned(gap) {
    const whom = gap.reason === "history" ? [this.replayed] : this.all;
    const before = gap.from - 1;
    const seq = this.rank === this.at.rank && this.at.seq < before ? this.at.seq : before;
    this.#tell(whom.filter((one) => one && wantsType(one.wanted, gap.only)),
      this.#gap(gap, null, seq), this.rank, before, true);
  }

  // Tells of what waited for a snapshot, which came, or did not.
  #flush(snapshot) {
    const { gap, reset } = this;
    this.gap = this.reset = null;
    const state = snapshot ? snapshot.data : null;
    if (snapshot) this.rank = this.#rankOf(snapshot.epoch);
    if (gap) {
      const seq = snapshot ? snapshot.seq : gap.to;
      this.#tell(this.all, this.#gap(gap, state, seq), this.rank, seq, true);
      this.#reach(this.rank, seq);
    } else if (reset) {
      const { rank, seq } = snapshot ? { rank: this.rank, seq: snapshot.seq } : this.at;
      this.#tell([this.replayed], this.#gap(reset, state, seq), rank, seq, true);
      this.#reach(rank, seq);
    } else if (snapshot && this.replayed?.withState) {
      this.replayed.state = state;
    }
  }

  // Tells some of something that is no event of the stream, and comes after a position.
  #tell(whom, item, rank, seq, isNew) {
    for (const one of whom) {
      if (!one || one.mode === NEW) continue;
      // Who waits for its replay gets it behind events that are not here yet.
      if (one.mode === HELD) one.hold(rank, seq, ++this.notes, { ...item, seq });
      else if (isNew) one.put(item);
    }
  }

  #gap({ reason = "slow", from = null, to = null, dropped = null, only = null }, state, seq) {
    const data = { reason, first: from, last: to, dropped, only, state };
    return note("stream.gap", data, this.epochs[this.rank] ?? "", seq);
  }

  #reach(rank, seq) {
    if (isAfter(rank, seq, this.at)) this.at = { rank, seq };
  }

  #rankOf(epoch) {
    const rank = this.epochs.indexOf(epoch);
    return rank === -1 ? this.epochs.push(epoch) - 1 : rank;
  }
}
