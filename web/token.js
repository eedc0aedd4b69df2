// The token: it comes in the address, as `#token=…`, and is kept by this tab alone.

const KEY = "tmuxpulse.token";
const LONGEST = 512; // the server takes none that is longer
let kept = null; // where a browser has no storage for us, for as long as the page is there

// Takes a token out of a text that may be an address, such as what `tmuxpulse open --print` prints.
export const tokenIn = (text) => (/#token=(.*)/.exec(text)?.[1] ?? text).trim().slice(0, LONGEST);

// Takes the token out of the page's address, which shows it no more, nor does the tab's history.
export function fromAddress() {
  if (!location.hash.startsWith("#token=")) return null;
  const token = tokenIn(location.hash);
  history.replaceState(null, "", location.pathname + location.search);
  return token;
}

export function keep(token) {
  kept = token;
  try {
    if (token) sessionStorage.setItem(KEY, token);
    else sessionStorage.removeItem(KEY);
  } catch { /* then a reload asks again */ }
}

export function recall() {
  try {
    return sessionStorage.getItem(KEY) ?? kept;
  } catch {
    return kept;
  }
}
