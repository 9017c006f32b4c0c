/** Nodes that come, leave and come back. */

import assert from "node:assert/strict";
import { seededRandom } from "../../lib/random.ts";
import { type InitOptions, isPulsingError } from "../../mod.ts";
import type { Scenario } from "./scenario.ts";
import type { Trial } from "./trial.ts";

const addressOf = (index: number): string => `node-${index}:7000`;

/** Nodes from a number on start at once and join while time passes. */
function joinLater(from: number, seeds?: readonly string[]) {
  return (options: InitOptions, index: number): InitOptions => {
    if (index < from) return options;
    return { ...options, joinTimeoutMs: 0, ...(seeds !== undefined && { seeds }) };
  };
}

/** How new nodes and old ones find each other. */
export const JOIN_SCENARIOS: readonly Scenario[] = [
  {
    name: "crossing dials",
    promise: "two nodes that dial each other end with one association",
    run: async (trial) => {
      const size = trial.int(2, 5);
      const seeds = Array.from({ length: size }, (_, index) => addressOf(index));
      const configure = (options: InitOptions) => ({ ...options, seeds });
      await trial.start(size, { configure, delay: { minMs: 1, maxMs: trial.int(1, 200) } });
      await trial.wait(30_000);
      const counts = trial.indexes.map((index) => trial.belongings(index).connections);
      assert.deepEqual(counts, Array(size).fill(size - 1));
      trial.assertNobodyDied();
    },
  },
  {
    name: "restart with the same address",
    promise: "the old one is gone as soon as the new one is met",
    run: async (trial) => {
      const cluster = await trial.start(trial.size());
      for (let restarts = trial.int(1, 3); restarts > 0; restarts--) {
        const index = trial.pick(trial.indexes);
        const old = trial.system(index).nodeId;
        if (trial.int(0, 1) === 1) cluster.kill(index);
        else await cluster.stop(index);
        await trial.wait(0, 3_000);
        await cluster.restart(index);
        await trial.spawn(index, `home-${index}`);
        const isOver = () => trial.running.every((other) => isReplaced(trial, other, index, old));
        await cluster.until(isOver, { withinMs: 3_000 });
      }
    },
  },
  {
    name: "duplicate node id",
    promise: "the second node of an id is refused with an error, and disturbs nobody",
    run: async (trial) => {
      const size = trial.int(2, 5);
      const twin = trial.int(0, size - 1);
      const configure = (options: InitOptions, index: number): InitOptions =>
        index === twin || index === size
          ? { ...options, random: seededRandom(trial.seed) }
          : options;
      const cluster = await trial.start(size, { configure });
      await trial.wait(0, 5_000);
      const error: unknown = await trial.add().then(() => undefined, (error) => error);
      assert.ok(isPulsingError(error, "join-failed"), `it is refused, and not ${error}`);
      await trial.wait(10_000, 30_000);
      const raised = cluster.history.entries.filter((entry) =>
        entry.kind === "member" && (entry.status !== "alive" || entry.incarnation > 0)
      );
      assert.deepEqual(raised, [], "somebody was doubted");
    },
  },
  {
    name: "two clusters",
    promise: "of different names they never merge, whoever is a seed of whom",
    run: async (trial) => {
      const [ours, theirs] = [trial.int(1, 3), trial.int(1, 3)];
      const seeds = Array.from({ length: ours + theirs }, (_, index) => addressOf(index));
      const configure = (options: InitOptions, index: number): InitOptions => {
        const cluster = index < ours ? "ours" : "theirs";
        return { ...options, cluster, seeds, joinTimeoutMs: 0 };
      };
      const cluster = await trial.start(ours, { configure });
      for (let index = ours; index < ours + theirs; index++) {
        await trial.spawn(await trial.add(), `home-${index}`);
        await trial.wait(0, 1_000);
      }
      await trial.wait(20_000, 60_000);
      const groups = [trial.indexes.slice(0, ours), trial.indexes.slice(ours)] as const;
      trial.groups = groups;
      const ids = new Set(groups[0].map((index) => trial.system(index).nodeId));
      for (const entry of cluster.history.entries) {
        if (entry.kind !== "member") continue;
        const isOurs = groups[0].some((index) => cluster.at(index).name === entry.node);
        assert.equal(ids.has(entry.nodeId), isOurs, "a node knows one of the other cluster");
      }
    },
  },
  {
    name: "seed behind a load balancer",
    promise: "who is sent to itself tries again, and all become one cluster",
    run: async (trial) => {
      const configure = (options: InitOptions, index: number) => {
        const seeds = index === 0 ? [] : [`balancer-${index}:7000`]; // each is sent elsewhere
        return { ...options, seeds, joinTimeoutMs: 0 };
      };
      const cluster = await trial.start(1, { configure });
      for (let size = trial.int(2, 5), index = 1; index < size; index++) {
        cluster.name(`balancer-${index}`, [`node-${index}`]);
        await trial.spawn(await trial.add(), `home-${index}`);
        await trial.wait(100, 20_000);
        assert.deepEqual(trial.system(index).members().length, 1, "it has nobody to join");
        cluster.name(`balancer-${index}`, [`node-${trial.int(0, index - 1)}`]);
        const isJoined = () => trial.system(index).members().length > index;
        await cluster.until(isJoined, { withinMs: 15_000 });
      }
      trial.assertNobodyDied();
    },
  },
  {
    name: "leave during join",
    promise: "neither a seed nor a new node that leaves is in the way",
    run: async (trial) => {
      const size = trial.int(2, 5);
      const cluster = await trial.start(size, { configure: joinLater(size) });
      for (let joins = trial.int(1, 4); joins > 0; joins--) {
        const joining = await trial.add();
        await trial.wait(0, 10);
        const candidates = [joining, ...trial.some(trial.running.filter((n) => n !== joining), 1)];
        if (trial.running.length > 2) await cluster.stop(trial.pick(candidates));
        await trial.wait(0, 2_000);
      }
    },
  },
  {
    name: "join storm of 50",
    promise: "all find all, with no more dials than there are pairs",
    share: 0.05,
    run: async (trial) => {
      const size = 50;
      const before = trial.int(1, 3);
      await trial.start(before, { configure: joinLater(before) });
      while (trial.indexes.length < size) await trial.add();
      await trial.converge(30_000);
      const dials = trial.indexes.reduce((sum, n) => sum + trial.belongings(n).dials, 0);
      assert.ok(dials <= size * (size - 1) / 2, `${dials} dials`);
      trial.assertNobodyDied();
    },
  },
  {
    name: "join during a partition",
    promise: "a new node that sees one side or both is seen by all afterwards",
    run: async (trial) => {
      const size = trial.size();
      const cluster = await trial.start(size, { configure: joinLater(size) });
      const sides = trial.halves();
      cluster.partition(...sides);
      await trial.wait(0, 20_000);
      const joining = await trial.add();
      if (trial.int(0, 2) > 0) cluster.partition([joining], trial.pick(sides));
      await trial.wait(1_000, 30_000);
      await trial.spawn(joining, `home-${joining}`);
      cluster.heal();
      trial.healsWithinMs = 15_000;
    },
  },
  {
    name: "seed that dies while others join",
    promise: "they join through the others, or when it is back",
    run: async (trial) => {
      const size = trial.int(1, 3);
      const seeds = [0, 1].slice(0, trial.int(1, 2)).map(addressOf);
      const cluster = await trial.start(size, { configure: joinLater(0, seeds) });
      for (let joining = trial.int(1, 4); joining > 0; joining--) {
        await trial.add();
        if (trial.int(0, 1) === 1) await trial.wait(0, 5);
      }
      cluster.kill(0);
      await trial.wait(0, 10_000);
      await cluster.restart(0);
    },
  },
];

/** Whether a node sees the new one at an address, and the old one gone. */
function isReplaced(trial: Trial, observer: number, index: number, old: string): boolean {
  const before = trial.system(observer).members().find(({ nodeId }) => nodeId === old);
  const isGone = before === undefined || before.status === "dead" || before.status === "left";
  const status = trial.statusOf(observer, index);
  if (status === "alive") assert.ok(isGone, `node ${observer} sees both of ${addressOf(index)}`);
  return isGone && status === "alive";
}
