/** What a spawn on another node promises: who takes the actor, what reaches it, how it ends. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { TestCluster } from "../../lib/testing/mod.ts";
import { test } from "../harness.ts";

/** Instances that were made, on whatever node. */
let made = 0;

const Guest = pul.remote(
  class Guest {
    readonly args: readonly unknown[];
    constructor(...args: readonly unknown[]) {
      made++;
      this.args = args;
      if (args[0] === "unreachable") {
        throw new pul.PulsingRuntimeError("Cannot reach my database: it is away", {
          kind: "node-unreachable",
          retryable: true,
        });
      }
    }
    async onStart(): Promise<void> {
      if (this.args[0] === "hang") await new Promise(() => {});
    }
    async onStop(): Promise<void> {
      if (this.args[0] === "stay") await new Promise(() => {});
    }
    where(): string {
      return pul.context().nodeId;
    }
    id(): string {
      return pul.context().id;
    }
    got(index: number): unknown {
      return this.args[index];
    }
    isSame(one: number, other: number): boolean {
      return this.args[one] === this.args[other];
    }
    async askRef(index: number): Promise<unknown> {
      return await (this.args[index] as pul.ActorRef).ask("by reference");
    }
    async askProxy(index: number): Promise<unknown> {
      return await (this.args[index] as pul.AnyProxy).where!();
    }
    fail(): never {
      throw new Error("broken");
    }
  },
  { name: "RemoteSpawnGuest" },
);

class Warden {
  readonly #heard: pul.Terminated[] = [];
  watch(ref: pul.ActorRef): void {
    pul.context().watch(ref);
  }
  onTerminated(notice: pul.Terminated): void {
    this.#heard.push(notice);
  }
  heard(): readonly pul.Terminated[] {
    return this.#heard;
  }
}

const nodeIdOf = (cluster: TestCluster, index: number) => cluster.at(index).system.nodeId;

/** Makes a node end slowly: its actors are stopped, one of them stays. */
async function drain(cluster: TestCluster, index: number): Promise<void> {
  const { system } = cluster.at(index);
  await system.spawnClass(Guest, { args: ["stay"] });
  void system.shutdown();
  await cluster.settle();
}

test("remote: a node that shuts down has run nothing, the next one takes the actor", async () => {
  await using cluster = await TestCluster.start(3);
  for (let n = 0; n < 8; n++) await cluster.at(2).system.spawn({ receive: () => {} });
  await cluster.advance(3_000);
  await drain(cluster, 1);
  const { system } = cluster.at(0);
  assert.deepEqual(system.members().map(({ status }) => status), ["alive", "alive", "alive"]);
  made = 0;
  for (let n = 0; n < 3; n++) {
    const guest = await cluster.run(Guest.spawn({ system, placement: "remote" }));
    assert.equal(await cluster.run(guest.where()), nodeIdOf(cluster, 2));
  }
  assert.equal(made, 3);
});

test("remote: a burst larger than a mailbox is served, every spawn of it", async () => {
  await using cluster = await TestCluster.start(2);
  const { system } = cluster.at(0);
  const burst = Array.from({ length: 1_000 }, () => Guest.spawn({ system, placement: "remote" }));
  const guests = await cluster.run(Promise.all(burst));
  assert.ok(guests.every(({ $ref }) => $ref.nodeId === nodeIdOf(cluster, 1)));
});

test("remote: here, with a warning, when every other node is gone and none declared dead", async () => {
  await using cluster = await TestCluster.start(3);
  await drain(cluster, 1);
  cluster.kill(2);
  await cluster.advance(10);
  const { system } = cluster.at(0);
  assert.deepEqual(system.members().map(({ status }) => status), ["alive", "alive", "alive"]);
  const guest = await cluster.run(Guest.spawn({ system, placement: "remote" }));
  assert.equal(await guest.where(), system.nodeId);
  const warning = "node-0 warn: no other node to spawn on: the actor is spawned here";
  assert.ok(cluster.history.text().includes(warning), cluster.history.text());
});

test("remote: an error of the actor's own start is not taken for a node that is gone", async () => {
  await using cluster = await TestCluster.start(3);
  const { system } = cluster.at(0);
  made = 0;
  const spawned = Guest.spawn({ system, placement: "remote", args: ["unreachable"] });
  await assert.rejects(cluster.run(spawned), { kind: "node-unreachable", message: /my database/ });
  assert.equal(made, 1);
});

test("remote: the time to spawn is one for all nodes that are tried", async () => {
  await using cluster = await TestCluster.start(3);
  const { system } = cluster.at(0);
  const started = cluster.now();
  const late = Guest.spawn({ system, placement: "remote", args: ["hang"], timeoutMs: 700 });
  await assert.rejects(cluster.run(late), { name: "PulsingTimeoutError" });
  assert.ok(cluster.now() - started <= 710, `${cluster.now() - started}`);
});

test("remote: a time that is over already is a timeout, whenever the clock is read", async () => {
  let reads = 0;
  const { systemClock } = pul;
  const clock = { ...systemClock, now: () => systemClock.now() + ++reads / 1_000 };
  const transport = pul.memory(new pul.MemoryNetwork(systemClock));
  await using other = await pul.actorSystem({ addr: "a:0", transport });
  const seeds = [other.addr ?? ""];
  await using system = await pul.actorSystem({ addr: "b:0", seeds, transport, clock });
  const late = Guest.spawn({ system, placement: "remote", args: ["hang"], timeoutMs: 0 });
  await assert.rejects(late, { name: "PulsingTimeoutError" });
});

