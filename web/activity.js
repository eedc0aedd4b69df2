// How much each pane printed lately, and a small picture of it. Pure; the caller has the clock.

export const SLOTS = 30;
export const SLOT_MS = 4000;
const QUIET = 64; // bytes in a slot that make the lowest bar; each doubling is a step more
const STEPS = 10;
const NOTHING = [];

export class Activity {
  #panes = new Map(); // key -> {slot: the newest one's number, bytes: a ring, levels: as told last}

  add(key, bytes, now) {
    const slot = Math.floor(now / SLOT_MS);
    let found = this.#panes.get(key);
    if (!found) this.#panes.set(key, found = { slot, bytes: new Float64Array(SLOTS), levels: null });
    advance(found, slot);
    if (slot <= found.slot - SLOTS) return;
    const before = found.bytes[slot % SLOTS];
    found.bytes[slot % SLOTS] += bytes;
    if (level(before) !== level(before + bytes)) found.levels = null;
  }

  // The slots up to now, oldest first, each 0 to 1: the logarithm of what was printed in it. The
  // same object as before while nothing in it changes, so that nobody has to draw it again.
  levels(key, now) {
    const found = this.#panes.get(key);
    if (!found) return NOTHING;
    const slot = Math.floor(now / SLOT_MS);
    advance(found, slot);
    found.levels ??= Array.from({ length: SLOTS }, (_, at) => level(found.bytes[(slot + 1 + at) % SLOTS]));
    return found.levels;
  }

  // Forgets panes that are not there any more.
  keep(keys) {
    for (const key of this.#panes.keys()) if (!keys.has(key)) this.#panes.delete(key);
  }
}

function advance(ring, slot) {
  if (slot > ring.slot) ring.levels = null;
  for (let at = Math.max(ring.slot + 1, slot - SLOTS + 1); at <= slot; at++) ring.bytes[at % SLOTS] = 0;
  ring.slot = Math.max(ring.slot, slot);
}

// In whole steps: a picture that is the same need not be painted again.
const level = (bytes) => (bytes > 0 ? Math.min(STEPS, 1 + Math.floor(Math.max(0, Math.log2(bytes / QUIET)))) / STEPS : 0);

// The picture as an SVG path of bars, `width` by `height`; a slot without output is a hairline.
export function pathOf(levels, width, height) {
  const step = width / SLOTS;
  return levels.map((one, at) => {
    const bar = one ? Math.max(1.5, one * height) : 0.5;
    return `M${round(at * step)} ${height}v${-round(bar)}h${round(step * 0.7)}v${round(bar)}z`;
  }).join("");
}

const round = (number) => Math.round(number * 10) / 10;
