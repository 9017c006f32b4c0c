/** A simulated run is the same on both runtimes. */

import assert from "node:assert/strict";
import { test } from "../harness.ts";
import { otherRuntime, startScript } from "../other_runtime.ts";
import { runScenario } from "../unit/testing/scenario.ts";

const script = new URL("./simulation_script.ts", import.meta.url);

test(`a simulated run with a passphrase is the same on ${otherRuntime}, byte for byte`, async () => {
  const passphrase = "correct horse";
  await using child = await startScript(otherRuntime, script, ["7", passphrase]);
  const [there, here] = [JSON.parse(child.line), (await runScenario(7, { passphrase })).text()];
  assert.deepEqual(here.split("\n"), there.split("\n"));
});

for (const seed of [7, 11]) {
  test(`a simulated run of seed ${seed} is the same on ${otherRuntime}, byte for byte`, async () => {
    await using child = await startScript(otherRuntime, script, [String(seed)]);
    const [there, here] = [JSON.parse(child.line), (await runScenario(seed)).text()];
    assert.deepEqual(here.split("\n"), there.split("\n"));
  });
}
