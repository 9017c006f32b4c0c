/** Clusters with a head, on a clock and a network that the test controls. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { DEFAULT_CLUSTER_SETTINGS } from "../../lib/cluster/settings.ts";
import { convergence, TestCluster, type TestClusterOptions } from "../../lib/testing/mod.ts";
import { test } from "../harness.ts";

const HEAD = "node-0:7000";
const { probeIntervalMs, suspicionMultiplier, missedProbes } = DEFAULT_CLUSTER_SETTINGS;
/** How long a suspect has to come back, among up to ten members. */
const SUSPICION_MS = suspicionMultiplier * probeIntervalMs;
/** From when on a worker that says nothing any more is dead. */
const SILENT_MS = (missedProbes + 2) * probeIntervalMs + SUSPICION_MS;

/** Nodes that do not gossip. */
function headMode(optionsOf: (index: number) => pul.InitOptions): TestClusterOptions {
  const configure: TestClusterOptions["configure"] = ({ seeds: _, ...options }, index) => ({
    ...options,
    ...optionsOf(index),
  });
  return { configure };
}

/** Node 0 is the head, all others are its workers. */
const withHead = headMode((index) =>
  index === 0 ? { isHeadNode: true } : { headAddr: HEAD, joinTimeoutMs: 0 }
);

function start(size: number, options: TestClusterOptions = {}): Promise<TestCluster> {
  return TestCluster.start(size, { ...withHead, ...options });
}

const echo = { receive: (message: unknown) => message };

/** What a node believes of another one. */
function statusOf(cluster: TestCluster, at: number, nodeId: string): string | undefined {
  return cluster.at(at).system.members().find((member) => member.nodeId === nodeId)?.status;
}

function idOf(cluster: TestCluster, index: number): string {
  return cluster.at(index).system.nodeId;
}

/** Whether all nodes that run see a status of a node. */
function allSee(cluster: TestCluster, nodeId: string, status: string | undefined): boolean {
  return cluster.nodes.filter(({ state }) => state === "running")
    .every(({ index }) => statusOf(cluster, index, nodeId) === status);
}

function namesAt(cluster: TestCluster, index: number): readonly string[] {
  return cluster.at(index).system.allNamedActors().map(({ path }) => path).sort();
}

/** An answer of a named actor to a node. */
async function call(cluster: TestCluster, from: number, name: string): Promise<unknown> {
  const ref = await cluster.run(cluster.at(from).system.resolve(name, { timeoutMs: 5_000 }));
  return await cluster.run(ref.ask("hello", { timeoutMs: 5_000 }));
}

test("a head never forgets itself, its names or its workers, in an hour of rest", async () => {
  await using cluster = await start(3, { record: false });
  await cluster.at(0).system.spawn(echo, { name: "echo" });
  await cluster.advance(3_600_000);
  for (const { index, system } of cluster.nodes) {
    const members = system.members().map(({ status, incarnation }) => [status, incarnation]);
    assert.deepEqual(members, [["alive", 0], ["alive", 0], ["alive", 0]], `at node ${index}`);
    assert.equal(await call(cluster, index, "echo"), "hello");
  }
});

test("head and workers list each other within 2 s, in whatever order they start", async () => {
  const headLast = headMode((index) =>
    index === 3 ? { isHeadNode: true } : { headAddr: "node-3:7000" }
  );
  await using cluster = await TestCluster.start(4, headLast);
  assert.ok(cluster.now() < 2_000, `${cluster.now()} ms`);
});

test("a name of one worker is seen by the head and called by a third node at once", async () => {
  await using cluster = await start(3);
  await cluster.at(1).system.spawn(echo, { name: "echo" });
  await cluster.advance(10);
  assert.deepEqual(namesAt(cluster, 0), ["actors/echo"]);
  assert.equal(await call(cluster, 2, "echo"), "hello");
  await cluster.at(1).system.stop("echo");
  await cluster.advance(10);
  assert.deepEqual([0, 1, 2].map((index) => namesAt(cluster, index)), [[], [], []]);
});

