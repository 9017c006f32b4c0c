/** Systems and actors begin, end and leave nothing behind: AC-01 to AC-06, AC-22 to AC-28. */

import assert from "node:assert/strict";
import { ManualClock } from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";

const Note = pul.remote(
  class Note {
    text: string;
    constructor(text = "") {
      this.text = text;
    }
    read(): string {
      return this.text;
    }
    write(text: string): void {
      this.text = text;
    }
  },
  { name: "LifecycleNote" },
);

test("AC-01 before init nothing is initialized and getSystem says so", () => {
  assert.equal(pul.isInitialized(), false);
  assert.throws(
    () => pul.getSystem(),
    (error) =>
      pul.isPulsingError(error, "not-initialized") && /not initialized/.test(error.message),
  );
});

test("AC-02 init twice gives one system, shutdown twice is fine, then init is a new node", async () => {
  const [first, again] = await Promise.all([pul.init(), pul.init()]);
  assert.equal(first, again);
  assert.equal(await pul.init({}), first);
  assert.equal(pul.getSystem(), first);
  await pul.shutdown();
  await pul.shutdown();
  assert.equal(pul.isInitialized(), false);
  const second = await pul.init();
  try {
    assert.notEqual(second.nodeId, first.nodeId);
  } finally {
    await pul.shutdown();
  }
});

test("AC-02 init with other options than the running system's is refused", async () => {
  await pul.init({ mailboxCapacity: 8 });
  try {
    const error = await pul.init({ mailboxCapacity: 9 }).catch((error: unknown) => error);
    assert.ok(pul.isPulsingError(error, "already-initialized"), String(error));
  } finally {
    await pul.shutdown();
  }
});

test("the global system is gone when it was shut down by itself, and init makes a new one", async () => {
  const system = await pul.init();
  await system.shutdown();
  assert.equal(pul.isInitialized(), false);
  assert.throws(() => pul.getSystem(), /not initialized/);
  const again = await pul.init();
  assert.notEqual(again, system);
  const ending = pul.shutdown();
  const third = await pul.init();
  assert.notEqual(third, again);
  assert.equal(pul.getSystem(), third);
  await ending;
  const starting = pul.init({ mailboxCapacity: 7 }).catch(() => undefined);
  await pul.shutdown();
  await starting;
  void pul.init({ mailboxCapacity: 8 });
  const ended = pul.shutdown(); // while it starts
  const fourth = await pul.init();
  await ended;
  assert.equal(pul.getSystem(), fourth);
  await pul.shutdown();
});

test("init takes options of classes as equal only when they are the same object", async () => {
  const clock = new ManualClock();
  const options = { clock, limits: { throughput: 3, maxDepth: 4 } };
  const system = await pul.init(options);
  const reordered = { limits: { maxDepth: 4, throughput: 3 }, clock };
  assert.equal(await pul.init(reordered), system);
  await assert.rejects(pul.init({ ...options, clock: new ManualClock() }), /other options/);
  await pul.shutdown();
});

test("AC-03 a node is a head or has one, not both", async () => {
  const options = { isHeadNode: true, headAddr: "1.2.3.4:8000" };
  await assert.rejects(pul.init(options), /Cannot set both/);
  assert.equal(pul.isInitialized(), false);
});

class Recorder {
  readonly heard: unknown[] = [];
  later(delayMs: number, text: string): void {
    pul.context().delayed(delayMs).record!(text);
  }
  never(delayMs: number, text: string): void {
    pul.context().delayed(delayMs).record!(text).cancel();
  }
  record(text: string): void {
    this.heard.push(text);
  }
  all(): unknown[] {
    return [...this.heard];
  }
}

test("AC-21 a delayed call comes when its time has, a cancelled one never, none after a stop", async () => {
  const clock = new ManualClock();
  await using system = await pul.actorSystem({ clock, limits: { delayedCalls: 2 } });
  const recorder = await system.spawnClass(Recorder, { name: "recorder" });
  await recorder.later(50, "x");
  await recorder.never(50, "y");
  assert.deepEqual(await recorder.all(), []);
  await clock.advance(49);
  assert.deepEqual(await recorder.all(), []);
  await clock.advance(51);
  assert.deepEqual(await recorder.all(), ["x"]);
  await recorder.later(1_000, "late");
  await recorder.later(1_000, "later");
  await assert.rejects(recorder.later(1, "too many"), { kind: "limit-exceeded" });
  await system.stop("recorder");
  await clock.advance(2_000);
});

test("AC-04 port 0 binds a free port, a second system another one", async () => {
  await using one = await pul.actorSystem({ addr: "127.0.0.1:0" });
  await using two = await pul.actorSystem({ addr: "127.0.0.1:0" });
  const ports = [one, two].map((system) => Number(system.addr?.split(":").at(-1)));
  assert.ok(ports.every((port) => port > 0));
  assert.notEqual(ports[0], ports[1]);
});

test("AC-04 a system without addr listens nowhere", async () => {
  await using system = await pul.actorSystem();
  assert.equal(system.addr, undefined);
});

test("AC-05 spawn, resolve and refer before init are refused", async () => {
  const early = [
    () => Note.spawn(),
    () => Note.resolve("note"),
    () => pul.spawn({ receive: () => 1 }),
    () => pul.resolve("note"),
    () => pul.refer("0".repeat(32)),
  ];
  for (const call of early) {
    const error = await call().catch((error: unknown) => error);
    assert.ok(error instanceof pul.PulsingRuntimeError, String(error));
    assert.match(error.message, /not initialized/);
  }
});

