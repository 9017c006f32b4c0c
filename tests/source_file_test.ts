/** What the scanner behind the house rules sees and does not see. */

import assert from "node:assert/strict";
import { test } from "./harness.ts";
import { lineAt, sourceFile } from "./source_file.ts";

const masked: readonly (readonly [string, string])[] = [
  ["a // b\nc", "a     \nc"],
  ["a /* b */ c", "a         c"],
  ['f("a\\"b", c)', 'f("    ", c)'],
  ["f('//', c)", "f('  ', c)"],
  ["`a${b + `c${d}`}e` + f", "` ${b + ` ${d}`} ` + f"],
  ["`${{ a: {} }}b` + c", "`${{ a: {} }} ` + c"],
  ["a.match(/[/\"]'/) + b", "a.match(/     /) + b"],
  ["a / b / c", "a / b / c"],
  ["return /b'/.test(c)", "return /  /.test(c)"],
  ["/** a */\nexport {};\n// b", "        \nexport {};\n    "],
];

test("sourceFile blanks comments, strings and regular expressions and keeps positions", () => {
  for (const [text, code] of masked) assert.equal(sourceFile("a.ts", text).code, code, text);
});

test("sourceFile lists static, type-only, bare, re-exporting and dynamic imports", () => {
  const text = 'import a from "a"; import type { B } from \'b\'; import "c"; export * from "d";\n' +
    'await import("e"); // import "f"\nconst from = "g"; Array.from("h"); x.import("i");';
  assert.deepEqual(sourceFile("a.ts", text).imports, ["a", "b", "c", "d", "e"]);
});

test("sourceFile keeps literals with their holes and lines", () => {
  const file = sourceFile("a.ts", 'f(\n  `Cannot ${a["b"]}: \\`c\\``)');
  assert.equal(file.literals.get(5)?.value, "Cannot …: `c`");
  assert.equal(lineAt(file, 5), 2);
});
