/** Failing actors are restarted, given up, stopped and killed: AC-25, AC-36, AC-40, AC-42, AC-43. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { Observer, oneNode, outcomeOf } from "./one_node.ts";

/** Longer than any first backoff. */
const BACKOFF_MS = 121;
const ON_FAILURE = { restartPolicy: "on-failure" } as const;

interface Log {
  readonly events: string[];
}

class Subject {
  readonly #log: Log;
  value = 0;
  constructor(log: Log = { events: [] }, start = 0) {
    this.#log = log;
    this.value = start;
    log.events.push("new");
  }
  onStart(): void {
    this.#log.events.push("start");
  }
  onStop(reason: pul.TerminationReason): void {
    this.#log.events.push(`stop ${reason}`);
  }
  incr(): number {
    return ++this.value;
  }
  fail(message = "boom"): never {
    throw new RangeError(message);
  }
  async failLater(): Promise<never> {
    await Promise.resolve();
    throw new RangeError("boom later");
  }
  refuse(): never {
    throw new pul.PulsingBusinessError(402, "no money");
  }
  forever(): Promise<never> {
    return new Promise(() => {});
  }
  untilAbort(): Promise<never> {
    const { signal } = pul.context();
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  }
  *count(failAt = Infinity): Generator<number> {
    for (let n = 0;; n++) {
      if (n === failAt) throw new RangeError(`stream error at ${n}`);
      yield n;
    }
  }
  async *countLater(failAt = Infinity): AsyncGenerator<number> {
    for (let n = 0;; n++) {
      await Promise.resolve();
      if (n === failAt) throw new RangeError(`stream error at ${n}`);
      yield n;
    }
  }
  stopItself(): void {
    pul.context().stop();
  }
  stopTwice(): void {
    pul.context().stop();
    pul.context().stop();
  }
  async stopAndGoOn(): Promise<string> {
    pul.context().stop();
    await Promise.resolve();
    return "done";
  }
  remindLater(delayMs: number): void {
    pul.context().delayed(delayMs).incr!();
  }
  identity(): [string, string | undefined] {
    const { id, path } = pul.context();
    return [id, path];
  }
}

test("AC-40 without a policy a throw keeps the instance, made once", async () => {
  await using node = await oneNode();
  const log = { events: [] as string[] };
  const subject = await node.system.spawnClass(Subject, { name: "s", args: [log, 5] });
  for (let n = 1; n <= 3; n++) {
    await assert.rejects(subject.fail(), /boom/);
    await assert.rejects(subject.failLater(), /boom later/);
    assert.equal(await subject.incr(), 5 + n);
  }
  assert.deepEqual(log.events, ["new", "start"]);
});

test("AC-40 on-failure: new state, same id, path and arguments; who waits is answered by it", async () => {
  await using node = await oneNode();
  const log = { events: [] as string[] };
  const options = { ...ON_FAILURE, name: "s", args: [log, 5] as [Log, number] };
  const subject = await node.system.spawnClass(Subject, options);
  const identity = await subject.identity();
  assert.equal(await subject.incr(), 6);
  const failing = outcomeOf(subject.fail());
  const queued = [subject.incr(), subject.incr()];
  const error = await failing;
  assert.ok(error instanceof pul.PulsingActorError && error.errorName === "RangeError");
  assert.equal(error.message, "boom");
  await node.clock.advance(BACKOFF_MS);
  assert.deepEqual(await Promise.all(queued), [6, 7]);
  assert.deepEqual(await subject.identity(), identity);
  assert.deepEqual(log.events, ["new", "start", "stop failed", "new", "start"]);
  assert.equal(await (await node.system.resolve("s")).asType(Subject).incr(), 8);
});

for (const method of ["fail", "failLater", "refuse"] as const) {
  test(`a throw of "${method}" ${method === "refuse" ? "does not restart" : "restarts"}`, async () => {
    await using node = await oneNode();
    const subject = await node.system.spawnClass(Subject, { ...ON_FAILURE, name: "s" });
    await subject.incr();
    await assert.rejects(subject[method]());
    await node.clock.advance(BACKOFF_MS);
    assert.equal(await subject.incr(), method === "refuse" ? 2 : 1);
  });

  test(`a throw of a told "${method}" is logged and does the same`, async () => {
    await using node = await oneNode();
    const subject = await node.system.spawnClass(Subject, { ...ON_FAILURE, name: "s" });
    await subject.incr();
    await subject.$ref.tell({ __call__: method });
    await node.clock.advance(BACKOFF_MS);
    assert.ok(node.complaints.includes("a told message failed"));
    assert.equal(await subject.incr(), method === "refuse" ? 2 : 1);
  });
}

