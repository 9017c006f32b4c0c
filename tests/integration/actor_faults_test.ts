/** What user code can do to its actor, and must not do to anybody else. */

import assert from "node:assert/strict";
import { inspect } from "node:util";
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
  const system = await pul.actorSystem({
    clock,
    logger: pul.silentLogger,
    limits: { shutdownTimeoutMs: 200 },
  });
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
    error: (text: string) => lines.push(text),
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

class Odd {
  plain = 1;
  get computed(): number {
    return 7;
  }
  count = 0;
  incr(): number {
    return ++this.count;
  }
  _private = 2;
  throwsOdd(kind: string): never {
    if (kind === "getter") {
      const error = new Error("x");
      Object.defineProperty(error, "message", {
        get() {
          throw new Error("message");
        },
      });
      throw error;
    }
    throw new Proxy({}, {
      get() {
        throw new Error("trap");
      },
      getPrototypeOf() {
        throw new Error("trap");
      },
    });
  }
}

test("awaiting a name of an untyped proxy reads an attribute or getter, and never calls", async () => {
  await using system = await pul.actorSystem();
  const odd = (await system.spawnClass(Odd)).$any();
  assert.equal(await odd.plain, 1);
  assert.equal(await odd.computed, 7);
  await assert.rejects(async () => await odd.incr, /it is a method, call it/);
  await assert.rejects(async () => await odd.toFixed, /Not found/);
  await assert.rejects(odd.$ref.ask({ __call__: "$get", args: ["_private"] }), /Not found/);
  assert.equal(await odd.count, 0);
});

test("an error that throws when it is looked at is the caller's error, nobody hangs", async () => {
  await using system = await pul.actorSystem();
  const odd = await system.spawnClass(Odd);
  for (const kind of ["getter", "proxy"]) {
    await assert.rejects(
      Promise.resolve(odd.throwsOdd(kind)),
      (error) => error instanceof pul.PulsingActorError,
    );
  }
});

test("a tell that waits for a place rejects when the actor stops, and is not said to be in", async () => {
  await using system = await pul.actorSystem();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let handled = 0;
  const receive = async () => {
    handled++;
    await gate;
  };
  const ref = await system.spawn({ receive }, { name: "full", mailboxCapacity: 2 });
  const tells = Promise.allSettled(Array.from({ length: 10 }, (_, n) => ref.tell(n)));
  await eventually(() => handled === 1);
  const stopped = system.stop("full");
  open();
  await stopped;
  const refused = (await tells).filter((tell) => tell.status === "rejected");
  assert.equal(handled, 1);
  assert.equal(refused.length, 7);
  assert.ok(refused.every(({ reason }) => reason.kind === "actor-stopped"));
});

for (
  const [what, metadata] of Object.entries({
    "a function in it": () => ({ f: () => 1 }),
    "null in it": () => ({ n: null }),
    "a throw": () => {
      throw new Error("md");
    },
  })
) {
  test(`metadata with ${what} fails the spawn, and the name stays free`, async () => {
    await using system = await pul.actorSystem({ addr: "127.0.0.1:0" });
    const bad = { receive: () => 1, metadata: metadata as never };
    await assert.rejects(system.spawn(bad, { name: "m" }), pul.PulsingActorError);
    await eventually(async () => {
      await system.spawn({ receive: () => 2 }, { name: "m" }).catch(() => undefined);
      return await (await system.resolve("m")).ask(1) === 2;
    });
  });
}

test("cancel of a local stream ends a pending next at once, also of a producer that is stuck", async () => {
  await using system = await pul.actorSystem({ limits: { shutdownTimeoutMs: 20 } });
  const ref = await system.spawn({
    async *receive() {
      yield 1;
      await new Promise(() => {});
    },
  });
  const stream = await ref.ask(1) as pul.ReplyStream<number>;
  const iterator = stream[Symbol.asyncIterator]();
  assert.deepEqual(await iterator.next(), { done: false, value: 1 });
  const pending = iterator.next();
  await stream.cancel();
  assert.equal((await pending).done, true);
});

test("options of calls are checked: unknown names and odd timeouts", async () => {
  await using system = await pul.actorSystem();
  const odd = await system.spawnClass(Odd);
  assert.throws(() => odd.$with({ timeout: 1 } as never), /"timeout"/);
  assert.throws(() => odd.$with({ timeoutMs: "5" } as never), RangeError);
  await assert.rejects(async () => await odd.$ref.ask(1, { timeoutMs: -1 }), RangeError);
});

