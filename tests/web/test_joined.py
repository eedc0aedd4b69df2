"""A joined module does what its modules do, one by one: both are run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tmuxpulse.serve.modules import join_modules

TEXTS = {
    "app.js": """import { named, later as after, Thing, all, hoisted } from "./parts/named.js";
import * as whole from "./parts/whole.js";
import {
  shared,
  asked,
} from "./shared.js";

const own = "app"; // each module has names of its own
shared.push(own);
const said = [named, after(), new Thing().name, [...all()], hoisted(), shared];
asked().then((answer) => console.log(answer, ...said));
console.log(Object.keys(whole).sort().join(), whole.default_of(), whole.toString);
console.log(typeof globalThis.own, this);
""",
    "parts/named.js": """import { shared } from "../shared.js";
export { asked as other } from "../shared.js";
const own = "named";
shared.push(own);
export const named = hoisted();
export const later = () => `${own}, later`;
export class Thing { name = own; }
export function* all() { yield* [1, 2]; }
export function hoisted() { return "before it stands"; }
""",
    "parts/whole.js": """import { shared } from "../shared.js";
shared.push("whole");
export const money = 1;
export function default_of() { return "import no one"; }
// without a new line at the end""",
    "shared.js": """export const shared = [];
export async function asked() { return "asked"; }
""",
}


def test_both_ways_say_the_same(tmp_path: Path) -> None:
    node = shutil.which("node")
    assert node, "node is not installed; run: tools/system-packages node"
    for path, text in TEXTS.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    joined, _ = join_modules(TEXTS, "app.js")
    (tmp_path / "joined.js").write_text(joined)

    def said(name: str) -> str:
        command = [node, name]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout

    assert said("joined.js") == said("app.js")
    assert "'named', 'whole', 'app'" in said("app.js")
