// Typing into a pane. Made only for who has the permission `write`; without it there is nothing of
// this in the page. Nothing is sent while the switch is off, and another pane switches it off.

import { button, element, setText } from "./dom.js";

const KEYS = [["Enter", "Enter"], ["Esc", "Escape"], ["Tab", "Tab"], ["↑", "Up"], ["↓", "Down"], ["Ctrl-C", "C-c"], ["Ctrl-D", "C-d"]];
const NAMES = { "↑": "Up", "↓": "Down" };
const MAX_TEXT = 4096;

export class Typing {
  #send; // (name, fields) -> Promise; it knows the pane
  #switched;
  #parent;
  #its = null;

  constructor(parent, send, switched) {
    this.#parent = parent;
    this.#send = send;
    this.#switched = switched;
  }

  allow(allowed) {
    if (allowed === Boolean(this.#its)) return;
    if (allowed) {
      this.#its = this.#make();
      this.#parent.append(this.#its.whole);
    } else {
      this.#its.whole.remove();
      this.#its = null;
      this.#switched(false);
    }
  }

  // Whether there is something to be switched on.
  focus() {
    if (!this.#its) return;
    this.#turn(true);
    this.#its.text.focus();
  }

  // Off: for another pane it has to be asked for again.
  reset() {
    if (this.#its) this.#turn(false);
  }

  #turn(on) {
    const { toggle, form, state } = this.#its;
    toggle.ariaChecked = String(on);
    form.hidden = !on;
    setText(state, "");
    this.#switched(on);
  }

  #make() {
    const its = { text: element("input"), enter: element("input"), state: element("span", "sent"), form: element("form") };
    its.toggle = button("switch", "Type into this pane", () => this.#turn(its.toggle.ariaChecked !== "true"));
    its.toggle.setAttribute("role", "switch");
    its.toggle.ariaChecked = "false";
    its.state.setAttribute("role", "status");
    Object.assign(its.text, { type: "text", maxLength: MAX_TEXT, autocomplete: "off", spellcheck: false, ariaLabel: "Text to type", placeholder: "Text to type" });
    its.text.autocapitalize = "off";
    its.enter.type = "checkbox";
    its.enter.checked = true;
    const submit = element("button", "", "Send");
    its.form.autocomplete = "off";
    its.form.hidden = true;
    const keys = element("span", "keys", ...KEYS.map(([text, name]) => {
      const made = button("", text, () => this.#do("send-keys", { keys: [name] }, text));
      if (NAMES[text]) made.ariaLabel = NAMES[text];
      return made;
    }));
    its.form.append(its.text, element("label", "", its.enter, " then Enter"), submit, keys);
    its.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = its.text.value;
      if (!text && !its.enter.checked) return;
      its.text.value = "";
      if (text) this.#do("send-text", { text, enter: its.enter.checked }, "text");
      else this.#do("send-keys", { keys: ["Enter"] }, "Enter");
    });
    its.whole = element("div", "", element("div", "bar", its.toggle, its.state), its.form);
    return its;
  }

  async #do(name, fields, what) {
    const { state, toggle } = this.#its;
    if (toggle.ariaChecked !== "true") return;
    try {
      await this.#send(name, fields);
      setText(state, `sent: ${what}`);
    } catch (error) {
      setText(state, `not sent: ${error.message}`);
    }
  }
}
