// How the connection is, always to be seen; the form for a token; and what was missed, said aloud.

import { byId, setText } from "./dom.js";
import { endingOf, isBarred } from "./missed.js";
import { fromAddress, keep, tokenIn } from "./token.js";
import { clean, counted } from "./words.js";

const STATES = {
  connecting: () => "Connecting…",
  open: () => "Live",
  lagging: ({ queued }) => `Live, ${counted(queued, "event")} behind`,
  waiting: ({ seconds }) => `Not connected; next try in ${Math.ceil(seconds)} s`,
  locked: () => "Locked",
  ended: ({ error }) => `Disconnected: ${clean(endingOf(error))}`,
  closed: () => "Disconnected",
};
export class ConnectionView {
  #known = false; // whether there is something that can be out of date

  // `retry(token)`: at once; with a token, that came into the address of this tab or into the form.
  constructor(retry) {
    byId("retry").addEventListener("click", () => retry());
    byId("key").addEventListener("submit", (event) => {
      event.preventDefault();
      const token = tokenIn(byId("token").value);
      byId("token").value = "";
      if (token) retry(token);
    });
    addEventListener("hashchange", () => {
      const token = fromAddress();
      if (token) retry(token);
    });
    addEventListener("online", () => {
      if (byId("connection").dataset.state === "waiting") retry();
    });
    byId("dismiss").addEventListener("click", () => { byId("notice").hidden = true; });
  }

  known() {
    this.#known = true;
  }

  show(state) {
    const barred = isBarred(state);
    const live = state.name === "open" || state.name === "lagging";
    const node = byId("connection");
    node.dataset.state = state.name;
    setText(node, (barred ? STATES.locked : STATES[state.name])(state));
    byId("retry").hidden = barred || live || state.name === "connecting";
    document.body.classList.toggle("old", !live && this.#known);
    if (barred) this.#askForToken(state.name === "locked" ? "" : endingOf(state.error));
    else if (live) this.#showForm(false);
  }

  // Until a token was taken, the form stands in the place of everything else.
  #showForm(shown) {
    byId("key").hidden = !shown;
    document.body.classList.toggle("locked", shown);
  }

  #askForToken(why) {
    keep(null);
    this.#showForm(true);
    setText(byId("key-why"), clean(why)); // now that it is seen it is read out, too
    byId("token").focus();
  }

  notice(text) {
    setText(byId("notice-text"), clean(text));
    byId("notice").hidden = false;
  }
}
