import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { TestCluster } from "../../lib/testing/mod.ts";
import { test } from "../harness.ts";

test("a second node of the same id does not end the links of the first one for ever", async () => {
  const configure = (options: pul.InitOptions, index: number): pul.InitOptions =>
    index < 2 ? options : { ...options, random: pul.seededRandom(99) };
  await using cluster = await TestCluster.start(3, { configure });
  const error: unknown = await cluster.add().then(() => assert.fail("it joined"), (error) => error);
  assert.ok(pul.isPulsingError(error, "join-failed"), String(error));
  const { nodeId } = cluster.at(2).system;
  assert.match(
    error.message,
    new RegExp(`a node of the same id, ${nodeId}, listens at node-2:7000`),
  );
  await cluster.advance(30_000);
  for (const system of cluster.systems) {
    const seen = system.members().map(({ status, incarnation }) => `${status} ${incarnation}`);
    assert.deepEqual(seen, Array(3).fill("alive 0"));
  }
});
