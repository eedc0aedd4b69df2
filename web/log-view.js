// The live events: a bounded memory of rows, and a bounded list of those that are wanted.

import { element } from "./dom.js";
import { admits } from "./words.js";

const MAX_KEPT = 2000; // rows remembered, so that another filter finds them
const MAX_SHOWN = 500; // elements

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

export class Log {
  #list;
  #rows = []; // oldest first
  #fresh = 0; // how many of the last are not painted yet
  #again = false; // everything has to be painted
  #paused = false;
  #wanted = { family: "", session: null, text: "" };

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

  get filtered() {
    const { family, session, text } = this.#wanted;
    return Boolean(family || session || text);
  }

  add(rows) {
    this.#rows.push(...rows);
    this.#fresh = Math.min(this.#fresh + rows.length, MAX_KEPT);
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

  paint() {
    if (this.#paused && !this.#again) return;
    // While paused, another filter looks at what was there when the pause began.
    const end = this.#rows.length - (this.#paused ? this.#fresh : 0);
    const begin = Math.max(0, this.#rows.length - MAX_KEPT, this.#again ? 0 : end - this.#fresh);
    const shown = [];
    for (let at = end - 1; at >= begin && shown.length < MAX_SHOWN; at--) {
      if (admits(this.#wanted, this.#rows[at])) shown.push(rowElement(this.#rows[at]));
    }
    if (this.#again) this.#list.replaceChildren(...shown);
    else this.#list.prepend(...shown);
    while (this.#list.childElementCount > MAX_SHOWN) this.#list.lastElementChild.remove();
    this.#again = false;
    if (!this.#paused) this.#fresh = 0;
  }
}

function rowElement(row) {
  const time = element("time");
  const at = new Date(row.timestamp);
  if (!Number.isNaN(at.getTime())) {
    time.dateTime = row.timestamp;
    time.textContent = clock.format(at);
  }
  const made = element("li", row.severity, time,
    element("span", "place", element("bdi", "", row.where), row.at), element("span", "type", row.type));
  made.dataset.family = row.family;
  if (row.text) made.append(element("bdi", "text", row.text));
  return made;
}
