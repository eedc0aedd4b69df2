// The client's core, told what to do by another process: a list a line, such as ["receive", texts,
// now]; the answer is a line, too.

import { createInterface } from "node:readline";
import { Core } from "../../web/client/core.js";
import { ServerUnavailable } from "../../web/client/errors.js";
import { compile, globs, wantsType } from "../../web/client/filters.js";

let core = null;
let subscriptions = [];
const commands = {
  begin() {
    core = new Core("the server", { random: () => 0.5 });
    subscriptions = [];
  },
  opened: (now) => core.opened(now, null),
  receive(texts, now) {
    for (const text of texts) core.receive(text, now);
    return core.broken?.message;
  },
  lost(now) {
    core.lost(new ServerUnavailable("cut"), now);
    return core.ended?.message;
  },
  outgoing: () => core.outgoing(),
  subscribe: (filters) => subscriptions.push(core.subscribe(filters, false)) - 1,
  unsubscribe: (at) => core.unsubscribe(subscriptions[at]),
  asked: () => [subscriptions.indexOf(core.askedFor), core.askedFor?.at],
  confirmed: (at) => subscriptions[at].isConfirmed,
  take: (at) => subscriptions[at].take(),
  matches: (patterns, names) => names.map(globs(patterns)),
  admits: (filters, event) => [compile(filters)(event), wantsType(filters, event.type)],
};
for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...rest] = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(commands[name](...rest) ?? null)}\n`);
}
