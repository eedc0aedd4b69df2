// What other pages can get from a server: threats.js, with its settings as JSON on standard input
//
//   server    the address of a real server
//   file      what `tmuxpulse open` gave to a browser
//   paths     the routes of the server, and of each kind one (some)
//   careless  the address of a server that admits everybody; its pages are the attackers, and it
//             shows that the attacks would work
//   shown     a path of it for each kind of thing
//   hostile   a file with the attacker's page

import { readFileSync } from "node:fs";
import { driveBrowser, openTab, shows } from "./browser.js";

const settings = JSON.parse(readFileSync(0, "utf8"));
const { server, file, careless, hostile } = settings;
const port = new URL(server).port;
const host = (name, base) => base.replace("127.0.0.1", name);

// Runs in the attacker's page. Gives what came of each attempt: "nothing", or what it got.
async function attack({ base, paths }) {
  const PATIENCE_MS = 30_000;
  const SILENCE_MS = 1000; // of elements that tell nobody of a failure
  const got = {};
  const waiting = [];
  const attempt = (name, run) => waiting.push((async () => {
    const late = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, "nothing, ever"));
    try {
      got[name] = await Promise.race([late, new Promise((resolve, reject) => {
        Promise.resolve(run(resolve, () => resolve("nothing"))).catch(reject);
      })]);
    } catch (error) {
      got[name] = ["TypeError", "SecurityError"].includes(error.name) ? "nothing" : String(error);
    }
  })());
  const put = (tag, fields) => document.body.appendChild(Object.assign(document.createElement(tag), fields));
  const read = async (url, options, done) => {
    const answer = await fetch(url, { credentials: "include", cache: "no-store", ...options });
    const body = await answer.text();
    done(answer.status || body ? `${answer.status} ${body.slice(0, 100)}` : "nothing");
  };

  for (const path of paths) {
    const url = base + path.slice(1);
    attempt(`fetch ${path}`, (done) => read(url, {}, done));
    attempt(`fetch no-cors ${path}`, (done) => read(url, { mode: "no-cors" }, done));
    attempt(`fetch post ${path}`, (done) => read(url, { method: "POST", mode: "no-cors", body: "{}" }, done));
    attempt(`script ${path}`, (done, nothing) => put("script", { src: url, onload: () => done("ran"), onerror: nothing }));
    attempt(`module ${path}`, (done, nothing) => put("script",
      { type: "module", src: url, onload: () => done("ran"), onerror: nothing }));
    attempt(`import ${path}`, (done) => import(url).then((found) => done(`ran ${Object.keys(found)}`)));
    attempt(`style ${path}`, (done, nothing) => put("link",
      { rel: "stylesheet", href: url, onload: () => done("applied"), onerror: nothing }));
    attempt(`image ${path}`, (done, nothing) => put("img",
      { src: url, onload: (event) => done(`shown ${event.target.naturalWidth}`), onerror: nothing }));
    attempt(`events ${path}`, (done, nothing) => {
      const stream = new EventSource(url, { withCredentials: true });
      stream.onopen = () => { done("open"); stream.close(); };
      stream.onmessage = (message) => done(message.data);
      stream.onerror = () => { nothing(); stream.close(); };
    });
    attempt(`beacon ${path}`, (_, nothing) => { navigator.sendBeacon(url, "{}"); nothing(); }); // it has no answer
    // What frames show is looked at from outside: an error of the browser's own is loaded, too.
    for (const [tag, field] of [["iframe", "src"], ["embed", "src"], ["object", "data"]]) {
      attempt(`${tag} ${path}`, (_, nothing) => {
        put(tag, { [field]: url, onload: nothing, onerror: nothing });
        setTimeout(nothing, SILENCE_MS);
      });
    }
    for (const method of ["get", "post"]) {
      attempt(`form ${method} ${path}`, (_, nothing) => {
        const target = put("iframe", { name: `${method} ${path}` });
        target.onload = nothing; // of what is asked for now
        put("form", { action: url, method, target: target.name, enctype: "text/plain" }).submit();
        setTimeout(nothing, SILENCE_MS);
      });
    }
  }
  for (const path of ["", "monitor"]) {
    for (const protocols of [[], ["tmuxpulse.v1.ndjson"]]) {
      attempt(`socket /${path} ${protocols}`, (done, nothing) => {
        const socket = new WebSocket(base.replace("http", "ws") + path, protocols);
        socket.onmessage = (message) => { done(`heard ${message.data}`); socket.close(); };
        socket.onclose = nothing;
      });
    }
  }
  await Promise.all(waiting);
  return got;
}