test("workers go on while the head is away, and bring a new head all they know", async () => {
  await using cluster = await start(4);
  await cluster.at(1).system.spawn(echo, { name: "old" });
  await cluster.advance(100);
  const [oldHead, ids] = [idOf(cluster, 0), [1, 2, 3].map((index) => idOf(cluster, index))];
  cluster.kill(0);
  for (let second = 0; second < 60; second++) {
    await cluster.advance(1_000);
    assert.equal(await call(cluster, 2, "old"), "hello");
  }
  assert.ok(allSee(cluster, oldHead, "suspect"), "the head is waited for, not dead");
  await cluster.at(3).system.spawn(echo, { name: "young" });
  await cluster.advance(1_000);
  assert.deepEqual(namesAt(cluster, 1), ["actors/old"], "there is nobody to tell it");
  await cluster.restart(0);
  const back = cluster.now();
  await cluster.until(() => namesAt(cluster, 1).length === 2);
  const { reconnectMaxMs } = pul.DEFAULT_LIMITS;
  assert.ok(cluster.now() - back <= reconnectMaxMs + 100, `${cluster.now() - back} ms`);
  assert.equal(await call(cluster, 1, "young"), "hello");
  await cluster.until(() => [1, 2, 3].every((at) => statusOf(cluster, at, oldHead) === "dead"));
  for (const nodeId of ids) {
    await cluster.until(() => allSee(cluster, nodeId, "alive"));
    const seen = cluster.history.entries.filter((entry) =>
      entry.kind === "member" && entry.nodeId === nodeId && entry.status !== "alive"
    );
    assert.deepEqual(seen, [], "no worker was ever doubted by another one");
  }
});

test("what ended with the old head is dropped, but not before it could have come back", async () => {
  await using cluster = await start(4);
  await cluster.at(3).system.spawn(echo, { name: "lost" });
  await cluster.advance(100);
  const lost = idOf(cluster, 3);
  cluster.kill(0);
  await cluster.advance(100);
  cluster.kill(3);
  await cluster.advance(30_000);
  await cluster.restart(0);
  const back = cluster.now();
  assert.equal(statusOf(cluster, 0, lost), undefined, "the new head has never heard of it");
  await cluster.until(() => allSeeGone(cluster, lost), { withinMs: 120_000 });
  const { reconnectMaxMs, dialTimeoutMs, handshakeTimeoutMs } = pul.DEFAULT_LIMITS;
  const took = cluster.now() - back;
  assert.ok(took > reconnectMaxMs + dialTimeoutMs + handshakeTimeoutMs, `${took} ms`);
  assert.ok(took < 60_000, `${took} ms`);
  assert.deepEqual(namesAt(cluster, 1), []);
});

function allSeeGone(cluster: TestCluster, nodeId: string): boolean {
  return [1, 2].every((at) => statusOf(cluster, at, nodeId) === "dead");
}

test("a killed worker is dead for all, with its names, after the time of a suspect", async () => {
  await using cluster = await start(4);
  await cluster.at(3).system.spawn(echo, { name: "echo" });
  await cluster.advance(100);
  const lost = idOf(cluster, 3);
  cluster.kill(3);
  const start_ = cluster.now();
  await cluster.until(() => allSee(cluster, lost, "suspect"));
  assert.ok(cluster.now() - start_ < 100, "its link is lost, so it is suspected at once");
  await cluster.until(() => allSee(cluster, lost, "dead"));
  assert.ok(cluster.now() - start_ <= SUSPICION_MS + 100, `${cluster.now() - start_} ms`);
  assert.deepEqual([0, 1, 2].map((index) => namesAt(cluster, index)), [[], [], []]);
});

test("a worker that leaves is gone for all at once", async () => {
  await using cluster = await start(3);
  const gone = idOf(cluster, 2);
  await cluster.stop(2);
  await cluster.advance(10);
  assert.ok(allSee(cluster, gone, "left"));
});

test("a head that leaves is gone for its workers, who wait for the next one", async () => {
  await using cluster = await start(3);
  const gone = idOf(cluster, 0);
  await cluster.stop(0);
  await cluster.advance(10);
  assert.ok([1, 2].every((at) => statusOf(cluster, at, gone) === "left"));
  await cluster.restart(0);
  await cluster.until(() =>
    [1, 2].every((at) => statusOf(cluster, at, idOf(cluster, 0)) === "alive")
  );
});

