/** Networks that break: cuts, clogs, partitions, loss. */

import assert from "node:assert/strict";
import type { TestCluster } from "../../lib/testing/mod.ts";
import type { Scenario } from "./scenario.ts";
import type { Trial } from "./trial.ts";

/** How long a partition of the issue lasts, and how soon afterwards there is one view again. */
const [PARTITION_MS, HEALED_WITHIN_MS] = [60_000, 15_000];

/** How many routes are held back at the same time. */
const MAX_CLOGS = 20;

/** The faults of networks. */
export const NETWORK_SCENARIOS: readonly Scenario[] = [
  {
    // The third node still reaches both, so the suspicion is refuted through it.
    name: "one-way partition",
    promise: "nobody dies where a third node sees both",
    run: async (trial) => {
      const size = Math.max(3, trial.size());
      const cluster = await trial.start(size);
      const [from, to] = trial.some(trial.indexes, 2) as [number, number]; // there are three
      cluster.cut(from, to);
      await trial.wait(5_000, 40_000);
      trial.assertNobodyDied();
      cluster.heal();
    },
  },
  {
    // With nobody to ask silence is all there is: both give the other up, and meet again.
    name: "one-way partition of two",
    promise: "both give up, and meet again",
    run: async (trial) => {
      const cluster = await trial.start(2);
      const from = trial.int(0, 1);
      cluster.cut(from, 1 - from);
      await trial.wait(40_000, 60_000);
      for (const index of [0, 1]) assert.equal(trial.statusOf(index, 1 - index), "dead");
      cluster.heal();
    },
  },
  {
    name: "black hole",
    promise: "a node that vanishes without a word is dead for all, and comes back",
    run: async (trial) => {
      const cluster = await trial.start(trial.size(3));
      const lost = trial.pick(trial.indexes);
      const others = trial.indexes.filter((index) => index !== lost);
      await trial.wait(0, 2_000);
      cluster.partition([lost], others);
      const isDead = () => others.every((index) => trial.statusOf(index, lost) === "dead");
      await cluster.until(isDead, { withinMs: 15_000, stepMs: 50 });
      await trial.wait(0, 30_000);
      cluster.heal();
      trial.healsWithinMs = HEALED_WITHIN_MS;
    },
  },
  {
    name: "swizzle-clog",
    promise: "routes are held back one by one and let go in another order",
    run: async (trial) => {
      const cluster = await trial.start(trial.size(3));
      for (let rounds = trial.int(1, 3); rounds > 0; rounds--) {
        const all = routes(cluster);
        const chosen = trial.some(all, trial.int(1, Math.min(all.length, MAX_CLOGS)));
        for (const [from, to] of chosen) {
          cluster.clog(from, to);
          await trial.wait(0, 500);
        }
        const caller = trial.pick(trial.indexes);
        void trial.call(caller, `home-${trial.pick(trial.indexes)}`);
        for (const [from, to] of trial.some(chosen, chosen.length)) {
          cluster.unclog(from, to);
          await trial.wait(0, 500);
        }
      }
    },
  },
  {
    name: "flapping link",
    promise: "one of all links comes and goes, and nobody dies",
    run: async (trial) => {
      const cluster = await trial.start(trial.size(3));
      const [one, other] = trial.some(trial.indexes, 2) as [number, number]; // there are three
      for (let flaps = trial.int(3, 8); flaps > 0; flaps--) {
        cluster.partition([one], [other]);
        await trial.wait(100, 4_000);
        cluster.heal();
        await trial.wait(100, 4_000);
      }
      trial.assertNobodyDied();
    },
  },
  {
    name: "partition of 60 s",
    promise: "one view within 15 s, nothing stopped is back, nothing alive is lost",
    run: async (trial) => {
      const cluster = await trial.start(trial.size());
      const [one, other] = trial.halves();
      cluster.partition(one, other);
      await trial.wait(PARTITION_MS / 4);
      const [stopping, starting] = [trial.pick(one), trial.pick(other)];
      await cluster.run(trial.system(stopping).stop(`home-${stopping}`));
      await trial.spawn(starting, "new");
      await trial.wait(PARTITION_MS * 3 / 4);
      cluster.heal();
      await trial.converge(HEALED_WITHIN_MS);
      const lived = trial.indexes.filter((index) => index !== stopping).map((index) =>
        `actors/home-${index}`
      );
      for (const index of trial.indexes) {
        assert.deepEqual(namesOf(trial, index), [...lived, "actors/new"].sort());
      }
    },
  },
  {
    // Both sides have forgotten each other: seeds are how they meet again.
    name: "partition longer than the dead are remembered",
    promise: "both sides forget each other, and meet again through the seeds",
    share: 0.25,
    run: async (trial) => {
      const size = trial.int(2, 5);
      const seeds = Array.from({ length: size }, (_, index) => `node-${index}:7000`);
      const cluster = await trial.start(size, { seeds });
      const [one, other] = trial.halves();
      cluster.partition(one, other);
      await trial.wait(400_000);
      for (const index of one) {
        for (const far of other) assert.equal(trial.statusOf(index, far), undefined);
      }
      cluster.heal();
      trial.healsWithinMs = 30_000;
    },
  },
  {
    name: "overlapping partitions",
    promise: "one view within 15 s of the last heal",
    run: async (trial) => {
      const cluster = await trial.start(trial.size(3));
      const [first, second] = [trial.halves(), trial.halves()];
      cluster.partition(...first);
      await trial.wait(1_000, 20_000);
      cluster.partition(...second);
      await trial.wait(1_000, 20_000);
      if (trial.int(0, 1) === 1) {
        cluster.heal();
        cluster.partition(...second); // the first one is over before the second one
        await trial.wait(1_000, 20_000);
      }
      cluster.heal();
      trial.healsWithinMs = HEALED_WITHIN_MS;
    },
  },
  {
    name: "message loss of 5 %",
    promise: "nobody dies",
    run: async (trial) => {
      const cluster = await trial.start(trial.size());
      cluster.loss(0.05);
      await trial.wait(30_000, 60_000);
      trial.assertNobodyDied();
    },
  },
  {
    name: "duplicated news",
    promise: "nothing changes and nobody dies",
    run: async (trial) => {
      const cluster = await trial.start(trial.size());
      cluster.duplicate(trial.int(1, 10) / 10);
      const [stopping, starting] = [trial.pick(trial.indexes), trial.pick(trial.indexes)];
      await trial.wait(0, 5_000);
      await cluster.run(trial.system(stopping).stop(`home-${stopping}`));
      await trial.spawn(starting, "new");
      await trial.wait(5_000, 20_000);
      trial.assertNobodyDied();
    },
  },
  {
    // A round trip takes longer than probeTimeoutMs, and through others than probeIntervalMs.
    name: "slow network",
    promise: "delays above the timeout of a probe, nobody dies",
    run: async (trial) => {
      const cluster = await trial.start(trial.size());
      const minMs = trial.int(100, 300);
      cluster.delay({ minMs, maxMs: minMs + trial.int(0, 250) });
      await trial.wait(30_000, 60_000);
      trial.assertNobodyDied();
    },
  },
];

/** The names a node knows, in their order. */
function namesOf(trial: Trial, index: number): readonly string[] {
  return trial.system(index).allNamedActors().map(({ path }) => path).sort();
}

function routes({ nodes }: TestCluster): readonly (readonly [number, number])[] {
  return nodes.flatMap(({ index: from }) =>
    nodes.filter(({ index }) => index !== from).map(({ index: to }) => [from, to] as const)
  );
}
