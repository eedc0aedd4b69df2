// Drives the page on a scripted server that requires a token: locked.js URL DIRECTORY
// (page_server.py says which tokens are good)

import { driveBrowser, openTab, overflow, shows, textOf, view } from "./browser.js";

const [url, directory] = process.argv.slice(2);
const TICKET = "tp_ticket_once";
const LASTING = "tp_ticket_lasting";
const TOKEN = "tp_pasted_secret";
const step = async (name) => {
  const answer = await fetch(`${url}step/${name}`);
  if (!answer.ok) throw new Error(`step ${name}: ${answer.status}`);
};

await driveBrowser(async (browser) => {
  const seen = { errors: [] };
  const requested = [];
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: "light" });
  context.on("request", (request) => requested.push(request.url()));
  const shot = (page, name) => page.screenshot({ path: `${directory}/${name}.png` });
  const stored = (page) => page.evaluate(() => [Object.values(sessionStorage), Object.values(localStorage), document.cookie]);
  await step("calm");
  await step("lock");

  // By a one-time token in the address: gone from there, and from the history, before anything shows.
  const page = await openTab(context, seen.errors);
  await page.goto("about:blank");
  await page.goto(`${url}#token=${TICKET}`);
  await shows(page, "open");
  seen.address = page.url();
  seen.form_when_open = await page.isVisible("#key");
  seen.stored = await stored(page);
  await page.evaluate(() => { location.hash = "sessions"; });
  await page.waitForURL(/#sessions$/);
  await page.goBack();
  seen.address_before = page.url();
  seen.entries = await page.evaluate(() => [history.length, JSON.stringify(history.state)]);

  // A reload goes on with what it was exchanged for.
  await page.reload();
  await shows(page, "open");
  await view(page, "sessions");
  await textOf(page, "[data-pane='%0'] .line", "GET /cart 200 in 12 ms");
  seen.stored_after_reload = await stored(page);

  // Another tab has none, and says how to get in. The keyboard is enough for that.
  const other = await openTab(context, seen.errors);
  await other.goto(url);
  await shows(other, "locked");
  seen.other_stored = await stored(other);
  seen.other_how = await other.innerText("#key-how");
  seen.other_why = await other.textContent("#key-why");
  seen.other_main = await other.isVisible("#main");
  seen.other_sessions = await other.locator("#list li").count();
  seen.retry = await other.isVisible("#retry");
  seen.focus = await other.evaluate(() => document.activeElement.id);
  seen.field = await other.evaluate(() => {
    const field = document.querySelector("#token");
    return [field.type, field.autocomplete, field.labels[0].textContent, field.name];
  });
  seen.overflow = await overflow(other);
  await shot(other, "locked");
  await other.keyboard.type("tp_wrong_canary");
  await other.keyboard.press("Enter");
  await shows(other, "ended");
  seen.wrong_why = await other.textContent("#key-why");
  seen.wrong_value = await other.inputValue("#token");
  seen.wrong_stored = await stored(other);
  await other.setViewportSize({ width: 360, height: 740 });
  seen.phone_overflow = await overflow(other);
  await shot(other, "locked-wrong-phone");
  await other.keyboard.type(`  ${TOKEN} `);
  await other.keyboard.press("Tab");
  seen.button = await other.evaluate(() => document.activeElement.textContent);
  await other.keyboard.press("Enter");
  await shows(other, "open");
  await other.waitForSelector("#list >> text=api");
  seen.pasted_stored = await stored(other);
  seen.pasted_form = await other.isVisible("#key");

  // A one-time token that was used before, put into the address of an open tab.
  await other.goto(`${url}#token=${TICKET}`);
  await shows(other, "ended");
  seen.again_address = other.url();
  seen.again_why = await other.textContent("#key-why");
  seen.again_stored = await stored(other);

  // Revoked: said, forgotten, and nothing of what was there stays to be seen.
  await step("revoke");
  await shows(page, "ended");
  seen.revoked = [await page.textContent("#connection"), await page.textContent("#key-why")];
  seen.revoked_main = await page.isVisible("#main");
  seen.revoked_stored = await stored(page);
  await shot(page, "locked-revoked");
  await page.reload();
  await shows(page, "locked");

  const tokens = [TICKET, LASTING, TOKEN, "tp_wrong_canary"];
  seen.leaked = requested.filter((one) => tokens.some((token) => one.split("#")[0].includes(token)));
  return seen;
});
