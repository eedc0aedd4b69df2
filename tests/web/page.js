// Drives the page on a real server and a real tmux: page.js FILE TMUX_SOCKET DIRECTORY
//
// FILE is what `tmuxpulse open` gives to a browser. Asks for a restart of the server by a line
// `restart`, and goes on when a line comes in: an address with a token of the new run. Screenshots
// go to DIRECTORY.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { drivePage, intruders, overflow, shows, textOf, view } from "./browser.js";

const [file, socket, directory] = process.argv.slice(2);
const tmux = (...words) => execFileSync("tmux", ["-S", socket, ...words], { encoding: "utf8" }).trim();
const HOSTILE = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>";
const HANDLERS = "<svg onload=alert(1)><a href=javascript:alert(2) onmouseover=alert(3)>x</a><base href=//evil.example>";
const TURNED = "\u202egnp.exe\u2066 \u009b2J";

await drivePage(async (page, seen) => {
  const answer = page.waitForResponse((response) => new URL(response.url()).pathname === "/");
  await page.goto(file);
  seen.policy = (await answer).headers()["content-security-policy"];
  await shows(page, "open");
  seen.address = page.url();
  [seen.token] = await page.evaluate(() => Object.values(sessionStorage));

  // The file is not in the tab's history, and the history leads in again.
  await page.goBack();
  seen.before = page.url();
  await page.goForward();
  seen.again = page.url();
  await shows(page, "open");
  await view(page, "sessions");
  await page.waitForSelector(".session >> text=shop");
  seen.sessions = await page.locator(".session h3").allTextContents();

  // Output of a pane: the event, and the pane's last line; hostile text stays text.
  const terminal = tmux("display-message", "-p", "-t", "shop:0", "#{pane_tty}");
  writeFileSync(terminal, `hello page\r\n${HOSTILE}\r\n`);
  await textOf(page, "#events", "onerror");
  await textOf(page, ".line", "onerror");
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

  // Everything that a program, or somebody with the terminal, can put somewhere.
  writeFileSync(terminal, `\x1b]2;${HANDLERS} a title\x07`);
  await textOf(page, "#events", "a title");
  tmux("rename-window", "-t", "api:0", `${HANDLERS} a window`);
  await textOf(page, "#tree", "onload=alert(1)");
  tmux("rename-session", "-t", "api", "javascript:alert(4)</summary><iframe src=//evil.example>");
  await textOf(page, "#tree", "</summary><iframe");
  writeFileSync(terminal, `${TURNED}${HANDLERS}\r\njavascript:alert(5)\r\n`);
  writeFileSync(terminal, `${"huge ".repeat(20_000)}\r\nafter the huge line\r\n`);
  await textOf(page, "#events", "after the huge line");
  await page.hover("#events li");
  seen.intruders = await intruders(page);
  seen.text = await page.evaluate(() => document.body.innerText);
  seen.title = await page.title();
  await page.screenshot({ path: `${directory}/desktop.png` });

  // A server that goes and comes back: it does not know the token of its last run any more.
  console.log("restart");
  const [address] = await once(process.stdin, "data");
  await shows(page, "ended");
  seen.restarted = await page.textContent("#key-why");
  await page.fill("#token", String(address));
  await page.keyboard.press("Enter");
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
