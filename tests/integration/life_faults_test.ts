/** Lives of actors that went wrong: each test is named after the fault. */

import assert from "node:assert/strict";
import { ManualClock } from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";

async function started(options: pul.InitOptions = {}) {
  const clock = new ManualClock();
  const system = await pul.actorSystem({ clock, logger: pul.silentLogger, ...options });
  return { clock, system };
}

async function outcome(promise: Promise<unknown>): Promise<unknown> {
  return await promise.catch((error: unknown) => error);
}

test("a signal that onStart itself aborts rejects the spawn once, and frees the name", async () => {
  const { system, clock } = await started();
  await using _ = system;
  for (const fails of [true, false]) {
    const controller = new AbortController();
    class Subject {
      async onStart(): Promise<void> {
        controller.abort(new Error("enough"));
        await Promise.resolve();
        if (fails) throw new Error("start failed");
      }
    }
    const { signal } = controller;
    const error = await outcome(system.spawnClass(Subject, { name: "s", signal }));
    assert.match(String(error), /enough/);
    await clock.settle();
    assert.deepEqual(system.allNamedActors(), []);
  }
});

test("a child that is started while the others stop is stopped as well", async () => {
  const { system, clock } = await started();
  await using _ = system;
  const gate = Promise.withResolvers<void>();
  const seen: string[] = [];
  class Slow {
    async onStop(): Promise<void> {
      await gate.promise;
    }
  }
  class Parent {
    #context: pul.CellContext | undefined;
    async onStart(_id: string, context: pul.CellContext): Promise<void> {
      this.#context = context;
      await context.spawn(Slow, { name: "slow" });
    }
    onStop(): void {
      seen.push("stopped");
      void this.#context?.spawn({ receive: () => {} }, { name: "late" });
    }
  }
  await system.spawnClass(Parent, { name: "p" });
  const stopped = system.stop("p");
  await clock.settle();
  gate.resolve();
  await stopped;
  await clock.settle();
  assert.deepEqual([seen, system.allNamedActors()], [["stopped"], []]);
});

test("code that was given up acts neither for a dead actor nor for the next instance", async () => {
  const { system, clock } = await started();
  const gate = Promise.withResolvers<void>();
  const errors: unknown[] = [];
  class Subject {
    fired = 0;
    async work(): Promise<void> {
      const context = pul.context();
      await gate.promise;
      for (
        const act of [
          () => context.delayed(1).fire(),
          () => context.watch(context.self),
          () => context.spawn({ receive: () => {} }, { name: "orphan" }),
        ]
      ) {
        try {
          await act();
          errors.push(undefined);
        } catch (error) {
          errors.push(error);
        }
      }
      context.stop();
    }
    fail(): never {
      throw new Error("on purpose");
    }
    fire(): number {
      return ++this.fired;
    }
    count(): number {
      return this.fired;
    }
  }
  const options = { restartPolicy: "on-failure", minBackoffMs: 1, maxBackoffMs: 1 } as const;
  const subject = await system.spawnClass(Subject, { name: "s", ...options });
  const killed = await system.spawnClass(Subject, { name: "k" });
  const calls = [outcome(subject.work()), outcome(killed.work())];
  await clock.settle();
  await outcome(subject.fail());
  system.kill("k");
  await Promise.all(calls);
  await clock.advance(10);
  gate.resolve();
  await clock.advance(10);
  assert.equal(errors.length, 6);
  for (const error of errors) assert.ok(pul.isPulsingError(error, "call-interrupted"));
  assert.equal(await subject.count(), 0);
  assert.deepEqual(system.allNamedActors().map(({ path }) => path), ["actors/s"]);
  await system.shutdown();
  assert.equal(clock.pendingTimers, 0);
});

for (const when of ["before", "after"]) {
  test(`a stop ${when} the first await of onStart waits for it, then runs onStop`, async () => {
    const { system, clock } = await started();
    await using _ = system;
    const gate = Promise.withResolvers<void>();
    const seen: string[] = [];
    class Subject {
      async onStart(_id: string, context: pul.CellContext): Promise<void> {
        if (when === "after") await Promise.resolve();
        context.stop();
        await gate.promise;
        seen.push("started");
      }
      onStop(): void {
        seen.push("stopped");
      }
    }
    const spawned = outcome(system.spawnClass(Subject, { name: "s" }));
    await clock.settle();
    const taken = await outcome(system.spawnClass(Subject, { name: "s" }));
    assert.ok(pul.isPulsingError(taken, "actor-exists"), String(taken));
    gate.resolve();
    await spawned;
    await clock.settle();
    assert.deepEqual(seen, ["started", "stopped"]);
  });
}

