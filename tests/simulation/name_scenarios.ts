/** Names that come, go and are taken twice. */

import assert from "node:assert/strict";
import type { Scenario } from "./scenario.ts";
import type { Trial } from "./trial.ts";

/** How names become known, and stay forgotten. */
export const NAME_SCENARIOS: readonly Scenario[] = [
  {
    name: "name taken on both sides of a partition",
    promise: "both are instances afterwards, and both can be resolved",
    run: async (trial) => {
      const cluster = await trial.start(trial.size());
      const [one, other] = trial.halves();
      cluster.partition(one, other);
      await trial.wait(0, 40_000);
      const owners = [trial.pick(one), trial.pick(other)];
      for (const index of owners) await trial.spawn(index, "twin");
      await trial.wait(0, 20_000);
      cluster.heal();
      await trial.converge();
      await trial.wait(1_000); // links that were given up may be opened again
      const expected = owners.map((index) => trial.system(index).nodeId).sort();
      for (const index of trial.indexes) {
        assert.deepEqual(ownersOf(trial, index, "actors/twin"), expected);
        for (const nodeId of expected) {
          const ref = await cluster.run(trial.system(index).resolve("twin", { nodeId }));
          assert.equal(ref.nodeId, nodeId);
          assert.equal(
            await cluster.run(ref.asAny().echo(`${index} ${nodeId}`, "")),
            `${index} ${nodeId}`,
          );
        }
      }
    },
  },
  {
    name: "churn of names",
    promise: "under loss, repetition and kills nothing that was stopped is back",
    run: async (trial) => {
      const cluster = await trial.start(trial.size());
      cluster.loss(trial.int(0, 2) / 10);
      cluster.duplicate(trial.int(0, 5) / 10);
      const living = new Map<string, number>();
      let names = 0;
      for (let steps = trial.int(20, 60); steps > 0; steps--) {
        const [name, owner] = living.size === 0 ? [undefined, 0] : trial.pick(living);
        if (name !== undefined && trial.int(0, 1) === 0) {
          living.delete(name);
          if (cluster.at(owner).state === "running") await trial.system(owner).stop(name);
        } else {
          const again = trial.int(0, 2) === 0 ? trial.int(0, names) : ++names; // stopped or twice
          const index = trial.pick(trial.running);
          if (living.get(`name-${again}`) === index) continue;
          await stopIfThere(trial, index, `name-${again}`);
          living.set(`name-${again}`, index);
          await trial.spawn(index, `name-${again}`);
        }
        if (trial.int(1, 40) === 1 && trial.running.length > 1) {
          cluster.kill(trial.pick(trial.running));
        }
        await trial.wait(0, 600);
      }
    },
  },
  {
    name: "names of a node that stops and comes back",
    promise: "the new node's names are served, the old ones are gone",
    run: async (trial) => {
      const cluster = await trial.start(trial.size());
      const index = trial.pick(trial.indexes);
      for (let rounds = trial.int(1, 4); rounds > 0; rounds--) {
        if (trial.int(0, 1) === 1) cluster.kill(index);
        else await cluster.stop(index);
        await trial.wait(0, 15_000);
        await cluster.restart(index);
        await trial.spawn(index, `home-${index}`);
        await trial.converge();
        const { nodeId } = trial.system(index);
        for (const other of trial.running) {
          assert.deepEqual(ownersOf(trial, other, `actors/home-${index}`), [nodeId]);
        }
      }
    },
  },
];

/** The nodes on which a name lives as one of them sees it, in their order. */
function ownersOf(trial: Trial, index: number, path: string): readonly string[] {
  const named = trial.system(index).allNamedActors().find((candidate) => candidate.path === path);
  return (named?.instances ?? []).map(({ nodeId }) => nodeId).sort();
}

async function stopIfThere(trial: Trial, index: number, name: string): Promise<void> {
  const { nodeId } = trial.system(index);
  const isThere = ownersOf(trial, index, `actors/${name}`).includes(nodeId);
  if (isThere) await trial.system(index).stop(name);
}
