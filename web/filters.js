// Which rows of the live events are wanted. Pure.
//
// {family, session: {server, id, name} or null, window: {server, window_id} or null, severity, text}.
// As in the protocol's filters, what belongs to no session (a server, the stream itself) is not asked
// for a session, a window or a text.

export const NOTHING = { family: "", session: null, window: null, severity: "", text: "" };

export const isFilter = (wanted) => Object.values(wanted).some(Boolean);

export function admits(wanted, row) {
  const { family, session, window, severity } = wanted;
  if (family === "-output" ? row.type === "pane.output" : family && row.family !== family) return false;
  if (severity && row.severity !== severity && !(severity === "warning" && row.severity === "error")) return false;
  if (row.family === "server" || row.family === "stream") return true;
  if (session && !(row.server === session.server
    && (row.session_id === session.id || row.linked.includes(session.name)))) return false;
  if (window && !(row.server === window.server && row.window_id === window.window_id)) return false;
  const text = wanted.text.trim().toLowerCase();
  return !text || `${row.where}${row.at}\n${row.type}\n${row.text}`.toLowerCase().includes(text);
}
