/** Nodes that stand still, and clocks that are wrong. */

import assert from "node:assert/strict";
import type { InitOptions } from "../../mod.ts";
import type { Scenario } from "./scenario.ts";
import type { Trial } from "./trial.ts";

const HOUR_MS = 3_600_000;

/** The faults of nodes that go on living. */
export const PAUSE_SCENARIOS: readonly Scenario[] = [
  ...[1_000, 5_000].map((stallMs): Scenario => ({
    name: `stalled event loop of ${stallMs / 1_000} s`,
    promise: "nobody dies",
    run: async (trial) => {
      const cluster = await trial.start(trial.size());
      for (let stalls = trial.int(1, 4); stalls > 0; stalls--) {
        cluster.freeze(trial.pick(trial.running), stallMs);
        await trial.wait(stallMs, stallMs + 5_000);
      }
      await trial.wait(10_000);
      trial.assertNobodyDied();
    },
  })),
  {
    name: "stalled event loop of 20 s",
    promise: "it may die, and comes back with a higher incarnation",
    run: async (trial) => {
      const cluster = await trial.start(trial.size());
      const stalled = trial.pick(trial.indexes);
      const { nodeId } = trial.system(stalled);
      cluster.freeze(stalled, 20_000);
      await cluster.advance(20_000);
      const hasDied = trial.indexes.some((index) => trial.statusOf(index, stalled) === "dead");
      await trial.converge(15_000);
      const self = trial.system(stalled).members().find((member) => member.nodeId === nodeId);
      if (hasDied) assert.ok(self !== undefined && self.incarnation > 0, "it is as it was");
      const wrong = trial.deaths().filter((entry) =>
        entry.kind === "member" && entry.nodeId !== nodeId
      );
      assert.deepEqual(wrong, [], "one that had not stood still was declared dead");
    },
  },
  {
    name: "clock jump",
    promise: "an hour forth or back changes nothing",
    run: async (trial) => {
      const jumps: { [index: number]: number } = {};
      const configure = (options: InitOptions, index: number): InitOptions => {
        const { clock } = options;
        if (clock === undefined) return options;
        const jumped = {
          now: () => clock.now(),
          wallTime: () => clock.wallTime() + (jumps[index] ?? 0),
          setTimer: (callback: () => void, delayMs: number) => clock.setTimer(callback, delayMs),
          defer: (callback: () => void) => clock.defer(callback),
        };
        return { ...options, clock: jumped };
      };
      await trial.start(trial.size(), { configure });
      for (let changes = trial.int(1, 4); changes > 0; changes--) {
        jumps[trial.pick(trial.indexes)] = trial.pick([-HOUR_MS, HOUR_MS]);
        await trial.wait(1_000, 10_000);
        const { error } = await trial.cluster.run(trial.call(trial.pick(trial.indexes), "home-0"));
        assert.equal(error, undefined);
      }
      assertUndisturbed(trial);
    },
  },
  {
    name: "freeze and thaw",
    promise: "several at a time, again and again",
    run: async (trial) => {
      const cluster = await trial.start(trial.size());
      for (let rounds = trial.int(2, 5); rounds > 0; rounds--) {
        const count = trial.int(1, trial.indexes.length);
        for (const index of trial.some(trial.running, count)) {
          cluster.freeze(index, trial.int(100, 20_000));
        }
        await trial.wait(1_000, 20_000);
      }
      for (const index of trial.indexes) cluster.thaw(index);
    },
  },
  {
    // It has forgotten nothing; the others have forgotten whom they buried while it slept.
    name: "frozen for longer than the dead are remembered",
    promise: "they stay dead",
    share: 0.25,
    run: async (trial) => {
      const cluster = await trial.start(trial.int(3, 5));
      const [frozen, dead, ...others] = trial.some(trial.indexes, trial.indexes.length);
      assert.ok(frozen !== undefined && dead !== undefined);
      await trial.wait(1_000, 20_000);
      cluster.freeze(frozen);
      await trial.wait(0, 20_000);
      const gone = trial.system(dead).nodeId;
      if (trial.int(0, 1) === 1) cluster.kill(dead);
      else await cluster.stop(dead);
      await trial.wait(400_000);
      const knows = (index: number) =>
        trial.system(index).members().some(({ nodeId }) => nodeId === gone);
      assert.deepEqual(others.filter(knows), [], "it is forgotten");
      const thawedAtMs = cluster.now();
      cluster.thaw(frozen);
      await trial.wait(30_000);
      const isBack = cluster.history.entries.some((entry) =>
        entry.kind === "member" && entry.nodeId === gone && entry.atMs > thawedAtMs &&
        entry.node !== cluster.at(frozen).name && entry.status !== "forgotten"
      );
      assert.ok(!isBack, "who was forgotten is told of again");
    },
  },
  {
    // 16 nodes: large enough for those that stand still to be asked for others.
    name: "stalls at random",
    promise: "nobody dies while a tenth of 16 nodes stands still for 1 to 5 s at any time",
    share: 0.05,
    run: async (trial) => {
      const cluster = await trial.start(16);
      for (let stalls = 30; stalls > 0; stalls--) {
        const count = trial.int(1, 2);
        for (const index of trial.some(trial.running, count)) {
          cluster.freeze(index, trial.int(1_000, 5_000));
        }
        await trial.wait(1_000, 4_000);
      }
      await trial.wait(10_000);
      trial.assertNobodyDied();
    },
  },
];

/** No member was ever doubted. */
function assertUndisturbed(trial: Trial): void {
  const doubts = trial.cluster.history.entries.filter((entry) =>
    entry.kind === "member" && (entry.status !== "alive" || entry.incarnation > 0)
  );
  assert.deepEqual(doubts, []);
}
