// A headless browser and the moment at which the page is there, for the benchmarks of the page.
//
// playwright-core is that of tests/web; CHROMIUM is the browser.

import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../tests/web/package.json", import.meta.url))("playwright-core");

const REST_MS = 2000; // for a new window's own affairs

export const opened = () => chromium.launch({
  executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"],
});

// A window of its own, without a cache. A new window has the browser load some eighty modules of its
// own (the list of its address field): they are not the page's, and were half of what was measured.
export async function openedPage(browser) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.waitForTimeout(REST_MS);
  return page;
}

// From now on each document of the page notes its first view: the milliseconds from the beginning of
// the navigation to the end of the first frame in which the list has panes. Nothing is asked for
// before that, neither frames nor anything by the debugger: a page that nobody measures has none.
export const watchFirstView = (page) => page.addInitScript(() => {
  window.firstView = new Promise((resolve) => {
    const after = new MessageChannel(); // a message that is sent in a frame comes when it is painted
    after.port1.onmessage = () => resolve(performance.now());
    const observer = new MutationObserver(() => {
      if (!document.querySelector("#list button")) return;
      observer.disconnect();
      after.port2.postMessage(null);
    });
    observer.observe(document, { childList: true, subtree: true });
  });
});

// Waits for the first view, and gives its milliseconds. The page is not looked at meanwhile.
export const awaited = (page) => page.evaluate(() => window.firstView);

// A share of a sorted list, to a tenth.
export const at = (sorted, share) =>
  Math.round(10 * sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]) / 10;
