/** Actors that hang are killed, and starts that take too long given up; the name is free after. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { Observer, oneNode, outcomeOf } from "./one_node.ts";

/** Longer than the first backoff. */
const BACKOFF_MS = 121;
const ON_FAILURE = { restartPolicy: "on-failure" } as const;

class Subject {
  value = 0;
  incr(): number {
    return ++this.value;
  }
}

class Hanging {
  readonly #where: string;
  readonly #log: { starts: number; stops: number };
  constructor(where: string, log: { starts: number; stops: number }) {
    this.#where = where;
    this.#log = log;
  }
  onStart(): Promise<void> | void {
    this.#log.starts++;
    if (this.#where === "start") return new Promise(() => {});
    if (this.#where === "restart" && this.#log.starts > 1) return new Promise(() => {});
  }
  onStop(): Promise<void> | void {
    this.#log.stops++;
    if (this.#where === "stop") return new Promise(() => {});
  }
  forever(): Promise<never> {
    return new Promise(() => {});
  }
  fail(): never {
    throw new Error("boom");
  }
}

for (const where of ["a call", "start", "restart", "backoff", "stop"] as const) {
  test(`kill ends an actor that hangs in ${where} at once: no hook, no timer, name free`, async () => {
    await using node = await oneNode();
    const { system, clock } = node;
    const observer = await system.spawnClass(Observer);
    const log = { starts: 0, stops: 0 };
    const options = { ...ON_FAILURE, name: "s", args: [where, log] as [string, typeof log] };
    const spawned = outcomeOf(system.spawnClass(Hanging, options));
    await clock.settle();
    const actor = (await outcomeOf(system.resolve("s"))) as pul.ActorRef;
    const subject = where === "start" ? undefined : actor.asType(Hanging);
    if (subject !== undefined) await observer.watch(subject.$ref);
    const calls = where === "a call" ? [outcomeOf(subject!.forever())] : [];
    if (where === "restart" || where === "backoff") await assert.rejects(subject!.fail(), /boom/);
    if (where === "restart") await clock.advance(BACKOFF_MS);
    const stopped = where === "stop" ? system.stop("s") : undefined;
    await clock.settle();
    const stopsBefore = log.stops;
    system.kill("s");
    assert.deepEqual(system.allNamedActors(), []);
    await clock.settle();
    assert.equal(clock.pendingTimers, 0);
    await stopped;
    assert.equal(log.stops, stopsBefore);
    for (const call of calls) assert.ok(pul.isPulsingError(await call, "call-interrupted"));
    if (where === "start") assert.ok(pul.isPulsingError(await spawned, "actor-stopped"));
    else assert.deepEqual(await observer.reasons(), ["killed"]);
    system.kill("s");
    const again = await system.spawnClass(Subject, { name: "s" });
    assert.equal(await again.incr(), 1);
  });
}

test("kill interrupts calls and streams and refuses what waits; actors without hooks too", async () => {
  await using node = await oneNode();
  class Plain {
    forever(): Promise<never> {
      return new Promise(() => {});
    }
    async *count(): AsyncGenerator<number> {
      for (let n = 0;; n++) yield await Promise.resolve(n);
    }
  }
  const plain = await node.system.spawnClass(Plain, { name: "s", concurrency: "sequential" });
  const parallel = await node.system.spawnClass(Plain, { name: "p" });
  const stream = (await parallel.count())[Symbol.asyncIterator]();
  await stream.next();
  const running = outcomeOf(plain.forever());
  const waiting = outcomeOf(plain.forever());
  await node.clock.settle();
  node.system.kill("s");
  node.system.kill("p");
  for (const outcome of [await running, await outcomeOf(stream.next())]) {
    assert.ok(pul.isPulsingError(outcome, "call-interrupted"), String(outcome));
  }
  assert.ok(pul.isPulsingError(await waiting, "actor-stopped"));
});

test("case 34 a start that takes longer than timeoutMs frees the name by the time spawn rejects", async () => {
  await using node = await oneNode();
  const log = { starts: 0, stops: 0 };
  for (const policy of ["never", "on-failure"] as const) {
    const args: [string, typeof log] = ["start", log];
    const options = { name: "s", args, timeoutMs: 1_000, restartPolicy: policy };
    const slow = outcomeOf(node.system.spawnClass(Hanging, options));
    const again = slow.then((error) => {
      assert.ok(error instanceof pul.PulsingTimeoutError, String(error));
      return node.system.spawnClass(Subject, { name: "s" });
    });
    await node.clock.advance(1_000);
    assert.equal(await (await again).incr(), 1);
    await node.system.stop("s");
  }
  assert.equal(log.stops, 0);
});

test("a signal ends a start with its reason and frees the name", async () => {
  await using node = await oneNode();
  const controller = new AbortController();
  const args: [string, { starts: number; stops: number }] = ["start", { starts: 0, stops: 0 }];
  const { signal } = controller;
  const slow = outcomeOf(node.system.spawnClass(Hanging, { name: "s", args, signal }));
  await node.clock.settle();
  const reason = new Error("no longer");
  controller.abort(reason);
  assert.equal(await slow, reason);
  const again = await node.system.spawnClass(Subject, { name: "s" });
  assert.equal(await again.incr(), 1);
});

test("a signal that aborts after the start does nothing", async () => {
  await using node = await oneNode();
  const controller = new AbortController();
  const { signal } = controller;
  const subject = await node.system.spawnClass(Subject, { name: "s", signal, timeoutMs: 10 });
  controller.abort(new Error("too late"));
  await node.clock.advance(1_000);
  assert.equal(await subject.incr(), 1);
});
