// Which events a subscription wants, by the server's own rules. Pure.
//
// One connection brings what all subscriptions want together; each takes its own by this.

const FIELDS = ["types", "sessions", "windows", "panes", "statuses", "severity", "contains"];
const ON_REQUEST = "pane.bytes"; // only who names it in full gets it
const SEVERITIES = {
  "server.down": "warning", "server.trouble": "warning", "pane.warning": "warning",
  "pane.error": "error", "stream.gap": "warning",
};
const OF_STATUS = { error: "error", waiting: "warning" };

// Filters as they go to the server: lists; what is not given is not there. Null: there is no such
// filter; the server knows best what may be in one.
export function filtersOf(options) {
  const found = {};
  for (const [field, given] of Object.entries(options)) {
    if (given === undefined || given === null) continue;
    const list = Array.isArray(given) ? [...given] : [given];
    if (!FIELDS.includes(field) || !list.every((one) => typeof one === "string" && one)) return null;
    if (list.length) found[field] = list;
  }
  return found;
}

export function severityOf({ type, data }) {
  const table = type === "agent.status" ? OF_STATUS : SEVERITIES;
  const key = type === "agent.status" ? data.status : type;
  return Object.hasOwn(table, key) ? table[key] : "info";
}

// Whether events of a type can be admitted, whatever is in them.
export function wantsType({ types = [] }, type) {
  if (type === ON_REQUEST) return types.includes(type);
  return !types.length || globs(types)(type);
}

export function compile({ types, sessions, windows, panes, statuses, severity, contains }) {
  const isType = types ? globs(types) : null;
  const asked = (types ?? []).includes(ON_REQUEST);
  const tests = [];
  if (sessions) tests.push(byNames(sessions, sessionNames));
  if (windows) tests.push(byNames(windows, windowNames));
  if (panes) tests.push(byNames(panes, paneNames));
  if (statuses) tests.push(({ type, data }) => type === "agent.status" && statuses.includes(data.status));
  if (contains) {
    const needles = contains.map(fold);
    tests.push((event) => {
      const text = fold(textOf(event));
      return needles.some((needle) => text.includes(needle));
    });
  }
  return (event) => {
    if (isType && !isType(event.type)) return false;
    if (event.type === ON_REQUEST && !asked) return false;
    if (severity && !severity.includes(severityOf(event))) return false;
    if (event.type.startsWith("server.")) return true; // it belongs to no pane
    return tests.every((test) => test(event));
  };
}

function byNames(patterns, namesOf) {
  const matches = globs(patterns);
  return (event) => namesOf(event).some((name) => name && matches(name));
}

const sessionNames = ({ session, session_id, linked_sessions = [] }) =>
  [session, session_id, ...linked_sessions];
const windowNames = ({ session, window, window_id, window_name }) =>
  window_id ? [window_id, String(window), `${session}:${window}`, window_name] : [];
const paneNames = ({ session, window, pane, pane_id }) =>
  pane_id ? [pane_id, String(pane), `${session}:${window}.${pane}`] : [];

// All text that a person could read in an event.
function textOf({ type, data }) {
  if (type === "pane.output") {
    return [...data.lines ?? [], data.partial ?? "", ...Object.values(data.rows ?? {})].join("\n");
  }
  if (type === ON_REQUEST) return "";
  if (type.startsWith("custom.")) return type;
  return Object.values(data).filter((one) => typeof one === "string").join("\n");
}

// As near to Python's casefold() as the language has.
const fold = (text) => text.toUpperCase().toLowerCase().replaceAll("ς", "σ");

// --- shell-style globs, as Python's fnmatch reads them ---------------------------------------

const LONGEST_MEMORY = 1024; // answers that are remembered, since names recur

export function globs(patterns) {
  const matcher = new RegExp(`^(?:${patterns.map(translate).join("|")})$`, "su");
  const known = new Map();
  return (name) => {
    let answer = known.get(name);
    if (answer === undefined) {
      if (known.size >= LONGEST_MEMORY) known.clear();
      known.set(name, answer = matcher.test(name));
    }
    return answer;
  };
}

function translate(glob) {
  const signs = [...glob];
  let found = "";
  for (let at = 0; at < signs.length; at++) {
    if (signs[at] === "*") found += ".*";
    else if (signs[at] === "?") found += ".";
    else if (signs[at] === "[") {
      let end = at + 1;
      if (signs[end] === "!") end++;
      end = signs.indexOf("]", end + 1); // one that comes first stands for itself
      if (end === -1) found += "\\[";
      else {
        found += group(signs.slice(at + 1, end));
        at = end;
      }
    } else found += escape(signs[at]);
  }
  return found;
}

function group(signs) {
  const isNot = signs[0] === "!";
  let found = "";
  for (let at = isNot ? 1 : 0; at < signs.length; at++) {
    if (signs[at + 1] === "-" && at + 2 < signs.length) {
      const [first, , last] = signs.slice(at, at + 3);
      if (first.codePointAt(0) <= last.codePointAt(0)) found += `${escape(first)}-${escape(last)}`;
      at += 2;
    } else found += escape(signs[at]);
  }
  if (!found) return isNot ? "." : "(?!)";
  return `[${isNot ? "^" : ""}${found}]`;
}

const escape = (sign) => (/[\^$\\.*+?()[\]{}|/-]/.test(sign) ? escaped(sign) : sign);
// In a regular expression with the flag `u` a backslash is allowed before syntax only, not before "-".
const escaped = (sign) => (sign === "-" ? "\\x2d" : `\\${sign}`);
