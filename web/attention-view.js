// The list of panes, those that need a person first.

import { ageText, countsOf, KINDS, matches, placeText, programOf, SIGNS, textOf, WORDS } from "./attention.js";
import { pathOf } from "./activity.js";
import { button, byId, element, picture, reconcile, setAttribute, setText } from "./dom.js";
import { clean, counted, name } from "./words.js";

const MAX_ROWS = 300;
const OUT_OF_SIGHT_MS = 1000; // what nobody sees is not written more often
const [WIDTH, HEIGHT] = [60, 14];

export class AttentionView {
  #choose;
  #parts = new WeakMap();

  constructor(choose) {
    this.#choose = choose;
    byId("find").addEventListener("input", () => choose(null));
  }

  // Shows the rows of `attention`; `levels(key)` gives a pane's activity.
  paint(rows, { chosen, now, known, levels, kind }) {
    const needle = byId("find").value.trim().toLowerCase();
    const wanted = rows.filter((row) => (!kind || row.kind === kind) && matches(row, needle));
    const nobody = byId("nobody");
    nobody.hidden = wanted.length > 0 || !known;
    setText(nobody, rows.length ? "No pane here is like that." : "No pane is watched yet.");
    let last = null;
    const shown = wanted.slice(0, MAX_ROWS).map((row) => {
      const group = row.acknowledged ? "seen" : row.kind;
      const first = group !== last;
      last = group;
      return { ...row, group, first };
    });
    reconcile(byId("list"), shown, (row) => row.key, (row) => this.#make(row),
      (item, row) => this.#update(item, row, { chosen, now, levels }));
  }

  #make(row) {
    const its = {
      sign: element("span", "sign"), where: element("bdi"), at: element("span", "at"),
      program: element("bdi", "program"), age: element("span", "age"), say: element("bdi", "say"),
      use: element("span", "use"), spark: picture("spark", WIDTH, HEIGHT),
    };
    its.sign.ariaHidden = "true";
    const place = element("span", "place", its.where, its.at, its.program);
    const made = button("row", "", () => this.#choose(row.key, true));
    made.append(its.sign, place, its.spark, its.age, its.say, its.use);
    const item = element("li", "", made);
    const kept = { ...its, made, skipped: false, written: -Infinity, levels: null };
    item.addEventListener("contentvisibilityautostatechange", ({ skipped }) => {
      kept.skipped = skipped;
      if (!skipped) this.#choose(null); // it comes into sight
    });
    this.#parts.set(item, kept);
    return item;
  }

  #update(item, row, { chosen, now, levels }) {
    const its = this.#parts.get(item);
    const { sign, where, at, program, age, say, use, spark, made } = its;
    const { pane, place, group, first } = row;
    setAttribute(item, "data-first", first ? WORDS[group] : null);
    setAttribute(made, "data-kind", group);
    setAttribute(made, "data-pane", pane.id);
    setAttribute(made, "aria-current", row.key === chosen ? "true" : null);
    if (its.skipped && now - its.written < OUT_OF_SIGHT_MS) return;
    its.written = now;
    setText(sign, SIGNS[group]);
    setText(where, name(place.session));
    setText(at, placeText(row).slice(place.session.length));
    setText(program, name(programOf(pane)));
    const since = typeof pane.since === "number" ? ` ${ageText(now - pane.since)}` : "";
    setText(age, `${WORDS[row.kind]}${since}`);
    setText(say, clean(textOf(pane)));
    setText(use, usage(pane));
    const drawn = levels(row.key);
    if (drawn === its.levels) return;
    its.levels = drawn;
    setAttribute(spark.firstChild, "d", pathOf(drawn, WIDTH, HEIGHT));
  }
}

// What a pane's processes use; empty while nobody told.
export function usage({ cpu, memory }) {
  if (typeof cpu !== "number") return "";
  return `${cpu < 10 ? Math.round(cpu * 10) / 10 : Math.round(cpu)} % · ${bytesText(memory)}`;
}

export function bytesText(bytes) {
  const steps = ["B", "KB", "MB", "GB", "TB"];
  let at = 0;
  for (; bytes >= 1000 && at < steps.length - 1; at++) bytes /= 1024;
  return `${bytes < 10 && at ? Math.round(bytes * 10) / 10 : Math.round(bytes)} ${steps[at]}`;
}

// The numbers in the head: a button for each kind, which shows that kind alone.
export class CountsView {
  #buttons = new Map();
  kind = "";

  constructor(changed) {
    for (const kind of KINDS) {
      const number = element("b");
      const made = button("count", "", () => {
        this.kind = this.kind === kind ? "" : kind;
        changed();
      });
      const sign = element("span", "sign", SIGNS[kind]);
      sign.ariaHidden = "true";
      made.dataset.kind = kind;
      made.append(sign, number, element("span", "word", ` ${WORDS[kind]}`));
      this.#buttons.set(kind, { made, number });
      byId("counts").append(element("li", "", made));
    }
  }

  paint(rows) {
    const counts = countsOf(rows);
    for (const [kind, { made, number }] of this.#buttons) {
      setText(number, String(counts[kind]));
      setAttribute(made, "aria-pressed", String(this.kind === kind));
      setAttribute(made, "title", `${counted(counts[kind], "pane")} ${WORDS[kind]}; show only these`);
      made.classList.toggle("none", !counts[kind]);
    }
  }
}
