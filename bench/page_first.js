// Looks at how a page comes up: page_first.js ADDRESS TIMES; prints JSON.
//
// Each time is a browser context of its own, as when somebody opens the page for the first time that
// day: no cache, no connection, no token in the tab. CHROMIUM is the browser.

import { at, awaited, opened, openedPage, watchFirstView } from "./page_browser.js";

const [address, times] = process.argv.slice(2);
const WARM_UPS = 2; // the browser's own start is not the page's

const browser = await opened();
const views = [];
for (let time = -WARM_UPS; time < Number(times); time++) {
  const page = await openedPage(browser);
  await watchFirstView(page);
  await page.goto(address);
  const painted = await awaited(page);
  const view = await page.evaluate((painted) => {
    const [navigation] = performance.getEntriesByType("navigation");
    const files = performance.getEntriesByType("resource").filter((one) => one.initiatorType !== "img");
    return {
      "the page's head": navigation.responseStart,
      "the last module": Math.max(...files.filter((one) => one.name.endsWith(".js")).map((one) => one.responseEnd)),
      "modules have run": navigation.domContentLoadedEventStart,
      "panes are painted": painted,
    };
  }, painted);
  if (time >= 0) views.push(view);
  await page.context().close();
}
await browser.close();
const found = (name) => {
  const sorted = views.map((view) => view[name]).sort((a, b) => a - b);
  return { p50: at(sorted, 0.5), p95: at(sorted, 0.95), worst: at(sorted, 1) };
};
console.log(JSON.stringify(Object.fromEntries(Object.keys(views[0]).map((name) => [name, found(name)]))));
