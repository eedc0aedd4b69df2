// The types of `client.js`: a client of tmuxpulse for browsers and Node, without dependencies.
//
//   const monitor = connect({ url: "ws://127.0.0.1:8765/", token, WebSocket });
//   for await (const event of monitor.events({ types: ["agent.status"] })) {
//     switch (event.type) {
//       case "agent.status": console.log(event.session, event.data.status); break;
//       case "stream.gap": console.log("something is missing", event.data.reason); break;
//     }
//   }
//
// Names on the wire stay as they are (`pane_id`); those of this library are in camel case. Times
// are RFC 3339 texts, durations are seconds.

/** Connects, at once and for as long as it takes; what is asked meanwhile waits. */
export function connect(options?: ConnectOptions): Monitor;

export interface ConnectOptions {
  /**
   * Where the server is: `ws:`, `wss:`, `http:` or `https:`, its path `/` or `/monitor`. In a
   * browser it may be left out: the server that the page came from. Unencrypted addresses are
   * taken for this machine only, and for where the page came from.
   */
  url?: string;
  /**
   * What lets us in, or a function that gives it, called for each connection. It goes into the
   * head of the request or into one message, and nowhere else.
   */
  token?: string | null | (() => string | null | undefined);
  /** What makes connections where the platform has nothing (Node 20), or not what you want. */
  WebSocket?: WebSocketClass;
  /**
   * `true` (so if left out): comes back after a cut, but the first connection has to succeed.
   * `"always"`: that one is tried again, too. `false`: the first cut is the end.
   */
  reconnect?: boolean | "always";
  /** Seconds for each request, 30 if left out. */
  timeoutSeconds?: number;
  /** Told of each change of `monitor.state`. */
  onState?(state: State): void;
  /** This token was taken: to be given the next time, too. A one-time token has become another. */
  onToken?(token: string): void;
  /** For tests: a number of [0, 1). */
  random?(): number;
  /** For tests: the time. */
  clock?: Clock;
}

export interface Clock {
  /** Milliseconds of any clock that does not go back. */
  now(): number;
  setTimeout(run: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
}

/**
 * The browser's own, the one of the package `ws`, or any other of this shape. One that is given
 * as an option gets `{headers}` as its third argument, and has to ignore it or to send them.
 */
export interface WebSocketClass {
  new (url: string, protocols: string[], options?: any): WebSocketLike;
}

export interface WebSocketLike {
  onopen: ((event: any) => any) | null;
  onmessage: ((event: any) => any) | null;
  onclose: ((event: any) => any) | null;
  onerror: ((event: any) => any) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
  /** If it is there it is used: nothing is read while a program has not taken what came. */
  pause?(): void;
  resume?(): void;
}

/** How the connection is. */
export type State =
  | { name: "connecting" }
  /** Everything subscribed to holds, and requests are answered. */
  | { name: "open" }
  /** This program reads too slowly: `queued` events wait at the server, and it will miss some. */
  | { name: "lagging"; queued: number }
  /** The next try is in `seconds`; or now: `retry()`. */
  | { name: "waiting"; seconds: number; error: ServerUnavailable }
  /** A token is asked for, and there is none: `retry(token)`. */
  | { name: "locked"; error: ServerRefused }
  /** It does not come back by itself; `retry()` and `retry(token)` begin anew. */
  | { name: "ended"; error: TmuxpulseError }
  /** By `close()`. */
  | { name: "closed" };

export interface Monitor {
  readonly state: State;
  /** What the server said first, and what the token allows; null before the first connection. */
  readonly greeting: Greeting | null;
  /** Messages that meant nothing to this version of the client. */
  readonly unknown: number;

  /**
   * Subscribes; to be iterated over by one reader. It gives every event from then on, each once
   * and in order, through all cuts; and says so where it cannot, by an item: `Gap`, `Restarted`.
   *
   * What waits to be read is bounded: 20,000 items, then a `Gap`. With a WebSocket that can pause
   * nothing more is read from 1,000 on, unless a request waits.
   *
   * Iterating throws, after everything that came before: `RequestError` where the server does not
   * take the filter, `ServerRefused` where it does not want us, `ServerUnavailable` where it is
   * gone for good. Leaving the loop closes the subscription; so does `return()`.
   *
   * @throws UsageError there is no such filter
   */
  events(options?: EventsOptions): Subscription;
  /**
   * The same with callbacks: nothing waits, each is called as it comes. What a callback throws is
   * reported as uncaught, and stops nothing.
   */
  subscribe(options: EventsOptions, handlers: Handlers | ((item: Item) => void)): Watch;
  /**
   * The first event from now on that the filters admit and the predicate likes. What is so already
   * sends no event: look at `snapshot()` first.
   *
   * Rejects with `TimedOut`, and with `EventsMissed` where it may have gone by unseen.
   */
  waitFor(predicate?: ((event: Event) => boolean) | null, options?: Filters & Waiting): Promise<Event>;