for (const method of ["count", "countLater"] as const) {
  test(`an error of the generator "${method}" restarts, after its items`, async () => {
    await using node = await oneNode();
    const subject = await node.system.spawnClass(Subject, { ...ON_FAILURE, name: "s" });
    await subject.incr();
    const seen: number[] = [];
    await assert.rejects(async () => {
      for await (const n of subject[method](3)) seen.push(n);
    }, /stream error at 3/);
    assert.deepEqual(seen, [0, 1, 2]);
    await node.clock.advance(BACKOFF_MS);
    assert.equal(await subject.incr(), 1);
  });
}

test("restartOn chooses; one that throws is logged and counts as a yes", async () => {
  await using node = await oneNode();
  const seen: unknown[] = [];
  const restartOn = (error: unknown) => {
    seen.push(error);
    if (!(error instanceof RangeError)) return true;
    if (error.message === "odd") throw new Error("restartOn itself");
    return error.message === "yes";
  };
  const subject = await node.system.spawnClass(Subject, { ...ON_FAILURE, name: "s", restartOn });
  for (const [message, restarts] of [["no", false], ["yes", true], ["odd", true]] as const) {
    await subject.incr();
    await assert.rejects(subject.fail(message));
    await node.clock.advance(4 * BACKOFF_MS);
    assert.equal(await subject.incr(), restarts ? 1 : 2, message);
    await node.clock.advance(4 * BACKOFF_MS);
  }
  assert.equal(seen.length, 3);
  assert.ok(seen.every((error) => error instanceof RangeError), "it sees what was thrown");
  assert.ok(node.complaints.includes("an actor's restartOn failed"));
});

test("a method that is not there and an answer that cannot be read are no failures", async () => {
  await using node = await oneNode();
  class Odd extends Subject {
    thenThrows(): object {
      return {
        get then() {
          throw new Error("then");
        },
      };
    }
  }
  const odd = await node.system.spawnClass(Odd, { ...ON_FAILURE, name: "s" });
  await odd.incr();
  await assert.rejects(Promise.resolve(odd.$any().nothing!()), /Not found/);
  await assert.rejects(Promise.resolve(odd.thenThrows()), /then/);
  assert.equal(await odd.incr(), 2);
});

test("a deadline or an abort of a call restarts nothing", async () => {
  await using node = await oneNode();
  const subject = await node.system.spawnClass(Subject, { ...ON_FAILURE, name: "s" });
  await subject.incr();
  const late = outcomeOf(subject.$with({ timeoutMs: 10 }).untilAbort());
  await node.clock.advance(10);
  assert.ok(await late instanceof pul.PulsingTimeoutError);
  const controller = new AbortController();
  const aborted = outcomeOf(subject.$with({ signal: controller.signal }).untilAbort());
  await node.clock.settle();
  const reason = new Error("enough");
  controller.abort(reason);
  assert.equal(await aborted, reason);
  await node.clock.settle();
  assert.equal(await subject.incr(), 2);
  assert.deepEqual(node.complaints, []);
});

test("a failure interrupts the other calls and streams, as retryable", async () => {
  await using node = await oneNode();
  const subject = await node.system.spawnClass(Subject, { ...ON_FAILURE, name: "s" });
  const forever = outcomeOf(subject.forever());
  const untilAbort = outcomeOf(subject.untilAbort());
  const stream = (await subject.countLater())[Symbol.asyncIterator]();
  await stream.next();
  await assert.rejects(subject.fail(), { message: "boom" });
  for (const outcome of [forever, untilAbort, outcomeOf(stream.next())]) {
    const error = await outcome;
    assert.ok(pul.isPulsingError(error, "call-interrupted") && error.retryable, String(error));
    assert.match(String(error.cause), /boom/);
  }
  await node.clock.advance(BACKOFF_MS);
  assert.equal(await subject.incr(), 1);
});