test("AC-06 two systems of one process share no actors and no global", async () => {
  await using one = await pul.actorSystem();
  await using two = await pul.actorSystem();
  await Note.spawn({ system: one, name: "note", args: ["one"] });
  await assert.rejects(Note.resolve("note", { system: two }), { kind: "actor-not-found" });
  const other = await Note.spawn({ system: two, name: "note", args: ["two"] });
  assert.equal(await (await Note.resolve("note", { system: one })).read(), "one");
  assert.equal(await other.read(), "two");
  assert.equal(pul.isInitialized(), false);
});

for (const form of ["sync", "async"] as const) {
  test(`AC-22 ${form} onStart ends before the first message and gets the actor's id`, async () => {
    const seen: unknown[] = [];
    class Starter {
      onStart(id: pul.ActorId, context: pul.CellContext): void | Promise<void> {
        seen.push(id, context.id === id, context.path);
        if (form === "sync") return void seen.push("ready");
        return Promise.resolve().then(() => void seen.push("ready"));
      }
      hello(): void {
        seen.push("hello");
      }
    }
    await using system = await pul.actorSystem();
    const starter = await system.spawnClass(Starter, { name: "starter" });
    await starter.hello();
    assert.deepEqual(seen, [starter.$ref.actorId, true, "actors/starter", "ready", "hello"]);
  });
}

test("AC-23 stop runs onStop once, is silent for unknown names, and frees the name", async () => {
  let stops = 0;
  class Stopper extends Note {
    onStop(): void {
      stops++;
    }
  }
  await using system = await pul.actorSystem();
  const first = await system.spawnClass(Stopper, { name: "note", args: ["old"] });
  await first.write("changed");
  await Promise.all([system.stop("note"), system.stop("note")]);
  await system.stop("nobody");
  assert.equal(stops, 1);
  await assert.rejects(first.read(), { kind: "actor-stopped" });
  const second = await system.spawnClass(Stopper, { name: "note", args: ["new"] });
  assert.equal(await second.read(), "new");
  assert.notEqual(second.$ref.actorId, first.$ref.actorId);
});

test("AC-24 shutdown runs onStop of every actor, named or not, and awaits it", async () => {
  const stopped: string[] = [];
  class Leaver {
    readonly #label: string;
    constructor(label: string) {
      this.#label = label;
    }
    async onStop(): Promise<void> {
      await Promise.resolve();
      stopped.push(this.#label);
    }
  }
  const system = await pul.actorSystem();
  await system.spawnClass(Leaver, { name: "a", args: ["a"] });
  await system.spawnClass(Leaver, { args: ["b"] });
  await system.spawn({ receive: () => 0, onStop: () => void stopped.push("c") });
  await system.shutdown();
  assert.deepEqual(stopped.sort(), ["a", "b", "c"]);
  await assert.rejects(system.spawnClass(Leaver, { args: ["d"] }), { kind: "shutdown" });
});

test("AC-25 a failing constructor or onStart rejects spawn and frees the name", async () => {
  class BadConstructor {
    constructor() {
      throw new RangeError("no constructor");
    }
  }
  class BadStart {
    onStart(): Promise<void> {
      return Promise.reject(new RangeError("no start"));
    }
  }
  await using system = await pul.actorSystem();
  for (const cls of [BadConstructor, BadStart]) {
    const error = await system.spawnClass(cls, { name: "bad" }).catch((error: unknown) => error);
    assert.ok(error instanceof pul.PulsingActorError, String(error));
    assert.equal(error.errorName, "RangeError");
    assert.match(error.message, /^no (constructor|start)$/);
  }
  assert.deepEqual(system.allNamedActors(), []);
  await Note.spawn({ system, name: "bad" });
});

test("AC-26 a taken name is refused and the loser's constructor does not run", async () => {
  let made = 0;
  class Once {
    constructor() {
      made++;
    }
  }
  await using system = await pul.actorSystem();
  await system.spawnClass(Once, { name: "once" });
  for (const name of ["once", "actors/once"]) {
    const error = await system.spawnClass(Once, { name }).catch((error: unknown) => error);
    assert.ok(pul.isPulsingError(error, "actor-exists"), String(error));
    assert.match(error.message, /already exists/);
  }
  assert.equal(made, 1);
});

test("AC-28 resolving a missing name fails after the timeout, not before and not much later", async () => {
  await using system = await pul.actorSystem();
  const start = pul.systemClock.now();
  const error = await system.resolve("nobody", { timeoutMs: 300 }).catch((error: unknown) => error);
  const tookMs = pul.systemClock.now() - start;
  assert.ok(error instanceof pul.PulsingRuntimeError, String(error));
  assert.equal(error.kind, "actor-not-found");
  assert.ok(tookMs >= 300 && tookMs < 1_000, `${tookMs} ms`);
});

test("AC-28 a name that appears while it is waited for is found", async () => {
  await using system = await pul.actorSystem();
  const found = Note.resolve("late", { system, timeoutMs: 5_000 });
  await Note.spawn({ system, name: "late", args: ["here"] });
  assert.equal(await (await found).read(), "here");
});

test("AC-28 a signal ends the wait for a name with its reason", async () => {
  await using system = await pul.actorSystem();
  const controller = new AbortController();
  const { signal } = controller;
  const waiting = system.resolve("nobody", { timeoutMs: 60_000, signal });
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(waiting, reason);
});

// "name.includes is not a function"
test("a name that is no text is a TypeError that names the argument", async () => {
  await using system = await pul.actorSystem();
  for (const wrong of [5, null, {}, Symbol("name")] as unknown as string[]) {
    const message = /^Cannot use ".*" as "name": expected a text$/;
    await assert.rejects(system.resolve(wrong), { name: "TypeError", message });
    assert.throws(() => system.subscribe(wrong), { name: "TypeError", message });
    await assert.rejects(system.resolving().list(wrong), { name: "TypeError", message });
  }
});
