/** Actors of a name that come and go in a whole cluster, as one of its nodes is told. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { TestCluster } from "../../lib/testing/mod.ts";
import { test } from "../harness.ts";

/** Reads a subscription and keeps what it was told. */
class Follower {
  readonly told: string[] = [];
  readonly there = new Set<pul.ActorInstance>();
  isOver = false;

  constructor(system: pul.ActorSystem, name: string) {
    void this.#follow(system.subscribe(name));
  }

  /** The nodes that have the name, as far as it was told. */
  get nodes(): readonly string[] {
    return [...this.there].map(({ nodeId }) => nodeId).sort();
  }

  async #follow(events: AsyncIterable<pul.InstanceEvent>): Promise<void> {
    for await (const { kind, instance } of events) {
      this.told.push(`${kind} ${instance.nodeId}`);
      if (kind === "up") assert.ok(!this.there.has(instance));
      else assert.ok(this.there.has(instance));
      if (kind === "up") this.there.add(instance);
      else this.there.delete(instance);
    }
    this.isOver = true;
  }
}

class Echo {
  hello(): string {
    return `hello from ${pul.context().nodeId}`;
  }
  fail(): never {
    throw new Error("broken");
  }
  metadata(): Record<string, string> {
    return { zone: "north" };
  }
}

const spawnOn = (cluster: TestCluster, index: number, options: object = {}) =>
  cluster.at(index).system.spawnClass(Echo, { name: "echo", ...options });

const idOf = (cluster: TestCluster, index: number) => cluster.at(index).system.nodeId;

test("an actor of another node comes with class, metadata and a live reference, and goes", async () => {
  await using cluster = await TestCluster.start(3);
  await spawnOn(cluster, 1);
  const follower = new Follower(cluster.at(0).system, "echo");
  await cluster.until(() => follower.there.size === 1);
  await spawnOn(cluster, 2);
  await spawnOn(cluster, 0);
  await cluster.until(() => follower.there.size === 3);
  assert.deepEqual(follower.nodes, [0, 1, 2].map((index) => idOf(cluster, index)).sort());
  for (const { ref, nodeId, path, className, metadata } of follower.there) {
    assert.deepEqual([path, className, metadata], ["actors/echo", "Echo", { zone: "north" }]);
    assert.equal(await cluster.run(ref.asType(Echo).hello()), `hello from ${nodeId}`);
  }
  const far = [...follower.there].find(({ nodeId }) => nodeId === idOf(cluster, 2));
  await cluster.run(cluster.at(2).system.stop("echo"));
  await cluster.until(() => follower.there.size === 2);
  assert.equal(follower.told.at(-1), `down ${idOf(cluster, 2)}`);
  await assert.rejects(cluster.run(far!.ref.asType(Echo).hello()), { kind: "actor-stopped" });
});

test("a restart is no event, a name that is spawned anew is down and up", async () => {
  await using cluster = await TestCluster.start(2);
  const echo = await spawnOn(cluster, 1, { restartPolicy: "on-failure", minBackoffMs: 10 });
  const follower = new Follower(cluster.at(0).system, "echo");
  await cluster.until(() => follower.there.size === 1);
  await assert.rejects(cluster.run(echo.fail()));
  await cluster.advance(20_000);
  const node = idOf(cluster, 1);
  assert.deepEqual(follower.told, [`up ${node}`]);
  await cluster.run(cluster.at(1).system.stop("echo"));
  await spawnOn(cluster, 1);
  await cluster.until(() => follower.told.length === 3);
  assert.deepEqual(follower.told, [`up ${node}`, `down ${node}`, `up ${node}`]);
});

test("a node that is killed: its actors go when it is declared dead, not before", async () => {
  await using cluster = await TestCluster.start(3);
  await spawnOn(cluster, 1);
  const { system } = cluster.at(0);
  const follower = new Follower(system, "echo");
  await cluster.until(() => follower.there.size === 1);
  const statusOf = () => system.members().find(({ nodeId }) => nodeId === idOf(cluster, 1))?.status;
  cluster.kill(1);
  await cluster.until(() => statusOf() === "suspect", { stepMs: 1 });
  assert.equal(follower.there.size, 1);
  await cluster.until(() => statusOf() === "dead", { stepMs: 1 });
  await cluster.settle();
  assert.deepEqual(follower.told, [`up ${idOf(cluster, 1)}`, `down ${idOf(cluster, 1)}`]);
});

