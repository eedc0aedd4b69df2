// The frame around the views: which of them are shown, the colours, the keyboard and its help.

import { byId, element, setAttribute, setText } from "./dom.js";

const GROUPS = { attention: "who", sessions: "who", screen: "what", live: "then", past: "then" };
const THEMES = ["system", "dark", "light"];
const NAMES = { system: "Auto", dark: "Dark", light: "Light" };
const THEME = "tmuxpulse.theme";
const LETTERS = "tmuxpulse.letters";

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // then it is as at first
  }
}

function store(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch { /* then the next page does not know */ }
}

// Shows a view: on a small screen alone, on a large one in its place.
export function show(view) {
  const group = GROUPS[view];
  document.body.dataset.view = view;
  for (const [other, its] of Object.entries(GROUPS)) {
    if (its === group && other !== view) byId(other).toggleAttribute("data-shown", false);
  }
  byId(view).toggleAttribute("data-shown", true);
  for (const one of document.querySelectorAll("#views button")) {
    setAttribute(one, "aria-current", one.dataset.show === view ? "true" : null);
  }
}

// Without a layout, where the browser can.
export const isShown = (view) =>
  byId(view).checkVisibility?.() ?? byId(view).getClientRects().length > 0;

export function watchViews(changed) {
  show("attention");
  document.addEventListener("click", (event) => {
    const view = event.target.closest?.("[data-show]")?.dataset.show;
    if (!view) return;
    const group = GROUPS[view];
    show(view);
    changed();
    // The button that was pressed is hidden now; its place is the other's heading.
    if (!event.target.closest("#views") && group !== "what") byId(view).querySelector("[data-show]")?.focus();
  });
}

export function watchTheme() {
  const button = byId("theme");
  let theme = THEMES.includes(stored(THEME)) ? stored(THEME) : THEMES[0];
  const apply = () => {
    setAttribute(document.documentElement, "data-theme", theme === "system" ? null : theme);
    setText(button, NAMES[theme]);
    button.ariaLabel = `Colours: ${NAMES[theme]}`;
  };
  const next = () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    store(THEME, theme);
    apply();
  };
  button.addEventListener("click", next);
  apply();
  return next;
}

// `keys`: [[keys with blanks between them, what they do, run], …].
export function watchKeys(keys) {
  const dialog = byId("keys");
  const help = () => (dialog.open ? dialog.close() : dialog.showModal());
  const all = [...keys, ["?", "this", help]];
  byId("help").addEventListener("click", help);
  byId("keys-list").append(...all.flatMap(([key, text]) => [
    element("dt", "", element("kbd", "", key)), element("dd", "", text)]));
  const letters = byId("keys-on");
  letters.checked = stored(LETTERS) !== "off";
  letters.addEventListener("change", () => store(LETTERS, letters.checked ? "on" : "off"));
  const runs = new Map(all.flatMap(([key, , run]) => key.split(" ").map((one) => [one === "Space" ? " " : one, run])));
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
    const field = event.target.closest?.("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape" && field) {
      field.blur();
      return;
    }
    if (field || dialog.open && event.key !== "?" || !letters.checked) return;
    if (event.key === " " && event.target.closest?.("button, summary, [tabindex]")) return;
    const run = runs.get(event.key);
    if (!run) return;
    event.preventDefault();
    run();
  });
}