test("a frozen worker is dead in the end, and is back with its names after the thaw", async () => {
  await using cluster = await start(3);
  await cluster.at(2).system.spawn(echo, { name: "echo" });
  const frozen = idOf(cluster, 2);
  cluster.freeze(2);
  const at = cluster.now();
  await cluster.until(() => statusOf(cluster, 1, frozen) === "dead");
  assert.ok(cluster.now() - at <= SILENT_MS, `${cluster.now() - at} ms`);
  assert.deepEqual(namesAt(cluster, 1), []);
  await cluster.advance(60_000);
  cluster.thaw(2);
  await cluster.until(() => allSee(cluster, frozen, "alive"));
  const member = cluster.at(0).system.members().find(({ nodeId }) => nodeId === frozen);
  assert.ok((member?.incarnation ?? 0) > 0, "it has refuted");
  await cluster.until(() => namesAt(cluster, 1).length === 1);
  assert.equal(await call(cluster, 1, "echo"), "hello");
});

test("a head that stands still for a minute declares nobody dead, and is dead for nobody", async () => {
  await using cluster = await start(4);
  cluster.freeze(0, 60_000);
  await cluster.advance(70_000);
  const accused = cluster.history.entries.filter((entry) =>
    entry.kind === "member" && entry.status === "dead"
  );
  assert.deepEqual(accused, []);
  await cluster.until(() => convergence(cluster.history.entries).length === 0);
});

test("a name that two workers spawn at once has both as its instances", async () => {
  await using cluster = await start(3);
  await Promise.all([1, 2].map((index) => cluster.at(index).system.spawn(echo, { name: "echo" })));
  await cluster.until(() =>
    cluster.systems.every((system) => system.allNamedActors()[0]?.instances.length === 2)
  );
});

test("a partition between the head and a worker: it is dead there, goes on, and comes back", async () => {
  await using cluster = await start(3);
  await cluster.at(1).system.spawn(echo, { name: "echo" });
  await cluster.advance(100);
  const cutOff = idOf(cluster, 2);
  cluster.partition([0], [2]);
  await cluster.until(() => [0, 1].every((at) => statusOf(cluster, at, cutOff) === "dead"));
  assert.equal(statusOf(cluster, 2, idOf(cluster, 0)), "suspect");
  await cluster.advance(120_000);
  // The head has told node 1, so it refuses node 2 until node 2 has refuted.
  assert.equal(await call(cluster, 2, "echo"), "hello");
  await cluster.at(2).system.spawn(echo, { name: "island" });
  cluster.heal();
  await cluster.until(() => allSee(cluster, cutOff, "alive"));
  await cluster.until(() => namesAt(cluster, 1).length === 2);
  assert.equal(await call(cluster, 1, "island"), "hello");
});

test("init waits for the head, and names its error when there is none", async () => {
  const cluster = TestCluster.start(1, headMode(() => ({ headAddr: "node-7:7000" })));
  await assert.rejects(cluster, (error: pul.PulsingError) => {
    assert.equal(error.kind, "join-failed");
    assert.match(
      error.message,
      /^Cannot join the cluster: the head at "node-7:7000" did not answer: /,
    );
    return true;
  });
});

test("a worker is no head, and gossip is no head mode: init says so", async () => {
  const options = (index: number) =>
    [{ isHeadNode: true }, { headAddr: HEAD }, { headAddr: "node-1:7000" }][index] ?? {};
  await using cluster = await TestCluster.start(2, headMode(options));
  await assert.rejects(cluster.add(), /Cannot register with node-1:7000: it is a worker/);
  const gossip = headMode((index) => index === 0 ? {} : { headAddr: HEAD });
  await using gossiping = await TestCluster.start(1, gossip);
  await assert.rejects(gossiping.add(), /by gossip|by a head/);
});

test("with joinTimeoutMs 0 a worker starts alone", async () => {
  const alone = headMode(() => ({ headAddr: "node-7:7000", joinTimeoutMs: 0 }));
  await using cluster = await TestCluster.start(1, alone);
  await cluster.advance(60_000);
  assert.equal(cluster.at(0).system.members().length, 1);
});