test("a partition and its heal: down, then up again, the same actor on both sides", async () => {
  await using cluster = await TestCluster.start(4);
  await spawnOn(cluster, 0);
  await spawnOn(cluster, 3);
  const followers = [0, 3].map((index) => new Follower(cluster.at(index).system, "echo"));
  await cluster.until(() => followers.every(({ there }) => there.size === 2));
  const before = followers.map(({ there }) => [...there].map(({ actorId }) => actorId).sort());
  cluster.partition([0, 1], [2, 3]);
  await cluster.until(() => followers.every(({ there }) => there.size === 1));
  assert.deepEqual(followers.map(({ nodes }) => nodes), [[idOf(cluster, 0)], [idOf(cluster, 3)]]);
  cluster.heal();
  await cluster.until(() => followers.every(({ there }) => there.size === 2));
  for (const [index, { told, there }] of followers.entries()) {
    const other = idOf(cluster, index === 0 ? 3 : 0);
    const ofOther = told.filter((event) => event.endsWith(other));
    assert.deepEqual(ofOther, [`up ${other}`, `down ${other}`, `up ${other}`]);
    assert.deepEqual([...there].map(({ actorId }) => actorId).sort(), before[index]);
  }
});

test("a node that leaves: its actors go within a second", async () => {
  await using cluster = await TestCluster.start(5);
  await spawnOn(cluster, 1);
  const followers = [0, 2, 3, 4].map((index) => new Follower(cluster.at(index).system, "echo"));
  await cluster.until(() => followers.every(({ there }) => there.size === 1));
  void cluster.at(1).system.shutdown();
  await cluster.until(() => followers.every(({ there }) => there.size === 0), { withinMs: 1_000 });
});

test("a shutdown ends all subscriptions at once, before actors have stopped", async () => {
  await using cluster = await TestCluster.start(2);
  const { system } = cluster.at(0);
  const gate = Promise.withResolvers<void>();
  await system.spawn({ receive: () => {}, onStop: () => gate.promise }, { name: "slow" });
  const follower = new Follower(system, "slow");
  await cluster.until(() => follower.there.size === 1);
  const iterable = system.subscribe("slow");
  const down = system.shutdown();
  await cluster.settle();
  assert.ok(follower.isOver);
  assert.deepEqual(follower.told, [`up ${system.nodeId}`]);
  assert.throws(() => system.subscribe("slow"), { kind: "shutdown" });
  for await (const event of iterable) assert.fail(String(event));
  gate.resolve();
  await cluster.run(down);
});

test("an actor of which others are not told is seen on its node only, and hides the others", async () => {
  await using cluster = await TestCluster.start(2);
  await spawnOn(cluster, 1);
  const [here, there] = [0, 1].map((index) => new Follower(cluster.at(index).system, "echo"));
  await cluster.until(() => here!.there.size === 1);
  await spawnOn(cluster, 0, { public: false });
  await cluster.advance(1_000);
  assert.deepEqual([here!.nodes, there!.nodes], [[idOf(cluster, 0)], [idOf(cluster, 1)]]);
  assert.deepEqual([...here!.there].map(({ metadata }) => metadata), [{}]);
  await cluster.run(cluster.at(0).system.stop("echo"));
  await cluster.settle();
  assert.deepEqual([here!.nodes, there!.nodes], [[idOf(cluster, 1)], [idOf(cluster, 1)]]);
  assert.equal(there!.told.length, 1);
});

test("system/core stands for the nodes themselves", async () => {
  await using cluster = await TestCluster.start(3);
  const follower = new Follower(cluster.at(0).system, "system/core");
  await cluster.settle();
  assert.deepEqual(follower.nodes, [0, 1, 2].map((index) => idOf(cluster, index)).sort());
  const left = idOf(cluster, 2);
  await cluster.stop(2);
  await cluster.until(() => follower.there.size === 2);
  assert.equal(follower.told.at(-1), `down ${left}`);
});
