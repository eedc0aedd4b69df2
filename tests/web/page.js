// Drives the real page in a real Chromium: page.js URL TMUX_SOCKET DIRECTORY
//
// Prints one JSON object: what was seen. Asks for a restart of the server by a line `restart` and
// goes on when a line comes in. Screenshots go to DIRECTORY.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chromium } from "playwright-core";

const [url, socket, directory] = process.argv.slice(2);
const tmux = (...words) => execFileSync("tmux", ["-S", socket, ...words], { encoding: "utf8" }).trim();
const HOSTILE = "<img src=x onerror=\"document.title='pwned'\"><script>document.title='pwned'</script>";

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const seen = { errors: [] };
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("console", (message) => {
    // A connection that is refused while the server restarts is told by the browser itself.
    const own = /WebSocket connection to|ERR_CONNECTION/.test(message.text());
    if (message.type() === "error" && !own) seen.errors.push(message.text());
  });
  const response = await page.goto(url);
  seen.policy = response.headers()["content-security-policy"];
  await page.waitForSelector("#connection[data-state=open]");
  await page.waitForSelector(".session >> text=shop");
  seen.sessions = await page.locator(".session h3").allTextContents();

  // Output of a pane: the event, and the pane's last line; hostile text stays text.
  const terminal = tmux("display-message", "-p", "-t", "shop:0", "#{pane_tty}");
  const { writeFileSync } = await import("node:fs");
  writeFileSync(terminal, `hello page\r\n${HOSTILE}\r\n`);
  await page.waitForFunction(() => document.querySelector("#events").textContent.includes("onerror"));
  await page.waitForFunction(() => document.querySelector(".line").textContent.includes("onerror"));
  seen.elements = await page.locator("#events img, #tree img, #events script").count();
  writeFileSync(terminal, "error: something broke\r\n");

  // Structure.
  tmux("rename-session", "-t", "shop", "renamed & <b>bold</b>");
  await page.waitForFunction(() => document.querySelector(".session h3").textContent.includes("<b>"));
  tmux("split-window", "-d", "-t", "=renamed & <b>bold</b>:0", "cat");
  await page.waitForFunction(() => document.querySelectorAll(".panes li").length === 3);

  // Filters and pause.
  await page.fill("#text", "needle");
  writeFileSync(terminal, "hay\r\n");
  writeFileSync(terminal, "a needle in it\r\n");
  await page.waitForFunction(() => document.querySelector("#events").textContent.includes("needle"));
  await page.fill("#text", "");
  await page.click("#pause");
  writeFileSync(terminal, "while paused\r\n");
  await page.waitForFunction(() => /[1-9]\d* wait/.test(document.querySelector("#pause").textContent));
  seen.whilePaused = await page.locator("#events >> text=while paused").count();
  await page.click("#pause");
  await page.waitForSelector("#events >> text=while paused");
  seen.title = await page.title();
  await page.screenshot({ path: `${directory}/desktop.png` });

  // A server that goes and comes back.
  console.log("restart");
  await once(process.stdin, "data");
  await page.waitForSelector("#notice:not([hidden])");
  seen.notice = await page.textContent("#notice");
  await page.waitForSelector("#connection[data-state=open]");
  writeFileSync(terminal, "after the restart\r\n");
  await page.waitForSelector("#events >> text=after the restart");

  // A phone, in the dark.
  await page.emulateMedia({ colorScheme: "dark" });
  await page.setViewportSize({ width: 360, height: 740 });
  seen.overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  await page.screenshot({ path: `${directory}/phone.png` });
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
process.exit(0);
