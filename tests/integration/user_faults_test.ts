/** What users ran into: each test is named after the fault. */

import assert from "node:assert/strict";
import { ManualClock } from "../../lib/testing/mod.ts";
import * as pul from "../../mod.ts";
import { test } from "../harness.ts";
import { unhandled } from "./unhandled.ts";

const logger = pul.silentLogger;

async function outcome(promise: Promise<unknown>): Promise<unknown> {
  return await promise.catch((error: unknown) => error);
}

/** Two nodes on one manual clock. */
async function two() {
  const clock = new ManualClock();
  const transport = pul.memory(new pul.MemoryNetwork(clock));
  const one = await pul.actorSystem({ clock, transport, logger, addr: "a:1" });
  const joining = pul.actorSystem({ clock, transport, logger, addr: "b:1", seeds: ["a:1"] });
  await clock.settle();
  const nodes = [await joining, one];
  const end = async () => {
    for (const system of nodes) {
      const ended = system.shutdown();
      await clock.advance(20_000);
      await ended;
    }
  };
  return { clock, one, other: await joining, [Symbol.asyncDispose]: end };
}

test("null as a whole message arrives as null on another node, and undefined as undefined", async () => {
  await using nodes = await two();
  await nodes.one.spawn({ receive: (message) => String(message) }, { name: "text" });
  await nodes.clock.advance(1_000);
  const ref = await nodes.other.resolve("text");
  for (const message of [null, undefined, 0, ""]) {
    const answer = ref.ask(message);
    await nodes.clock.settle();
    assert.equal(await answer, String(message));
  }
});

test("a rejected reply that a throw takes the place of is no unhandled rejection", async () => {
  await using system = await pul.actorSystem({ logger });
  const ref = await system.spawn(pul.stateless((_message, context) => {
    context.reply(Promise.reject(new Error("dropped")));
    throw new Error("thrown");
  }));
  const rejections = await unhandled(() => assert.rejects(ref.ask(1), /thrown/));
  assert.deepEqual(rejections, []);
});

test("metadata may be async, and fails the spawn when it throws", async () => {
  await using system = await pul.actorSystem({ logger });
  class Told {
    async metadata(): Promise<Record<string, string>> {
      return await Promise.resolve({ color: "red" });
    }
  }
  class Failing {
    async metadata(): Promise<Record<string, string>> {
      return await Promise.reject(new Error("no metadata"));
    }
  }
  await system.spawnClass(Told, { name: "told" });
  assert.deepEqual(system.allNamedActors()[0]?.instances[0]?.metadata, { color: "red" });
  const rejections = await unhandled(() =>
    assert.rejects(system.spawnClass(Failing, { name: "failing" }), /no metadata/)
  );
  assert.deepEqual(rejections, []);
  assert.equal(system.allNamedActors().length, 1);
});

test("async functions where sync ones are expected fail what they were asked, and nothing else", async () => {
  await using system = await pul.actorSystem({ logger });
  await system.spawn({ receive: () => 1 }, { name: "some" });
  const wrong = () => Promise.reject(new Error("async"));
  const lazy = system.resolving().policy({ choose: wrong as never }).lazy("some");
  class Failing {
    fail(): never {
      throw new Error("on purpose");
    }
  }
  const restartOn = wrong as never;
  const options = { name: "f", restartPolicy: "on-failure", maxRestarts: 0, restartOn } as const;
  const failing = await system.spawnClass(Failing, options);
  const rejections = await unhandled(async () => {
    await assert.rejects(lazy.ask(1), /something else than one of the candidates/);
    await assert.rejects(system.spawn(wrong as never), /has no receive/);
    await assert.rejects(failing.fail(), /on purpose/);
    await assert.rejects(failing.fail(), { kind: "actor-stopped" }); // it counted as a failure
  });
  assert.deepEqual(rejections, []);
});

