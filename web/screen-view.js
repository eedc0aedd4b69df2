// What a pane shows, in colour. Text goes in as text; colours by the CSSOM, as the policy allows.

import { drawn, pieces } from "./colours.js";
import { element, reconcile } from "./dom.js";

const MAX_ROWS = 500;
const MAX_COLUMNS = 500;
const LOOKS = ["bold", "italic", "underline", "strike", "hidden"];

export class ScreenView {
  #follows = true; // the end is to be seen
  #count = 0; // rows
  #now = []; // what is painted
  #first = true; // of another pane
  #cursor = element("div", "cursor");
  #painted = new WeakMap(); // a row's element -> what it shows, as JSON

  // What is painted next is another pane's: its end is to be seen.
  reset() {
    this.#first = this.#follows = true;
  }

  // `rows` are texts; `styles`, if there are any, the runs of each: [start, length, style].
  paint(parent, { rows = [], styles, width = 80, cursor }) {
    const painted = [rows, styles, width, cursor];
    if (!this.#first && painted.every((one, at) => one === this.#now[at])) return;
    this.#now = painted;
    const box = parent.parentElement; // it scrolls
    box.onscroll ??= () => { this.#follows = box.scrollTop + box.clientHeight >= box.scrollHeight - 8; };
    box.style.setProperty("--columns", String(Math.min(Math.max(width, 20), MAX_COLUMNS)));
    const last = Math.max(rows.findLastIndex((row) => row.trim()), cursor?.visible ? cursor.row : -1,
      styles?.findLastIndex((runs) => runs.length) ?? -1);
    const shown = rows.slice(0, last + 1).slice(0, MAX_ROWS).map((text, at) => ({ at, text, runs: styles?.[at] ?? [] }));
    reconcile(parent, shown, (row) => row.at, () => element("div"), (node, row) => this.#update(node, row));
    const at = cursor?.visible && cursor.row < shown.length ? cursor : null;
    this.#cursor.hidden = !at;
    // Who has scrolled up is left there.
    if (this.#first || (this.#follows && shown.length !== this.#count)) box.scrollTop = box.scrollHeight;
    this.#count = shown.length;
    this.#first = false;
    if (!at) return;
    if (this.#cursor.parentElement !== parent.parentElement) parent.after(this.#cursor);
    this.#cursor.style.setProperty("--row", String(at.row));
    this.#cursor.style.setProperty("--column", String(at.column));
  }

  #update(node, { text, runs }) {
    const id = JSON.stringify([text, runs]);
    if (this.#painted.get(node) === id) return;
    this.#painted.set(node, id);
    node.replaceChildren(...pieces(harmless(text), runs).map(([part, style]) => (style ? piece(part, style) : part)));
  }
}

function piece(text, style) {
  const node = element("span", LOOKS.filter((look) => style[look]).join(" "), text);
  const { ink, paper } = drawn(style);
  if (ink) node.style.setProperty("color", ink);
  if (paper) node.style.setProperty("background-color", paper);
  return node;
}

// A row as it is, cell by cell: what would turn or steer the text is a mark, one for each.
const harmless = (text) => String(text).slice(0, 4000)
  .replace(/[\0-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, "\ufffd");
