// How many wait, where a person sees it without the page: title, icon, and, on request, the desktop.

import { placeText, programOf, textOf } from "./attention.js";
import { Bell } from "./bell.js";
import { byId, setAttribute } from "./dom.js";
import { clean, name } from "./words.js";

const KEY = "tmuxpulse.notify";
const MOST = 10; // icons there are; above, one that says "more"
const TITLE = "tmuxpulse";
const TITLE_MS = 900; // between two titles: each is a message to the browser, and a picture to get

export class Notify {
  #bell = new Bell();
  #on = false;
  #told = 0; // how many waited by the title
  #toldAt = -Infinity;
  #open; // (key): somebody wants to see that pane

  constructor(open, said) {
    this.#open = open;
    const button = byId("notify");
    button.hidden = !("Notification" in globalThis);
    if (button.hidden) return;
    try {
      this.#on = localStorage.getItem(KEY) === "on" && Notification.permission === "granted";
    } catch { /* then it is asked for each time */ }
    this.#show();
    button.addEventListener("click", async () => {
      this.#on = !this.#on && await Notification.requestPermission() === "granted";
      if (!this.#on && Notification.permission === "denied") said("The browser does not allow this page to notify you.");
      try {
        localStorage.setItem(KEY, this.#on ? "on" : "off");
      } catch { /* as above */ }
      this.#show();
    });
  }

  #show() {
    setAttribute(byId("notify"), "aria-pressed", String(this.#on));
  }

  // `rows` of `attention`.
  look(rows, now) {
    const waiting = rows.filter((row) => row.kind === "waiting").length;
    if (waiting !== this.#told && now - this.#toldAt >= TITLE_MS) {
      this.#told = waiting;
      this.#toldAt = now;
      document.title = waiting ? `(${waiting}) ${TITLE}` : TITLE;
      setAttribute(byId("favicon"), "href", `icons/${Math.min(waiting, MOST)}.svg`);
    }
    const looking = document.visibilityState === "visible" && document.hasFocus();
    const due = this.#bell.due(rows, now, looking);
    if (this.#on) for (const row of due) this.#tell(row);
  }

  #tell(row) {
    const told = new Notification(`${name(programOf(row.pane))} waits in ${name(placeText(row))}`, {
      body: clean(textOf(row.pane), 200), tag: row.key, icon: "icons/192.png",
    });
    told.onclick = () => {
      window.focus();
      told.close();
      this.#open(row.key);
    };
  }
}
