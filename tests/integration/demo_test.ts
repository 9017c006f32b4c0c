/** The demo does what the README says: it loses a worker, finishes, and counts right. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runtimeCommand } from "../../lib/testing/child_process.ts";
import { test } from "../harness.ts";

const DEMO = fileURLToPath(new URL("../../examples/demo/main.ts", import.meta.url));
const FILES = 40;
const TERMS = 500;

/** A folder with texts that hold `common` twice each, and one file of every odd kind. */
async function folder() {
  const path = await mkdtemp(join(tmpdir(), "pulsing demo "));
  const text = `common ${Array.from({ length: TERMS }, (_, n) => `word${n}`).join(" ")} common\n`;
  for (let n = 0; n < FILES; n++) await writeFile(join(path, `a file ${n} ü.txt`), text);
  await writeFile(join(path, "binary"), Uint8Array.from({ length: 3_000 }, (_, n) => n % 256));
  await writeFile(join(path, "empty.txt"), "");
  await symlink(join(path, "nowhere"), join(path, "dangling.txt"));
  const dispose = () => rm(path, { recursive: true });
  return { path, [Symbol.asyncDispose]: dispose };
}

/** Runs the demo on Deno, as its task does, whatever runtime the tests run on. */
async function demo(...args: string[]): Promise<{ code: number | null; output: string }> {
  const { command, args: before } = await runtimeCommand("deno");
  const child = spawn(command, [...before, DEMO, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => output += text);
  }
  return await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}

test("demo: a worker is lost half way, the counts agree, odd files are reported", async () => {
  await using texts = await folder();
  const { code, output } = await demo(texts.path);
  assert.equal(code, 0, output);
  assert.match(output, /kill -9 \S+/);
  assert.match(output, /is lost \(node-(lost|unreachable)\)/);
  assert.match(output, /confirmed: 501 terms, the same as counted in one process/);
  assert.match(output, new RegExp(`${2 * FILES}  common  \\(in ${FILES} files\\)`));
  assert.match(output, /binary: binary/);
});

test("demo: --no-kill leaves all workers alive", async () => {
  await using texts = await folder();
  const { code, output } = await demo(texts.path, "--no-kill");
  assert.equal(code, 0, output);
  assert.doesNotMatch(output, /kill -9|is lost/);
  assert.match(output, /confirmed: 501 terms/);
});

test("demo: a folder that is not there and a flag that is unknown are told and fail", async () => {
  for (const args of [["/nowhere at all"], ["--no-such-flag"]]) {
    const { code, output } = await demo(...args);
    assert.notEqual(code, 0);
    assert.match(output, /nowhere at all|no-such-flag/);
  }
});
