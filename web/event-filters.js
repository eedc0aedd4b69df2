// The controls above the live events: what they ask for, as `filters.js` has it.

import { byId, element, reconcile, setText } from "./dom.js";
import { byAge, key } from "./state.js";
import { name } from "./words.js";

const idOf = (one) => (one ? key(one.server, one.id) : "");
const windowId = (one) => (one ? key(one.server, one.window_id) : "");

export class EventFilters {
  #session = null; // {server, id, name}
  #window = null; // {server, window_id, name}
  #changed;
  #state = null;
  #chosen = false; // by hand, since it was painted

  constructor(changed) {
    this.#changed = changed;
    byId("filters").addEventListener("input", () => this.#read());
    byId("filters").addEventListener("submit", (event) => event.preventDefault());
  }

  #read() {
    const [session, window] = [byId("session").value, byId("window").value];
    if (session !== idOf(this.#session)) {
      this.#session = this.#state?.sessions.get(session) ?? null;
      this.#window = null;
    } else if (window !== windowId(this.#window)) {
      this.#window = this.#windows().find((one) => windowId(one) === window) ?? null;
    }
    this.#chosen = true;
    this.#tell();
  }

  #tell() {
    this.#changed({
      family: byId("family").value, severity: byId("severity").value, text: byId("text").value,
      session: this.#session, window: this.#window,
    });
  }

  #windows() {
    if (!this.#state) return [];
    const mine = this.#session;
    const seen = new Map();
    for (const link of this.#state.links.values()) {
      if (mine && (link.server !== mine.server || link.session_id !== mine.id)) continue;
      const session = this.#state.sessions.get(key(link.server, link.session_id));
      const window = this.#state.windows.get(key(link.server, link.window_id));
      if (!session || !window) continue;
      const place = mine ? `${link.index}` : `${name(session.name)}:${link.index}`;
      seen.set(windowId(link), { server: link.server, window_id: link.window_id, name: `${place} ${name(window.name)}` });
    }
    return [...seen.values()].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  }

  // The choices there are; what is chosen stays to be seen when it goes.
  paint(state) {
    const before = this.#state;
    this.#state = state;
    const same = ["sessions", "windows", "links"].every((name) => state[name] === before?.[name]);
    if (same && !this.#chosen) return;
    this.#chosen = false;
    const sessions = byAge(state.sessions);
    const now = this.#session && state.sessions.get(idOf(this.#session));
    const gone = this.#session && !now;
    if (now && now !== this.#session) {
      this.#session = now; // it has another name, perhaps
      this.#tell();
    }
    reconcile(byId("session"), [null, ...sessions, ...gone ? [this.#session] : []], idOf, () => element("option"),
      (option, one) => {
        option.value = idOf(one);
        setText(option, one ? name(one.name) + (gone && one === this.#session ? " (gone)" : "") : "all sessions");
      });
    const windows = this.#windows();
    const lost = this.#window && !windows.some((one) => windowId(one) === windowId(this.#window));
    reconcile(byId("window"), [null, ...windows, ...lost ? [this.#window] : []], windowId, () => element("option"),
      (option, one) => {
        option.value = windowId(one);
        setText(option, one ? one.name + (lost && one === this.#window ? " (gone)" : "") : "all windows");
      });
    byId("session").value = idOf(this.#session);
    byId("window").value = windowId(this.#window);
  }
}
