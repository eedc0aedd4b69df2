// Drives the page on a scripted server (page_server.py): script.js URL DIRECTORY

import { drivePage, intruders, overflow, shows, textOf, view } from "./browser.js";

const [url, directory] = process.argv.slice(2);
const step = async (name) => {
  const answer = await fetch(`${url}step/${name}`);
  if (!answer.ok) throw new Error(`step ${name}: ${answer.status}`);
};
const rows = (page, text) => page.locator("#events li", { hasText: text }).count();
const gone = (page, selector) => page.waitForSelector(selector, { state: "detached" });

await drivePage(async (page, seen) => {
  const shot = (name) => page.screenshot({ path: `${directory}/${name}.png` });

  // Nothing is there yet, and that is said.
  await page.goto(url);
  await shows(page, "open");
  await view(page, "sessions");
  await page.waitForFunction(() => document.querySelector("#empty").textContent !== "");
  seen.empty = await page.textContent("#empty");

  // A calm day: everything built from events alone.
  await step("calm");
  await textOf(page, "[data-pane='%2'] .line", "48L");
  await textOf(page, "[data-pane='%0'] .line", "GET /cart 200 in 12 ms");
  seen.counts = await page.textContent("#size");
  seen.empty_later = await page.textContent("#empty");
  await shot("script-light");

  // The keyboard reaches everything, and folds a session; what was folded stays so.
  const reached = [];
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press("Tab");
    reached.push(await page.evaluate(() => document.activeElement.id
      || document.activeElement.ariaLabel || document.activeElement.tagName.toLowerCase()));
  }
  seen.reached = reached;
  await page.locator("summary").nth(1).focus();
  await page.keyboard.press("Enter");
  seen.unnamed = await page.evaluate(() => [...document.querySelectorAll("button, input, select, [tabindex]")]
    .filter((one) => !(one.ariaLabel || one.labels?.length || one.textContent.trim())).map((one) => one.outerHTML));

  // Hostile names and output: shown, and nothing else.
  await step("hostile");
  await textOf(page, "[data-pane='%90'] .line", "<img src=x onerror=");
  await textOf(page, "#events", "WWWW");
  await page.click("[data-pane='%90'] button");
  await page.waitForFunction(() => document.querySelector("#screen-title").textContent.includes("<img")
    && document.querySelector(".terminal").textContent.includes("owned"));
  seen.screen = await page.locator(".terminal").evaluate((one) => [one.textContent, one.innerHTML.includes("url(")]);
  await view(page, "attention");
  await textOf(page, "#list", "<img src=x onerror=");
  await view(page, "sessions");
  seen.intruders = await intruders(page);
  seen.title = await page.title();
  seen.hostile = await page.evaluate(() => document.body.innerText);
  seen.still_folded = await page.locator(".session:not([open])").count();
  seen.overflow = await overflow(page);
  await shot("script-hostile");

  // Filters: a session, then a family; the rows shown already obey.
  await page.selectOption("#session", { label: "api" });
  await gone(page, "#events li:has-text('GET /cart')");
  seen.of_api = await rows(page, "api:");
  seen.of_others = await rows(page, "shop:");
  await page.selectOption("#session", { index: 0 });
  await page.selectOption("#family", "-output");
  await gone(page, "#events li:has-text('pane.output')");
  await page.selectOption("#family", "");

  // Something missed: said aloud, and in its place among the events.
  await step("gap");
  await page.waitForSelector("#notice:not([hidden])");
  seen.gap = await page.textContent("#notice-text");
  await textOf(page, "[data-pane='%3'] .line", "said while the page was slow");
  seen.gap_rows = await rows(page, "stream.gap");
  await page.click("#dismiss");

  // A cut: what happened meanwhile comes, nothing is said to be lost.
  await step("cut");
  await page.waitForSelector("#events li:has-text('said while the page was away')");
  await shows(page, "open");
  seen.cut_rows = await rows(page, "said while the page was away");
  seen.cut_notice = await page.isVisible("#notice");

  // Away for longer, then another run.
  await step("leave");
  seen.waiting = await (await page.waitForFunction(() => { // a wait may be very short
    const shown = document.querySelector("#connection");
    return shown.dataset.state === "waiting" && shown.textContent;
  })).jsonValue();
  await page.setViewportSize({ width: 360, height: 740 });
  await view(page, "live");
  await shot("script-away");
  await step("back");
  await page.evaluate(() => document.querySelector("#retry").click()); // it may be hidden again already
  await shows(page, "open");
  seen.reset = await page.textContent("#notice-text");

  // A flood: the page stays bounded, and at the end it is right.
  await step("flood");
  await textOf(page, "#events li", "line 19999");
  await view(page, "sessions");
  await textOf(page, "[data-pane='%3'] .line", "line 19999");
  await view(page, "live");
  seen.shown = await page.locator("#events li").count();

  // A phone, light and dark.
  seen.phone_overflow = await overflow(page);
  await page.emulateMedia({ colorScheme: "dark" });
  await page.fill("#text", "e");
  await shot("script-phone-dark");
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.fill("#text", "");
  await page.selectOption("#family", "-output");
  await shot("script-dark");

  // A final refusal: no further try.
  await step("finish");
  await shows(page, "ended");
  seen.ended = await page.textContent("#connection");
  seen.why = await page.textContent("#key-why");
});
