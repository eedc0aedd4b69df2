// The colours of a terminal, and whether they can be read. Pure.

export const PAPER = "#0f141a"; // what a screen is drawn on, in the dark and in the light
export const INK = "#d6dde5";
const READABLE = 4.5; // WCAG 2, AA
const BASE = ("#3b444f #ff7b72 #7ee29b #e9c46a #79b8ff #d2a8ff #76e3ea #c9d1d9 #8b97a5 #ffa198"
  + " #a5f0b8 #f6dc95 #a5d0ff #e2c5ff #b3f0f5 #ffffff").split(" ");

const hex = (numbers) => `#${numbers.map((one) => Math.round(one).toString(16).padStart(2, "0")).join("")}`;
const numbers = (colour) => [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));

// `#rrggbb` of 0 to 255 of the palette, or of one that is such a colour already; null: neither.
export function colourOf(colour) {
  if (typeof colour === "string") return /^#[0-9a-f]{6}$/i.test(colour) ? colour.toLowerCase() : null;
  if (!Number.isInteger(colour) || colour < 0 || colour > 255) return null;
  if (colour < 16) return BASE[colour];
  if (colour > 231) return hex(Array(3).fill(8 + 10 * (colour - 232)));
  const cube = colour - 16;
  return hex([Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((one) => (one ? 55 + 40 * one : 0)));
}

function luminance(colour) {
  const [red, green, blue] = numbers(colour).map((one) => {
    const part = one / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

export function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((one, other) => one - other);
  return (high + 0.05) / (low + 0.05);
}

// The colour, or as much nearer to white or black as it takes to be read on `paper`.
export function readable(ink, paper) {
  if (contrast(ink, paper) >= READABLE) return ink;
  const aims = ["#ffffff", "#000000"].sort((a, b) => contrast(b, paper) - contrast(a, paper));
  for (let part = 0.15; part < 1; part += 0.15) {
    const mixed = mix(ink, aims[0], part);
    if (contrast(mixed, paper) >= READABLE) return mixed;
  }
  return aims[0];
}

function mix(from, to, part) {
  const aim = numbers(to);
  return hex(numbers(from).map((one, at) => one + (aim[at] - one) * part));
}

const known = new Map(); // what styles came to; there are few of them
const MAX_KNOWN = 4096;

// How a run is drawn: {ink, paper}, either null where it is the screen's own.
export function drawn(style) {
  const id = `${style.fg} ${style.bg} ${style.reverse} ${style.dim}`;
  const found = known.get(id);
  if (found) return found;
  let ink = colourOf(style.fg);
  let paper = colourOf(style.bg);
  if (style.reverse) [ink, paper] = [paper ?? PAPER, ink ?? INK];
  if (style.dim) ink = mix(ink ?? INK, paper ?? PAPER, 0.35);
  if (ink || paper) ink = readable(ink ?? INK, paper ?? PAPER);
  const made = { ink, paper };
  if (known.size < MAX_KNOWN) known.set(id, made);
  return made;
}

// A row as pieces: [[text, style or null], …]. A run counts in characters (code points); behind the
// row's end it is blanks. What makes no sense is left out.
export function pieces(text, runs) {
  if (!runs?.length) return text ? [[text, null]] : [];
  const characters = [...text];
  const found = [];
  let at = 0;
  const put = (end, style) => {
    if (end <= at) return;
    const part = characters.slice(at, end).join("");
    found.push([part + " ".repeat(Math.max(0, end - Math.max(at, characters.length))), style]);
    at = end;
  };
  for (const run of runs) {
    const [start, length, style] = run;
    if (!(start >= at && length > 0 && start + length <= 2000)) continue;
    put(start, null);
    put(start + length, style);
  }
  put(characters.length, null);
  return found;
}
