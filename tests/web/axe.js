// What axe-core finds in a page: findings that are serious or critical, each as one line.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const MOST = 3; // of each kind
const MATTERS = ["serious", "critical"];

export async function findings(page) {
  if (!await page.evaluate(() => "axe" in window)) await page.evaluate(source);
  const { violations, passes } = await page.evaluate(() => window.axe.run(document, {
    resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  if (!passes.length) throw new Error("axe looked at nothing");
  return violations.filter((one) => MATTERS.includes(one.impact)).flatMap(({ id, nodes }) =>
    nodes.slice(0, MOST).map((node) => `${id}: ${node.target.join(" ")}: ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ""}`));
}

// The same in the dark and the light, on a desktop and a phone, in every view: {where: findings}.
export async function everywhere(page, views, show) {
  const found = {};
  for (const [size, width, height] of [["desktop", 1440, 900], ["phone", 360, 740]]) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["dark", "light"]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      for (const one of views) {
        await show(one, size);
        found[`${size} ${colorScheme} ${one}`] = await findings(page);
      }
    }
  }
  await page.emulateMedia({ reducedMotion: null });
  return found;
}
