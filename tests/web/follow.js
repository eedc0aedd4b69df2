// Follows events as the page does. A line in: {snapshot, events}; a line out: the tree after them.

import { createInterface } from "node:readline";
import { apply, applyAll, fromSnapshot, tree } from "../../web/state.js";

for await (const line of createInterface({ input: process.stdin })) {
  const { snapshot, events } = JSON.parse(line);
  const begin = fromSnapshot(snapshot);
  const before = JSON.stringify(tree(begin));
  const one_by_one = JSON.stringify(tree(events.reduce(apply, begin)));
  const together = JSON.stringify(tree(applyAll(begin, events)));
  const unchanged = JSON.stringify(tree(begin)) === before;
  console.log(unchanged && one_by_one === together ? together : `"not pure"`);
}
