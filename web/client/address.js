// Which addresses of servers are taken. Pure.
//
// No refusal repeats the address: people put tokens into addresses, and errors end up in logs.

import { UsageError } from "./errors.js";

const SCHEMES = new Map([["ws:", "ws:"], ["http:", "ws:"], ["wss:", "wss:"], ["https:", "wss:"]]);
const DEFAULT_PORT = "8765"; // of what is not encrypted; else the usual one, as in a browser
const THIS_MACHINE = /^(localhost|127(\.\d+){3}|\[::1\])$/;

// The address to connect to, and what to call it; `location`: of the page, if there is one.
export function whereIs(url, location) {
  if (url !== undefined && url !== null) return named(String(url), location);
  if (!location?.host) {
    throw new UsageError(`connect() needs the address of a server here: connect({ url: "ws://127.0.0.1:${DEFAULT_PORT}/" })`);
  }
  const where = `${SCHEMES.get(location.protocol) ?? "ws:"}//${location.host}`;
  return { url: `${where}/monitor`, where };
}

function named(url, location) {
  const parts = URL.canParse(url) ? new URL(url) : { protocol: "" };
  const scheme = SCHEMES.get(parts.protocol);
  if (!scheme || !parts.hostname) {
    throw new UsageError("that is not the address of a server, such as"
      + ` ws://127.0.0.1:${DEFAULT_PORT}/ or wss://pulse.example/`);
  }
  if (parts.username || parts.password || parts.search || parts.hash) {
    throw new UsageError("a server's address has no user, no '?' and no '#' (not repeated here: there"
      + " may be a token in it); a token is an option of its own");
  }
  const isPlain = scheme === "ws:";
  // A port that is the usual one is not there any more.
  const isBare = isPlain && !parts.port && !/:0*80(\/|$)/.test(url);
  const where = `${scheme}//${parts.host}${isBare ? `:${DEFAULT_PORT}` : ""}`;
  if (isPlain && !THIS_MACHINE.test(parts.hostname) && parts.host !== location?.host) {
    throw new UsageError(`${where} is not on this machine, and nobody may listen in: use wss://, or`
      + " forward its port (ssh -L)");
  }
  return { url: where + parts.pathname, where };
}
