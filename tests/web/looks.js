// How the page looks and what it says to who cannot see it, on a real server and a real tmux
// (panes.py plays the programs): looks.js, with its settings as JSON on standard input
//
//   address     where one gets in, once
//   directory   for screenshots

import { readFileSync, writeFileSync } from "node:fs";
import { everywhere, findings } from "./axe.js";
import { driveBrowser, openTab, overflow, shows, textOf, view } from "./browser.js";
import { small } from "./png.js";

const settings = JSON.parse(readFileSync(0, "utf8"));

await driveBrowser(async (browser) => {
  const seen = { errors: [], overflow: [] };
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: "dark" });
  const page = await openTab(context, seen.errors);
  await page.goto(settings.address);
  await shows(page, "open");
  const shot = async (name) => writeFileSync(`${settings.directory}/${name}.png`, small(await page.screenshot()));
  await page.waitForFunction(() => ["failed", "waiting", "done", "busy", "idle"].every((kind) =>
    document.querySelector(`#list button[data-kind=${kind}]`)));
  await page.locator("#list button", { hasText: "api:1.0" }).click();
  await textOf(page, ".terminal", "Do you want to proceed?");
  await page.waitForFunction(() => document.querySelectorAll("#events li").length > 20);

  // Pictures of all there is.
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width: 360, height: 740 });
    await view(page, "attention");
    await shot(`page-phone-${colorScheme}`);
    await page.setViewportSize({ width: 1440, height: 900 });
    await shot(`page-desktop-${colorScheme}`);
  }
  await page.setViewportSize({ width: 3840, height: 2160 });
  seen.wide = await page.evaluate(() => ["attention", "sessions", "screen", "live", "past"].filter((id) =>
    document.getElementById(id).getClientRects().length));
  seen.overflow.push(await overflow(page));
  await shot("page-4k");
  await page.setViewportSize({ width: 1440, height: 900 });

  // What axe says of each view; a few rows of each list are enough.
  await view(page, "past");
  await page.fill("#past-text", "proceed");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#found li");
  await view(page, "live");
  await page.selectOption("#severity", "warning");
  await page.waitForSelector("#events .error");
  await page.waitForSelector("#events .warning");
  await page.click("#pause");
  seen.axe = await everywhere(page, ["sessions", "attention", "past", "live"], async (one) => {
    await view(page, one);
    seen.overflow.push(await overflow(page));
  });
  for (const colorScheme of ["dark", "light"]) {
    await page.emulateMedia({ colorScheme });
    await view(page, "screen");
    seen.axe[`phone ${colorScheme} screen`] = await findings(page);
    seen.overflow.push(await overflow(page));
  }
  seen.phone_screen = await page.isVisible(".terminal");
  seen.phone_list = await page.isVisible("#list");
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.click("#help");
  seen.axe.help = await findings(page);
  await page.keyboard.press("Escape");
  await page.click(".switch");
  await page.click(".history summary");
  seen.axe.typing = await findings(page);

  // To be installed.
  const session = await context.newCDPSession(page);
  const manifest = await session.send("Page.getAppManifest");
  const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
  seen.manifest = { errors: manifest.errors, name: JSON.parse(manifest.data).name };
  seen.installable = installabilityErrors.map((one) => one.errorId);
  return seen;
});
