/** Watchers hear of an end once, with its true reason, on whatever node; nothing is left after. */

import assert from "node:assert/strict";
import type { ActorCell } from "../../lib/actor/actor_cell.ts";
import type { Association } from "../../lib/remote/association.ts";
import { LinkWatches } from "../../lib/remote/link_watches.ts";
import type { Links } from "../../lib/remote/links.ts";
import type { RemoteActor } from "../../lib/remote/remote_ref.ts";
import { RemoteWatches } from "../../lib/remote/remote_watches.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { BareNode } from "../leak/bare_node.ts";
import { Mortal } from "./mortal_transport.ts";
import { Observer, oneNode, outcomeOf } from "./one_node.ts";

const GIVES_UP = { restartPolicy: "on-failure", maxRestarts: 0 } as const;

class Subject {
  fail(): never {
    throw new RangeError("boom");
  }
  ping(): string {
    return "pong";
  }
}

/** How an actor ends, for each reason. */
const ENDS: Readonly<Record<string, (cell: ActorCell) => unknown>> = {
  stopped: (cell) => cell.stop(),
  killed: (cell) => cell.kill(),
  failed: (cell) => outcomeOf(Promise.resolve(cell.ref.asType(Subject).fail())),
  shutdown: (cell) => cell.stop("shutdown"),
};

/** Two nodes on one clock whose connections and watches can be counted. */
async function twoNodes() {
  const clock = new ManualClock();
  const inner = pul.memory(new pul.MemoryNetwork(clock));
  const farNet = new Mortal(inner);
  const limits = { shutdownTimeoutMs: 100 };
  const near = new BareNode({ clock, limits, transport: inner });
  const far = new BareNode({ clock, limits, transport: farNet });
  await far.listen();
  const observer = await near.spawn(Observer, "actors/observer");
  const both = {
    clock,
    near,
    far,
    farNet,
    observerCell: observer,
    observer: observer.ref.asType(Observer),
    /** An actor of the far node and the near node's reference to it. */
    async subject(path = "actors/subject", options = {}) {
      const cell = await far.spawn(Subject, path, options);
      return { cell, ref: near.refTo(cell) };
    },
    /** What a call over the link answers, letting time pass. */
    async pumped<T>(promise: PromiseLike<T>): Promise<T> {
      return await pumped(clock, promise);
    },
    async [Symbol.asyncDispose]() {
      const down = Promise.all([near[Symbol.asyncDispose](), far[Symbol.asyncDispose]()]);
      await pumped(clock, down);
      assert.deepEqual([near.watches.size, far.watches.size], [0, 0]);
    },
  };
  return both;
}

async function pumped<T>(clock: ManualClock, promise: PromiseLike<T>): Promise<T> {
  let isOver = false;
  const over = () => void (isOver = true);
  promise.then(over, over);
  for (let steps = 0; !isOver && steps < 10_000; steps++) await clock.advance(1);
  return await promise;
}

/** Watchers of an actor, and actors it watches. */
const kinOf = (cell: ActorCell): number => cell.life.ties;

