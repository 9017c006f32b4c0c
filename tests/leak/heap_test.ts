/** A million calls do not make the heap grow. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ownRuntime, runtimeCommand } from "../../lib/testing/child_process.ts";
import { test } from "../harness.ts";

/** Bytes a call may leave behind; one forgotten object would be at least sixteen. */
const MAX_SLOPE = 2;

test("a million calls of each kind leave the heap as it was", async () => {
  const { command, args } = await runtimeCommand(ownRuntime);
  const flags = ownRuntime === "bun" ? [] : ["--v8-flags=--expose-gc"];
  const script = new URL("./heap_script.ts", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(command, [...args, ...flags, script]);
  const slopes: Readonly<Record<string, number>> = JSON.parse(stdout);
  assert.equal(Object.keys(slopes).length, 4, stdout);
  for (const [kind, bytes] of Object.entries(slopes)) {
    assert.ok(bytes < MAX_SLOPE, `${kind}: ${bytes} bytes for each call`);
  }
});
