// Drives the page on a real server and a real tmux: page.js URL TMUX_SOCKET DIRECTORY
//
// Asks for a restart of the server by a line `restart` and goes on when a line comes in.
// Screenshots go to DIRECTORY.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { drivePage, overflow, shows, textOf } from "./browser.js";

const [url, socket, directory] = process.argv.slice(2);
const tmux = (...words) => execFileSync("tmux", ["-S", socket, ...words], { encoding: "utf8" }).trim();
const HOSTILE = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>";

await drivePage(async (page, seen) => {
  const response = await page.goto(url);
  seen.policy = response.headers()["content-security-policy"];
  await shows(page, "open");
  await page.waitForSelector(".session >> text=shop");
  seen.sessions = await page.locator(".session h3").allTextContents();

  // Output of a pane: the event, and the pane's last line; hostile text stays text.
  const terminal = tmux("display-message", "-p", "-t", "shop:0", "#{pane_tty}");
  writeFileSync(terminal, `hello page\r\n${HOSTILE}\r\n`);
  await textOf(page, "#events", "onerror");
  await textOf(page, ".line", "onerror");
  seen.elements = await page.locator("#events img, #tree img, #events script").count();
  writeFileSync(terminal, "error: something broke\r\n");

  // Structure.
  tmux("rename-session", "-t", "shop", "renamed & <b>bold</b>");
  await textOf(page, ".session h3", "<b>");
  tmux("split-window", "-d", "-t", "=renamed & <b>bold</b>:0", "cat");
  await page.waitForFunction(() => document.querySelectorAll(".pane").length === 3);

  // A filter finds what is shown already, too; a pause holds back.
  await page.fill("#text", "needle");
  writeFileSync(terminal, "hay\r\n");
  writeFileSync(terminal, "a needle in it\r\n");
  await textOf(page, "#events", "needle");
  await page.fill("#text", "hello");
  await textOf(page, "#events", "hello page");
  seen.filtered = await page.locator("#events >> text=needle").count();
  await page.fill("#text", "");
  await page.click("#pause");
  writeFileSync(terminal, "while paused\r\n");
  await page.waitForFunction(() => /[1-9]\d* new/.test(document.querySelector("#pause").textContent));
  seen.whilePaused = await page.locator("#events >> text=while paused").count();
  await page.click("#pause");
  await page.waitForSelector("#events >> text=while paused");
  seen.title = await page.title();
  await page.screenshot({ path: `${directory}/desktop.png` });

  // A server that goes and comes back.
  console.log("restart");
  await once(process.stdin, "data");
  await textOf(page, "#notice", "restarted");
  await shows(page, "open");
  writeFileSync(terminal, "after the restart\r\n");
  await page.waitForSelector("#events >> text=after the restart");

  // A phone, in the dark.
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 360, height: 740 });
  seen.overflow = await overflow(page);
  await page.screenshot({ path: `${directory}/phone.png` });
});
