// Drives every part of the page on a real server and a real tmux (panes.py plays the programs):
// dashboard.js, with its settings as JSON on standard input
//
//   url, address   of the server; and where one gets in, once
//   reader         a token that may only read

import { readFileSync } from "node:fs";
import { driveBrowser, openTab, shows, textOf, view } from "./browser.js";

const settings = JSON.parse(readFileSync(0, "utf8"));
const rowOf = (page, where) => page.locator("#list button", { hasText: where });
const texts = (page, selector) => page.locator(selector).allTextContents();
const until = (page, what, ...more) => page.waitForFunction(what, ...more);
const choose = async (page, where) => {
  await rowOf(page, where).click();
  await textOf(page, "#screen-title", where);
};

// Notifications as the browser would show them.
const noted = () => {
  window.notes = [];
  window.Notification = class {
    static permission = "default";
    static async requestPermission() {
      window.Notification.permission = "granted";
      return "granted";
    }
    constructor(title, options) {
      Object.assign(this, { title, ...options });
      window.notes.push(this);
    }
    close() {}
  };
};

await driveBrowser(async (browser) => {
  const seen = { errors: [] };
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "dark" });
  const page = await openTab(context, seen.errors);
  await page.addInitScript(noted);
  await page.goto(settings.address);
  await shows(page, "open");

  // A glance: who failed, who waits, who is done, who works.
  await until(page, () => ["failed", "waiting", "done", "busy", "idle"].every((kind) =>
    document.querySelector(`#list button[data-kind=${kind}]`)));
  await until(page, () => document.querySelectorAll("#list button[data-kind=waiting]").length === 2);
  seen.order = await page.$$eval("#list button", (all) => all.map((one) => one.dataset.kind));
  seen.groups = await page.$$eval("#list li[data-first]", (all) => all.map((one) => one.dataset.first));
  seen.questions = await texts(page, "#list button[data-kind=waiting] .say");
  seen.ages = await texts(page, "#list button[data-kind=waiting] .age");
  seen.counts = await texts(page, ".count");
  await until(page, () => document.title === "(2) tmuxpulse"); // it is not written twice in a second
  seen.title = await page.title();
  seen.favicon = await page.getAttribute("#favicon", "href");
  await until(page, () => [...document.querySelectorAll("#list .use")].some((one) => /% · [\d.]+ MB/.test(one.textContent)));
  await until(page, () => [...document.querySelectorAll("#list button[data-kind=busy] .spark path")]
    .every((one) => /v-(?!0\.5)/.test(one.getAttribute("d"))));

  // A number in the head shows that kind alone; a text finds panes.
  await page.click(".count[data-kind=waiting]");
  await until(page, () => [...document.querySelectorAll("#list button")].every((one) => one.dataset.kind === "waiting"));
  await page.click(".count[data-kind=waiting]");
  await page.fill("#find", "deploy to");
  await until(page, () => document.querySelectorAll("#list button").length === 1);
  await page.fill("#find", "");

  // A pane: its screen in colour, live; why; since when.
  await choose(page, "api:1.0");
  await page.waitForSelector(".terminal .bold");
  seen.coloured = await page.$$eval(".terminal span", (all) => all.map((one) => [one.className, one.style.color, one.style.backgroundColor, one.textContent.trim()]));
  seen.why = await page.textContent(".whole .state");
  seen.attributes = await page.evaluate(() => [...document.querySelectorAll(".terminal *")].flatMap((one) => one.getAttributeNames()).filter((name) => !["class", "style"].includes(name)));
  seen.timeline = await page.getAttribute(".stretches", "aria-label");
  await page.click(".history summary");
  await page.waitForSelector(".turns li[data-status=waiting]");
  seen.turns = await texts(page, ".turns .status");
  await page.click(".history summary");
  await choose(page, "api:0.0");
  const first = await page.textContent(".terminal");
  await until(page, (before) => document.querySelector(".terminal").textContent !== before
    && /GET/.test(document.querySelector(".terminal").textContent), first);

  // The tree has the same, by session and window.
  await view(page, "sessions");
  await page.waitForSelector(".session h3 >> text=notes");
  seen.windows = await texts(page, ".session h4");
  seen.size = await page.textContent("#size");
  seen.tree = await page.$$eval(".pane-row", (all) => all.map((one) => one.dataset.kind).sort());
  await page.locator(".pane-row", { hasText: "Deploy" }).click();
  await textOf(page, "#screen-title", "shop:1.0");
  await view(page, "attention");

  // Filters of the live events.
  const wanted = async (what, filters) => {
    for (const [id, value] of Object.entries(filters)) {
      if (id === "text") await page.fill("#text", value);
      else await page.selectOption(`#${id}`, value);
    }
    await until(page, what);
    for (const id of Object.keys(filters)) {
      if (id === "text") await page.fill("#text", "");
      else await page.selectOption(`#${id}`, { index: 0 });
    }
  };
  await wanted(() => {
    const rows = [...document.querySelectorAll("#events .place")];
    return rows.length && rows.every((one) => one.textContent.startsWith("api:"));
  }, { session: { label: "api" }, family: "pane" });
  await wanted(() => {
    const rows = [...document.querySelectorAll("#events .place")];
    return rows.length && rows.every((one) => one.textContent.startsWith("api:0."));
  }, { window: { label: "api:0 log" }, family: "pane" });
  await wanted(() => {
    const rows = [...document.querySelectorAll("#events li")];
    return rows.length && rows.every((one) => one.matches(".error"));
  }, { severity: "error" });
  await wanted(() => {
    const rows = [...document.querySelectorAll("#events li")];
    return rows.length && rows.every((one) => /compiling/.test(one.textContent));
  }, { text: "compiling" });

  // Typing: behind a switch, off at first and after another choice; each send is told of.
  await choose(page, "api:1.0");
  seen.typing_before = await page.isVisible(".typing form");
  await page.click(".switch");
  await page.fill(".typing input[type=text]", "yes please");
  await page.keyboard.press("Enter");
  await textOf(page, ".terminal", "you said yes please");
  await textOf(page, ".sent", "sent: text");
  await page.click(".keys button:text('Enter')");
  await textOf(page, ".sent", "sent: Enter");
  await choose(page, "shop:1.0");
  seen.typing_after = await page.isVisible(".typing form");
  seen.switch_after = await page.getAttribute(".switch", "aria-checked");

  // What is seen goes down, until there is news.
  await choose(page, "shop:0.1");
  await page.click(".seen");
  await until(page, () => document.querySelector("#list li:last-child button").textContent.includes("shop:0.1"));
  await page.click(".seen");
  await until(page, () => document.querySelector("#list button").textContent.includes("shop:0.1"));

  // The history.
  await choose(page, "shop:0.0");
  await view(page, "past");
  await page.selectOption("#past-types", "agent.status");
  await page.fill("#past-text", "proceed");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#found li");
  seen.found = await texts(page, "#found li");
  await page.fill("#past-text", "");
  await page.selectOption("#past-types", "pane.output");
  await page.selectOption("#past-where", "pane");
  await page.keyboard.press("Tab");
  await page.click("#search button[type=submit]");
  await until(page, () => /event|Nothing/.test(document.querySelector("#past-state").textContent));
  seen.found_here = [...new Set(await texts(page, "#found .place"))];
  await page.selectOption("#past-where", "");
  await page.click("#search button[type=submit]");
  await page.waitForSelector("#found li >> text=compiling");
  await view(page, "live");

  // The keyboard.
  await page.fill("#find", "shop:"); // those of the others come and go in the order
  await until(page, () => document.querySelectorAll("#list button").length === 3);
  await page.locator("h1").click();
  await page.keyboard.press("j");
  const chosen = () => page.$$eval("#list button", (all) => all.findIndex((one) => one.ariaCurrent === "true"));
  await page.keyboard.press("k");
  await page.keyboard.press("k");
  const top = await chosen();
  await page.keyboard.press("j");
  await until(page, (at) => [...document.querySelectorAll("#list button")].findIndex((one) => one.ariaCurrent === "true") === at, top + 1);
  await page.keyboard.press("h");
  seen.keys = [await page.evaluate(() => document.activeElement.id)];
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  seen.keys.push(await page.evaluate(() => document.activeElement.id));
  await page.keyboard.press("Escape");
  await page.keyboard.press("s");
  seen.keys.push(await page.isVisible("#tree"));
  await page.keyboard.press("l");
  await page.keyboard.press("?");
  seen.keys.push(await page.isVisible("#keys"));
  seen.help = (await texts(page, "#keys dd")).length;
  await page.keyboard.press("Escape");
  await page.keyboard.press("t");
  seen.themes = [await page.evaluate(() => document.documentElement.dataset.theme)];
  await page.keyboard.press("t");
  seen.themes.push(await page.evaluate(() => [document.documentElement.dataset.theme, getComputedStyle(document.body).backgroundColor]));
  await page.keyboard.press("t");
  seen.themes.push(await page.evaluate(() => document.documentElement.dataset.theme ?? "system"));

  // The desktop is told on request, of who waits while nobody looks; once.
  await page.fill("#find", "");
  seen.untold = await page.evaluate(() => window.notes.length);
  await page.click("#notify");
  await page.waitForSelector("#notify[aria-pressed=true]");
  await page.evaluate(() => { document.hasFocus = () => false; });
  await choose(page, "api:1.0");
  await page.click(".switch");
  await page.fill(".typing input[type=text]", "again");
  await page.keyboard.press("Enter");
  await until(page, () => document.querySelector("#list button[data-pane='%4']").dataset.kind === "busy");
  await until(page, () => window.notes.length > 0);
  await page.waitForTimeout(1500); // time enough for a second one
  seen.notes = await page.evaluate(() => window.notes.map(({ title, body, tag }) => [title, body, tag]));
  await page.evaluate(() => window.notes[0].onclick());
  seen.opened = await page.textContent("#screen-title");
  await page.click("#notify");

  // Who may only read has no controls for more, anywhere in the document.
  const other = await openTab(await browser.newContext(), seen.errors);
  await other.goto(`${settings.url}#token=${settings.reader}`);
  await shows(other, "open");
  await other.waitForSelector("#list button");
  await textOf(other, ".terminal", "E");
  seen.reader = await other.evaluate(() => [document.querySelectorAll(".typing *, [role=switch]").length, document.documentElement.outerHTML.includes("Type into")]);
  await other.keyboard.press("i");
  seen.reader.push(await other.evaluate(() => document.querySelectorAll(".typing *").length));

  seen.text_intruders = await page.evaluate(() => [...document.querySelectorAll("*")].filter((one) => [...one.attributes].some(({ name }) => name.startsWith("on"))).length);
  return seen;
});
