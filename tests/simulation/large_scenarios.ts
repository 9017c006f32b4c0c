/** A hundred systems, and a thousand states without systems: few seeds, each takes seconds. */

import assert from "node:assert/strict";
import { Model } from "./model.ts";
import type { Scenario } from "./scenario.ts";

const HUNDRED = 100;

/** What happens only where there are many. */
export const LARGE_SCENARIOS: readonly Scenario[] = [
  {
    name: "kill of a third of a hundred",
    promise: "all others know within 30 s",
    share: 0.015,
    run: async (trial) => {
      const cluster = await trial.start(HUNDRED);
      for (const index of trial.some(trial.indexes, HUNDRED / 3)) cluster.kill(index);
      await trial.converge(30_000);
    },
  },
  {
    name: "partition of a hundred",
    promise: "one view within 15 s",
    share: 0.005,
    run: async (trial) => {
      const cluster = await trial.start(HUNDRED);
      const all = trial.some(trial.indexes, HUNDRED);
      cluster.partition(all.slice(0, HUNDRED / 2), all.slice(HUNDRED / 2));
      await trial.wait(60_000);
      cluster.heal();
      trial.healsWithinMs = 15_000;
    },
  },
  {
    name: "stalls and loss among a hundred",
    promise: "nobody dies",
    share: 0.01,
    run: async (trial) => {
      const cluster = await trial.start(HUNDRED);
      cluster.loss(0.05);
      for (let rounds = 6; rounds > 0; rounds--) {
        for (const index of trial.some(trial.running, trial.int(1, 10))) {
          cluster.freeze(index, trial.int(1_000, 5_000));
        }
        await trial.wait(1_000, 4_000);
      }
      await trial.wait(10_000);
      trial.assertNobodyDied();
    },
  },
  {
    name: "a thousand states",
    promise: "who dies is dead for all within 30 s, and nobody else is",
    share: 0.005,
    run: (trial) => {
      const model = new Model({ size: 1_000, seed: trial.seed, loss: 0.01 });
      const victims = trial.some(model.nodes, trial.int(1, 10));
      const dead = new Set(victims.map(({ nodeId }) => nodeId));
      const wrong: string[] = [];
      model.onBelief = (_, subject, status) => {
        if (status === "dead" && !dead.has(subject)) wrong.push(subject);
      };
      model.advance(trial.int(1_000, 3_000));
      for (const victim of victims) model.kill(victim, trial.pick(["process", "machine"] as const));
      const all = () => victims.every(({ nodeId }) => model.allSee(nodeId, "dead"));
      assert.ok(model.until(all, 30_000, 1_000) < Infinity, "not all know who has died");
      model.advance(3_000);
      assert.deepEqual(wrong, []);
      trial.modelledMs = model.now;
      return Promise.resolve();
    },
  },
];
