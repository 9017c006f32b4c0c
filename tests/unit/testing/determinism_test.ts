import assert from "node:assert/strict";
import {
  atMostOnce,
  noResurrection,
  orderPerPair,
  streamPrefix,
} from "../../../lib/testing/mod.ts";
import { test } from "../../harness.ts";
import { runScenario } from "./scenario.ts";

test("TestCluster: two runs of one seed have equal histories, byte for byte", async () => {
  const [one, other, third] = [await runScenario(7), await runScenario(7), await runScenario(8)];
  assert.equal(one.text(), other.text());
  assert.notEqual(one.text(), third.text());
  assert.match(one.text(), / ended whole\n/);
  assert.match(one.text(), / ended broken node-lost\n/);
  for (const kind of ["node", "member", "name", "sent", "handled", "failed", "taken", "note"]) {
    assert.ok(one.entries.some((entry) => entry.kind === kind), `there is a ${kind}`);
  }
});

test("TestCluster: runs with a passphrase are equal, and not those without it", async () => {
  const passphrase = "correct horse";
  const [one, other] = [await runScenario(7, { passphrase }), await runScenario(7, { passphrase })];
  assert.equal(one.text(), other.text());
  assert.notEqual(one.text(), (await runScenario(7)).text());
  assert.match(one.text(), / ended whole\n/);
});

test("TestCluster: the history of a run passes the checkers", async () => {
  for (const seed of [1, 2, 3]) {
    const { entries } = await runScenario(seed);
    for (const check of [atMostOnce, orderPerPair, streamPrefix, noResurrection]) {
      assert.deepEqual(check(entries), [], `${check.name} of seed ${seed}`);
    }
  }
});