for (const [reason, end] of Object.entries(ENDS)) {
  test(`local: case 27 a watcher hears "${reason}" once, before and after the end`, async () => {
    const clock = new ManualClock();
    const transport = pul.memory(new pul.MemoryNetwork(clock));
    await using node = new BareNode({ clock, transport });
    const observerCell = await node.spawn(Observer);
    const observer = observerCell.ref.asType(Observer);
    const cell = await node.spawn(Subject, "actors/s", GIVES_UP);
    await observer.watch(cell.ref);
    await observer.watch(cell.ref);
    await end(cell);
    await clock.settle();
    await observer.watch(cell.ref);
    await clock.settle();
    const notices = await observer.notices();
    assert.deepEqual(notices.map((notice) => notice.reason), [reason, reason]);
    for (const notice of notices) {
      const { id, path, nodeId, error } = notice;
      assert.deepEqual([id, path, nodeId], [cell.actorId, "actors/s", node.node.nodeId]);
      assert.equal(error?.message, reason === "failed" ? "boom" : undefined);
    }
    assert.deepEqual([kinOf(cell), kinOf(observerCell)], [0, 0]);
  });

  test(`over a link: case 27 a watcher hears "${reason}" once, before and after the end`, async () => {
    await using both = await twoNodes();
    const { clock, near, far, observer } = both;
    const { cell, ref } = await both.subject("actors/s", GIVES_UP);
    await observer.watch(ref);
    await observer.watch(ref);
    await clock.advance(10);
    assert.deepEqual([near.watches.size, kinOf(cell)], [1, 1]);
    await end(cell);
    await clock.advance(10);
    await observer.watch(ref);
    await clock.advance(10);
    const notices = await observer.notices();
    assert.deepEqual(notices.map((notice) => notice.reason), [reason, reason]);
    for (const { id, path, nodeId, error } of notices) {
      assert.deepEqual([id, path, nodeId], [cell.actorId, "actors/s", far.node.nodeId]);
      if (reason !== "failed") continue;
      assert.ok(error instanceof pul.PulsingActorError, String(error));
      assert.deepEqual([error.errorName, error.message], ["RangeError", "boom"]);
    }
    assert.deepEqual([near.watches.size, kinOf(cell), kinOf(both.observerCell)], [0, 0, 0]);
  });
}

test("local and remote watchers see the same error", async () => {
  await using both = await twoNodes();
  const local = (await both.far.spawn(Observer)).ref.asType(Observer);
  const { cell, ref } = await both.subject("actors/s", GIVES_UP);
  await both.observer.watch(ref);
  await local.watch(cell.ref);
  await both.clock.advance(10);
  await outcomeOf(Promise.resolve(cell.ref.asType(Subject).fail()));
  await both.clock.advance(10);
  const seen = [await local.notices(), await both.observer.notices()].map(([notice]) => {
    const error = notice?.error;
    assert.ok(error instanceof pul.PulsingActorError);
    return [notice?.reason, error.name, error.errorName, error.message, error.kind];
  });
  assert.deepEqual(seen[0], seen[1]);
});

test("unwatch, and the watcher's own stop, restart or kill, take every watch back", async () => {
  await using both = await twoNodes();
  const { clock, near, observer } = both;
  class Failing extends Observer {
    fail(): never {
      throw new Error("boom");
    }
  }
  const { cell, ref } = await both.subject();
  const restart = { restartPolicy: "on-failure" } as const;
  for (const end of ["unwatch", "stop", "kill", "restart"] as const) {
    const watcher = await near.spawn(Failing, `actors/${end}`, restart);
    const failing = watcher.ref.asType(Failing);
    await failing.watch(ref);
    await observer.watch(ref);
    await clock.advance(10);
    assert.deepEqual([near.watches.size, kinOf(cell)], [1, 1]);
    if (end === "unwatch") await failing.unwatch(ref);
    if (end === "stop") await watcher.stop();
    if (end === "kill") watcher.kill();
    if (end === "restart") await outcomeOf(Promise.resolve(failing.fail()));
    await clock.advance(10);
    assert.deepEqual([near.watches.size, kinOf(cell), kinOf(watcher)], [1, 1, 0], end);
    await observer.unwatch(ref);
    await clock.advance(10);
    assert.deepEqual([near.watches.size, kinOf(cell)], [0, 0], end);
  }
  await cell.stop();
  await clock.advance(10);
  assert.deepEqual(await observer.reasons(), []);
});

test("a watch lets go of what it does not want to hear: unwatch while the notice is on its way", async () => {
  await using node = await oneNode();
  const observer = await node.system.spawnClass(Observer);
  class Both {
    async endAndUnwatch(other: pul.ActorRef): Promise<void> {
      pul.context().watch(other);
      (pul.context() as pul.ActorContext).system.kill("other");
      pul.context().unwatch(other);
      await Promise.resolve();
    }
    onTerminated(): never {
      throw new Error("it was not watched any more");
    }
  }
  const both = await node.system.spawnClass(Both);
  const other = await node.system.spawn({ receive: () => 1 }, { name: "other" });
  await observer.watch(other);
  await both.endAndUnwatch(other);
  await node.clock.settle();
  assert.deepEqual(node.complaints, []);
  assert.deepEqual(await observer.reasons(), ["killed"]);
});

