/** The actor that tells about its node: AC-37. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { NamedNodes } from "./named_nodes.ts";

const ID = /^[0-9a-f]{32}$/;

class Worker {
  #gate = Promise.withResolvers<void>();
  fail(): never {
    throw new Error("broken");
  }
  hold(): Promise<void> {
    return this.#gate.promise;
  }
  open(): void {
    this.#gate.resolve();
  }
}

const coreOf = async (system: pul.ActorSystem, nodeId: string) =>
  (await system.resolve("system/core", { nodeId })).asType(pul.SystemActor);

test("AC-37: ping, health, nodeInfo and metrics have their shapes, ids are texts", async () => {
  await using all = await NamedNodes.start(2);
  for (const asking of [0, 1]) {
    const target = all.at(1);
    const core = await coreOf(all.at(asking), target.nodeId);
    const ping = await all.soon(core.ping());
    assert.deepEqual(Object.keys(ping).sort(), ["nodeId", "wallTimeMs"]);
    assert.match(ping.nodeId, ID);
    assert.equal(ping.nodeId, target.nodeId);
    assert.equal(ping.wallTimeMs, all.clock.wallTime());
    const health = await all.soon(core.health());
    assert.deepEqual(Object.keys(health).sort(), ["actors", "status", "uptimeMs"]);
    assert.equal(health.status, "healthy");
    const info = await all.soon(core.nodeInfo());
    assert.deepEqual([info.nodeId, info.addr], [target.nodeId, target.addr]);
    assert.ok(Array.isArray(info.classes) && info.uptimeMs > 0);
    const before = await all.soon(core.metrics());
    for (const value of Object.values(before)) assert.equal(typeof value, "number");
    const after = await all.soon(core.metrics());
    assert.equal(after.messagesTotal, before.messagesTotal + 1);
    await all.clock.advance(500);
    assert.ok((await all.soon(core.health())).uptimeMs >= health.uptimeMs + 500);
  }
});

test("actors: depth, restarts and age of each, also of a node far away", async () => {
  await using all = await NamedNodes.start(2);
  const worker = await all.at(1).spawnClass(Worker, {
    name: "worker",
    concurrency: "sequential",
    restartPolicy: "on-failure",
  });
  await all.at(1).spawn({ receive: () => {} });
  await all.failure(worker.fail());
  await all.clock.advance(1_000);
  const running = worker.hold();
  const queued = [worker.hold(), worker.hold()];
  await all.clock.settle();
  const core = await coreOf(all.at(0), all.at(1).nodeId);
  const [first, second, ...others] = await all.soon(core.actors());
  assert.match(first!.actorId, ID);
  const { path, className, state, mailboxDepth, restarts, ageMs } = first!;
  assert.deepEqual([path, className, state], ["actors/worker", "Worker", "running"]);
  assert.deepEqual([mailboxDepth, restarts, ageMs], [2, 1, 1_000]);
  assert.ok(second !== undefined && !("path" in second) && !("className" in second));
  assert.deepEqual(others.map((actor) => actor.path), ["system/core"]);
  const metrics = await all.soon(core.metrics());
  assert.deepEqual([metrics.actors, metrics.restarts], [3, 1]);
  assert.deepEqual([metrics.actorsCreated, metrics.actorsStopped], [3, 0]);
  all.at(1).kill("worker");
  await Promise.allSettled([running, ...queued]);
  const later = await all.soon(core.metrics());
  assert.deepEqual([later.actors, later.actorsStopped, later.deadLetters], [2, 1, 2]);
});

test("members: who a node knows and what it believes of them, asked from another one", async () => {
  await using all = await NamedNodes.start(3);
  const core = await coreOf(all.at(0), all.at(2).nodeId);
  const sorted = (members: readonly pul.Member[]) =>
    members.toSorted((a, b) => a.nodeId.localeCompare(b.nodeId));
  const seen = await all.soon(core.members());
  assert.equal(seen.length, 3);
  assert.deepEqual(sorted(seen), sorted(all.at(2).members()));
});

test("a system that does not listen has a system actor as well", async () => {
  await using system = await pul.actorSystem();
  const core = await coreOf(system, system.nodeId);
  assert.equal((await core.ping()).nodeId, system.nodeId);
  assert.equal("addr" in await core.nodeInfo(), false);
  const plain = (await system.resolve("system/core")).asType(pul.SystemActor);
  assert.equal((await plain.ping()).nodeId, system.nodeId);
});

test("the system actor of an unknown node is not found", async () => {
  await using all = await NamedNodes.start(2);
  const error = await all.failure(coreOf(all.at(0), "0".repeat(32)));
  assert.equal(error.kind, "actor-not-found");
});

test("names under system/ are refused, and system/core is no actor that anybody named", async () => {
  await using all = await NamedNodes.start(2);
  const system = all.at(0);
  await (await coreOf(system, system.nodeId)).ping();
  for (const name of ["system/core", "system/mine", "/system/core/"]) {
    await assert.rejects(system.spawnClass(Worker, { name }), /is reserved for the runtime/);
    await assert.rejects(system.spawn({ receive: () => {} }, { name }), TypeError);
    assert.throws(() => system.mount(new Worker(), { name }), TypeError);
  }
  await all.gossip();
  for (const index of [0, 1]) assert.deepEqual(all.at(index).allNamedActors(), []);
});

test("stop and kill refuse system/core: it belongs to the runtime", async () => {
  await using all = await NamedNodes.start(2);
  const system = all.at(0);
  const core = await coreOf(system, system.nodeId);
  const far = await coreOf(all.at(1), system.nodeId);
  await core.ping();
  await assert.rejects(system.stop("system/core"), /is reserved for the runtime/);
  assert.throws(() => system.kill("system/core"), /is reserved for the runtime/);
  assert.equal((await core.ping()).nodeId, system.nodeId);
  assert.equal((await all.soon(far.ping())).nodeId, system.nodeId);
});

test("the system actor spawns no class that is not registered, and says which are", async () => {
  await using all = await NamedNodes.start(2);
  const Known = pul.remote(class Known {}, { name: "KnownHere" });
  assert.ok(Known);
  const core = await coreOf(all.at(0), all.at(1).nodeId);
  const error = await all.failure(core.spawn({ className: "Nothing", options: {} }));
  assert.equal(error.kind, "class-not-registered");
  assert.match(error.message, /"Nothing".*KnownHere/);
  for (
    const request of [undefined, {}, { className: 5 }, { className: "KnownHere", options: null }]
  ) {
    const wrong = await all.failure(core.$any().spawn!(request));
    assert.match(wrong.message, /^Cannot spawn/);
  }
});