  /** The state now, of everything or of what is named; a pane that is named has its `screen`, `styled` in colour. */
  snapshot(target?: Target, options?: { styled?: boolean } & Waiting): Promise<Tree>;
  /**
   * Has tmux do something: `command("send-text", {pane: "%3", text: "make", enter: true})`.
   * Rejects with a `RequestError` of the code `COMMAND_FAILED` where tmux did not do it. With a
   * `key` a command that was cut off may be given again, and is done once. `capture` gives a text,
   * or with `styled` a `Screen`.
   */
  command(
    name: "capture", fields: { lines?: number; styled: true } & Target & Once, waiting?: Waiting,
  ): Promise<Screen>;
  command(
    name: "capture", fields: { lines?: number; styled?: false } & Target & Once, waiting?: Waiting,
  ): Promise<string>;
  command<Name extends keyof Commands>(
    name: Name, fields: Commands[Name] & Target & Once, waiting?: Waiting,
  ): Promise<Name extends "status" ? PaneView : Name extends "capture" ? string | Screen : string>;
  /** Commands in order, in one run of tmux; those after the first that fails are not run. */
  batch(commands: BatchCommand[], options?: Once & Waiting): Promise<Outcome[]>;
  /** What was kept, oldest first, over all pages; a `Gap` of the reason `lost` where some is not. */
  history(options?: HistoryOptions): AsyncGenerator<Event | Gap, void, undefined>;
  /** Tells of something: `custom.*`, or `agent.status`. Gives the number of the newest event. */
  emit(type: string, data?: Record<string, unknown>, place?: Target, waiting?: Waiting): Promise<number>;
  /** Why a pane's status is what it is. */
  explain(target: Target, waiting?: Waiting): Promise<Explanation>;
  /** How the server itself is. */
  health(waiting?: Waiting): Promise<Health>;
  /** Steers the recording that the server plays, or asks where it is; `UNAVAILABLE`: it plays none. */
  replay(order?: ReplayOrder, waiting?: Waiting): Promise<Replay>;
  /** A sign of life; gives the seconds it took. */
  ping(waiting?: Waiting): Promise<number>;

