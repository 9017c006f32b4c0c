/** What user code can do to its actor, and must not do to anybody else. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { ManualClock } from "../../lib/testing/mod.ts";
import { eventually, test } from "../harness.ts";

function lockedStream(): ReadableStream {
  const stream = new ReadableStream();
  stream.getReader();
  return stream;
}

class Subject {
  locked(): ReadableStream {
    return lockedStream();
  }
  async lockedLater(): Promise<ReadableStream> {
    return await Promise.resolve(lockedStream());
  }
  thenThrows(): object {
    return {
      get then() {
        throw new Error("then");
      },
    };
  }
  settlesTwice(): PromiseLike<number> {
    return { then: (onValue: (value: number) => void) => [onValue(1), onValue(2)] } as never;
  }
  ping(): number {
    return 1;
  }
}

test("a result that throws when it is looked at is the caller's error and nobody else's", async () => {
  await using system = await pul.actorSystem();
  const subject = await system.spawnClass(Subject);
  const other = await system.spawnClass(Subject);
  for (const method of ["locked", "lockedLater", "thenThrows"] as const) {
    const error = await (subject[method] as () => Promise<unknown>)().catch((e: unknown) => e);
    assert.ok(error instanceof pul.PulsingActorError, method);
    assert.equal(await other.ping(), 1);
    assert.equal(await subject.ping(), 1);
  }
  assert.equal(await subject.settlesTwice(), 1);
});

test("an untyped proxy has its operations: $with, $as, $any", async () => {
  await using system = await pul.actorSystem();
  const subject = (await system.spawnClass(Subject)).$ref.asAny();
  assert.equal(await subject.$with({ timeoutMs: 1_000 }).ping!(), 1);
  assert.equal(await subject.$as(Subject).ping(), 1);
  assert.equal(await subject.$any().ping!(), 1);
  const aborted = subject.$with({ signal: AbortSignal.abort(new Error("no")) });
  await assert.rejects(async () => await aborted.$with({ timeoutMs: 5 }).ping!(), /no/);
});

test("an onStop that never ends is abandoned after shutdownTimeoutMs", async () => {
  const clock = new ManualClock();
  const system = await pul.actorSystem({ clock, limits: { shutdownTimeoutMs: 200 } });
  const receiver = { receive: () => {}, onStop: () => new Promise<void>(() => {}) };
  const ref = await system.spawn(receiver, { name: "stuck" });
  let isDown = false;
  const shutdown = system.shutdown().then(() => isDown = true);
  await clock.advance(199);
  assert.equal(isDown, false);
  await clock.advance(2);
  await shutdown;
  await assert.rejects(ref.ask(1), /is stopped/);
});

test("an onStart that never ends is abandoned at shutdown and its spawn rejects", async () => {
  const clock = new ManualClock();
  const system = await pul.actorSystem({ clock, limits: { shutdownTimeoutMs: 200 } });
  const spawned = system.spawn({ receive: () => {}, onStart: () => new Promise<void>(() => {}) });
  const rejected = assert.rejects(spawned, /is stopped/);
  const shutdown = system.shutdown();
  await clock.advance(201);
  await Promise.all([shutdown, rejected]);
});

test("a stream opened while its actor stops fails, it does not end as if complete", async () => {
  const clock = new ManualClock();
  const system = await pul.actorSystem({ clock, limits: { shutdownTimeoutMs: 500 } });
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const ref = await system.spawn({
    async receive() {
      await gate;
      return (function* () {
        for (let item = 0;; item++) yield item;
      })();
    },
  }, { name: "late" });
  const stream = ref.ask(1) as Promise<AsyncIterable<number>>;
  const stopped = system.stop("late");
  open();
  await assert.rejects(async () => {
    for await (const _ of await stream);
  }, /is stopped/);
  await stopped;
  await system.shutdown();
});

class Outer {
  async call(inner: { later(): Promise<unknown> }): Promise<void> {
    await Promise.resolve();
    await inner.later();
  }
}

class Inner {
  static seen: unknown = undefined;
  later(): void {
    setTimeout(() => {
      try {
        Inner.seen = pul.context().path;
      } catch (error) {
        Inner.seen = error;
      }
    });
  }
}

test("a timer set in one actor's method does not run in the context of its caller", async () => {
  await using system = await pul.actorSystem();
  const inner = await system.spawnClass(Inner, { name: "inner" });
  const outer = await system.spawnClass(Outer, { name: "outer" });
  await inner.later(); // the method's form is learnt
  await eventually(() => Inner.seen !== undefined);
  Inner.seen = undefined;
  await outer.call(inner);
  await eventually(() => Inner.seen !== undefined);
  assert.notEqual(Inner.seen, "actors/outer");
});

test("isolate clone: what cannot be copied rejects, results and items are copied too", async () => {
  await using system = await pul.actorSystem({ isolate: "clone" });
  const shared = { list: [1] };
  const ref = await system.spawn({
    receive(message) {
      if (message === "bad result") return { f: () => {} };
      if (message === "items") return [[shared], [shared]].values().map((item) => item);
      if (message === "bad item") {
        return (function* () {
          yield 1;
          yield () => {};
        })();
      }
      return shared;
    },
  });
  await assert.rejects(ref.ask(() => {}), /a function/);
  await assert.rejects(ref.tell(() => {}), /a function/);
  await assert.rejects(ref.ask("bad result"), /a function/);
  const copy = await ref.ask("good");
  assert.deepEqual(copy, shared);
  assert.notEqual(copy, shared);
  const items: unknown[] = [];
  await assert.rejects(async () => {
    for await (const item of await ref.ask("bad item") as AsyncIterable<unknown>) items.push(item);
  }, /a function/);
  assert.deepEqual(items, [1]);
});

test("what is told in vain is logged: to a stopped actor, and what its handler throws", async () => {
  const lines: string[] = [];
  const ignore = () => {};
  const logger = {
    debug: (text: string) => lines.push(text),
    info: ignore,
    warn: ignore,
    error: ignore,
  };
  await using system = await pul.actorSystem({ logger });
  const ref = await system.spawn({
    receive: () => {
      throw new Error("boom");
    },
  }, { name: "short" });
  await ref.tell(1);
  await eventually(() => lines.includes("a told message failed"));
  await system.stop("short");
  await ref.tell(2).catch(ignore);
  assert.ok(lines.includes("dead letter"));
});

for (const timeoutMs of [Infinity, 3e9]) {
  test(`a timeout of ${timeoutMs} ms does not fire at once`, async () => {
    await using system = await pul.actorSystem();
    const ref = await system.spawn({
      receive: () => new Promise((resolve) => setTimeout(() => resolve("in time"), 20)),
    });
    assert.equal(await ref.ask(1, { timeoutMs }), "in time");
    const waiting = system.resolve("later", { timeoutMs });
    await system.spawn({ receive: () => 1 }, { name: "later" });
    assert.equal(await (await waiting).ask(1), 1);
  });
}
