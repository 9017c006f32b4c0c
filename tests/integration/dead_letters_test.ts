/** Dead letters of whole nodes: from here, from other nodes, and at shutdown. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { test } from "../harness.ts";
import { ManualNodes } from "./manual_nodes.ts";

class Sender {
  async send(to: pul.ActorRef, payload: unknown): Promise<void> {
    await to.tell(payload).catch(() => {});
  }
}

test("tells and asks to a stopped actor are dead letters, with their sender and their method", async () => {
  const nodes = await ManualNodes.listening(1);
  await using _ = nodes;
  const home = nodes.at(0);
  const cell = await home.spawn(Sender, "actors/gone");
  const sender = await home.spawn(Sender, "actors/sender");
  await nodes.now(cell.stop());
  const letters = home.node.deadLetters[Symbol.asyncIterator]();
  await nodes.now(sender.ref.asType(Sender).send(cell.ref, { n: 1 }));
  const told = (await nodes.now(letters.next())).value;
  assert.deepEqual(
    [told?.actor, told?.actorId, told?.payload, told?.reason, told?.caller?.actorId],
    ["actors/gone", cell.actorId, { n: 1 }, "actor-stopped", sender.actorId],
  );
  assert.ok(told !== undefined && !("method" in told));
  await assert.rejects(cell.ref.asAny().work!(7), { kind: "actor-stopped" });
  const asked = (await nodes.now(letters.next())).value;
  assert.deepEqual([asked?.method, asked?.payload], ["work", [7]]);
  assert.ok(asked !== undefined && !("caller" in asked));
  assert.equal(home.node.deadLetters.count, 2);
  await letters.return?.();
});

test("tells from another node are dead letters where the actor was", async () => {
  const nodes = await ManualNodes.listening(2);
  await using _ = nodes;
  const cell = await nodes.at(1).spawn(Sender, "actors/gone");
  const far = nodes.at(0).refTo(cell);
  const sender = await nodes.at(0).spawn(Sender);
  await nodes.now(far.ask({ __call__: "send", args: [far, 0] }));
  await nodes.now(cell.stop());
  const { deadLetters } = nodes.at(1).node;
  const before = deadLetters.count;
  const letters = deadLetters[Symbol.asyncIterator]();
  await nodes.now(sender.ref.asType(Sender).send(far, "late"));
  const { value } = await nodes.now(letters.next());
  assert.deepEqual(
    [value?.actorId, value?.payload, value?.reason, value?.caller?.actorId],
    [cell.actorId, "late", "actor-stopped", sender.actorId],
  );
  const asked = await nodes.failure(far.ask("late too"));
  assert.ok(pul.isPulsingError(asked, "actor-stopped"), String(asked));
  assert.equal((await nodes.now(letters.next())).value?.payload, "late too");
  assert.equal(deadLetters.count - before, 2);
  assert.equal(nodes.at(0).node.deadLetters.count, 0);
  await letters.return?.();
});

test("un-awaited tells to a stopped actor cause no unhandled rejection", async () => {
  const nodes = await ManualNodes.listening(1);
  await using _ = nodes;
  const cell = await nodes.at(0).spawn(Sender);
  await nodes.now(cell.stop());
  for (let n = 0; n < 10; n++) void cell.ref.tell(n);
  await nodes.clock.settle();
  assert.equal(nodes.at(0).node.deadLetters.count, 10);
});

test("messages that are answered, cancelled or in vain by their own fault are no dead letters", async () => {
  const nodes = await ManualNodes.listening(1);
  await using _ = nodes;
  const cell = await nodes.at(0).spawn(Sender);
  await assert.rejects(cell.ref.asAny().nothing!(), { kind: "method-not-found" });
  await assert.rejects(cell.ref.ask(1, { signal: AbortSignal.abort(new Error("x")) }), /x/);
  assert.equal(nodes.at(0).node.deadLetters.count, 0);
});

test("readers end at shutdown, after the letters that the shutdown made", async () => {
  const clock = new ManualClock();
  const system = await pul.actorSystem({ clock });
  const gate = Promise.withResolvers<void>();
  const ref = await system.spawn({ receive: () => gate.promise });
  const running = ref.ask("running");
  await clock.settle();
  const queued = [1, 2].map((n) => ref.ask(n).catch((error: unknown) => error));
  const read: unknown[] = [];
  const letters = system.deadLetters[Symbol.asyncIterator]();
  const shutdown = system.shutdown();
  await clock.settle();
  gate.resolve();
  await running;
  await shutdown;
  for (let one = await letters.next(); !one.done; one = await letters.next()) {
    read.push(one.value.payload);
  }
  assert.deepEqual(read, [1, 2]);
  for (const error of await Promise.all(queued)) assert.ok(pul.isPulsingError(error));
  for await (const letter of system.deadLetters) assert.fail(String(letter));
});

test("a slow reader has at most limits.deadLetters of them", async () => {
  const system = await pul.actorSystem({ limits: { deadLetters: 3 } });
  const ref = await system.spawn({ receive: () => 1 }, { name: "gone" });
  await system.stop("gone");
  const letters = system.deadLetters[Symbol.asyncIterator]();
  for (let n = 0; n < 10; n++) void ref.tell(n);
  await system.shutdown();
  const read: unknown[] = [];
  for (let one = await letters.next(); !one.done; one = await letters.next()) {
    read.push(one.value.payload);
  }
  assert.deepEqual([read, system.deadLetters.count], [[7, 8, 9], 10]);
});
