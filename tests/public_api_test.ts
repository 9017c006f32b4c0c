/**
 * The names users can import, frozen in `public_api.json`: a name appears or goes only on purpose.
 *
 * After a change that is meant, write the list anew and commit it with the change:
 *
 * ```sh
 * UPDATE_API=1 deno test -A tests/public_api_test.ts
 * ```
 *
 * @module
 */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import process from "node:process";
import { test } from "./harness.ts";
import { ROOT, type SourceFile, sourceFile, sourceFiles } from "./source_file.ts";

interface EntryPoint {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

type Exports = Readonly<Record<string, string>>;

const FROZEN = "tests/public_api.json";

const EXPORT_LIST = /\bexport\s+(type\s+)?\{([^}]*)\}/g;
const EXPORT_DECLARATION =
  /\bexport\s+(?:abstract\s+|async\s+|declare\s+)*(class|const|function|interface|let|type)\b\s*\*?\s*([\w$]+)/g;

const entryPoints = readJson<{ exports: Exports }>("deno.json").exports;

if (process.env.UPDATE_API === "1") {
  const frozen = Object.entries(entryPoints).map(([name, path]) => [name, namesOf(read(path))]);
  writeFileSync(ROOT + FROZEN, JSON.stringify(Object.fromEntries(frozen), null, 2) + "\n");
}

test("package.json and deno.json name the same entry points", () => {
  assert.deepEqual(readJson<{ exports: Exports }>("package.json").exports, entryPoints);
});

test("public_api.json lists every entry point", () => {
  assert.deepEqual(Object.keys(readJson<object>(FROZEN)), Object.keys(entryPoints));
});

for (const [name, path] of Object.entries(entryPoints)) {
  test(`entry point "${name}" exports exactly the frozen names`, () => {
    const frozen = readJson<Record<string, EntryPoint>>(FROZEN)[name];
    assert.deepEqual(namesOf(read(path)), frozen, "see the top of this file for how to update");
  });

  test(`entry point "${name}" really has the values it lists`, async () => {
    const module: object = await import(new URL(`../${path}`, import.meta.url).href);
    assert.deepEqual(Object.keys(module).sort(), namesOf(read(path)).values);
  });
}

test("the reading of exports tells values from types and refuses wildcards", () => {
  const file = sourceFile(
    "mod.ts",
    'export { b, c as a, type T } from "./b.ts";\nexport type { U } from "./c.ts";\n' +
      "export async function f(): Promise<void> {}\nexport abstract class C {}\n" +
      'export type V = string;\nexport interface W {}\n// export { x } from "x";\n',
  );
  assert.deepEqual(namesOf(file), { values: ["C", "a", "b", "f"], types: ["T", "U", "V", "W"] });
  assert.throws(() => namesOf(sourceFile("mod.ts", 'export * from "./b.ts";')), /one by one/);
});

function namesOf({ code, path }: SourceFile): EntryPoint {
  assert.doesNotMatch(code, /\bexport\s*\*/, `${path} names its exports one by one`);
  const values: string[] = [];
  const types: string[] = [];
  for (const [, typeOnly, list = ""] of code.matchAll(EXPORT_LIST)) {
    for (const item of list.split(",").map((item) => item.trim()).filter(Boolean)) {
      const isType = typeOnly !== undefined || /^type\s/.test(item);
      (isType ? types : values).push(item.split(/\s+/).at(-1) ?? item);
    }
  }
  for (const [, kind = "", name = ""] of code.matchAll(EXPORT_DECLARATION)) {
    (kind === "interface" || kind === "type" ? types : values).push(name);
  }
  return { values: values.sort(), types: types.sort() };
}

function read(path: string): SourceFile {
  const [file] = sourceFiles(posix.normalize(path));
  assert.ok(file, path);
  return file;
}

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(ROOT + path, "utf8")) as T; // our own files
}