test("the reason outlives the actor for limits.rememberedEnds others, then it is stopped", async () => {
  await using node = await oneNode({ rememberedEnds: 2 });
  const observer = await node.system.spawnClass(Observer);
  const refs: pul.ActorRef[] = [];
  for (const name of ["a", "b", "c"]) {
    refs.push(await node.system.spawn({ receive: () => 1 }, { name }));
    node.system.kill(name);
  }
  for (const ref of refs) await observer.watch(ref);
  await node.clock.settle();
  assert.ok((await observer.reasons()).every((reason) => reason === "killed"));
});

test("an actor may watch 2 others with limits.watches 2, not 3", async () => {
  await using node = await oneNode({ watches: 2 });
  const observer = await node.system.spawnClass(Observer);
  const refs = await Promise.all([1, 2, 3].map(() => node.system.spawn({ receive: () => 1 })));
  await observer.watch(refs[0]!);
  await observer.watch(refs[1]!);
  await observer.watch(refs[1]!);
  await assert.rejects(Promise.resolve(observer.watch(refs[2]!)), { kind: "limit-exceeded" });
  await observer.unwatch(refs[0]!);
  await observer.watch(refs[2]!);
});

for (const standing of ["unknown", "member"] as const) {
  test(`a link that ends takes the actors of a node along that is no member (${standing})`, async () => {
    const heard: string[] = [];
    const up = new Set<string>();
    const [nodeId, actorId] = ["1".repeat(32), "2".repeat(32)];
    const watched: string[] = [];
    const link = { nodeId, watch: (id: string) => void watched.push(id) } as unknown as Association;
    const get = (id: string) => up.has(id) ? link : undefined;
    const links = { get, limits: pul.DEFAULT_LIMITS } as unknown as Links;
    const watches = new RemoteWatches({ links: () => links, standing: () => standing });
    const watcher = {
      watcherId: "w",
      terminated: ({ reason }: pul.Terminated) => void heard.push(reason),
    };
    up.add(nodeId);
    watches.watch({ nodeId, actorId } as RemoteActor, watcher);
    watches.linkDown(link, new Error("replaced")); // a newer link is up
    watches.linkUp(link);
    await Promise.resolve();
    assert.deepEqual([watches.size, heard, watched], [1, [], [actorId, actorId]]);
    up.clear();
    watches.linkDown(link, new Error("cut"));
    await Promise.resolve();
    const isLost = standing === "unknown";
    assert.deepEqual([watches.size, heard], isLost ? [0, ["node-lost"]] : [1, []]);
    watches.nodeGone(nodeId);
    await Promise.resolve();
    assert.deepEqual([watches.size, heard], [0, ["node-lost"]]);
  });
}

test("a node that is not known and not reached is lost", async () => {
  await using both = await twoNodes();
  const { clock, near, observer } = both;
  const { ref } = await both.subject();
  await both.farNet.kill();
  await observer.watch(ref);
  await clock.advance(60_000);
  assert.deepEqual(await observer.reasons(), ["node-lost"]);
  assert.equal(near.watches.size, 0);
});