test("an interceptor that never goes on holds its actor only until the call's deadline", async () => {
  const clock = new ManualClock();
  await using system = await pul.actorSystem({ clock, logger });
  class Subject {
    slow(): number {
      return 1;
    }
    fast(): number {
      return 2;
    }
  }
  for (const concurrency of ["interleaved", "sequential"] as const) {
    const subject = await system.spawnClass(Subject, { name: "s", concurrency });
    using _interceptor = system.use((call, next) =>
      call.direction === "incoming" && call.method === "slow" ? new Promise(() => {}) : next()
    );
    const late = outcome(subject.$with({ timeoutMs: 50 }).slow());
    const behind = subject.fast();
    await clock.advance(50);
    assert.ok(await late instanceof pul.PulsingTimeoutError);
    assert.equal(await behind, 2);
    await system.stop("s"); // and it does not wait for the call that is over
  }
});

test("a policy that changes its candidates fails its call and blocks nobody", async () => {
  await using system = await pul.actorSystem({ logger });
  await system.spawn({ receive: () => 1 }, { name: "some" });
  const choose = (candidates: unknown[]) => candidates.splice(0)[0];
  const lazy = system.resolving().policy({ choose: choose as never }).lazy("some");
  await assert.rejects(lazy.ask(1), TypeError);
});

for (const direction of ["incoming", "outgoing"]) {
  test(`an ${direction} interceptor may answer with a stream of its own`, async () => {
    await using system = await pul.actorSystem({ logger });
    class Subject {
      *items(): Generator<number> {
        yield* [1, 2, 3];
      }
    }
    const subject = await system.spawnClass(Subject);
    let isEnded = false;
    using _interceptor = system.use(async (call, next) => {
      const answer = await next() as AsyncIterable<number>;
      if (call.direction !== direction) return answer;
      return (async function* () {
        try {
          for await (const item of answer) yield item * 10;
        } finally {
          isEnded = true;
        }
      })();
    });
    assert.deepEqual(await Array.fromAsync(subject.items()), [10, 20, 30]);
    isEnded = false;
    for await (const item of subject.items()) if (item === 10) break;
    assert.ok(isEnded);
  });
}

test("the name of an actor that is out of restarts is free when its caller hears of it", async () => {
  await using system = await pul.actorSystem({ logger });
  const receive = () => {
    throw new Error("on purpose");
  };
  const options = { name: "a", restartPolicy: "on-failure", maxRestarts: 0 } as const;
  const ref = await system.spawn(() => ({ receive }), options);
  const queued = outcome(ref.tell(1).then(() => ref.ask(2)));
  await assert.rejects(ref.ask(1), { kind: "actor-stopped" });
  assert.ok(pul.isPulsingError(await queued, "actor-stopped"));
  await system.spawn({ receive: () => 1 }, { name: "a" });
});

test("misuse is refused at once: interceptors, policies, handlers, options and changes", async () => {
  await using system = await pul.actorSystem({ logger });
  class Subject {
    hi(): string {
      return "hi";
    }
    late(): void {
      pul.context().delayed(undefined as never).hi();
    }
    watch(): void {
      pul.context().watch(null as never);
    }
  }
  const subject = await system.spawnClass(Subject);
  assert.throws(() => system.use(5 as never), TypeError);
  assert.throws(() => system.resolving().policy({} as never), TypeError);
  assert.throws(() => pul.stateful(0, 5 as never), TypeError);
  assert.throws(() => pul.stateless(5 as never), TypeError);
  assert.throws(() => pul.SupervisionSpec.onFailure().maxRestarts(-1), RangeError);
  assert.throws(() => subject.$with(null as never), TypeError);
  assert.throws(() => subject.$with({ timeoutMs: NaN }), /NaN/);
  await assert.rejects(subject.late(), /time is missing/);
  await assert.rejects(subject.watch(), /expected a reference or a proxy/);
  for (const changes of [null, { args: [] }]) {
    using _interceptor = system.use((_call, next) => next(changes as never));
    await assert.rejects(subject.hi(), /Cannot (change|set)/);
  }
});
