/** Every promise of SEMANTICS.md names the test that fails without it. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "./harness.ts";

const PAGE = new URL("../.github/SEMANTICS.md", import.meta.url);
const TESTS = new URL("./", import.meta.url);
const REFERENCE = /`(\w+): ([^`]+)`/g;

/** The sources of all test files of a name, wherever they are. */
function sourcesOf(name: string): readonly string[] {
  return readdirSync(TESTS, { recursive: true, encoding: "utf8" })
    .filter((path) => path.split(/[/\\]/).at(-1) === `${name}_test.ts`)
    .map((path) => readFileSync(new URL(path, TESTS), "utf8"));
}

/** What the page names: a test file and words of a test's name. */
function references(): readonly (readonly [string, string])[] {
  const text = readFileSync(PAGE, "utf8").replaceAll(/\n\s*/g, " ");
  return [...text.matchAll(REFERENCE)]
    .map(([, file = "", words = ""]) => [file, words] as const)
    .filter(([file]) => file !== "file" && !OPTIONS.has(file));
}

/** Options that stand on the page with a value. */
const OPTIONS: ReadonlySet<string> = new Set([
  "isolate",
  "concurrency",
  "joinTimeoutMs",
  "timeoutMs",
]);

test("SEMANTICS.md names tests that are there", () => {
  const named = references();
  assert.ok(named.length > 60, `${named.length} are named`);
  const missing = named.filter(([file, words]) =>
    !sourcesOf(file).some((source) =>
      [...source.matchAll(/test\(\s*(["'`])(.*?)\1/gs)].some(([, , title = ""]) =>
        title.includes(words)
      )
    )
  );
  assert.deepEqual(missing.map(([file, words]) => `${file}: ${words}`), []);
});

test("SEMANTICS.md: every promise of its lists names a test, or says what is not promised", () => {
  const text = readFileSync(PAGE, "utf8");
  const [promised = ""] = text.split("## Not promised yet");
  const items = promised.split(/\n(?=- )/).slice(1).map((item) => item.split(/\n\n/)[0] ?? "");
  assert.ok(items.length > 40, `${items.length} items`);
  const unnamed = items.filter((item) => !item.replaceAll(/\n\s*/g, " ").match(REFERENCE));
  assert.deepEqual(unnamed.map((item) => item.slice(0, 60)), []);
});