/** Two systems of one cluster, the far one with an actor "subject". */
async function cluster() {
  const clock = new ManualClock();
  const inner = pul.memory(new pul.MemoryNetwork(clock));
  const net = new Mortal(inner);
  // Two nodes: a suspect has 3 * 600 ms, then 100 ms for a last probe.
  const gossip = { preset: "local", probeIntervalMs: 600 } as const;
  const limits = { reconnectMinMs: 50, reconnectMaxMs: 50, shutdownTimeoutMs: 100 };
  const common = { clock, gossip, limits, logger: pul.silentLogger };
  const far = await pumped(clock, pul.actorSystem({ ...common, addr: "far:0", transport: net }));
  const near = await pumped(
    clock,
    pul.actorSystem({ ...common, addr: "near:0", transport: inner, seeds: [far.addr!] }),
  );
  await far.spawnClass(Subject, { name: "subject" });
  const ref = await pumped(clock, near.resolve("subject", { timeoutMs: 5_000 }));
  const observer = await near.spawnClass(Observer);
  await observer.watch(ref);
  await clock.advance(10);
  return {
    clock,
    net,
    near,
    far,
    ref,
    observer,
    [Symbol.asyncDispose]: async () => {
      await pumped(clock, Promise.all([near.shutdown(), far.shutdown()]));
      assert.equal(clock.pendingTimers, 0);
    },
  };
}

test("a link loss that heals ends no watch; the watch holds on the next link", async () => {
  await using nodes = await cluster();
  const { clock, observer, far, net } = nodes;
  for (let loss = 0; loss < 3; loss++) {
    net.cut();
    await clock.advance(1_000);
    assert.deepEqual(await observer.reasons(), []);
  }
  far.kill("subject");
  await clock.advance(1_000);
  assert.deepEqual(await observer.reasons(), ["killed"]);
});

test("an end during a link loss is told with its true reason once the link is back", async () => {
  await using nodes = await cluster();
  const { clock, observer, far, net } = nodes;
  net.cut();
  far.kill("subject");
  await clock.advance(1_500);
  assert.deepEqual(await observer.reasons(), ["killed"]);
});

test("a member that is declared dead takes its actors along, not before", async () => {
  await using nodes = await cluster();
  const { clock, observer, net, near } = nodes;
  await net.kill();
  await clock.advance(1_500);
  assert.deepEqual(await observer.reasons(), []);
  await clock.advance(2_000);
  assert.ok(near.members().some(({ status }) => status === "dead"));
  assert.deepEqual(await observer.reasons(), ["node-lost"]);
  const again = await near.spawnClass(Observer);
  await again.watch(nodes.ref);
  await clock.advance(1_000);
  assert.deepEqual(await again.reasons(), ["node-lost"]);
});

test("a node that is shut down says so of its actors", async () => {
  await using nodes = await cluster();
  const { clock, observer, far } = nodes;
  const down = far.shutdown();
  await clock.advance(1_000);
  await down;
  assert.deepEqual(await observer.reasons(), ["shutdown"]);
});

test("LinkWatches counts back to 0, whoever ends the watch", async () => {
  const clock = new ManualClock();
  const transport = pul.memory(new pul.MemoryNetwork(clock));
  await using node = new BareNode({ clock, transport });
  const told: string[] = [];
  const watches = new LinkWatches({
    cellWithId: (id) => node.node.cellWithId(id),
    endOf: (id) => node.node.endOf(id),
    terminated: ({ reason }) => void told.push(reason),
    refused: () => void told.push("refused"),
    full: (count) => void told.push(`full at ${count}`),
  }, 2);
  const [one, two, three] = await Promise.all([1, 2, 3].map(() => node.spawn(Subject)));
  assert.ok(one !== undefined && two !== undefined && three !== undefined);
  watches.add(one.actorId);
  watches.add(one.actorId);
  watches.add(two.actorId);
  watches.add(one.actorId); // at the limit, and already there
  assert.equal(watches.size, 2);
  watches.add(three.actorId);
  watches.add(three.actorId);
  assert.deepEqual(told.splice(0), ["full at 2", "refused", "refused"]);
  assert.equal(watches.size, 2);
  watches.remove(one.actorId);
  watches.remove(one.actorId);
  two.kill();
  await clock.settle();
  assert.deepEqual([watches.size, kinOf(one), told], [0, 0, ["killed"]]);
  watches.add(two.actorId);
  watches.add("0".repeat(32));
  assert.deepEqual(told, ["killed", "killed", "stopped"]);
  watches.add(three.actorId);
  watches.close();
  await three.stop();
  await clock.settle();
  assert.deepEqual([watches.size, told.length], [0, 3]);
});
