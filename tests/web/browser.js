// What the page's tests in a real Chromium share: the browser, and what it complained of.

import { chromium } from "playwright-core";

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"];

// Runs `drive(browser)`, which gives what was seen, and prints that as one JSON object.
export async function driveBrowser(drive, ...more) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: [...ARGUMENTS, ...more] });
  let seen;
  try {
    seen = await drive(browser);
  } catch (error) {
    for (const page of browser.contexts().flatMap((context) => context.pages())) {
      console.error(page.url(), await page.evaluate(() => document.body.innerText.slice(0, 4000)).catch(String));
    }
    throw error;
  } finally {
    await browser.close();
  }
  process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
}

// Opens a tab; `errors` gets what its page logged, threw, asked in a dialog, or was refused by its
// policy.
export async function openTab(context, errors) {
  const page = await context.newPage();
  page.setDefaultTimeout(120_000); // of a machine that does much else
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("dialog", (dialog) => {
    errors.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("console", (message) => {
    // A connection that is refused while the server is away is told by the browser itself.
    const own = /WebSocket connection to|ERR_CONNECTION/.test(message.text());
    if (message.type() === "error" && !own) errors.push(message.text());
  });
  await page.exposeFunction("tellViolation", (text) => errors.push(text));
  await page.addInitScript(() => addEventListener("securitypolicyviolation", (event) =>
    window.tellViolation(`policy: ${event.violatedDirective} ${event.blockedURI}`)));
  return page;
}

// Runs `drive(page, seen)` in a tab and prints `seen`; `seen.errors` is as above.
export const drivePage = (drive) => driveBrowser(async (browser) => {
  const seen = { errors: [] };
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
  await drive(await openTab(context, seen.errors), seen);
  return seen;
});

// What is in the page that its own files did not put there: each as its markup, cut.
export const intruders = (page) => page.evaluate(() => {
  const own = new Set(("html head meta title link script body header h1 h2 h3 h4 img p button nav a div main section"
    + " form select option input label code ol ul li details summary span bdi time noscript dialog dl dt dd kbd b strong"
    + " svg path").split(" "));
  const few = "script, link, img, a, svg, path, dialog";
  const known = (one) => own.has(one.localName) && (!one.matches(few) || one.matches(
    "script[src='app.js'], head > link, h1 > img[src='icons/0.svg'], svg.spark, svg.spark > path, dialog#keys"));
  return [...document.querySelectorAll("*")]
    .filter((one) => !known(one) || [...one.attributes].some(({ name }) => name.startsWith("on")))
    .map((one) => one.outerHTML.slice(0, 80));
});

export const textOf = (page, selector, part) => page.waitForFunction(
  ([where, what]) => document.querySelector(where)?.textContent.includes(what), [selector, part],
);
// Shows one of the views: attention, sessions, screen, live, past.
export const view = (page, name) => page.locator(`[data-show=${name}]:visible`).first().click();
export const shows = (page, state) => page.waitForSelector(`#connection[data-state=${state}]`);

// How far the page is wider than the window.
export const overflow = (page) => page.evaluate(
  () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
);
