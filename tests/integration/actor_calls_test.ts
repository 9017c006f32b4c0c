/** Calls of class actors on one node: AC-07 to AC-11, AC-15 to AC-20. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";

class Counter {
  value: number;
  constructor(value = 0) {
    this.value = value;
  }
  get(): number {
    return this.value;
  }
  incr(by = 1): number {
    return this.value += by;
  }
  async incrLater(gate: PromiseLike<void>): Promise<number> {
    await gate;
    return ++this.value;
  }
  fail(message: string): void {
    throw new Error(message);
  }
  async failLater(message: string): Promise<void> {
    await Promise.resolve();
    throw new Error(message);
  }
  _hidden(): string {
    return "hidden";
  }
}

test("AC-07 a counter starts with its argument and counts in the order of the calls", async () => {
  await using system = await pul.actorSystem();
  const counter = await system.spawnClass(Counter, { args: [10] });
  assert.equal(await counter.get(), 10);
  const answers = await Promise.all(Array.from({ length: 5 }, () => counter.incr()));
  assert.deepEqual(answers, [11, 12, 13, 14, 15]);
});

test("AC-08 the short name and the full path lead to the same state", async () => {
  await using system = await pul.actorSystem();
  await system.spawnClass(Counter, { name: "c" });
  const short = (await system.resolve("c")).asType(Counter);
  const full = (await system.resolve("actors/c")).asType(Counter);
  await short.incr();
  assert.equal(await full.incr(), 2);
  assert.equal(short.$ref.actorId, full.$ref.actorId);
});

test("AC-09 concurrent increments are all counted", async () => {
  await using system = await pul.actorSystem();
  const counter = await system.spawnClass(Counter);
  await Promise.all(Array.from({ length: 50 }, () => counter.incr()));
  assert.equal(await counter.get(), 50);
  const tenTimes = async () => {
    for (let i = 0; i < 10; i++) await counter.incr();
  };
  await Promise.all(Array.from({ length: 50 }, tenTimes));
  assert.equal(await counter.get(), 550);
});

test("AC-10 a sync method answers while an async one waits", async () => {
  await using system = await pul.actorSystem();
  const counter = await system.spawnClass(Counter);
  const gate = Promise.withResolvers<void>();
  const later = counter.incrLater(gate.promise);
  assert.equal(await counter.get(), 0);
  gate.resolve();
  assert.equal(await later, 1);
  assert.equal(await counter.get(), 1);
});

class Overlap {
  running = 0;
  most = 0;
  work(): void {
    this.most = Math.max(this.most, ++this.running);
    this.running--;
  }
  async workLater(): Promise<void> {
    this.most = Math.max(this.most, ++this.running);
    for (let i = 0; i < 5; i++) await Promise.resolve();
    this.running--;
  }
  peak(): number {
    return this.most;
  }
}

test("AC-11 sync methods of one actor never overlap", async () => {
  await using system = await pul.actorSystem();
  const actor = await system.spawnClass(Overlap);
  await Promise.all(Array.from({ length: 500 }, () => actor.work()));
  assert.equal(await actor.peak(), 1);
});

for (const concurrency of ["interleaved", "sequential"] as const) {
  test(`AC-11 async methods of one ${concurrency} actor overlap or not as declared`, async () => {
    await using system = await pul.actorSystem();
    const actor = await system.spawnClass(Overlap, { concurrency });
    await Promise.all(Array.from({ length: 20 }, () => actor.workLater()));
    assert.equal(await actor.peak() > 1, concurrency === "interleaved");
  });
}

for (const method of ["fail", "failLater"] as const) {
  test(`AC-15 an error of "${method}" is the caller's; state and actor stay`, async () => {
    await using system = await pul.actorSystem();
    const counter = await system.spawnClass(Counter, { args: [5] });
    const error = await counter[method]("Intentional error").catch((error: unknown) => error);
    assert.ok(error instanceof pul.PulsingActorError, String(error));
    assert.deepEqual(
      [error.message, error.errorName, error.kind],
      ["Intentional error", "Error", "actor-error"],
    );
    assert.equal(await counter.incr(), 6);
  });

  test(`AC-16 an error of "${method}" with an empty message is still an error`, async () => {
    await using system = await pul.actorSystem();
    const counter = await system.spawnClass(Counter);
    const error = await counter[method]("").catch((error: unknown) => error);
    assert.ok(error instanceof pul.PulsingActorError, String(error));
    assert.equal(error.message, "");
  });
}

test("AC-17 a typed proxy refuses unknown and private names at once, without a call", async () => {
  await using system = await pul.actorSystem();
  const counter = await system.spawnClass(Counter);
  const loose = counter as unknown as Record<string, () => unknown>;
  assert.throws(() => loose.nothing!(), /No method "nothing"/);
  assert.throws(() => loose._hidden!(), /private/);
  assert.throws(() => loose._other!(), /private/);
  assert.throws(() => counter.$any()._hidden, /private/);
});

test("AC-17 an untyped proxy learns of an unknown method at the call", async () => {
  await using system = await pul.actorSystem();
  const counter = (await system.spawnClass(Counter)).$any();
  const error = await counter.nothing!().catch((error: unknown) => error);
  assert.ok(pul.isPulsingError(error, "method-not-found"), String(error));
  assert.match(error.message, /Not found/);
});

test("AC-18 raw calls without a public method are refused and the actor lives", async () => {
  await using system = await pul.actorSystem();
  const counter = await system.spawnClass(Counter);
  const names = ["", "_hidden", "_secret", "constructor", "onStart", "toString", "__proto__"];
  for (const __call__ of [...names, undefined, 7]) {
    const answer = counter.$ref.ask({ __call__, __async__: true, args: [], kwargs: {} });
    await assert.rejects(answer, { kind: "method-not-found" }, String(__call__));
  }
  for (const message of [{}, "get", null, undefined, 1]) {
    await assert.rejects(counter.$ref.ask(message), { kind: "invalid-message" });
  }
  assert.equal(await counter.$ref.ask({ __call__: "incr", args: [4] }), 4);
  assert.equal(await counter.get(), 4);
});

test("AC-19 an untyped proxy reads attributes by awaiting them", async () => {
  class Person {
    name = "alice";
    age = 42;
    _secret = "x";
  }
  await using system = await pul.actorSystem();
  const person = (await system.spawnClass(Person)).$any();
  assert.equal(await person.name, "alice");
  assert.equal(await person.age!(), 42);
  assert.throws(() => person._secret, /private/);
});

test("AC-20 new makes an ordinary object and no actor", async () => {
  const Plain = pul.remote(class Plain extends Counter {}, { name: "CallsPlain" });
  await using system = await pul.actorSystem();
  const plain = new Plain(3);
  assert.ok(plain instanceof Counter);
  assert.equal(plain.incr(), 4);
  assert.deepEqual(system.allNamedActors(), []);
});

test("a call after the actor stopped fails with actor-stopped and is retryable", async () => {
  await using system = await pul.actorSystem();
  const counter = await system.spawnClass(Counter, { name: "gone" });
  await system.stop("gone");
  const error = await counter.get().catch((error: unknown) => error);
  assert.ok(pul.isPulsingError(error, "actor-stopped") && error.retryable, String(error));
});

test("a deadline fails the call and aborts the callee's signal; the actor lives", async () => {
  class Waiter {
    aborted: unknown = undefined;
    async wait(): Promise<void> {
      const { signal } = pul.context();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      this.aborted = signal.reason;
    }
    reason(): unknown {
      return this.aborted;
    }
  }
  await using system = await pul.actorSystem();
  const waiter = await system.spawnClass(Waiter);
  const error = await waiter.$with({ timeoutMs: 20 }).wait().catch((error: unknown) => error);
  assert.ok(error instanceof pul.PulsingTimeoutError, String(error));
  assert.deepEqual([error.operation, error.durationMs], ["wait", 20]);
  assert.equal(await waiter.reason(), error);
});