test("proxies are readable: text, JSON, inspection; a method without its proxy says so", async () => {
  await using system = await pul.actorSystem();
  const typed = await system.spawnClass(Odd, { name: "odd" });
  const url = `actor:///actors/odd@${system.nodeId}`;
  assert.equal(`${typed}`, `OddProxy(${url})`);
  assert.match(`${typed.$any()}`, /actors\/odd/);
  assert.equal(JSON.stringify({ typed }), JSON.stringify({ typed: url }));
  assert.equal(inspect(typed), `OddProxy(${url})`);
  assert.match(inspect(typed.$any()), /actors\/odd/);
  const { incr } = typed;
  assert.throws(() => incr(), /without its proxy/);
});

test("spawn, resolve and remote refuse options they do not know, and odd values", async () => {
  await using system = await pul.actorSystem();
  await assert.rejects(system.spawnClass(Odd, { nme: "x" } as never), /"nme"/);
  await assert.rejects(system.spawnClass(Odd, { args: "abc" } as never), /expected a list/);
  await assert.rejects(system.spawnClass(Odd, { name: 5 } as never), /expected a text/);
  await assert.rejects(system.spawnClass({} as never), /expected a class/);
  await assert.rejects(system.resolve("x", { timeout: 1 } as never), /"timeout"/);
  assert.throws(() => pul.remote(Odd, { concurency: "sequential" } as never), /"concurency"/);
  assert.throws(() => pul.remote(undefined as never), /expected a class/);
  await assert.rejects(pul.actorSystem({ addr: "127.0.0.1:0", seeds: "x" } as never), /a list/);
  await assert.rejects(pul.actorSystem({ cluster: "" }), /"cluster"/);
});

test("spawn gives a slow onStart up: after timeoutMs, and when the signal aborts", async () => {
  await using system = await pul.actorSystem();
  const slow = { receive: () => 1, onStart: () => new Promise<void>(() => {}) };
  await assert.rejects(system.spawn(slow, { name: "slow", timeoutMs: 5 }), pul.PulsingTimeoutError);
  const signal = AbortSignal.abort(new Error("no longer"));
  await assert.rejects(system.spawn(slow, { signal }), /no longer/);
  await eventually(async () => {
    const ref = await system.spawn({ receive: () => 2 }, { name: "slow" }).catch(() => undefined);
    return ref !== undefined;
  }, { what: "the name to be free" });
});

test("a name that is not public is resolved on its own node only", async () => {
  const transport = pul.memory(new pul.MemoryNetwork(pul.systemClock));
  await using one = await pul.actorSystem({ addr: "a:0", transport });
  await using two = await pul.actorSystem({ addr: "b:0", transport, seeds: [one.addr!] });
  await one.spawn({ receive: () => "mine" }, { name: "mine", public: false });
  await one.spawn({ receive: () => "ours" }, { name: "ours" });
  assert.equal(await (await one.resolve("mine")).ask(1), "mine");
  assert.equal(await (await two.resolve("ours", { timeoutMs: 5_000 })).ask(1), "ours");
  await assert.rejects(two.resolve("mine"), { kind: "actor-not-found" });
  await one.stop("mine");
  await assert.rejects(one.resolve("mine"), { kind: "actor-not-found" });
});

test("a system that is shut down says so", async () => {
  const system = await pul.actorSystem();
  await system.shutdown();
  await assert.rejects(system.resolve("x", { timeoutMs: 1_000 }), { kind: "shutdown" });
  await assert.rejects(system.refer("0".repeat(32)), { kind: "shutdown" });
  await assert.rejects(system.spawn({ receive: () => 1 }), { kind: "shutdown" });
});

for (const value of [new URL("http://x"), new Number(5), new WeakRef({}), new Headers()]) {
  test(`a ${value.constructor.name} is refused, it would arrive as an empty object`, async () => {
    await using system = await pul.actorSystem({ isolate: "clone" });
    const ref = await system.spawn({ receive: (message) => message });
    await assert.rejects(ref.ask(value), { kind: "not-encodable" });
  });
}
