/** More watches than one side allows: refused where they are asked for, and no link pays for it. */

import assert from "node:assert/strict";
import type { ActorCell } from "../../lib/actor/actor_cell.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { BareNode, recordingLogger } from "../leak/bare_node.ts";
import { Mortal } from "./mortal_transport.ts";
import { Observer } from "./one_node.ts";

/** Two nodes, the near one with actors that watch those of the far one. */
async function twoNodes(nearWatches: number, farWatches: number) {
  const clock = new ManualClock();
  const inner = pul.memory(new pul.MemoryNetwork(clock));
  const farNet = new Mortal(inner);
  const nearLog = recordingLogger();
  const farLog = recordingLogger();
  const limitsOf = (watches: number) => ({ watches, shutdownTimeoutMs: 100 });
  const near = new BareNode({
    clock,
    limits: limitsOf(nearWatches),
    transport: inner,
    logger: nearLog,
  });
  const far = new BareNode({
    clock,
    limits: limitsOf(farWatches),
    transport: farNet,
    logger: farLog,
  });
  await far.listen();
  const observe = async () => (await near.spawn(Observer)).ref.asType(Observer);
  const cells = await Promise.all([0, 1, 2, 3].map((n) => far.spawn(Subject, `actors/s${n}`)));
  const warningsOf = (log: typeof nearLog) =>
    log.lines.filter(([level]) => level === "warn" || level === "error").map(([, text]) => text);
  return {
    clock,
    near,
    far,
    farNet,
    cells: cells as [ActorCell, ActorCell, ActorCell, ActorCell], // as many as were spawned
    observers: [await observe(), await observe()] as const,
    warnings: () => [warningsOf(nearLog), warningsOf(farLog)],
    async [Symbol.asyncDispose]() {
      const down = Promise.all([near[Symbol.asyncDispose](), far[Symbol.asyncDispose]()]);
      await pumped(clock, down);
      assert.deepEqual([near.watches.size, far.watches.size], [0, 0]);
    },
  };
}

class Subject {
  ping(): string {
    return "pong";
  }
}

/** What a promise comes to, letting time pass. */
async function pumped<T>(clock: ManualClock, promise: PromiseLike<T>): Promise<T> {
  let isOver = false;
  const over = () => void (isOver = true);
  promise.then(over, over);
  for (let steps = 0; !isOver && steps < 10_000; steps++) await clock.advance(1);
  return await promise;
}

const watchersOf = (cells: readonly ActorCell[]) => cells.map((cell) => cell.life.ties);

test("two actors that watch more than their node may together are refused, and the link lasts", async () => {
  await using both = await twoNodes(3, 3);
  const { clock, near, cells, observers: [one, other] } = both;
  const refs = cells.map((cell) => near.refTo(cell));
  await one.watch(refs[0]!);
  await one.watch(refs[1]!);
  await other.watch(refs[2]!);
  await other.watch(refs[0]!); // one watch over the link, whoever watches
  await assert.rejects(Promise.resolve(other.watch(refs[3]!)), { kind: "limit-exceeded" });
  await clock.advance(10);
  const link = near.links.get(both.far.node.nodeId);
  assert.deepEqual(watchersOf(cells), [1, 1, 1, 0]);
  assert.equal(await pumped(clock, refs[3]!.asType(Subject).ping()), "pong");
  await clock.advance(1_000);
  assert.equal(near.links.get(both.far.node.nodeId), link);
  assert.deepEqual([near.watches.size, both.warnings()], [3, [[], []]]);
});

test("a node that may watch no more of other nodes can once one watch has ended", async () => {
  await using both = await twoNodes(2, 8);
  const { clock, near, cells, observers: [one, other] } = both;
  const refs = cells.map((cell) => near.refTo(cell));
  await one.watch(refs[0]!);
  await one.watch(refs[1]!);
  await clock.advance(10);
  await assert.rejects(Promise.resolve(other.watch(refs[2]!)), { kind: "limit-exceeded" });
  await one.unwatch(refs[0]!);
  await other.watch(refs[2]!);
  await assert.rejects(Promise.resolve(other.watch(refs[3]!)), { kind: "limit-exceeded" });
  await cells[1].stop();
  await clock.advance(10);
  await other.watch(refs[3]!);
  await clock.advance(10);
  assert.deepEqual([near.watches.size, watchersOf(cells)], [2, [0, 0, 1, 1]]);
  assert.deepEqual(await one.reasons(), ["stopped"]);
});

