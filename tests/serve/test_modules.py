"""Modules joined into one: each line where the source map says, nothing that is not known."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tmuxpulse.serve.modules import CannotJoin, join_modules

WEB = Path(__file__).parents[2] / "web"
PAGE = {str(file.relative_to(WEB)): file.read_text() for file in WEB.rglob("*.js")}
STATEMENT = re.compile(r"^(?:import|export) [^;]*? from \"[^\"]+\";|^export ", re.MULTILINE)


def test_what_is_imported_stands_before_and_once() -> None:
    texts = {
        "app.js": 'import { b } from "./deep/b.js";\nimport { c } from "./c.js";\nb(c);\n',
        "deep/b.js": 'import { c } from "../c.js";\nexport function b() { return c; }\n',
        "c.js": "export const c = 1;\n",
        "other.js": "export const nobody = 1;\n",
    }
    joined, _ = join_modules(texts, "app.js")
    assert re.findall(r"// (.*)$", joined, re.MULTILINE) == ["c.js", "deep/b.js", "app.js"]
    assert joined.endswith("//# sourceMappingURL=app.js.map\n")
    assert "nobody" not in joined


def test_every_line_of_the_page_is_where_the_source_map_says() -> None:
    joined, source_map = join_modules(PAGE, "app.js")
    lines = joined.split("\n")
    seen = set()
    for section in json.loads(source_map)["sections"]:
        (path,) = section["map"]["sources"]
        (source,) = section["map"]["sourcesContent"]
        assert source == PAGE[path.removeprefix("modules/")]
        # From line to line, each at its beginning: that of the source is one more each time.
        wanted = source.split("\n")
        assert section["map"]["mappings"].split(";") == ["AAAA", *["AACA"] * (len(wanted) - 1)]
        first = section["offset"]["line"]
        blank = STATEMENT.sub(lambda found: re.sub(r"[^\n]", "", found[0]), source).split("\n")
        for at, line in enumerate(blank[:-1]):
            if line == wanted[at] or wanted[at].startswith("export "):
                assert lines[first + at] == line
        seen.add(path)
    assert len(seen) == len(PAGE)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('import { two } from "./one.js";', "imports two, which one.js does not export"),
        ('import { a } from "./none.js";', "none.js is not there"),
        ('import { me } from "./app.js";', "app.js imports itself"),
        ('import one from "./one.js";', "app.js:1: import one"),
        ('import "./one.js";', "app.js:1: import"),
        ('import { one } from "package";', "app.js:1: import"),
        ("\n\nexport default 1;", "app.js:3: export default"),
        ("export let changes = 1;", "app.js:1: export let"),
        ('export * from "./one.js";', "app.js:1: export"),
        ("const one = 1;\nexport { one };", "app.js:2: export { one }"),
        ("await 1;", "app.js:1: await"),
        ('const later = () => import("./one.js");', "app.js has import("),
        ("console.log(import.meta.url);", "app.js has import.meta"),
    ],
)
def test_what_would_be_another_program_is_refused(text: str, why: str) -> None:
    with pytest.raises(CannotJoin, match=re.escape(why)):
        join_modules({"app.js": text, "one.js": "export const one = 1;\n"}, "app.js")


def test_a_circle_is_refused() -> None:
    texts = {
        "app.js": 'import { a } from "./a.js";',
        "a.js": 'import { b } from "./b.js";\nexport const a = () => b;',
        "b.js": 'import { a } from "./a.js";\nexport const b = () => a;',
    }
    with pytest.raises(CannotJoin, match=re.escape("app.js -> a.js -> b.js -> a.js")):
        join_modules(texts, "app.js")
