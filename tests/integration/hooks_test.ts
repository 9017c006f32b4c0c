/** onStart, onStop, onTerminated and metadata: when they run, what they are told, what they throw. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { oneNode, outcomeOf } from "./one_node.ts";

const BACKOFF_MS = 121;
const ON_FAILURE = { restartPolicy: "on-failure" } as const;

class Subject {
  readonly #events: string[];
  constructor(events: string[] = []) {
    this.#events = events;
    events.push("new");
  }
  onStart(): void {
    this.#events.push("start");
  }
  async onStop(reason: pul.TerminationReason): Promise<void> {
    this.#events.push(`stopping ${reason}`);
    await Promise.resolve();
    await Promise.resolve();
    this.#events.push("stopped");
  }
  fail(): never {
    throw new Error("boom");
  }
  ping(): string {
    return "pong";
  }
}

test("onStop gets the reason and ends before the next constructor runs", async () => {
  const node = await oneNode();
  const { system, clock } = node;
  const events: string[] = [];
  const options = { ...ON_FAILURE, args: [events] as [string[]] };
  const subject = await system.spawnClass(Subject, { ...options, name: "a" });
  await assert.rejects(subject.fail());
  await clock.advance(BACKOFF_MS);
  assert.equal(await subject.ping(), "pong");
  await system.stop("a");
  await system.spawnClass(Subject, { ...options, name: "b" });
  await node[Symbol.asyncDispose]();
  const instance = (reason: string) => ["new", "start", `stopping ${reason}`, "stopped"];
  assert.deepEqual(events, ["failed", "stopped", "shutdown"].flatMap(instance));
});

test("onStop of an instance that gave up gets the reason failed, once", async () => {
  await using node = await oneNode();
  const events: string[] = [];
  const options = { ...ON_FAILURE, maxRestarts: 0, name: "s", args: [events] as [string[]] };
  const subject = await node.system.spawnClass(Subject, options);
  await assert.rejects(subject.fail());
  await node.system.stop("s");
  await node.clock.settle();
  assert.deepEqual(events, ["new", "start", "stopping failed", "stopped"]);
});

test("onStop does not run for an instance whose onStart failed", async () => {
  await using node = await oneNode();
  let stops = 0;
  class BadStart extends Subject {
    override onStart(): never {
      throw new Error("no start");
    }
    override onStop(): Promise<void> {
      stops++;
      return Promise.resolve();
    }
  }
  await assert.rejects(node.system.spawnClass(BadStart, { name: "a" }));
  await node.system.spawnClass(BadStart, { ...ON_FAILURE, maxRestarts: 2, name: "b" });
  await node.clock.advance(1_000);
  assert.equal(stops, 0);
});

for (
  const [what, onStop] of Object.entries({
    "throws": () => {
      throw new Error("no stop");
    },
    "rejects": () => Promise.reject(new Error("no stop")),
    "throws undefined": () => {
      throw undefined;
    },
  })
) {
  test(`an onStop that ${what} is logged, and neither a stop nor a restart waits for it`, async () => {
    await using node = await oneNode();
    class Bad extends Subject {
      override onStop(): Promise<void> {
        return onStop();
      }
    }
    const bad = await node.system.spawnClass(Bad, { ...ON_FAILURE, name: "s" });
    await assert.rejects(bad.fail());
    await node.clock.advance(BACKOFF_MS);
    assert.equal(await bad.ping(), "pong");
    await node.system.stop("s");
    const complaints = node.complaints.filter((text) => text === "actor's onStop failed");
    assert.equal(complaints.length, 2);
    assert.deepEqual(node.system.allNamedActors(), []);
  });
}

test("an onStop that hangs is abandoned after shutdownTimeoutMs, at a restart and at a stop", async () => {
  await using node = await oneNode({ shutdownTimeoutMs: 500 });
  const { system, clock } = node;
  class Hanging extends Subject {
    override onStop(): Promise<void> {
      return new Promise(() => {});
    }
  }
  const hanging = await system.spawnClass(Hanging, { ...ON_FAILURE, name: "s" });
  await assert.rejects(hanging.fail());
  await clock.advance(499);
  const waiting = hanging.ping();
  await clock.advance(1 + BACKOFF_MS);
  assert.equal(await waiting, "pong");
  let isStopped = false;
  const stopped = system.stop("s").then(() => isStopped = true);
  await clock.advance(499);
  assert.equal(isStopped, false);
  await clock.advance(1);
  await stopped;
  assert.equal(node.complaints.filter((text) => /onStop was abandoned/.test(text)).length, 2);
});

test("a stop while onStop of a restart runs waits for it and does not run it twice", async () => {
  await using node = await oneNode();
  const events: string[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  class Slow extends Subject {
    override async onStop(reason: pul.TerminationReason): Promise<void> {
      events.push(reason);
      await gate;
      events.push("done");
    }
  }
  const slow = await node.system.spawnClass(Slow, { ...ON_FAILURE, name: "s" });
  await assert.rejects(slow.fail());
  const stopped = node.system.stop("s").then(() => events.push("gone"));
  await node.clock.settle();
  assert.deepEqual(events, ["failed"]);
  open();
  await stopped;
  assert.deepEqual(events, ["failed", "done", "gone"]);
});

test("a stop while onStart runs waits for it, then runs onStop; messages never come in", async () => {
  await using node = await oneNode();
  const events: string[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  class Slow {
    async onStart(): Promise<void> {
      await gate;
      events.push("started");
    }
    onStop(reason: string): void {
      events.push(reason);
    }
    ping(): void {
      events.push("ping");
    }
  }
  const spawned = node.system.spawnClass(Slow, { name: "s" });
  const stopped = node.system.stop("s");
  open();
  await stopped;
  const error = await outcomeOf((await spawned).ping());
  assert.ok(pul.isPulsingError(error, "actor-stopped"));
  assert.deepEqual(events, ["started", "stopped"]);
});

test("an onStart that hangs is given up by stop after shutdownTimeoutMs", async () => {
  await using node = await oneNode({ shutdownTimeoutMs: 500 });
  const receiver = { receive: () => 1, onStart: () => new Promise<void>(() => {}) };
  const spawned = outcomeOf(node.system.spawn(receiver, { name: "s" }));
  const stopped = node.system.stop("s");
  await node.clock.advance(500);
  await stopped;
  assert.ok(pul.isPulsingError(await spawned, "actor-stopped"));
});

test("an onStart given up that throws later harms nobody", async () => {
  await using node = await oneNode();
  const { promise: gate, reject } = Promise.withResolvers<void>();
  const receiver = { receive: () => 1, onStart: () => gate };
  const spawned = outcomeOf(node.system.spawn(receiver, { name: "s", timeoutMs: 10 }));
  await node.clock.advance(10);
  assert.ok(await spawned instanceof pul.PulsingTimeoutError);
  reject(new Error("much too late"));
  await node.clock.settle();
});

test("the signal of onStart's context aborts with the instance", async () => {
  await using node = await oneNode();
  const signals: AbortSignal[] = [];
  class Listening extends Subject {
    override onStart(): void {
      signals.push(pul.context().signal);
    }
  }
  const listening = await node.system.spawnClass(Listening, { ...ON_FAILURE, name: "s" });
  await assert.rejects(listening.fail());
  await node.clock.advance(BACKOFF_MS);
  await node.clock.settle();
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true, false]);
  await node.system.stop("s");
  assert.equal(signals[1]?.aborted, true);
});

class Hearer {
  readonly heard: string[] = [];
  readonly #throws: boolean;
  constructor(throws = false) {
    this.#throws = throws;
  }
  watch(ref: pul.ActorRef): void {
    pul.context().watch(ref);
  }
  hear(text: string): void {
    this.heard.push(text);
  }
  all(): string[] {
    return [...this.heard];
  }
  onTerminated({ path, reason }: pul.Terminated): void {
    this.heard.push(`${path} ${reason} in ${pul.context().path}`);
    if (this.#throws) throw new Error("no ears");
  }
}

test("onTerminated runs ahead of the messages that wait, in the actor's context", async () => {
  await using node = await oneNode();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  class Busy extends Hearer {
    async block(): Promise<void> {
      await gate;
      this.heard.push("unblocked");
    }
  }
  const busy = await node.system.spawnClass(Busy, { name: "busy", concurrency: "sequential" });
  const other = await node.system.spawn({ receive: () => 1 }, { name: "other" });
  await busy.watch(other);
  const blocked = busy.block();
  const heard = [busy.hear("one"), busy.hear("two")];
  await node.system.stop("other");
  await node.clock.settle();
  open();
  await Promise.all([blocked, ...heard]);
  const notice = "actors/other stopped in actors/busy";
  assert.deepEqual(await busy.all(), ["unblocked", notice, "one", "two"]);
});

for (const policy of ["never", "on-failure"] as const) {
  test(`a throw of onTerminated is logged, under "${policy}" as any failure`, async () => {
    await using node = await oneNode();
    const args: [boolean] = [true];
    const hearer = await node.system.spawnClass(Hearer, { restartPolicy: policy, name: "h", args });
    const other = await node.system.spawn({ receive: () => 1 }, { name: "other" });
    await hearer.watch(other);
    await hearer.hear("before");
    await node.system.stop("other");
    await node.clock.advance(BACKOFF_MS);
    const expected = policy === "never" ? ["before", "actors/other stopped in actors/h"] : [];
    assert.deepEqual(await hearer.all(), expected);
    assert.ok(node.complaints.includes("actor's onTerminated failed"));
  });
}

test("an actor without onTerminated may watch", async () => {
  await using node = await oneNode();
  class Deaf {
    watch(ref: pul.ActorRef): void {
      pul.context().watch(ref);
    }
  }
  const deaf = await node.system.spawnClass(Deaf);
  const other = await node.system.spawn({ receive: () => 1 }, { name: "other" });
  await deaf.watch(other);
  await node.system.stop("other");
  await node.clock.settle();
  assert.deepEqual(node.complaints, []);
});
