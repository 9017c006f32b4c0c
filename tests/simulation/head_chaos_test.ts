/** Head mode under everything that can go wrong at once. */

import assert from "node:assert/strict";
import { type Random, randomInteger } from "../../lib/random.ts";
import {
  convergence,
  noResurrection,
  seededRandom,
  simulate,
  type TestCluster,
  type TestClusterOptions,
} from "../../lib/testing/mod.ts";
import { test } from "../harness.ts";

const SIZE = 6;
const STEPS = 25;
const withHead: TestClusterOptions = {
  configure: ({ seeds: _, ...options }, index) =>
    index === 0 ? { ...options, isHeadNode: true } : { ...options, headAddr: "node-0:7000" },
  joinTimeoutMs: 0,
  // Nobody is forgotten, so that whoever comes back without a higher incarnation is found.
  gossip: { deadMemberRetentionMs: 3_600_000 },
};

/** Does one thing to one node, drawn at random; nothing when it does not apply. */
async function disturb(cluster: TestCluster, random: Random, step: number): Promise<void> {
  const index = randomInteger(random, SIZE);
  const { system, state } = cluster.at(index);
  const others = cluster.nodes.map((node) => node.index).filter((other) => other !== index);
  const isRunning = state === "running";
  const actions = [
    () => cluster.partition([index], [others[randomInteger(random, others.length)] ?? 0]),
    () => cluster.partition([index], others),
    () => cluster.heal(),
    () => isRunning && cluster.freeze(index, randomInteger(random, 40_000)),
    () => isRunning && cluster.kill(index),
    () => isRunning && cluster.stop(index),
    () => isRunning || state === "frozen" || cluster.restart(index),
    () => isRunning && system.spawn({ receive: () => {} }, { name: `step-${step}` }),
    () => isRunning && stopOne(system),
  ];
  await actions[randomInteger(random, actions.length)]?.();
}

async function stopOne(system: TestCluster["systems"][number]): Promise<void> {
  const own = system.allNamedActors().find(({ instances }) =>
    instances.some(({ nodeId }) => nodeId === system.nodeId)
  );
  if (own !== undefined) await system.stop(own.path);
}

/** Undoes all faults; the head runs, other nodes may have ended. */
async function repair(cluster: TestCluster): Promise<void> {
  cluster.heal();
  cluster.loss(0);
  cluster.duplicate(0);
  for (const { index, state } of cluster.nodes) if (state === "frozen") cluster.thaw(index);
  if (cluster.at(0).state !== "running") await cluster.restart(0);
}

test("head and workers agree in the end, whatever is lost, cut, killed, frozen, restarted", async () => {
  await simulate({ seeds: 30, name: "head mode" }, async (seed, run) => {
    await using cluster = await run.start(SIZE, withHead);
    const random = seededRandom(seed);
    if (seed % 3 === 0) cluster.loss(0.2);
    if (seed % 4 === 0) cluster.duplicate(0.2);
    for (let step = 0; step < STEPS; step++) {
      await disturb(cluster, random, step);
      const isLong = randomInteger(random, 4) === 0;
      await cluster.advance(randomInteger(random, isLong ? 90_000 : 3_000));
    }
    await repair(cluster);
    const differences = () => convergence(cluster.history.entries);
    await cluster.until(() => differences().length === 0, { withinMs: 120_000, stepMs: 500 })
      .catch((error) => assert.fail(`${error.message}\n${differences().slice(0, 3).join("\n")}`));
    assert.deepEqual(noResurrection(cluster.history.entries), []);
  });
});