test("delayed calls and watches end with the instance", async () => {
  await using node = await oneNode();
  class Both extends Observer {
    value = 0;
    incr(): number {
      return ++this.value;
    }
    remind(): void {
      pul.context().delayed(500).incr!();
    }
    fail(): never {
      throw new Error("boom");
    }
  }
  const { system, clock } = node;
  const both = await system.spawnClass(Both, { ...ON_FAILURE, name: "both" });
  const other = await system.spawnClass(Subject, { name: "other" });
  await both.watch(other.$ref);
  await both.remind();
  await assert.rejects(both.fail());
  await clock.advance(BACKOFF_MS);
  await system.stop("other");
  await clock.advance(1_000);
  assert.equal(await both.incr(), 1);
  assert.deepEqual(await both.reasons(), []);
});

test('"always" restarts after a stop of its own, a stop from outside is for good', async () => {
  await using node = await oneNode();
  const log = { events: [] as string[] };
  const options = { restartPolicy: "always", name: "s", args: [log] as [Log] } as const;
  const subject = await node.system.spawnClass(Subject, options);
  for (const method of ["stopItself", "stopTwice"] as const) {
    await subject.incr();
    await subject[method]();
    const queued = subject.incr();
    await node.clock.advance(3 * BACKOFF_MS);
    assert.equal(await queued, 1, method);
  }
  assert.equal(await subject.stopAndGoOn(), "done");
  await node.clock.advance(5 * BACKOFF_MS);
  assert.equal(await subject.incr(), 1);
  await node.system.stop("s");
  await assert.rejects(subject.incr(), { kind: "actor-stopped" });
  const once = ["new", "start", "stop stopped"];
  assert.deepEqual(log.events, [...once, ...once, ...once, ...once]);
});

for (const restartPolicy of ["never", "on-failure"] as const) {
  test(`under "${restartPolicy}" a stop of its own is for good, its call is answered`, async () => {
    await using node = await oneNode();
    const subject = await node.system.spawnClass(Subject, { restartPolicy, name: "s" });
    const queued = subject.stopAndGoOn();
    const later = outcomeOf(subject.incr());
    assert.equal(await queued, "done");
    assert.ok(pul.isPulsingError(await later, "actor-stopped"));
    await node.clock.settle();
    assert.deepEqual(node.system.allNamedActors(), []);
  });
}

class Bare {
  async stopAndGoOn(): Promise<string> {
    pul.context().stop();
    await Promise.resolve();
    return "done";
  }
  async stopByName(): Promise<string> {
    const { system, path } = pul.context();
    void system.stop(path ?? "");
    await Promise.resolve();
    return "done";
  }
  async *stopInStream(): AsyncGenerator<number> {
    yield 1;
    pul.context().stop();
    await Promise.resolve();
    yield 2;
  }
}

for (const method of ["stopAndGoOn", "stopByName"] as const) {
  test(`an actor without hooks that stops in "${method}" still answers that call`, async () => {
    await using node = await oneNode();
    const bare = await node.system.spawnClass(Bare, { name: "bare" });
    assert.equal(await bare[method](), "done");
    await node.clock.settle();
    await assert.rejects(bare[method](), { kind: "actor-stopped" });
  });
}