test("a class that was not declared is not there for other nodes", async () => {
  class Undeclared {
    where(): string {
      return "here";
    }
  }
  const clock = new ManualClock();
  const transport = pul.memory(new pul.MemoryNetwork(clock));
  const common = { clock, transport, logger: pul.silentLogger };
  const one = await pul.actorSystem({ ...common, addr: "a:1" });
  const joining = pul.actorSystem({ ...common, addr: "b:1", seeds: ["a:1"] });
  await clock.settle();
  const two = await joining;
  await one.spawnClass(Undeclared, { name: "u" });
  const spawned = outcome(two.spawnClass(Undeclared, { placement: one.nodeId }));
  await clock.settle();
  const error = await spawned;
  assert.ok(pul.isPulsingError(error, "class-not-registered"), String(error));
  for (const system of [two, one]) {
    const ended = system.shutdown();
    await clock.advance(20_000);
    await ended;
  }
});

test("options that a spawn does not know are refused: args of a receiver, placement of a child", async () => {
  const { system } = await started();
  await using _ = system;
  class Parent {
    async spawn(options: object): Promise<unknown> {
      return await pul.context().spawn(Parent, options);
    }
  }
  const receiver = { receive: () => {} };
  const wrong: object[] = [{ args: [1] }, { placement: "remote" }, { concurrency: "sequential" }];
  for (const options of wrong) {
    await assert.rejects(system.spawn(receiver, options), /Cannot set option/);
  }
  const parent = await system.spawnClass(Parent);
  await assert.rejects(parent.spawn({ placement: "remote" }), /live with their parent/);
});

test("a deadline holds while an interceptor waits, and nothing is sent after it", async () => {
  const { system, clock } = await started();
  await using _ = system;
  let runs = 0;
  class Subject {
    run(): number {
      return ++runs;
    }
  }
  const subject = await system.spawnClass(Subject);
  for (const direction of ["outgoing", "incoming"] as const) {
    const gate = Promise.withResolvers<void>();
    using _interceptor = system.use(async (call, next) => {
      if (call.direction === direction) await gate.promise;
      return await next();
    });
    const late = outcome(subject.$with({ timeoutMs: 50 }).run());
    await clock.advance(50);
    assert.ok(await late instanceof pul.PulsingTimeoutError, String(await late));
    gate.resolve();
    await clock.settle();
    assert.equal(runs, 0, direction);
  }
});

test("an interceptor that goes on after a restart does not let messages of the next instance overtake", async () => {
  const { system, clock } = await started();
  await using _ = system;
  const gates = new Map<unknown, PromiseWithResolvers<void>>();
  const notes: unknown[] = [];
  class Subject {
    note(what: number): void {
      notes.push(what);
    }
    async failLater(gate: Promise<void>): Promise<never> {
      await gate;
      throw new Error("on purpose");
    }
  }
  const options = { restartPolicy: "on-failure", minBackoffMs: 1, maxBackoffMs: 1 } as const;
  const subject = await system.spawnClass(Subject, options);
  using _interceptor = system.use(async (call, next) => {
    const [what] = call.payload as unknown[];
    if (call.direction === "incoming" && (what === 1 || what === 2)) {
      gates.set(what, Promise.withResolvers());
      await gates.get(what)?.promise;
    }
    return await next();
  });
  const fail = Promise.withResolvers<void>();
  const failed = outcome(subject.failLater(fail.promise));
  const first = outcome(subject.note(1));
  await clock.settle();
  fail.resolve();
  await failed;
  await clock.advance(10);
  const rest = [subject.note(2), subject.note(3)];
  await clock.settle();
  gates.get(1)?.resolve();
  await clock.settle();
  assert.deepEqual(notes, []);
  gates.get(2)?.resolve();
  await Promise.all(rest);
  assert.ok(pul.isPulsingError(await first, "call-interrupted"));
  assert.deepEqual(notes, [2, 3]);
});
