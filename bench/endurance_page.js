// Holds the page at an address open in a real Chromium. Each line that comes is answered with one of
// JSON: whether the page is connected, and what its heap holds. It ends with its input.

import { createInterface } from "node:readline";

import { driveBrowser, openTab } from "../tests/web/browser.js";

await driveBrowser(async (browser) => {
  const errors = [];
  const page = await openTab(await browser.newContext(), errors);
  await page.goto(process.argv[2]);
  await page.waitForSelector("#connection[data-state=open]");
  for await (const _ of createInterface({ input: process.stdin })) {
    const state = await page.getAttribute("#connection", "data-state");
    const heap = await page.evaluate(() => performance.memory.usedJSHeapSize);
    const nodes = await page.evaluate(() => document.querySelectorAll("*").length);
    console.log(JSON.stringify({ state, heap, nodes }));
  }
  return { errors };
});