class FailingStart {
  constructor(log: { starts: number }, failures = Infinity) {
    this.#log = log;
    this.#failures = failures;
  }
  readonly #log: { starts: number };
  readonly #failures: number;
  onStart(): void {
    if (++this.#log.starts <= this.#failures) throw new RangeError(`start ${this.#log.starts}`);
  }
  ping(): string {
    return "pong";
  }
}

test("AC-42, case 26 two restarts and an onStart that always fails are exactly three starts", async () => {
  await using node = await oneNode();
  const { system, clock } = node;
  const observer = await system.spawnClass(Observer);
  const log = { starts: 0 };
  const options = { ...ON_FAILURE, maxRestarts: 2, name: "s", args: [log] as [{ starts: number }] };
  const subject = await system.spawnClass(FailingStart, options);
  await observer.watch(subject.$ref);
  const queued = outcomeOf(subject.ping());
  await clock.advance(10_000);
  assert.equal(log.starts, 3);
  assert.deepEqual(system.allNamedActors(), []);
  const [notice, ...more] = await observer.notices();
  assert.equal(more.length, 0);
  assert.deepEqual([notice?.reason, notice?.path, notice?.id], [
    "failed",
    "actors/s",
    subject.$ref.actorId,
  ]);
  for (const error of [notice?.error, await queued, await outcomeOf(subject.ping())]) {
    const failure = pul.isPulsingError(error, "actor-stopped") ? error.cause : error;
    assert.ok(failure instanceof pul.PulsingActorError, String(error));
    assert.deepEqual([failure.errorName, failure.message], ["RangeError", "start 3"]);
  }
  const again = await system.spawnClass(FailingStart, { name: "s", args: [{ starts: 0 }, 0] });
  assert.equal(await again.ping(), "pong");
});

test("a failing method that uses the restarts up is told as the caller saw it", async () => {
  await using node = await oneNode();
  const { system, clock } = node;
  const observer = await system.spawnClass(Observer);
  const subject = await system.spawnClass(Subject, { ...ON_FAILURE, maxRestarts: 0, name: "s" });
  await observer.watch(subject.$ref);
  const own = outcomeOf(subject.fail());
  const queued = await outcomeOf(subject.incr());
  assert.ok(await own instanceof pul.PulsingActorError);
  await system.stop("s"); // it has failed before: that is what is told
  await clock.settle();
  const [notice] = await observer.notices();
  assert.equal(notice?.reason, "failed");
  for (const error of [notice.error, (queued as Error).cause]) {
    assert.ok(error instanceof pul.PulsingActorError && error.errorName === "RangeError");
  }
});

test("a failed start is started again, and the calls that waited are answered", async () => {
  await using node = await oneNode();
  const log = { starts: 0 };
  const args: [{ starts: number }, number] = [log, 2];
  const subject = await node.system.spawnClass(FailingStart, { ...ON_FAILURE, name: "s", args });
  const waiting = subject.ping();
  await node.clock.advance(119 + 239);
  assert.equal(await waiting, "pong");
  assert.equal(log.starts, 3);
});

test("a constructor that fails at a restart counts as a failed start", async () => {
  await using node = await oneNode();
  let made = 0;
  class Fragile {
    constructor() {
      if (++made > 1) throw new Error(`constructor ${made}`);
    }
    fail(): never {
      throw new Error("boom");
    }
  }
  const options = { ...ON_FAILURE, maxRestarts: 2, name: "s" };
  const fragile = await node.system.spawnClass(Fragile, options);
  await assert.rejects(fragile.fail(), /boom/);
  await node.clock.advance(10_000);
  assert.equal(made, 3);
  const error = await outcomeOf(fragile.fail());
  assert.ok(pul.isPulsingError(error, "actor-stopped"));
  assert.match(String(error.cause), /constructor 3/);
});

test("AC-25 a supervised actor that cannot start spawns, then its calls fail", async () => {
  await using node = await oneNode();
  const options = { ...ON_FAILURE, maxRestarts: 1, name: "s" };
  const subject = await node.system.spawnClass(FailingStart, { ...options, args: [{ starts: 0 }] });
  await node.clock.advance(BACKOFF_MS);
  assert.ok(await outcomeOf(subject.ping()) instanceof pul.PulsingRuntimeError);
});

test("AC-25 with policy never a failing onStart rejects spawn and frees the name at once", async () => {
  await using node = await oneNode();
  const args: [{ starts: number }] = [{ starts: 0 }];
  const failed = node.system.spawnClass(FailingStart, { restartPolicy: "never", name: "s", args });
  await assert.rejects(failed, { errorName: "RangeError", message: "start 1" });
  const again = await node.system.spawnClass(FailingStart, { name: "s", args: [{ starts: 0 }, 0] });
  assert.equal(await again.ping(), "pong");
});

test("AC-43 stop during the backoff is prompt, frees the name and leaves no timer", async () => {
  await using node = await oneNode();
  const { system, clock } = node;
  const observer = await system.spawnClass(Observer);
  const log = { events: [] as string[] };
  const options = { ...ON_FAILURE, minBackoffMs: 20_000, name: "s", args: [log] as [Log] };
  const subject = await system.spawnClass(Subject, options);
  await observer.watch(subject.$ref);
  await assert.rejects(subject.fail());
  await clock.advance(5_000);
  const queued = outcomeOf(subject.incr());
  await system.stop("s");
  assert.equal(clock.pendingTimers, 0);
  assert.ok(pul.isPulsingError(await queued, "actor-stopped"));
  assert.deepEqual(await observer.reasons(), ["stopped"]);
  assert.deepEqual(log.events, ["new", "start", "stop failed"]);
  await system.spawnClass(Subject, { name: "s" });
});

test("AC-36 an anonymous low-level actor with a policy is refused, and one that is no factory", async () => {
  await using node = await oneNode();
  const make = () => ({ receive: () => 1 });
  await assert.rejects(node.system.spawn(make, ON_FAILURE), TypeError);
  await assert.rejects(node.system.spawn(make(), { ...ON_FAILURE, name: "s" }), TypeError);
  await assert.rejects(
    node.system.spawn(make, { name: "s", restartPolicy: "sometimes" as never }),
    TypeError,
  );
  assert.deepEqual(node.system.allNamedActors(), []);
});

test("AC-40 a low-level actor made by a function is restarted, one message at a time", async () => {
  await using node = await oneNode();
  let made = 0;
  const make = () => {
    let value = 0;
    made++;
    return {
      async receive(message: unknown): Promise<number> {
        await Promise.resolve();
        if (message === "fail") throw new Error("boom");
        return ++value;
      },
    };
  };
  const ref = await node.system.spawn(make, { ...ON_FAILURE, name: "s" });
  assert.equal(await ref.ask(1), 1);
  const failing = outcomeOf(ref.ask("fail"));
  const queued = [ref.ask(1), ref.ask(1)];
  assert.match(String(await failing), /boom/);
  await node.clock.advance(BACKOFF_MS);
  assert.deepEqual(await Promise.all(queued), [1, 2]);
  assert.equal(made, 2);
});

test("AC-23 stop ends a supervised actor once and its name starts afresh", async () => {
  await using node = await oneNode();
  const log = { events: [] as string[] };
  const options = { ...ON_FAILURE, name: "s", args: [log] as [Log] };
  const subject = await node.system.spawnClass(Subject, options);
  await subject.incr();
  await Promise.all([node.system.stop("s"), node.system.stop("s"), node.system.stop("nobody")]);
  assert.deepEqual(log.events, ["new", "start", "stop stopped"]);
  const again = await node.system.spawnClass(Subject, options);
  assert.equal(await again.incr(), 1);
});

test("the window lets an actor that fails now and then live on", async () => {
  await using node = await oneNode();
  const options = { ...ON_FAILURE, maxRestarts: 1, restartWindowMs: 60_000, name: "s" };
  const subject = await node.system.spawnClass(Subject, options);
  for (let failure = 0; failure < 5; failure++) {
    await assert.rejects(subject.fail(), /boom/);
    await node.clock.advance(60_000);
    assert.equal(await subject.incr(), 1);
  }
  await assert.rejects(subject.fail(), /boom/);
  await node.clock.advance(30_000);
  await assert.rejects(subject.fail(), /boom/);
  await assert.rejects(subject.incr(), { kind: "actor-stopped" });
});

test("options of the class hold, those of the spawn go before", async () => {
  await using node = await oneNode();
  const { system, clock } = node;
  class Own extends Subject {}
  const Failing = pul.remote(Own, { restartPolicy: "on_failure", name: "SupervisedOwn" });
  const restarted = await Failing.spawn({ system, name: "a" });
  const kept = await Failing.spawn({ system, name: "b", restartPolicy: "never" });
  for (const subject of [restarted, kept]) {
    await subject.incr();
    await assert.rejects(subject.fail());
  }
  await clock.advance(BACKOFF_MS);
  assert.deepEqual([await restarted.incr(), await kept.incr()], [1, 2]);
});

test("1 000 restarts leave nothing behind", async () => {
  await using node = await oneNode();
  const options = {
    ...ON_FAILURE,
    maxRestarts: Infinity,
    maxBackoffMs: 1,
    minBackoffMs: 1,
    name: "s",
  };
  const subject = await node.system.spawnClass(Subject, options);
  for (let n = 0; n < 1_000; n++) {
    await outcomeOf(subject.fail());
    await node.clock.advance(1);
  }
  assert.equal(await subject.incr(), 1);
});

// It ended for good and its node said nothing.
test("an actor that is out of restarts is one error in the log", async () => {
  await using node = await oneNode();
  const { system, clock } = node;
  const subject = await system.spawnClass(Subject, { ...ON_FAILURE, maxRestarts: 1, name: "s" });
  await outcomeOf(subject.fail());
  await clock.advance(BACKOFF_MS);
  await outcomeOf(subject.fail());
  await clock.settle();
  const [[, text, fields] = [], ...others] = node.lines.filter(([level]) => level === "error");
  assert.equal(text, "actor is out of restarts");
  assert.deepEqual([fields?.actor, fields?.restarts], ["actors/s", 1]);
  assert.match(String(fields?.error), /boom/);
  assert.deepEqual(others, []);
});