async function until(what, condition) {
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((done) => setTimeout(done, 20))) {
    const found = condition();
    if (found) return found;
  }
  throw new Error(`waited in vain for ${what}`);
}

await driveBrowser(async (browser) => {
  const seen = { errors: [], attacks: {} };
  const context = await browser.newContext();

  // The page itself, in this very browser, by the file that `tmuxpulse open` makes.
  const page = await openTab(context, seen.errors);
  await page.goto(file);
  await shows(page, "open");
  await page.waitForSelector("#list >> text=canary-session");
  seen.address = page.url();
  const own = await page.evaluate(attack, { base: server, paths: [] });
  seen.own_socket = own["socket /monitor tmuxpulse.v1.ndjson"];

  // Attacks from a tab: what they got, how the server answered them, and which frames it is in.
  async function attacks(name, from, base, { within = "", paths = settings.paths } = {}) {
    const tab = await context.newPage();
    const answers = new Set();
    const asked = new Set();
    tab.on("request", (request) => asked.add(request));
    for (const end of ["requestfinished", "requestfailed"]) tab.on(end, (request) => asked.delete(request));
    tab.on("response", (response) => {
      if (response.url().startsWith(base) && !response.url().endsWith("/attacker")) answers.add(response.status());
    });
    tab.on("dialog", (dialog) => { seen.errors.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
    await from(tab);
    const frame = within
      ? await until(within, () => tab.frames().find((one) => one.parentFrame() && one.url().startsWith(within)))
      : tab.mainFrame();
    const got = await frame.evaluate(attack, { base, paths });
    await until(`answers to ${name}`, () => !asked.size);
    const framed = tab.frames().slice(1).map((one) => one.url()).filter((one) => one.startsWith(base));
    const title = await tab.title();
    seen.attacks[name] = { origin: await frame.evaluate(() => origin), got, answers: [...answers].sort(), framed, title };
    await tab.close();
  }
  const some = { paths: settings.some };
  const page_of = (base) => (tab) => tab.goto(`${base}attacker`);
  const rebound = async (tab) => { // it was another machine's when it gave this page
    const address = `http://evil.example:${port}/attacker`;
    await tab.route(address, (route) => route.fulfill({ contentType: "text/html", body: "<title>attacker</title>" }));
    await tab.goto(address);
    await tab.unroute(address);
  };

  await attacks("control", page_of(careless), host("evil.example", careless), { paths: settings.shown });
  await attacks("another port", page_of(careless), server);
  await attacks("another port of localhost", page_of(host("localhost", careless)), host("localhost", server), some);
  await attacks("another site", page_of(host("evil.example", careless)), server, some);
  await attacks("a rebound name", rebound, `http://evil.example:${port}/`);
  await attacks("a rebound name to the real one", rebound, server, some);
  await attacks("a sandboxed frame", page_of(careless), server, { within: "about:srcdoc" });
  await attacks("a data address", page_of(careless), server, { ...some, within: "data:" });
  await attacks("a file", (tab) => tab.goto(hostile), server, some);

  // Going to the rebound name, in a tab of its own.
  const there = await context.newPage();
  const answer = await there.goto(`http://evil.example:${port}/`);
  seen.rebound = [answer.status(), await answer.text()];

  // A link or a window: it shows the page, which has no token; the two know nothing of each other.
  const attacker = await context.newPage();
  await attacker.goto(`${careless}attacker`);
  const [popup] = await Promise.all([
    context.waitForEvent("page"),
    attacker.evaluate((url) => { window.opened = open(url, "name"); }, `${server}#token=tp_guessed`),
  ]);
  await shows(popup, "ended");
  seen.popup = await popup.evaluate(() => [opener, name, document.querySelectorAll("#list li").length]);
  seen.opened = await attacker.evaluate(() => {
    try {
      return [window.opened.closed, String(window.opened.document)];
    } catch (error) {
      return [window.opened.closed, error.name];
    }
  });

  await shows(page, "open"); // all the while
  seen.still = await page.locator("#list li").count();
  return seen;
  // Chromium itself keeps some pages from this machine's own addresses. Not its defence is to be seen,
  // but the server's, so the server counts as somewhere on the net.
}, "--host-resolver-rules=MAP *.example 127.0.0.1", `--ip-address-space-overrides=127.0.0.1:${port}=public`);
