/** Full mailboxes: AC-35 and case 24, for each kind of overflow, with asks and tells; AC-36. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { ManualNodes } from "./manual_nodes.ts";

/** An actor that is held at its first message, on its own node or on another one. */
async function held(
  distance: "local" | "remote",
  options: pul.SpawnOptions,
  limits: Partial<pul.Limits> = {},
) {
  const nodes = await ManualNodes.listening(2, { limits });
  const gate = Promise.withResolvers<void>();
  const log: unknown[] = [];
  const home = nodes.at(1);
  const cell = await home.spawnReceiver({
    async receive(message) {
      await gate.promise;
      log.push(message);
      return message;
    },
  }, { name: "held", ...options });
  const ref = distance === "local" ? cell.ref : nodes.at(0).refTo(cell);
  const first = ref.ask("first");
  await nodes.clock.settle();
  const letters = home.node.deadLetters;
  const dispose = () => nodes[Symbol.asyncDispose]();
  return { nodes, gate, log, cell, ref, first, letters, [Symbol.asyncDispose]: dispose };
}

function countdown(count: number): number[] {
  return [...Array(count).keys()];
}

test("AC-35 100 tells to a mailbox of 10 arrive in order, and their sender waits for each place", async () => {
  await using at = await held("local", { mailboxCapacity: 10 });
  const accepted: number[] = [];
  for (const n of countdown(100)) void at.ref.tell(n).then(() => accepted.push(n));
  await at.nodes.clock.settle();
  assert.deepEqual([accepted, at.cell.mailboxLength], [countdown(10), 100]);
  at.gate.resolve();
  await at.nodes.clock.settle();
  assert.deepEqual([accepted, at.cell.mailboxLength], [countdown(100), 0]);
  assert.deepEqual(at.log, ["first", ...countdown(100)]);
  assert.equal(at.letters.count, 0);
});

for (const distance of ["local", "remote"] as const) {
  test(`AC-35 100 asks and tells to a mailbox of 10 are all handled in order (${distance})`, async () => {
    await using at = await held(distance, { mailboxCapacity: 10 });
    const answers: Promise<unknown>[] = [];
    for (const n of countdown(100)) {
      if (n % 2 === 0) answers.push(at.ref.ask(n));
      else void at.ref.tell(n);
    }
    at.gate.resolve();
    assert.deepEqual(await at.nodes.now(Promise.all(answers)), countdown(50).map((n) => 2 * n));
    assert.deepEqual(at.log, ["first", ...countdown(100)]);
    assert.equal(at.letters.count, 0);
  });

  test(`AC-35 beyond the places of waiting senders asks fail and tells are dead letters (${distance})`, async () => {
    await using at = await held(distance, { mailboxCapacity: 2 }, { mailboxWaiters: 3 });
    const asks = countdown(6).map((n) => at.ref.ask(n).catch((error: unknown) => error));
    await at.nodes.clock.settle();
    void at.ref.tell("told").catch(() => {});
    await at.nodes.clock.settle();
    assert.equal(at.letters.count, 2);
    at.gate.resolve();
    const results = await at.nodes.now(Promise.all(asks));
    assert.deepEqual(results.slice(0, 5), countdown(5));
    assertFull(results[5]);
    assert.deepEqual(at.log, ["first", ...countdown(5)]);
  });

  test(`case 24 "reject" refuses what comes above the capacity, asks and tells (${distance})`, async () => {
    await using at = await held(distance, { mailboxCapacity: 2, mailboxOverflow: "reject" });
    const letters = at.letters[Symbol.asyncIterator]();
    const asks = countdown(4).map((n) => at.ref.ask(n).catch((error: unknown) => error));
    const told = at.ref.tell("told").catch((error: unknown) => error);
    await at.nodes.clock.settle();
    assert.deepEqual([at.letters.count, at.cell.mailboxLength], [3, 2]);
    if (distance === "local") assertFull(await told);
    else assert.equal(await told, undefined);
    for (const payload of [2, 3, "told"]) {
      const { value } = await at.nodes.now(letters.next());
      assert.deepEqual([value?.payload, value?.reason], [payload, "mailbox-full"]);
    }
    await letters.return?.();
    at.gate.resolve();
    const results = await at.nodes.now(Promise.all(asks));
    assert.deepEqual(results.slice(0, 2), [0, 1]);
    for (const error of results.slice(2)) assertFull(error);
    assert.deepEqual(at.log, ["first", 0, 1]);
    assert.equal(await at.nodes.now(at.ref.ask("later")), "later");
  });

  test(`case 24 "drop-oldest" makes room, the dropped one's sender hears of it (${distance})`, async () => {
    await using at = await held(distance, { mailboxCapacity: 2, mailboxOverflow: "drop-oldest" });
    const letters = at.letters[Symbol.asyncIterator]();
    const dropped = at.ref.ask("ask").catch((error: unknown) => error);
    void at.ref.tell("tell");
    const kept = countdown(2).map((n) => at.ref.ask(n));
    assertFull(await at.nodes.now(dropped));
    for (const payload of ["ask", "tell"]) {
      const { value } = await at.nodes.now(letters.next());
      const { actor, actorId, reason } = value ?? {};
      assert.equal(value?.payload, payload);
      assert.deepEqual([actor, actorId, reason], [
        "actors/held",
        at.cell.actorId,
        "mailbox-full",
      ]);
    }
    await letters.return?.();
    at.gate.resolve();
    assert.deepEqual(await at.nodes.now(Promise.all(kept)), [0, 1]);
    assert.deepEqual([at.log, at.letters.count], [["first", 0, 1], 2]);
  });
}

