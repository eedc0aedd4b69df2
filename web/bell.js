// When to tell a person who looks elsewhere that somebody waits: once for each wait, after it has
// lasted for a while. Pure; what a notification is, is not known here.

export const DWELL_MS = 5000;

export class Bell {
  #waits = new Map(); // pane -> {since, seen, told}; `seen`: when it was noticed here

  // The rows of `attention` to tell of now. While somebody looks, what they see counts as told.
  due(rows, now, looking = false) {
    const before = this.#waits;
    this.#waits = new Map();
    const found = [];
    for (const row of rows) {
      if (row.kind !== "waiting") continue;
      const { since = null } = row.pane;
      const known = before.get(row.key);
      const wait = known?.since === since ? known : { since, seen: now, told: false };
      this.#waits.set(row.key, wait);
      if (wait.told || row.acknowledged || now - (since ?? wait.seen) < DWELL_MS) continue;
      wait.told = true;
      if (!looking) found.push(row);
    }
    return found;
  }
}
