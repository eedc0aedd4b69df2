// What the types of the client allow, and what they do not; compiled, never run.

import { WebSocket as Ws } from "ws";
import {
  type CustomEvent, type Event, type EventData, type EventOf, type EventType, type Gap, type Item,
  type Monitor, type PaneView, type Restarted, type Screen, type State, type Subscription, type Tree,
  RequestError, ServerRefused, TimedOut, TmuxpulseError, connect, severityOf,
} from "../../web/client.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
const holds = <T extends true>(): T | void => {};

// Every shape of a WebSocket that people have.
connect();
connect({ url: "ws://127.0.0.1:8765/", WebSocket: Ws });
connect({ WebSocket, token: () => null, reconnect: "always" });
const monitor: Monitor = connect({ token: "t", onState: show, onToken: (token: string) => token });
// @ts-expect-error one that does not know the way back
connect({ reconnect: "sometimes" });
// @ts-expect-error a token is given at once
connect({ token: async () => "t" });

function show(state: State): string {
  switch (state.name) {
    case "connecting": case "open": case "closed": return state.name;
    case "lagging": return `${state.queued}`;
    case "waiting": return `${state.seconds} ${state.error.code}`;
    case "locked": case "ended": return state.error.message;
    default: return state satisfies never;
  }
}

// The type of an item tells what is in it, and nothing is forgotten.
function told(item: Item): unknown {
  switch (item.type) {
    case "agent.status":
      holds<Same<typeof item, EventOf<"agent.status">>>();
      return item.data.status === "waiting" ? item.session?.length : item.data.evidence;
    case "pane.output": return item.data.mode === "append" ? item.data.lines : item.data.rows["0"];
    case "pane.exited": return item.data.exit_status ?? item.data.signal;
    case "system.stats": return item.data.panes.map(({ cpu_percent }) => cpu_percent);
    case "stream.gap":
      holds<Same<typeof item, Gap>>();
      return item.data.state?.sessions[0]?.windows[0]?.panes[0]?.screen?.join("\n");
    case "stream.epoch":
      holds<Same<typeof item, Restarted>>();
      return item.data.previous;
    // @ts-expect-error there is no such type
    case "pane.exploded": return null;
    case "custom.deploy":
      holds<Same<typeof item, CustomEvent>>();
      return item.data["version"];
    default:
      // @ts-expect-error only what all have
      return item.data.status;
  }
}
holds<Same<EventType, keyof EventData>>();
holds<Same<Exclude<Item["type"], EventType | "stream.gap" | "stream.epoch">, `custom.${string}`>>();

async function use(): Promise<void> {
  const events: Subscription = monitor.events({ types: ["pane.*"], severity: "error", snapshot: true });
  await events.ready;
  holds<Same<typeof events.state, Tree | null>>();
  for await (const item of events) {
    told(item);
    severityOf(item);
  }
  monitor.subscribe({}, (item) => told(item)).close();
  monitor.subscribe({ statuses: ["waiting"] }, { onItem: told, onSnapshot: (tree: Tree) => tree.servers });
  const found: Event = await monitor.waitFor((event) => event.type === "pane.bell", { panes: "%3", timeoutSeconds: 6 });
  for await (const one of monitor.history({ since: new Date(), text: "err" })) told(one);

  const screen: string = await monitor.command("capture", { pane: "%3", lines: 20 });
  const coloured: Screen = await monitor.command("capture", { pane: "%3", styled: true });
  const either: string | Screen = await monitor.command("capture", { pane: "%3", styled: screen === "" });
  // @ts-expect-error in colour it is an object
  const wrong: string = await monitor.command("capture", { pane: "%3", styled: true });
  const pane: PaneView = await monitor.command("status", { session: "api", window: 0 });
  await monitor.batch([{ command: "send-text", text: "x", pane: 1 }, { command: "interrupt" }], { key: "k" });
  const number: number = await monitor.emit("custom.x", { any: [1] }, { session: "a" });
  const { permissions } = monitor.greeting ?? {};
  holds<Same<typeof permissions, string[] | null | undefined>>();
  console.log(found.epoch, screen, coloured.rows, either, wrong, pane.id, number, await monitor.ping({ signal: AbortSignal.timeout(1) }));

  // @ts-expect-error a text is needed
  await monitor.command("send-text", { pane: "%3" });
  // @ts-expect-error there is no such command
  await monitor.command("explode", {});
  // @ts-expect-error there is no such filter
  monitor.events({ type: "x" });
  // @ts-expect-error there is no such status
  monitor.events({ statuses: "asleep" });
  // @ts-expect-error what came cannot be set
  monitor.state = { name: "open" };
}

declare const error: TmuxpulseError;
if (error instanceof RequestError) holds<Same<typeof error.retryAfter, number | null>>();
if (error instanceof TimedOut) holds<Same<typeof error.seconds, number>>();
if (error instanceof ServerRefused) holds<Same<typeof error.code, string>>();
await use();
