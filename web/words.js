// What an event says to a person: plain text out of an event. Pure: no page.

const MAX_LINES = 12; // of one event
const MAX_LINE = 400; // characters
const MAX_NAME = 80;

// Text of a pane, made harmless and short. The server lets no control character through; the page
// does not rely on it: an escape is shown as `^[`, a direction override turns nothing around.
export function clean(text, longest = MAX_LINE) {
  const whole = String(text ?? "");
  const cut = whole.length > longest;
  const kept = cut ? whole.slice(0, longest).replace(/[\ud800-\udbff]$/, "") : whole;
  const shown = kept
    .replace(/[\0-\x08\x0a-\x1f\x7f]/g, (found) => `^${String.fromCharCode(found.charCodeAt(0) ^ 64)}`)
    .replace(/[\x80-\x9f\u2028-\u202e\u2066-\u2069]/g, "\ufffd");
  return cut ? `${shown} … ${whole.length - kept.length} more` : shown;
}

export const name = (text) => clean(text, MAX_NAME);
export const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

// The order of names, the terminal's: that of a language takes a browser tables that it loads for 20 ms.
export const byName = (a, b) => (a < b ? -1 : Number(a > b));

// Writes times; made when it is first used, since a browser's first one takes it longer than a picture.
export function writer(options) {
  let format;
  return (time) => (format ??= new Intl.DateTimeFormat(undefined, options)).format(time);
}

// How a pane ended; empty while it runs.
export function ending({ dead, exit_status: status, signal }) {
  if (!dead) return "";
  if (signal) return `signal ${signal}`;
  return status === null || status === undefined ? "ended" : `exit ${status}`;
}

// Why a status is what it is: the reason, and what showed it.
export const because = ({ reason, evidence }) => [reason, (evidence ?? "").trim()]
  .filter((one, at, all) => one && !(at && all[0]?.includes(one))).join(": ");

const SEVERITIES = new Map([
  ["server.down", "warning"], ["server.trouble", "warning"], ["pane.warning", "warning"],
  ["pane.error", "error"], ["waiting", "warning"], ["error", "error"],
]);

const became = (data, field = "name") => `${clean(data.previous)} → ${clean(data[field])}`;
const about = (data) => `${clean(data.name ?? data.command)}`;

const TEXTS = new Map(Object.entries({
  "server.up": (data) => `tmux ${clean(data.version)} on ${clean(data.socket)}, engine ${clean(data.engine)}`,
  "server.down": (data) => clean(data.reason),
  "server.trouble": (data) => clean(data.message),
  "session.created": about,
  "session.renamed": (data) => became(data),
  "session.attached": (data) => `${clean(data.client)}, ${data.attached} in all`,
  "session.detached": (data) => `${clean(data.client)}, ${data.attached} left`,
  "window.created": about,
  "window.renamed": (data) => became(data),
  "window.activated": () => "",
  "window.moved": (data) => became(data, "index"),
  "window.layout": (data) => clean(data.layout) + (data.zoomed ? " (zoomed)" : ""),
  "pane.created": (data) => `${about(data)}  ${data.width}×${data.height}`,
  "pane.activated": () => "",
  "pane.moved": (data) => became(data, "index"),
  "pane.resized": (data) => `${data.width}×${data.height}`,
  "pane.output": output,
  "pane.error": (data) => clean(data.line),
  "pane.warning": (data) => clean(data.line),
  "pane.command": (data) => became(data, "command"),
  "pane.exited": (data) => ending({ ...data, dead: true }),
  "pane.title": (data) => clean(data.title),
  "pane.path": (data) => clean(data.path),
  "pane.notification": (data) => [data.title, data.body].filter(Boolean).map((one) => clean(one)).join(": "),
  "pane.progress": (data) => data.state + (typeof data.percent === "number" ? ` ${data.percent} %` : ""),
  "command.started": (data) => clean(data.command_line),
  "agent.status": (data) => `${became(data, "status")}  ${clean(because(data))}`,
}));

function output(data) {
  const all = data.mode === "screen" ? Object.values(data.rows ?? {}) : [...data.lines ?? [], data.partial];
  const lines = all.filter((line) => line?.trim()).map((line) => clean(line.trimEnd()));
  const left = lines.length - MAX_LINES;
  if (left > 0) lines.splice(0, left, `… ${counted(left, "line")} before`);
  if (data.cut) lines.push(`… ${counted(data.cut, "byte")} left out`);
  return lines.join("\n");
}

// Any other type: its plain fields. A newer server may send what is not in the table.
const fields = ({ message, ...data }) => [["", message], ...Object.entries(data)]
  .filter(([, value]) => ["string", "number", "boolean"].includes(typeof value) && value !== "")
  .map(([field, value]) => (field ? `${clean(field)}: ` : "") + clean(value))
  .join("  ");

// An event as a row shows it, bounded, so that thousands can be kept.
export function describe(event) {
  const data = event.data ?? {};
  const status = event.type === "agent.status" ? data.status : undefined;
  return {
    type: name(event.type),
    family: event.type.split(".", 1)[0],
    severity: SEVERITIES.get(status ?? event.type) ?? "info",
    timestamp: event.timestamp,
    server: event.server,
    session_id: event.session_id,
    window_id: event.window_id,
    pane_id: event.pane_id,
    linked: event.linked_sessions ?? [],
    where: name(event.session ?? event.server),
    at: at(event),
    text: (TEXTS.get(event.type) ?? fields)(data),
  };
}

const at = ({ window, pane }) =>
  (window === undefined ? "" : `:${window}`) + (pane === undefined ? "" : `.${pane}`);
