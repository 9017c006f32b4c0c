/** Calls and streams while nodes and networks fail. */

import assert from "node:assert/strict";
import { DEFAULT_LIMITS, isPulsingError } from "../../mod.ts";
import { Echo } from "./echo.ts";
import { Load } from "./load.ts";
import type { Scenario } from "./scenario.ts";
import type { Trial } from "./trial.ts";

/** What the user's actors notice of faults. */
export const CALL_SCENARIOS: readonly Scenario[] = [
  {
    name: "rolling restart under load",
    promise: "no call fails that was not sent to the node that stopped",
    run: async (trial) => {
      const cluster = await trial.start(trial.int(3, 5));
      for (const index of trial.indexes) await trial.spawn(index, "service");
      await trial.converge();
      for (const index of trial.some(trial.indexes, trial.indexes.length)) {
        const stopping = trial.system(index).nodeId;
        const load = new Load(trial);
        for (const caller of trial.indexes) {
          if (caller !== index) load.start(caller, "service", trial.int(2, 20));
        }
        await trial.wait(0, 200);
        await cluster.restart(index);
        await trial.spawn(index, "service");
        await trial.spawn(index, `home-${index}`);
        await trial.wait(0, 500);
        const outcomes = await load.stop();
        for (const { call, nodeId, error } of outcomes) {
          if (error !== undefined) assert.equal(nodeId, stopping, `${call} failed: ${error}`);
        }
        assert.ok(outcomes.some(({ error }) => error === undefined), "calls are answered");
        await trial.converge();
      }
    },
  },
  {
    name: "kills and retries",
    promise: "each attempt of a user is handled at most once, and one gets through",
    run: async (trial) => {
      const cluster = await trial.start(trial.int(3, 5), { delay: { minMs: 1, maxMs: 30 } });
      const caller = trial.pick(trial.indexes);
      for (const index of trial.indexes) await trial.spawn(index, "service");
      await trial.converge();
      cluster.loss(trial.int(0, 1) / 10);
      const load = new Load(trial);
      for (let users = trial.int(1, 3); users > 0; users--) load.start(caller, "service", 20);
      for (let kills = trial.int(1, 4); kills > 0; kills--) {
        await trial.wait(100, 3_000);
        const index = trial.pick(trial.indexes.filter((other) => other !== caller));
        cluster.kill(index);
        await trial.wait(0, 3_000);
        await cluster.restart(index);
        await trial.spawn(index, "service");
      }
      cluster.loss(0);
      await trial.wait(5_000); // what was sent before has ended
      const before = load.outcomes.length;
      await trial.wait(1_000);
      const later = (await load.stop()).slice(before);
      assert.ok(later.some(({ error }) => error === undefined), "the calls get through again");
    },
  },
  {
    name: "streams over a partition",
    promise: "what a consumer took is the beginning of what the producer gave",
    run: async (trial) => {
      const cluster = await trial.start(trial.size(), {
        limits: { streamWindowItems: trial.int(1, 8) },
        delay: { minMs: 1, maxMs: trial.int(2, 50) },
      });
      await trial.converge();
      const streams = Array.from(
        { length: trial.int(1, 6) },
        (_, n) => stream(trial, `stream-${n}`),
      );
      await trial.wait(0, 300);
      cluster.partition(...trial.halves());
      await trial.wait(100, 40_000);
      cluster.heal();
      await cluster.run(Promise.all(streams), { withinMs: 120_000 });
    },
  },
  {
    name: "kill of a third at once",
    promise: "the others agree within 15 s and go on",
    run: async (trial) => {
      const size = Math.max(3, trial.size());
      const cluster = await trial.start(size);
      const load = new Load(trial);
      const victims = trial.some(trial.indexes, Math.floor(size / 3));
      const others = trial.indexes.filter((index) => !victims.includes(index));
      for (const index of others.slice(0, 2)) {
        load.start(index, `home-${trial.pick(trial.indexes)}`, trial.int(1, 50));
      }
      await trial.wait(0, 2_000);
      for (const index of victims) cluster.kill(index);
      await trial.converge(15_000);
      await load.stop();
      for (const index of others) {
        const { error } = await cluster.run(trial.call(index, `home-${trial.pick(others)}`));
        assert.equal(error, undefined);
      }
    },
  },
  {
    name: "connects and disconnects",
    promise: "hundreds of connections that come to nothing leave nothing",
    run: async (trial) => {
      const size = trial.int(2, 3);
      const cluster = await trial.start(size);
      for (let count = trial.int(200, 400); count > 0; count--) {
        await connectAndLeave(trial);
        if (trial.int(1, 50) === 1) {
          await cluster.restart(trial.pick(trial.indexes));
        }
      }
      await trial.converge();
      await trial.wait(DEFAULT_LIMITS.handshakeTimeoutMs + 1_000);
      const counts = trial.indexes.map((index) => trial.belongings(index).connections);
      assert.deepEqual(counts, Array(size).fill(size - 1));
    },
  },
  {
    name: "shutdown under load",
    promise: "a node ends by its deadline, whatever it is asked and is doing",
    run: async (trial) => {
      const shutdownTimeoutMs = trial.int(200, 2_000);
      const cluster = await trial.start(trial.size(), { limits: { shutdownTimeoutMs } });
      const index = trial.pick(trial.indexes);
      const others = trial.indexes.filter((other) => other !== index);
      await trial.converge();
      const load = new Load(trial);
      for (const caller of others.slice(0, 3)) {
        load.start(caller, `home-${index}`, trial.int(1, 10));
      }
      const hanging = others.slice(0, 3).map((caller) => hang(trial, caller, `home-${index}`));
      await trial.wait(0, 500);
      const startMs = cluster.now();
      await cluster.stop(index);
      const tookMs = cluster.now() - startMs;
      assert.ok(tookMs <= shutdownTimeoutMs + 500, `it took ${tookMs} ms`);
      for (const error of await cluster.run(Promise.all(hanging))) {
        assert.ok(isPulsingError(error), `a call that hung ends with ${error}`);
      }
      await load.stop();
    },
  },
];

/** One node reads a stream of another one to its end, whatever that is. */
async function stream(trial: Trial, name: string): Promise<void> {
  const [from, to] = trial.some(trial.indexes, 2) as [number, number]; // there are two
  const items = trial.int(10, 300);
  const ref = await trial.system(from).resolve(`home-${to}`);
  await trial.cluster.history.taken(name, ref.asType(Echo).count(name, items));
}

/** A call that its actor never answers; what it fails with. */
async function hang(trial: Trial, from: number, name: string): Promise<unknown> {
  const ref = await trial.system(from).resolve(name, { timeoutMs: 60_000 });
  const call = `hanging-${from}`;
  return await ref.asType(Echo).$with({ timeoutMs: 120_000 }).wait(call, `hanging-${from}`).then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** Somebody connects, says something or nothing, and goes in some way. */
async function connectAndLeave(trial: Trial): Promise<void> {
  const [from, to] = trial.some(trial.indexes, 2) as [number, number]; // there are two
  const { cluster } = trial;
  const connection = await cluster.run(trial.transport(from).dial(cluster.at(to).address));
  connection.start({ onBytes() {}, onDrain() {}, onClose() {} });
  const said = [[], [0xf0], [0xf0, 0x50, 0x55, 0x4c], [0xf0, 0x50, 0x55, 0x4c, 0, 0, 0, 9, 1, 2]];
  connection.write(Uint8Array.from(trial.pick(said)));
  if (trial.int(0, 1) === 1) await trial.wait(0, 20);
  if (trial.int(0, 1) === 1) connection.close();
  else connection.abort();
}
