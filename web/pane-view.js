// The chosen pane: what it is, why its status is what it is, the history of that, and its screen.

import { ageText, placeText, programOf, SIGNS, textOf, WORDS } from "./attention.js";
import { usage } from "./attention-view.js";
import { button, byId, element, reconcile, setAttribute, setText } from "./dom.js";
import { ScreenView } from "./screen-view.js";
import { beginOf, recalled, stretches, totals } from "./timeline.js";
import { because, clean, counted, ending, name, writer } from "./words.js";

const MAX_STRETCHES = 120;
const MAX_LISTED = 30;
const NOTHING = []; // until it is known
const STATUS_WORDS = { ready: "ready", ended: "ended", failed: "failed", error: "failed" };

const clock = writer({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

export class PaneView {
  #its;
  #screen = new ScreenView();
  #row = null;
  #painted = null; // the key of the pane whose screen is there
  #shown = null; // {key, rows, styles, width, cursor, error}
  #lines = [];
  #past = new Map(); // key -> turns that the history knows

  // `acts`: {acknowledge(row), open()}
  constructor(acts) {
    const its = this.#its = {
      sign: element("span", "sign"), where: element("bdi"), at: element("span", "at"),
      program: element("bdi", "program"), title: element("bdi", "title"), state: element("p", "state"),
      facts: element("p", "facts"), bar: element("div", "stretches"), begin: element("span"),
      sums: element("span", "sums"), turns: element("ol", "turns"),
      box: element("div", "terminal"), why: element("p", "nothing"), typing: element("div", "typing"),
      seen: button("seen", "Seen", () => this.#row && acts.acknowledge(this.#row)),
      nothing: element("p", "nothing", "Choose a pane to see its screen."),
    };
    its.sign.ariaHidden = "true";
    const heading = element("h2", "", its.sign, its.where, its.at);
    heading.id = "screen-title";
    its.seen.title = "Nothing to be done here: below the others until there is news (a)";
    its.bar.setAttribute("role", "img");
    const history = element("details", "history",
      element("summary", "", element("span", "visually-hidden", "History of its status"), its.begin, its.bar, element("span", "", "now")),
      its.sums, its.turns);
    its.scroll = element("div", "scroll", its.box);
    its.scroll.tabIndex = 0;
    its.scroll.setAttribute("role", "region");
    its.whole = element("div", "whole",
      element("div", "head", heading, its.program, its.title, its.seen),
      its.state, its.facts, history, its.why, its.scroll, its.typing);
    byId("screen").append(its.nothing, its.whole);
  }

  get typing() {
    return this.#its.typing;
  }

  recall(key, turns) {
    this.#past.set(key, turns);
  }

  // What the pane's screen is; or why that is not to be seen.
  show(key, view, error) {
    if (view) this.#shown = { key, rows: view.screen ?? null, styles: view.styles, width: view.width, cursor: view.cursor };
    else if (this.#shown?.key !== key) this.#shown = { key, rows: null };
    this.#shown.error = view ? "" : error.message;
  }

  // `row` is of `attention`; null: none is chosen.
  paint(row, now) {
    const { whole, nothing } = this.#its;
    this.#row = row;
    whole.hidden = !row;
    nothing.hidden = Boolean(row);
    if (!row) return;
    const { sign, where, at, program, title, state, facts, seen, scroll } = this.#its;
    const { pane, place, kind } = row;
    setAttribute(whole, "data-kind", kind);
    this.#its.typing.hidden = Boolean(pane.dead);
    setText(sign, SIGNS[kind]);
    setText(where, name(place.session));
    setText(at, placeText(row).slice(place.session.length));
    setText(program, name(programOf(pane)));
    setText(title, name(pane.title === programOf(pane) ? "" : pane.title));
    setText(state, sentence(row, now));
    setText(facts, [
      `${place.index}: ${name(place.name)}`, clean(pane.path, 120), `${pane.width}×${pane.height}`,
      `process ${pane.pid}`, usage(pane), pane.processes > 1 && `${pane.processes} processes`,
      pane.errors && counted(pane.errors, "error line"),
    ].filter(Boolean).join("  ·  "));
    const matters = ["failed", "waiting", "done"].includes(kind);
    seen.hidden = !matters;
    setAttribute(seen, "aria-pressed", String(row.acknowledged));
    setAttribute(scroll, "aria-label", `Screen of ${name(place.session)}:${place.index}.${pane.index}`);
    this.#paintTimeline(row, now);
    this.#paintScreen(row);
  }

  // The last line alone, as rows that are the same while it is.
  #only(line) {
    if (this.#lines[0] !== line) this.#lines = [line];
    return this.#lines;
  }

  #paintTimeline({ key, pane }, now) {
    const { bar, begin, sums, turns } = this.#its;
    const all = recalled(pane.turns ?? [], this.#past.get(key) ?? []);
    const from = beginOf(all, now);
    const found = stretches(all, from, now).slice(-MAX_STRETCHES);
    setText(begin, clock(from));
    const words = totals(found).map(([status, sum]) => `${wordOf(status)} ${ageText(sum)}`).join(", ");
    setAttribute(bar, "aria-label", `Since ${clock(from)}: ${words}`);
    reconcile(bar, found, (one) => one.from, () => element("span"), (node, one) => {
      setAttribute(node, "data-status", one.status);
      node.style.setProperty("flex-grow", String(Math.max(1, Math.round(one.to - one.from))));
      setAttribute(node, "title", `${clock(one.from)} ${wordOf(one.status)} ${ageText(one.to - one.from)}`);
    });
    setText(sums, words);
    if (!turns.parentElement.open) return;
    reconcile(turns, found.slice(-MAX_LISTED).reverse(), (one) => one.from, turnRow, updateTurn);
  }

  #paintScreen({ key, pane }) {
    const { box, why } = this.#its;
    const shown = this.#shown?.key === key ? this.#shown : null;
    const rows = shown ? shown.rows ?? this.#only(pane.last_line ?? "") : NOTHING;
    if (this.#painted !== key) this.#screen.reset();
    this.#painted = key;
    this.#screen.paint(box, { rows, styles: shown?.rows ? shown.styles : undefined, width: shown?.width || pane.width, cursor: shown?.cursor });
    const problem = shown?.error || (shown && !shown.rows ? "Its screen is not to be seen with this token; this is what it showed last." : "");
    why.hidden = !problem;
    setText(why, clean(problem));
  }
}

const wordOf = (status) => STATUS_WORDS[status] ?? status;

// What is to be said of it first.
function sentence({ pane, kind }, now) {
  const since = typeof pane.since === "number" ? ` for ${ageText(now - pane.since)}` : "";
  if (pane.dead) return `${ending(pane)}${since ? `, ${ageText(now - pane.since)} ago` : ""}`;
  const why = kind === "waiting" || kind === "failed" ? because({ reason: pane.reason, evidence: textOf(pane) }) : pane.reason;
  return `${WORDS[kind]}${since}${why ? ` — ${clean(why)}` : ""}`;
}

const turnParts = new WeakMap();

function turnRow() {
  const its = { time: element("time"), status: element("span", "status"), age: element("span", "age"), why: element("bdi") };
  const made = element("li", "", its.time, its.status, its.age, its.why);
  turnParts.set(made, its);
  return made;
}

function updateTurn(node, { from, to, status, why }) {
  const its = turnParts.get(node);
  setAttribute(node, "data-status", status);
  setText(its.time, clock(from));
  setText(its.status, wordOf(status));
  setText(its.age, ageText(to - from));
  setText(its.why, clean(why));
}