function assertFull(error: unknown): void {
  assert.ok(pul.isPulsingError(error, "mailbox-full") && error.retryable, String(error));
}

test("case 24 an un-awaited tell to a full mailbox is no unhandled rejection", async () => {
  await using at = await held("local", { mailboxCapacity: 1, mailboxOverflow: "reject" });
  for (let n = 0; n < 10; n++) void at.ref.tell(n);
  await at.nodes.clock.settle();
  assert.equal(at.letters.count, 9);
  at.gate.resolve();
  await at.nodes.now(at.first);
});

test("case 24 a cancelled ask keeps its place until its turn, then makes room for who waits", async () => {
  await using at = await held("local", { mailboxCapacity: 1 });
  const controller = new AbortController();
  const given = at.ref.ask("given up", { signal: controller.signal }).catch((error) => error);
  let isIn = false;
  void at.ref.tell("waits").then(() => isIn = true);
  controller.abort(new Error("no longer"));
  assert.match(String(await at.nodes.now(given)), /no longer/);
  assert.deepEqual([isIn, at.cell.mailboxLength], [false, 2]);
  at.gate.resolve();
  await at.nodes.clock.settle();
  assert.deepEqual([isIn, at.log], [true, ["first", "waits"]]);
});

for (const overflow of ["wait", "reject", "drop-oldest"] as const) {
  test(`case 25 stop refuses what is queued, waiting senders too, overflow "${overflow}"`, async () => {
    await using at = await held("local", { mailboxCapacity: 2, mailboxOverflow: overflow });
    const asks = countdown(2).map((n) => at.ref.ask(n).catch((error: unknown) => error));
    const waits = overflow === "wait"
      ? [at.ref.tell("waits").catch((error: unknown) => error)]
      : [];
    await at.nodes.clock.settle();
    const stopped = at.cell.stop();
    for (const error of await at.nodes.now(Promise.all([...asks, ...waits]))) {
      assert.ok(pul.isPulsingError(error, "actor-stopped") && error.retryable, String(error));
    }
    assert.ok(await at.nodes.isPending(stopped));
    at.gate.resolve();
    assert.equal(await at.nodes.now(at.first), "first");
    await at.nodes.now(stopped);
    assert.deepEqual([at.log, at.letters.count], [["first"], 2 + waits.length]);
  });
}

test("AC-36 an anonymous actor is reached by its reference and id, not by a name", async () => {
  await using system = await pul.actorSystem();
  const ref = await system.spawn({ receive: (message) => message });
  assert.equal(ref.path, undefined);
  assert.deepEqual(system.allNamedActors(), []);
  assert.equal(await (await system.refer(ref.actorId)).ask(1), 1);
  for (const name of [ref.actorId, `actors/${ref.actorId}`]) {
    await assert.rejects(system.resolve(name), { kind: "actor-not-found" });
  }
});

test("AC-36 an anonymous actor with receive is not restarted, and says so at once", async () => {
  await using system = await pul.actorSystem();
  const spawned = system.spawn(() => ({ receive: () => 1 }), { restartPolicy: "on-failure" });
  await assert.rejects(spawned, TypeError);
});