test("watches above the limit of the other node are refused for now, and both nodes say so", async () => {
  await using both = await twoNodes(8, 2);
  const { clock, near, far, cells, observers: [one] } = both;
  const refs = cells.map((cell) => near.refTo(cell));
  for (const ref of refs) await one.watch(ref);
  await clock.advance(10);
  const link = near.links.get(far.node.nodeId);
  assert.ok(link !== undefined);
  await clock.advance(1_000);
  assert.equal(near.links.get(far.node.nodeId), link, "the link was cut");
  assert.deepEqual([near.watches.size, watchersOf(cells)], [4, [1, 1, 0, 0]]);
  assert.deepEqual(both.warnings(), [
    ["watch refused: the other node takes no more of this one"],
    ["watch refused: the peer watches too many actors"],
  ]);
  assert.equal(await pumped(clock, refs[3]!.asType(Subject).ping()), "pong");
  assert.deepEqual(await one.reasons(), []);
});

test("a watch that was refused is sent again when another one ends or is undone", async () => {
  await using both = await twoNodes(8, 2);
  const { clock, near, cells, observers: [one] } = both;
  const refs = cells.map((cell) => near.refTo(cell));
  for (const ref of refs) await one.watch(ref);
  await clock.advance(10);
  cells[0].kill();
  await clock.advance(10);
  assert.deepEqual(watchersOf(cells), [0, 1, 1, 0]);
  await cells[3].stop(); // nobody there knows that it is watched
  await clock.advance(10);
  assert.deepEqual(await one.reasons(), ["killed"]);
  await one.unwatch(refs[1]!);
  await clock.advance(10);
  assert.deepEqual(await one.reasons(), ["killed", "stopped"]);
  await cells[2].stop();
  await clock.advance(10);
  assert.deepEqual(await one.reasons(), ["killed", "stopped", "stopped"]);
  assert.equal(near.watches.size, 0);
});

test("a watch whose refusal crosses with an unwatch is sent again at once", async () => {
  await using both = await twoNodes(8, 2);
  const { clock, near, cells, observers: [one] } = both;
  const refs = cells.map((cell) => near.refTo(cell));
  await one.watch(refs[0]!);
  await one.watch(refs[1]!);
  await clock.advance(10);
  await one.watch(refs[2]!); // both leave before the refusal is here
  await one.unwatch(refs[0]!);
  await clock.advance(10);
  assert.deepEqual([near.watches.size, watchersOf(cells)], [2, [0, 1, 1, 0]]);
  assert.deepEqual(both.warnings()[0], []);
});

test("undoing a watch that was refused sends none of the others again", async () => {
  await using both = await twoNodes(8, 2);
  const { clock, near, cells, observers: [one] } = both;
  const refs = cells.map((cell) => near.refTo(cell));
  for (const ref of refs) await one.watch(ref);
  await clock.advance(10);
  await one.unwatch(refs[2]!);
  await clock.advance(10);
  assert.deepEqual([near.watches.size, watchersOf(cells)], [3, [1, 1, 0, 0]]);
  await one.unwatch(refs[0]!);
  await clock.advance(10);
  assert.deepEqual([near.watches.size, watchersOf(cells)], [2, [0, 1, 0, 1]]);
});

test("the loss of a node ends the watches that it refused as the others", async () => {
  await using both = await twoNodes(8, 2);
  const { clock, near, far, farNet, cells, observers: [one] } = both;
  for (const cell of cells) await one.watch(near.refTo(cell));
  await clock.advance(10);
  await farNet.kill();
  near.watches.nodeGone(far.node.nodeId); // as the cluster says it
  await clock.advance(10);
  assert.deepEqual(await one.reasons(), ["node-lost", "node-lost", "node-lost", "node-lost"]);
  assert.equal(near.watches.size, 0);
});
