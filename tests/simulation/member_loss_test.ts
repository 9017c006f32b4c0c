/** What the others see of a node that is killed, leaves or comes back: AC-59, in virtual time. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import {
  noResurrection,
  simulate,
  type SimulationRun,
  type TestCluster,
} from "../../lib/testing/mod.ts";
import { test } from "../harness.ts";

const SEEDS = 5;

class Waiting {
  forever(): Promise<void> {
    return new Promise(() => {});
  }
}

/** The status of one node in the eyes of each of the others that run. */
function statuses(cluster: TestCluster, nodeId: string): (string | undefined)[] {
  return cluster.systems.filter((system) => system.nodeId !== nodeId)
    .map((system) => system.members().find((member) => member.nodeId === nodeId)?.status);
}

/** Five nodes; the first one calls an actor of the third one. */
async function fiveNodes(run: SimulationRun) {
  const cluster = await run.start(5);
  const [one, , three] = cluster.systems;
  assert.ok(one !== undefined && three !== undefined);
  await cluster.run(three.spawnClass(Waiting, { name: "waiting" }));
  const waiting = await cluster.run(one.resolve("waiting", { timeoutMs: 5_000 }));
  const call = waiting.asType(Waiting).forever().catch((error: unknown) => error);
  await cluster.advance(1_000);
  return { cluster, one, three, waiting, call };
}

test("AC-59 a killed node is dead for all in a bounded time and never flaps back", async () => {
  await simulate({ seeds: SEEDS }, async (_seed, run) => {
    const { cluster, three, waiting, call } = await fiveNodes(run);
    await using _cluster = cluster;
    cluster.kill(2);
    const killedAt = cluster.now();
    const error = await cluster.run(call);
    assert.ok(pul.isPulsingError(error, "node-lost") && error.retryable, String(error));
    assert.ok(cluster.now() - killedAt < 100, "the call fails at once");
    const isDead = () => statuses(cluster, three.nodeId).every((status) => status === "dead");
    await cluster.until(isDead, { withinMs: 6_000 });
    for (const system of cluster.systems) assert.deepEqual(system.allNamedActors(), []);
    const later = await cluster.run(waiting.ask("later").catch((error: unknown) => error));
    assert.ok(pul.isPulsingError(later) && later.retryable, String(later));
    for (let second = 0; second < 60; second++) {
      await cluster.advance(1_000);
      assert.ok(isDead(), `flaps after ${second} s`);
    }
    assert.deepEqual(noResurrection(cluster.history.entries), []);
  });
});

test("AC-59 a call to a node that vanished fails when the node is declared dead", async () => {
  await simulate({ seeds: SEEDS }, async (_seed, run) => {
    const { cluster, one, three, call } = await fiveNodes(run);
    await using _cluster = cluster;
    cluster.partition([2], [0, 1, 3, 4]);
    const error = await cluster.run(call, { withinMs: 12_000 });
    assert.ok(pul.isPulsingError(error, "node-lost") && error.retryable, String(error));
    const { status } = one.members().find(({ nodeId }) => nodeId === three.nodeId) ?? {};
    assert.equal(status, "dead");
  });
});

test("AC-59 a leave is seen within two seconds, and a restarted node is alive beside it", async () => {
  await simulate({ seeds: SEEDS }, async (_seed, run) => {
    await using cluster = await run.start(5);
    const { nodeId } = cluster.at(2).system;
    await cluster.stop(2);
    const hasLeft = () => statuses(cluster, nodeId).every((status) => status === "left");
    await cluster.until(hasLeft, { withinMs: 2_000 });
    await cluster.restart(2);
    const again = cluster.at(2).system;
    const isBack = () => statuses(cluster, again.nodeId).every((status) => status === "alive");
    await cluster.until(isBack, { withinMs: 2_000 });
    assert.notEqual(again.nodeId, nodeId);
    await cluster.advance(60_000);
    assert.ok(isBack());
    assert.deepEqual(noResurrection(cluster.history.entries), []);
  });
});

test("a member that is only suspect keeps its calls and its names", async () => {
  await simulate({ seeds: SEEDS }, async (_seed, run) => {
    const { cluster, one, three, call } = await fiveNodes(run);
    await using _cluster = cluster;
    let failure: unknown;
    call.then((error) => failure = error);
    cluster.freeze(2, 4_000);
    const isSuspect = () => statuses(cluster, three.nodeId).includes("suspect");
    await cluster.until(isSuspect, { withinMs: 5_000 });
    await cluster.advance(20_000);
    assert.ok(statuses(cluster, three.nodeId).every((status) => status === "alive"));
    assert.equal(failure, undefined);
    assert.equal(one.allNamedActors().length, 1);
  });
});
