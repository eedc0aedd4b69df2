// Looks at the page's frames while events rush in: page_frames.js ADDRESS SECONDS; prints JSON.
//
// CHROMIUM is the browser.

import { at, awaited, opened, watchFirstView } from "./page_browser.js";

const [address, seconds] = process.argv.slice(2);
const WARM_UP_S = 3;
const SAMPLES = 10; // of the heap

const browser = await opened();
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
page.setDefaultTimeout(60_000);
await watchFirstView(page);

const first = [];
await page.goto(address);
first.push(await awaited(page));
for (let again = 0; again < 4; again++) {
  await page.reload(); // the tab keeps its token
  first.push(await awaited(page));
}

const session = await page.context().newCDPSession(page);
await session.send("Performance.enable");
const heap = async () => {
  await session.send("HeapProfiler.collectGarbage");
  const { metrics } = await session.send("Performance.getMetrics");
  const of = (name) => metrics.find((one) => one.name === name)?.value;
  const shares = ["ThreadTime", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "TaskDuration", "Timestamp"];
  return { ...Object.fromEntries(shares.map((name) => [name, of(name) ?? 0])), megabytes: Math.round(of("JSHeapUsedSize") / 1e5) / 10, nodes: of("Nodes") };
};
await page.waitForTimeout(1000 * WARM_UP_S);
const heaps = [await heap()];
const frames = [];
for (let sample = 0; sample < SAMPLES; sample++) {
  frames.push(...await page.evaluate((milliseconds) => new Promise((done) => {
    const times = [];
    const begin = performance.now();
    let last = begin;
    const frame = (now) => {
      times.push(now - last);
      last = now;
      if (now - begin < milliseconds) requestAnimationFrame(frame);
      else done(times.slice(1));
    };
    requestAnimationFrame(frame);
  }), 1000 * seconds / SAMPLES));
  heaps.push(await heap());
}
const behind = await page.evaluate(() => {
  const text = [...document.querySelectorAll("#events .text")].map((one) => / (\d{13}) /.exec(one.textContent)?.[1]).find(Boolean);
  return Date.now() - Number(text);
});
const shown = await page.evaluate(() => ({
  rows: document.querySelectorAll("#events li").length, connection: document.querySelector("#connection").textContent,
  notice: document.querySelector("#notice").hidden ? "" : document.querySelector("#notice-text").textContent,
}));
await browser.close();
frames.sort((a, b) => a - b);
first.sort((a, b) => a - b);
function shares(before, after) {
  const part = (name) => Math.round(100 * (after[name] - before[name]) / (after.Timestamp - before.Timestamp));
  return { busy: part("TaskDuration"), script: part("ScriptDuration"), layout: part("LayoutDuration"), style: part("RecalcStyleDuration") };
}
console.log(JSON.stringify({
  "first view in the flood, ms": { first: at(first, 0), p50: at(first, 0.5), worst: at(first, 1) },
  "frames": frames.length,
  "frame, ms": { p50: at(frames, 0.5), p95: at(frames, 0.95), p99: at(frames, 0.99), worst: at(frames, 1) },
  "heap after collection, MB": heaps.map((one) => one.megabytes),
  "nodes": [heaps[0].nodes, heaps.at(-1).nodes],
  "main thread, % of the time": shares(heaps[0], heaps.at(-1)),
  "behind at the end, ms": behind,
  ...shown,
}));
