// What the page's tests in a real Chromium share: the browser, and what it complained of.

import { chromium } from "playwright-core";

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// Runs `drive(page, seen)` and prints `seen` as one JSON object; `seen.errors` holds what the page
// logged, threw, or was refused by its policy.
export async function drivePage(drive) {
  const seen = { errors: [] };
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ARGUMENTS });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
    page.setDefaultTimeout(15_000);
    page.on("pageerror", (error) => seen.errors.push(String(error)));
    page.on("console", (message) => {
      // A connection that is refused while the server is away is told by the browser itself.
      const own = /WebSocket connection to|ERR_CONNECTION/.test(message.text());
      if (message.type() === "error" && !own) seen.errors.push(message.text());
    });
    await page.exposeFunction("tellViolation", (text) => seen.errors.push(text));
    await page.addInitScript(() => addEventListener("securitypolicyviolation", (event) =>
      window.tellViolation(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
    await drive(page, seen);
  } finally {
    await browser.close();
  }
  console.log(JSON.stringify(seen));
  process.exit(0);
}

export const textOf = (page, selector, part) => page.waitForFunction(
  ([where, what]) => document.querySelector(where)?.textContent.includes(what), [selector, part],
);
export const shows = (page, state) => page.waitForSelector(`#connection[data-state=${state}]`);

// How far the page is wider than the window.
export const overflow = (page) => page.evaluate(
  () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
);
