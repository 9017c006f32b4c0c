/** Actors with `receive` and their references on one node: AC-31 to AC-35, AC-39. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";

class Point {
  readonly x: number;
  readonly y: number;
  constructor(x: number, y: number) {
    this.x = x;
    this.y = y;
  }
}

const VALUES: readonly unknown[] = [
  0,
  -7,
  2 ** 53 - 1,
  1.5,
  "",
  "grüße 🌍",
  true,
  null,
  undefined,
  [1, "two", [3]],
  { a: { b: { c: [1, { d: null }] } } },
  new Map([["k", { v: 1n }]]),
  new Set([1, 2]),
  new Date(86_400_000),
  Uint8Array.of(1, 2, 3),
];

class Echo extends pul.Actor {
  receive(message: unknown): unknown {
    return message;
  }
}

for (const isolate of ["reference", "clone"] as const) {
  test(`AC-31 ask echoes every kind of value, isolate "${isolate}"`, async () => {
    await using system = await pul.actorSystem({ isolate });
    const echo = await system.spawn(new Echo());
    for (const value of VALUES) assert.deepEqual(await echo.ask(value), value);
    const point = new Point(1, 2);
    const answer = await echo.ask(point);
    assert.deepEqual({ ...(answer as Point) }, { x: 1, y: 2 });
    assert.equal(answer === point, isolate === "reference");
  });
}

test("AC-32 two tells and an ask are handled in their order", async () => {
  const log: unknown[] = [];
  await using system = await pul.actorSystem();
  const ref = await system.spawn({
    async receive(message) {
      await Promise.resolve();
      return log.push(message);
    },
  });
  const told = [ref.tell("a"), ref.tell("b")];
  assert.equal(await ref.ask("c"), 3);
  await Promise.all(told);
  assert.deepEqual(log, ["a", "b", "c"]);
});

test("AC-33 receive that throws three times answers the fourth message", async () => {
  await using system = await pul.actorSystem();
  const ref = await system.spawn({
    receive(message) {
      if (message !== "ok") throw new TypeError(`not ok: ${message}`);
      return message;
    },
  });
  for (const message of [1, 2, 3]) {
    const error = await ref.ask(message).catch((error: unknown) => error);
    assert.ok(error instanceof pul.PulsingActorError, String(error));
    assert.deepEqual([error.errorName, error.message], ["TypeError", `not ok: ${message}`]);
  }
  assert.equal(await ref.ask("ok"), "ok");
});

test("AC-33 a tell whose receive throws reaches nobody and harms nothing", async () => {
  await using system = await pul.actorSystem();
  const ref = await system.spawn({
    receive(message) {
      if (message === "bad") throw new Error("bad");
      return message;
    },
  });
  await ref.tell("bad");
  assert.equal(await ref.ask("ok"), "ok");
});

test("AC-34 refer finds an actor by its id as text; an unknown id is not found", async () => {
  await using system = await pul.actorSystem();
  const ref = await system.spawn(new Echo());
  const stored = String(ref.actorId);
  assert.equal(await (await system.refer(stored)).ask("hi"), "hi");
  await assert.rejects(system.refer("f".repeat(32)), { kind: "actor-not-found" });
  await assert.rejects(system.refer("f".repeat(32)), /not found/);
  await assert.rejects(system.refer("no id"), TypeError);
  await system.stop(stored);
  await assert.rejects(system.refer(stored), /not found/);
});

test("AC-34 the global refer works like the system's", async () => {
  await pul.init();
  try {
    const ref = await pul.spawn(new Echo(), { name: "echo" });
    assert.equal(await (await pul.refer(ref.actorId)).ask(1), 1);
    assert.equal(await (await pul.resolve("echo")).$ref.ask(2), 2);
  } finally {
    await pul.shutdown();
  }
});

test("AC-35 100 tells to a mailbox of 10 arrive in order and the sender waits", async () => {
  const log: unknown[] = [];
  const gate = Promise.withResolvers<void>();
  await using system = await pul.actorSystem();
  const ref = await system.spawn({
    async receive(message) {
      await gate.promise;
      log.push(message);
    },
  }, { mailboxCapacity: 10 });
  let accepted = 0;
  const told = Array.from({ length: 100 }, (_, n) => ref.tell(n).then(() => accepted++));
  await eventually(() => accepted === 11, { what: "one message in work, ten in the mailbox" });
  assert.deepEqual(log, []);
  gate.resolve();
  await Promise.all(told);
  await ref.ask("end");
  assert.deepEqual(log, [...Array(100).keys(), "end"]);
});

test("AC-35 beyond the places for waiting senders a message is refused as retryable", async () => {
  const gate = Promise.withResolvers<void>();
  const limits = { mailboxWaiters: 2 };
  await using system = await pul.actorSystem({ limits });
  const ref = await system.spawn({ receive: () => gate.promise }, { mailboxCapacity: 2 });
  const sent = await (async () => {
    const asks = Array.from({ length: 10 }, () => ref.ask(0));
    queueMicrotask(gate.resolve);
    return await Promise.allSettled(asks);
  })();
  const refused = sent.filter((result) => result.status === "rejected");
  assert.ok(refused.length > 0 && refused.length < 10, `${refused.length} refused`);
  for (const { reason } of refused) {
    assert.ok(pul.isPulsingError(reason, "mailbox-full") && reason.retryable, String(reason));
  }
  assert.equal(await ref.ask(1), undefined);
});

test("AC-39 a business error keeps class, code and details on its own node", async () => {
  await using system = await pul.actorSystem({ isolate: "clone" });
  const ref = await system.spawn({
    receive() {
      throw new pul.PulsingBusinessError(402, "balance too low", { left: 3 });
    },
  });
  const error = await ref.ask(0).catch((error: unknown) => error);
  assert.ok(error instanceof pul.PulsingBusinessError, String(error));
  assert.deepEqual([error.code, error.message, error.details], [402, "balance too low", {
    left: 3,
  }]);
});

test("a method call on a low-level actor arrives as the flat message and is unwrapped", async () => {
  const seen: unknown[] = [];
  const answers = [{ __result__: 5 }, 6, { __error__: "no such thing" }];
  await using system = await pul.actorSystem();
  const ref = await system.spawn({
    receive(message) {
      seen.push(message);
      return answers.shift();
    },
  });
  const actor = ref.asAny();
  assert.equal(await actor.add!(2, 3), 5);
  assert.equal(await actor.add!(3, 3), 6);
  await assert.rejects(actor.add!(1, 1), /no such thing/);
  assert.deepEqual(seen[0], { __call__: "add", __async__: true, args: [2, 3], kwargs: {} });
});

test("receive that is a generator answers an ask with a stream", async () => {
  await using system = await pul.actorSystem();
  const ref = await system.spawn({
    *receive(n) {
      for (let i = 0; i < Number(n); i++) yield i;
    },
  });
  const stream = await ref.ask(3);
  assert.ok(stream instanceof pul.ReplyStream);
  assert.deepEqual(await Array.fromAsync(stream), [0, 1, 2]);
});

test("metadata shows up with the name", async () => {
  await using system = await pul.actorSystem();
  await system.spawn({ receive: () => 0, metadata: () => ({ role: "echo" }) }, { name: "a/b" });
  const [named] = system.allNamedActors();
  assert.deepEqual([named?.path, named?.instances[0]?.metadata], ["a/b", { role: "echo" }]);
});