test("a node that dies during a spawn: node-lost, retryable, and nobody else runs it", async () => {
  for (const isChosen of [true, false]) {
    await using cluster = await TestCluster.start(3);
    const { system } = cluster.at(0);
    for (let n = 0; n < 8; n++) await cluster.at(2).system.spawn({ receive: () => {} });
    await cluster.advance(3_000);
    made = 0;
    const placement = isChosen ? "remote" : nodeIdOf(cluster, 1);
    const failed = assert.rejects(Guest.spawn({ system, placement, args: ["hang"] }), {
      kind: "node-lost",
      retryable: true,
      nodeId: nodeIdOf(cluster, 1),
    });
    await cluster.until(() => made === 1);
    cluster.kill(1);
    await cluster.run(failed);
    assert.equal(made, 1);
  }
});

test("placement by id: a node that was declared dead, or has left, is not found", async () => {
  await using cluster = await TestCluster.start(3);
  const { system } = cluster.at(0);
  const [, dead, left] = [0, 1, 2].map((index) => nodeIdOf(cluster, index));
  cluster.kill(1);
  await cluster.stop(2);
  await cluster.until(() =>
    system.members().every(({ status, nodeId }) =>
      status === "alive" === (nodeId === system.nodeId)
    )
  );
  await cluster.until(() => system.members().every(({ status }) => status !== "suspect"));
  for (const placement of [dead!, left!]) {
    const spawned = Guest.spawn({ system, placement });
    await assert.rejects(cluster.run(spawned), { kind: "node-not-found", nodeId: placement });
  }
});

test("a supervised actor restarts on its node, keeps id and name, and its end is told", async () => {
  await using cluster = await TestCluster.start(2);
  const { system } = cluster.at(0);
  const warden = await system.spawnClass(Warden);
  const guest = await cluster.run(Guest.spawn({
    system,
    placement: nodeIdOf(cluster, 1),
    name: "guest",
    args: ["same", "arguments"],
    restartPolicy: "on-failure",
    maxRestarts: 2,
    minBackoffMs: 10,
  }));
  await warden.watch(guest.$ref);
  const id = await cluster.run(guest.id());
  made = 0;
  for (let n = 1; n <= 2; n++) {
    await assert.rejects(cluster.run(guest.fail()), { name: "PulsingActorError" });
    assert.equal(await cluster.run(guest.id()), id);
    assert.equal(await cluster.run(guest.got(1)), "arguments");
    const named = await cluster.run(system.resolve("guest", { timeoutMs: 1_000 }));
    assert.deepEqual([named.actorId, named.nodeId, made], [id, nodeIdOf(cluster, 1), n]);
  }
  assert.deepEqual(await warden.heard(), []);
  await assert.rejects(cluster.run(guest.fail()), { name: "PulsingActorError" });
  const [notice, ...more] = await cluster.until(async () => {
    const heard = await warden.heard();
    return heard.length > 0 && heard;
  }) as readonly pul.Terminated[];
  assert.deepEqual(more, []);
  assert.deepEqual(
    [notice?.id, notice?.path, notice?.nodeId, notice?.reason, notice?.error?.message],
    [id, "actors/guest", nodeIdOf(cluster, 1), "failed", "broken"],
  );
});

test("arguments cross as those of calls do: values, cycles, references and proxies", async () => {
  await using cluster = await TestCluster.start(2);
  const { system } = cluster.at(0);
  const ear = await system.spawn({ receive: (text) => `heard ${text}` });
  const near = await system.spawnClass(Guest);
  const values = [
    new Map<unknown, unknown>([[1, "one"], ["two", { deep: [2n ** 70n] }]]),
    new Set([new Date(0), undefined]),
    new Date(1_234),
    -(2n ** 80n),
    new Float32Array([1.5, -0]),
    new Uint8Array(100_000).fill(7),
    { nothing: undefined, minusZero: -0, none: NaN },
    /a+/g,
  ];
  const circle: Record<string, unknown> = { name: "circle" };
  circle.self = circle;
  const args = [...values, circle, circle, ear, near];
  const guest = await cluster.run(Guest.spawn({ system, placement: "remote", args }));
  assert.equal(await cluster.run(guest.where()), nodeIdOf(cluster, 1));
  for (const [index, value] of values.entries()) {
    assert.deepEqual(await cluster.run(guest.got(index)), value);
  }
  const at = values.length;
  assert.equal(await cluster.run(guest.isSame(at, at + 1)), true);
  const round = await cluster.run(guest.got(at)) as typeof circle;
  assert.equal(round.self, round);
  assert.equal(await cluster.run(guest.askRef(at + 2)), "heard by reference");
  assert.equal(await cluster.run(guest.askProxy(at + 3)), system.nodeId);
});

test("an argument that cannot be encoded fails that spawn only, and is named", async () => {
  await using cluster = await TestCluster.start(2);
  const { system } = cluster.at(0);
  const placement = "remote";
  const good = Guest.spawn({ system, placement, args: ["good"] });
  const bad = Guest.spawn({ system, placement, args: ["fine", { deep: () => 1 }] });
  await assert.rejects(cluster.run(bad), {
    kind: "not-encodable",
    message: /function.*\.args\[1\]\.deep/,
  });
  const guest = await cluster.run(good);
  assert.equal(await cluster.run(guest.got(0)), "good");
});
