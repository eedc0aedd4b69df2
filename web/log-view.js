// The live events: a bounded memory of rows, and a bounded list of those that are wanted.

import { element, setAttribute, setText } from "./dom.js";
import { admits, isFilter, NOTHING } from "./filters.js";
import { describe, writer } from "./words.js";

const MAX_KEPT = 2000; // rows remembered, so that another filter finds them
const MAX_SHOWN = 100; // elements
const AT_ONCE = 40; // of a list that is new as a whole: more than is in sight; the others come after
const LARGE = 2000; // bytes of output that are not kept as they came

const clock = writer({
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const day = writer({ month: "short", day: "numeric" });

export class Log {
  #list;
  #rows = []; // oldest first: events, or what `describe` made of them when it was asked for
  #fresh = 0; // how many of the last are not painted yet
  #again = false; // everything has to be painted
  #owed = []; // rows that are to be shown below those that are there
  #paused = false;
  #wanted = NOTHING;

  constructor(list) {
    this.#list = list;
  }

  // How many wait; what was forgotten meanwhile is not counted any more.
  get waiting() {
    return this.#paused ? this.#fresh : 0;
  }

  get paused() {
    return this.#paused;
  }

  get shown() {
    return this.#list.childElementCount;
  }

  // Whether there is more to paint, when there is time.
  get owes() {
    return this.#owed.length > 0;
  }

  get filtered() {
    return isFilter(this.#wanted);
  }

  add(events) {
    this.#rows.push(...events.map((one) => (one.data?.bytes > LARGE ? describe(one) : one)));
    this.#fresh = Math.min(this.#fresh + events.length, MAX_KEPT);
    // In steps: moving everything for each row would be dear.
    if (this.#rows.length > 2 * MAX_KEPT) this.#rows = this.#rows.slice(-MAX_KEPT);
  }

  pause(paused) {
    this.#paused = paused;
  }

  filter(wanted) {
    this.#wanted = wanted;
    this.#again = true;
  }

  // Most of a flood is forgotten before anybody would have seen it: words are made when they are needed.
  #row(at) {
    const one = this.#rows[at];
    return "family" in one ? one : this.#rows[at] = describe(one);
  }

  paint() {
    if (!this.#again && (this.#paused || !this.#fresh)) {
      this.#list.append(...this.#owed.splice(0).map((row) => rowElement(row)));
      return;
    }
    // While paused, another filter looks at what was there when the pause began.
    const end = this.#rows.length - (this.#paused ? this.#fresh : 0);
    const begin = Math.max(0, this.#rows.length - MAX_KEPT, this.#again ? 0 : end - this.#fresh);
    const wanted = [];
    for (let at = end - 1; at >= begin && wanted.length < MAX_SHOWN; at--) {
      const row = this.#row(at);
      if (admits(this.#wanted, row)) wanted.push(row);
    }
    if (this.#again || wanted.length === MAX_SHOWN) this.#replace(wanted);
    else this.#add(wanted);
    this.#again = false;
    if (!this.#paused) this.#fresh = 0;
  }

  // Nothing of what is there stays but its elements: in a flood that is each picture, and new
  // elements would cost most of it.
  #replace(rows) {
    this.#owed = rows.splice(AT_ONCE);
    while (this.#list.childElementCount > rows.length) this.#list.lastElementChild.remove();
    const there = [...this.#list.children];
    there.forEach((made, at) => write(made, rows[at]));
    this.#list.append(...rows.slice(there.length).map((row) => rowElement(row)));
  }

  #add(rows) {
    const keeps = MAX_SHOWN - rows.length;
    this.#owed.splice(Math.max(0, keeps - this.shown));
    while (this.shown > keeps) this.#list.lastElementChild.remove();
    this.#list.prepend(...rows.map((row) => rowElement(row)));
  }
}

const parts = new WeakMap(); // a row's element -> those of its parts that change

// A row of `describe` as an element; `dated`: with the day, too.
export function rowElement(row, dated = false) {
  const its = {
    time: element("time"), where: element("bdi"), at: element("span", "at"), type: element("span", "type"),
    text: element("bdi", "text"),
  };
  const made = element("li", "", its.time, element("span", "place", its.where, its.at), its.type, its.text);
  parts.set(made, its);
  write(made, row, dated);
  return made;
}

function write(made, row, dated = false) {
  const { time, where, at, type, text } = parts.get(made);
  const when = new Date(row.timestamp);
  const known = !Number.isNaN(when.getTime());
  setAttribute(time, "datetime", known ? row.timestamp : null);
  setText(time, known ? (dated ? `${day(when)} ` : "") + clock(when) : "");
  setAttribute(made, "class", row.severity);
  setAttribute(made, "data-family", row.family);
  setText(where, row.where);
  setText(at, row.at);
  setText(type, row.type);
  setText(text, row.text);
}