  /**
   * Does not wait any longer. With a token it begins anew with that one, even while a connection
   * is open. Both begin again after `ended` and `locked`, too: subscriptions with callbacks go on;
   * a loop that has thrown is over.
   */
  retry(token?: string | null): void;
  /** The end: loops end, what was asked is rejected. */
  close(): void;
}

// Without a connection a request waits for one. After a cut those that change nothing are asked
// again; the others reject with `ServerUnavailable`: nobody knows whether they were done.
export interface Waiting {
  /** Seconds. */
  timeoutSeconds?: number;
  signal?: AbortSignal;
}

/** Every field that is given must match, and any of its entries; names may be globs. */
export interface Filters {
  /** Such as `agent.status` or `pane.*`. */
  types?: string | string[];
  /** Names or ids (`$3`). */
  sessions?: string | string[];
  /** Names, indexes, ids (`@7`) or `session:index`. */
  windows?: string | string[];
  /** Indexes, ids (`%12`) or `session:window.pane`. */
  panes?: string | string[];
  /** The new status of `agent.status`. */
  statuses?: Status | Status[];
  severity?: Severity | Severity[];
  /** Texts, any of which is in the event's text; case does not matter. */
  contains?: string | string[];
}

export interface EventsOptions extends Filters {
  /** Whether the state before the first event is wanted, too. */
  snapshot?: boolean;
}

export interface HistoryOptions extends Filters, Waiting {
  /** Must be in the event's text. */
  text?: string;
  /** No earlier than this time. */
  since?: Date | string;
  /** Earlier than this time. */
  until?: Date | string;
  newestFirst?: boolean;
  /** At most so many events. */
  limit?: number;
}

/** A subscription with callbacks. */
export interface Watch {
  /** The state before the first event, once it came; null unless it was asked for. */
  readonly state: Tree | null;
  /** The server has agreed, and `state` is there: from here on nothing is missed. */
  readonly ready: Promise<void>;
  /** Wants no more. */
  close(): void;
}

/** A subscription to be iterated over; leaving the loop closes it. */
export interface Subscription extends Watch, AsyncIterableIterator<Item> {
  next(): Promise<IteratorResult<Item, undefined>>;
  return(): Promise<IteratorResult<Item, undefined>>;
  [Symbol.asyncIterator](): Subscription;
}

export interface Handlers {
  onItem(item: Item): void;
  /** The state before the first event. */
  onSnapshot?(tree: Tree): void;
  /** Nothing more comes, unless somebody calls `retry()`. */
  onError?(error: TmuxpulseError): void;
}

// --- what comes ----------------------------------------------------------------------------

/** What a subscription gives; `switch (item.type)` tells which. */
export type Item = Event | Gap | Restarted;

/** An event of each type, and those of your own. */
export type Event = { [Type in EventType]: EventOf<Type> }[EventType] | CustomEvent;

export type EventType = keyof EventData;

export interface EventOf<Type extends EventType> extends Numbered, Place {
  type: Type;
  data: EventData[Type];
}

export interface CustomEvent extends Numbered, Place {
  type: `custom.${string}`;
  data: Record<string, unknown>;
}

export interface Numbered {
  /** The run of the server; with `seq` it names the event for ever. */
  epoch: string;
  /** Its number in that run; of `Gap` and `Restarted`, of the event before. */
  seq: number;
  /** When, in UTC; empty for `Gap` and `Restarted`. */
  timestamp: string;
}

/** Where it happened; what does not apply is not there. */
export interface Place {
  /** The tmux server's name: its socket's file name (`default`) or path. */
  server?: string;
  /** The session's name. */
  session?: string;
  /** The window's index in that session. */
  window?: number;
  window_name?: string;
  /** The pane's index in its window. */
  pane?: number;
  /** tmux's own ids, `$3`, `@7` and `%12`; they stay when names and indexes change. */
  session_id?: string;
  window_id?: string;
  pane_id?: string;
  /** Names of further sessions that show the same window. */
  linked_sessions?: string[];
}

/** Events are missing here. */
export interface Gap extends Numbered {
  type: "stream.gap";
  data: {
    /**
     * `slow`: this program read too slowly; `history`: events of the type `only` are not kept;
     * `expired`: the connection was away for too long; `epoch`: the server was restarted, and
     * does not know; `scope`: not all of it is allowed any more; `lost`: could not be written.
     */
    reason: "slow" | "history" | "expired" | "epoch" | "scope" | "lost" | (string & {});
    /** The number of the first that is missing; null: not known. */
    first: number | null;
    last: number | null;
    /** How many of them would have come; null: not known. */
    dropped: number | null;
    /** The one type that is missing, all others come; null: all types. */
    only: string | null;
    /** What there is now, to go on from; null: the server did not tell. */
    state: Tree | null;
  };
}

/**
 * What follows is of another run of the server; nothing is missing. Its numbers begin anew, and
 * its first events build up the state from nothing.
 */
export interface Restarted extends Numbered {
  type: "stream.epoch";
  data: { epoch: string; previous: string };
}

export type Severity = "info" | "warning" | "error";
export type Status = "busy" | "ready" | "waiting" | "error" | "unknown";

/** How much an item matters; as `severity` of the filters has it. */
export function severityOf(item: Item): Severity;

/** The `data` of each type of event. */
export interface EventData {
  "server.up": { pid: number; version: string; start_time: number; socket: string; engine: string };
  "server.down": { reason: string };
  "server.goodbye": { code: number; reason: string };
  "server.trouble": { message: string; retry_s: number | null };
  "session.created": { id: string; name: string; attached: number; windows: []; created: number };
  "session.removed": {};
  "session.renamed": { name: string; previous: string };
  "session.attached": { client: string; attached: number; control: boolean };
  "session.detached": { client: string; attached: number };
  "window.created": {
    id: string; index: number; name: string; active: boolean; layout: string; zoomed: boolean; panes: [];
  };
  "window.removed": {};
  "window.renamed": { name: string; previous: string };
  /** `previous`: the index of the window that was the current one. */
  "window.activated": { previous: number | null };
  "window.moved": { index: number; previous: number };
  "window.layout": { layout: string; zoomed: boolean };
  "pane.created": {
    id: string; index: number; active: boolean; command: string; pid: number; title: string;
    path: string; width: number; height: number; dead: boolean; exit_status: number | null;
    signal: string | null; status: Status; last_line: string;
  };
  "pane.removed": {};
  "pane.activated": { previous: string | null };
  "pane.moved": {
    index: number; previous: number; window_id: string; previous_window_id: string; active: boolean;
  };
  "pane.resized": { width: number; height: number };
  /**
   * `append`: `lines` that were finished, each once and in order, and `partial`, the unfinished
   * last one, which replaces the one before. `screen`: `rows` that changed, by their number.
   */
  "pane.output": {
    mode: "append" | "screen"; lines: string[]; partial: string; rows: Record<string, string>;
    bytes: number; cut: number; redacted: number;
  };
  /** `data` is in base64. Only a filter that names this type in full admits it. */
  "pane.bytes": { data: string; columns: number; rows: number; cut: number };
  "pane.error": { line: string; rule: string };
  "pane.warning": { line: string; rule: string };
  "pane.command": { command: string; previous: string; pid: number };
  "pane.path": { path: string; previous: string };
  "pane.exited": { exit_status: number | null; signal: string | null };
  "pane.title": { title: string; previous: string };
  "pane.bell": {};
  "pane.notification": { title: string; body: string };
  "pane.progress": { state: "none" | "normal" | "error" | "busy" | "paused"; percent: number | null };
  "pane.silence": { seconds: number };
  "command.started": { command_line: string | null };
  "command.finished": { exit_status: number | null; duration_s: number | null; command_line: string | null };
  "agent.status": {
    status: Status; previous: Status; agent_type: string | null; reason: string; rule: string;
    evidence: string; confidence: number; since: string;
  };
  "system.stats": { panes: PaneStats[] };
}

export interface PaneStats {
  pane_id: string;
  /** Of one core: more than 100 is more than one. */
  cpu_percent: number;
  memory_bytes: number;
  processes: number;
}

// --- what there is -------------------------------------------------------------------------

export interface Tree {
  servers: ServerView[];
  sessions: SessionView[];
}

/** A watched tmux server; without `pid` it is not running. */
export interface ServerView {
  name: string;
  socket: string;
  up: boolean;
  pid: number | null;
  version: string | null;
  start_time: number | null;
  engine: string | null;
}

export interface SessionView {
  server: string;
  id: string;
  name: string;
  /** How many clients are attached. */
  attached: number;
  /** When, in seconds of the epoch; 0: it is not known. */
  created: number;
  windows: WindowView[];
}

export interface WindowView {
  id: string;
  index: number;
  name: string;
  active: boolean;
  layout: string;
  zoomed: boolean;
  panes: PaneView[];
}

export interface PaneView {
  id: string;
  index: number;
  active: boolean;
  command: string;
  pid: number;
  title: string;
  path: string;
  width: number;
  height: number;
  dead: boolean;
  exit_status: number | null;
  signal: string | null;
  status: Status;
  /** Empty while nothing was told of its status. */
  status_since: string;
  reason: string;
  agent_type: string | null;
  last_line: string;
  /** The rows it shows; only where a pane was asked for by name. */
  screen?: string[];
  /** For each of them its runs of colours, in order; only where they were asked for. */
  styles?: Run[][];
  /** Where the cursor stands; with the colours. */
  cursor?: Cursor;
}

/** What a pane shows, in colour: `command("capture", {pane, styled: true})`. */
export interface Screen {
  rows: string[];
  /** For each row its runs, in order; between them the text is plain. */
  styles: Run[][];
  /** How many of the rows, from the first on, have scrolled away. */
  above: number;
  /** Whether rows above these were asked for and left out by a bound. */
  cut: boolean;
  /** In cells, and in rows; 0: not known. */
  width: number;
  height: number;
  /** Whether the alternate screen is shown. */
  alternate: boolean;
  cursor: Cursor | null;
}

/** A row and, in cells, a column, from 0. */
export interface Cursor {
  row: number;
  column: number;
  visible: boolean;
}

/** Where a run begins in a row and how long it is, in code points, and how it looks. */
export type Run = [start: number, length: number, style: Style];

/** What is not there is the terminal's default. A colour is 0 to 255 of the palette, or `#rrggbb`. */
export interface Style {
  fg?: number | string;
  bg?: number | string;
  bold?: boolean;
  dim?: boolean;
  italic?: boolean;
  underline?: boolean;
  blink?: boolean;
  reverse?: boolean;
  hidden?: boolean;
  strike?: boolean;
}

export interface Greeting {
  client_id: string;
  server: { name: string; version: string };
  protocol: { min: number; max: number };
  epoch: string;
  heartbeat_s: number;
  limits: {
    max_message_bytes: number; messages_per_second: number; bytes_per_second: number;
    subscriptions: number; auth_timeout_s: number;
  };
  /** The scopes of the token; null where none was asked for on this connection. */
  permissions: string[] | null;
  /** Globs of the sessions that are seen; empty: all. */
  sessions: string[];
  /** Until when the token is good; null: not known, or for ever. */
  expires_at: string | null;
}

export interface Health {
  pid: number;
  uptime_s: number;
  /** What does not work now, by the part of it that does not. */
  problems: Record<string, string>;
  /** What is switched on. */
  features: Record<string, boolean>;
}

export interface ReplayOrder {
  play?: "pause" | "resume";
  /** Where to go, in seconds from the beginning. */
  seek_s?: number;
  /** Times as fast as it was. */
  speed?: number;
}

/** Where the recording is that the server plays. */
export interface Replay {
  position_s: number;
  /** Null: not known yet. */
  duration_s: number | null;
  /** Null: as fast as everybody follows. */
  speed: number | null;
  paused: boolean;
  finished: boolean;
  /** Whether the token allows to steer it. */
  may_steer: boolean;
}

export interface Explanation {
  epoch: string;
  seq: number;
  server: string;
  pane: PaneView;
  explanation: {
    status: Status; since: string; reason: string; rule: string; evidence: string;
    confidence: number; agent_type: string | null;
    pending: { status: Status; rule: string; reason: string; in_s: number } | null;
    opinions: {
      layer: string; status: string; reason: string; rule: string; evidence: string;
      confidence: number; sure: boolean; age_s: number; outcome: string;
    }[];
    matched: string[];
    known: { layer: string; text: string; age_s: number }[];
  };
}

// --- commands ------------------------------------------------------------------------------

/** A session by name or id, a window by index, id or name, a pane by index or id. */
export interface Target {
  server?: string;
  session?: string;
  window?: string | number;
  pane?: string | number;
}

export interface Once {
  /** A repeat with the same one is not run again, and gets the same answer. */
  key?: string;
  /** Seconds until it has to be begun; what is not by then never is. */
  deadline_s?: number;
}

/** The arguments of each command. What is made is given as its ids: `@7 %12`, or `%12`. */
export interface Commands {
  "send-text": { text: string; enter?: boolean };
  "send-keys": { keys: string[] };
  "interrupt": {};
  "select": {};
  "rename": { name: string };
  "new-window": { name?: string; path?: string };
  "split": { direction?: "right" | "below"; path?: string };
  "kill-pane": {};
  "status": {};
  "capture": { lines?: number; styled?: boolean };
}

export type BatchCommand = {
  [Name in keyof Commands]: { command: Name } & Commands[Name] & Target
}[keyof Commands];

export interface Outcome {
  ok: boolean;
  output: unknown;
  error: string | null;
}

// --- errors --------------------------------------------------------------------------------

/** Base of all; `code` tells them apart, the message says what to do. */
export class TmuxpulseError extends Error {
  readonly code: string;
}
/** It makes no sense as it was written: `USAGE`. */
export class UsageError extends TmuxpulseError {}
/** No server answers, or it went away: `UNAVAILABLE`. */
export class ServerUnavailable extends TmuxpulseError {}
/**
 * It answered and refused: `AUTH_REQUIRED`, `AUTH_FAILED`, `FORBIDDEN`, `VERSION`, or the HTTP
 * status or close code as a text, such as `4503` (revoked).
 */
export class ServerRefused extends TmuxpulseError {}
/** This request was refused: a code of the protocol, such as `INVALID_FILTER`, or `COMMAND_FAILED`. */
export class RequestError extends TmuxpulseError {
  readonly retryable: boolean;
  /** Seconds; null: not known. */
  readonly retryAfter: number | null;
}
/** What was waited for may have gone by unseen: `EVENTS_MISSED`. */
export class EventsMissed extends TmuxpulseError {}
/** It did not come in time: `TIMED_OUT`. */
export class TimedOut extends TmuxpulseError {
  readonly seconds: number;
}
