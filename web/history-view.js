// Search in what the server has kept: a question, and what was found, page by page.

import { byId, button, element, setText } from "./dom.js";
import { rowElement } from "./log-view.js";
import { clean, counted, describe } from "./words.js";

const PAGE = 100;
const MAX_FOUND = 1000;

export class HistoryView {
  #monitor;
  #chosen; // () -> {server, id, session} or null
  #found = null; // the generator that goes on
  #count = 0;
  #more = button("more", "More", () => this.#next(false));
  #abort = null;

  constructor(monitor, chosen) {
    this.#monitor = monitor;
    this.#chosen = chosen;
    byId("search").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#begin();
    });
  }

  #begin() {
    this.#abort?.abort();
    this.#abort = new AbortController();
    const value = (id) => byId(id).value;
    const options = { newestFirst: true, limit: MAX_FOUND, signal: this.#abort.signal };
    if (value("past-types")) options.types = value("past-types").split(" ");
    if (value("past-text").trim()) options.text = value("past-text").trim();
    if (value("past-since")) options.since = new Date(Date.now() - 3_600_000 * Number(value("past-since")));
    const pane = value("past-where") === "pane" ? this.#chosen() : null;
    if (pane) options.panes = [pane.id];
    this.#found = this.#monitor.history(options);
    this.#count = 0;
    byId("found").replaceChildren();
    this.#next(true);
  }

  async #next(first) {
    const found = this.#found;
    const list = byId("found");
    this.#more.remove();
    say("Searching…");
    const rows = [];
    try {
      let end = false;
      while (rows.length < PAGE && !end) {
        const { value, done } = await found.next();
        if (found !== this.#found) return;
        if (done) end = true;
        else rows.push(describe(value.type === "stream.gap" ? { ...value, data: { message: "some events could not be kept" } } : value));
      }
      list.append(...rows.map((row) => rowElement(row, true)));
      this.#count += rows.length;
      if (!end && this.#count < MAX_FOUND) list.after(this.#more);
      say(this.#count ? `${counted(this.#count, "event")}${end ? "" : " so far"}, newest first` : "Nothing was found.");
      if (first) list.parentElement.scrollTop = 0;
    } catch (error) {
      if (found === this.#found) say(error.message);
    }
  }
}

const say = (text) => setText(byId("past-state"), clean(text));
