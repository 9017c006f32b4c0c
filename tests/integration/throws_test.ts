/** What code of a user throws is heard, and harms neither the process nor another actor. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { ownRuntime, runtimeCommand } from "../../lib/testing/child_process.ts";
import { test } from "../harness.ts";

test("a user's throw is its caller's error or in the log; no rejection is left, nobody is harmed", async () => {
  const { command, args } = await runtimeCommand(ownRuntime);
  const script = new URL("./throwing_script.ts", import.meta.url).pathname;
  const { status, stdout, stderr } = spawnSync(command, [...args, script], { encoding: "utf8" });
  assert.equal(status, 0, stderr.slice(-2_000));
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  assert.ok(last.startsWith("{"), `the script ended early: ${stdout}${stderr.slice(-2_000)}`);
  const { cases, ...bad } = JSON.parse(last);
  assert.deepEqual(bad, { unhandled: [], silent: [], wrong: [] });
  assert.ok(cases > 500, `${cases} actors were spawned`);
});
