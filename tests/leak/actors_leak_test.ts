/** Actors that come and go, and calls that end badly, leave nothing behind on their node. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { ClusterState } from "../../lib/cluster/cluster_state.ts";
import { resolveClusterSettings } from "../../lib/cluster/settings.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { eventually, test } from "../harness.ts";
import { BareNode } from "./bare_node.ts";
import { CountedSignal } from "./counted_signal.ts";

class Worker {
  wait(): Promise<never> {
    const { signal } = pul.context();
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  }
  fail(): never {
    throw new Error("no");
  }
  async *count(): AsyncGenerator<number> {
    open.add(this);
    try {
      for (let n = 0;; n++) yield n;
    } finally {
      open.delete(this);
    }
  }
}

class Between {
  async pass(next: pul.ActorProxy<Worker>): Promise<never> {
    return await next.wait();
  }
}

class Watcher {
  #seen = 0;
  onTerminated(): void {
    this.#seen++;
  }
  seen(): number {
    return this.#seen;
  }
}

const open = new Set<object>();

function bareNode(): { clock: ManualClock; node: BareNode } {
  const clock = new ManualClock();
  const transport = pul.memory(new pul.MemoryNetwork(clock));
  return { clock, node: new BareNode({ clock, transport }) };
}

test("10 000 actors that were spawned and stopped leave no name, id, entry or timer", async () => {
  const { clock, node } = bareNode();
  const paths: string[] = [];
  const ids: string[] = [];
  for (let n = 0; n < 10_000; n++) {
    const cell = await node.spawn(Worker, n % 2 === 0 ? `actors/${n}` : undefined);
    if (cell.path !== undefined) paths.push(cell.path);
    if (n % 3 === 0) ids.push(cell.actorId);
    assert.equal(node.node.size, 1);
    await cell.stop();
  }
  assert.deepEqual([node.node.size, clock.pendingTimers], [0, 0]);
  assert.ok(paths.every((path) => node.node.cellAt(path) === undefined));
  assert.ok(ids.every((id) => node.node.cellWithId(id) === undefined));
  assert.deepEqual(node.cluster.allNamedActors(), []);
});

test("10 000 names that were given up leave no entry and no rumour, others or not", () => {
  const self = { nodeId: "0".repeat(32), addr: "", status: "alive", incarnation: 0 } as const;
  const settings = resolveClusterSettings();
  const random = pul.seededRandom(1);
  const options = { self, limits: pul.DEFAULT_LIMITS, settings, random, now: 0 };
  const state = new ClusterState(options);
  const nameAndStop = () => {
    for (let n = 0; n < 10_000; n++) {
      const actorId = n.toString(16).padStart(32, "0");
      state.register({ path: `actors/${n}`, actorId });
      state.unregister(`actors/${n}`, actorId);
    }
    assert.deepEqual(state.entries(), []);
  };
  const told = () => state.takeSends().flatMap(({ message }) => message.entries ?? []).length;
  nameAndStop();
  const peer = { nodeId: "1".repeat(32), addr: "b:1", status: "alive", incarnation: 0 } as const;
  state.linkUp(peer, false, 0);
  state.tick(0);
  assert.equal(told(), 0, "nobody else has heard of them");
  nameAndStop();
  let sum = 0;
  const times = 10_000 * settings.retransmitMultiplier;
  for (let at = state.nextWake(); sum < times; at = state.nextWake()) {
    state.receive(peer.nodeId, { kind: "gossip" }, at);
    state.tick(at);
    for (const { to, message } of state.takeSends()) {
      sum += message.entries?.length ?? 0;
      if (message.kind !== "probe") continue;
      state.receive(to, { kind: "ack", seq: message.seq }, at);
    }
  }
  assert.equal(sum, times, "each stop was told its number of times");
  state.tick(state.nextWake());
  assert.equal(told(), 0);
});

test("100 000 local calls cancelled, failed and timed out leave no timer and no listener", async () => {
  const { clock, node } = bareNode();
  const cell = await node.spawn(Worker);
  const proxy = cell.ref.asType(Worker);
  const signal = new CountedSignal();
  let ended = 0;
  const count = () => void ended++;
  for (let batch = 0; batch < 50; batch++) {
    for (let n = 0; n < 500; n++) {
      proxy.$with({ signal: signal.signal, timeoutMs: 60_000 }).wait().then(undefined, count);
      proxy.$with({ signal: signal.signal, timeoutMs: 60_000 }).fail().then(undefined, count);
      proxy.$with({ signal: signal.signal, timeoutMs: 10 }).wait().then(undefined, count);
      proxy.$with({ timeoutMs: 10 }).wait().then(undefined, count);
    }
    await clock.advance(10);
    signal.renew(new Error("enough"));
    await clock.settle();
  }
  assert.equal(ended, 100_000);
  assert.deepEqual([clock.pendingTimers, signal.listeners, cell.mailboxLength], [0, 0, 0]);
  await stopsAtOnce(node, clock);
});

test("100 000 calls that are cancelled over a hop leave nothing at the actor between", async () => {
  const { clock, node } = bareNode();
  const far = (await node.spawn(Worker)).ref.asType(Worker);
  const cell = await node.spawn(Between);
  const between = cell.ref.asType(Between);
  const signal = new CountedSignal();
  let ended = 0;
  const count = () => void ended++;
  for (let batch = 0; batch < 50; batch++) {
    for (let n = 0; n < 1_000; n++) {
      between.$with({ signal: signal.signal }).pass(far).then(undefined, count);
      between.$with({ timeoutMs: 10 }).pass(far).then(undefined, count);
    }
    await clock.advance(10);
    signal.renew(new Error("enough"));
    await clock.settle();
  }
  assert.equal(ended, 100_000);
  assert.deepEqual([clock.pendingTimers, signal.listeners, cell.mailboxLength], [0, 0, 0]);
  await stopsAtOnce(node, clock);
});

test("10 000 actors that fail, restart, are watched and stop leave no tie and no timer", async () => {
  const { clock, node } = bareNode();
  const watcher = await node.spawn(Watcher);
  const parent = await node.spawn(Watcher);
  const options = { restartPolicy: "on-failure", minBackoffMs: 1, maxBackoffMs: 1 } as const;
  for (let round = 0; round < 100; round++) {
    const cells = [];
    for (let n = 0; n < 100; n++) {
      const cell = await node.spawn(Worker, undefined, { ...options });
      watcher.life.watch(cell);
      parent.life.watch(cell);
      parent.life.unwatch(cell);
      cell.ref.asType(Worker).fail().catch(() => {});
      cells.push(cell);
    }
    await clock.advance(2);
    assert.ok(cells.every((cell) => cell.restartCount === 1 && cell.state === "running"));
    await Promise.all(cells.map((cell) => cell.stop()));
    await clock.settle();
  }
  assert.equal(await watcher.ref.asType(Watcher).seen(), 10_000);
  assert.deepEqual([watcher.life.ties, parent.life.ties, clock.pendingTimers], [0, 0, 0]);
  assert.equal(node.node.size, 2);
  await stopsAtOnce(node, clock);
});

test("2 000 local streams broken off half way leave no generator and no listener", async () => {
  const { clock, node } = bareNode();
  const cell = await node.spawn(Worker);
  const signal = new CountedSignal();
  const proxy = cell.ref.asType(Worker).$with({ signal: signal.signal, timeoutMs: 60_000 });
  const read = async (): Promise<void> => {
    for await (const n of proxy.count()) if (n === 5) break;
  };
  for (let batch = 0; batch < 20; batch++) await Promise.all(Array.from({ length: 100 }, read));
  assert.deepEqual([open.size, clock.pendingTimers, signal.listeners], [0, 0, 0]);
  await stopsAtOnce(node, clock);
});

/** An actor with a call or stream left would wait for it before it stops. */
async function stopsAtOnce(node: BareNode, clock: ManualClock): Promise<void> {
  const closing = node.node.close();
  await clock.settle();
  assert.deepEqual([node.node.size, clock.pendingTimers], [0, 0]);
  await closing;
}

test("resolving 2 000 names that never come leaves no timer and no listener", async () => {
  const { clock, node } = bareNode();
  const signal = new CountedSignal();
  const outcomes = Array.from({ length: 2_000 }, (_, n) =>
    node.cluster.resolve(`actors/${n}`, {
      timeoutMs: n % 2 === 0 ? 10 : 60_000,
      signal: signal.signal,
    }).catch((error: unknown) => error));
  await clock.advance(10);
  signal.renew(new Error("enough"));
  const errors = await Promise.all(outcomes);
  assert.ok(errors.every((error) => error instanceof Error));
  await eventually(() => clock.pendingTimers === 0 && signal.listeners === 0);
});
