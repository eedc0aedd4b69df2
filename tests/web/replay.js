// Drives the bar that steers a replay: replay.js, with its settings as JSON on standard input
//
//   steerer, reader   where one gets in who may steer, and who may not

import { readFileSync } from "node:fs";
import { findings } from "./axe.js";
import { driveBrowser, openTab, shows, textOf } from "./browser.js";

const settings = JSON.parse(readFileSync(0, "utf8"));
const until = (page, what, ...more) => page.waitForFunction(what, ...more);
const place = (page) => page.$eval("#player input[type=range]", (one) => [Number(one.value), Number(one.max)]);
const last = (page, text) => textOf(page, "#list .say", text);

await driveBrowser(async (browser) => {
  const seen = { errors: [] };
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await openTab(context, seen.errors);
  await page.goto(settings.steerer);
  await shows(page, "open");
  await page.waitForSelector("#player:not([hidden])");
  await until(page, () => document.querySelector("#player .time").textContent.includes("/ 1:40"));
  await textOf(page, "#list .say", "line");

  // Stop, and look at where it is.
  await page.click("#player button");
  await textOf(page, "#player .state", "paused");
  seen.paused = await place(page);

  // The seek bar, on and back: the panes are what they were then.
  const seek = async (to) => {
    await page.$eval("#player input[type=range]", (one, value) => {
      one.value = value;
      one.dispatchEvent(new Event("input", { bubbles: true }));
      one.dispatchEvent(new Event("change", { bubbles: true }));
    }, to);
    await until(page, (there) => Math.abs(Number(document.querySelector("#player input[type=range]").value) - there) < 0.2, to);
  };
  await seek(60.5);
  await last(page, "line 60");
  await seek(20.5);
  await last(page, "line 20");
  seen.waiting_then = await page.getAttribute("#list button", "data-kind");
  await seek(80.5);
  await until(page, () => document.querySelector("#list button").dataset.kind === "waiting");
  seen.question = await page.textContent("#list .say");
  seen.age = await page.textContent("#list .age"); // from when it was shown, not of years ago

  // Keys, speed, and on.
  await page.locator("h1").click();
  await page.keyboard.press("<");
  await until(page, () => Math.abs(Number(document.querySelector("#player input[type=range]").value) - 70.5) < 0.2);
  await last(page, "line 70");
  await page.selectOption("#player select", "16");
  await page.keyboard.press("Escape");
  await page.locator("h1").click();
  await page.keyboard.press("Space");
  await textOf(page, "#player .state", "at its end");
  await last(page, "Go on?");
  seen.again = await page.textContent("#player button");
  seen.axe = await findings(page);
  await page.setViewportSize({ width: 360, height: 740 });
  seen.phone = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

  // Who may only read sees it, and steers nothing.
  const other = await openTab(await browser.newContext(), seen.errors);
  await other.goto(settings.reader);
  await other.waitForSelector("#player:not([hidden])");
  seen.reader = await other.$$eval("#player :is(button, input, select)", (all) => all.map((one) => one.disabled));
  seen.reader_state = await other.textContent("#player .state");
  return seen;
});
