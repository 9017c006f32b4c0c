/** What user code and large values can do to a link, and must not do to the other calls on it. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";

class Subject {
  static readonly gate: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly log: unknown[] = [];
  *bad(): Generator<unknown> {
    yield 1;
    yield () => 1;
  }
  async slow(): Promise<string> {
    await Subject.gate.promise;
    return "slow";
  }
  *nested(): Generator<{ inner: Generator<number> }> {
    for (const base of [10, 20]) yield { inner: numbers(base) };
  }
  async sumOfSums(streams: AsyncIterable<{ inner: AsyncIterable<number> }>): Promise<number> {
    let sum = 0;
    for await (const { inner } of streams) for await (const n of inner) sum += n;
    return sum;
  }
  async first(items: AsyncIterable<number>): Promise<number | undefined> {
    for await (const item of items) return item;
    return undefined;
  }
  async eat(items: AsyncIterable<number>): Promise<number> {
    let eaten = 0;
    for await (const _ of items) eaten++;
    return eaten;
  }
  ignore(_items: unknown): number {
    return 1;
  }
  async keep(items: AsyncIterable<number>): Promise<number> {
    const iterator = items[Symbol.asyncIterator]();
    this.kept = iterator;
    return (await iterator.next()).value as number;
  }
  kept: AsyncIterator<number> | undefined = undefined;
  async next(): Promise<unknown> {
    return (await this.kept?.next())?.value;
  }
  giveBack(items: AsyncIterable<number>): AsyncIterable<number> {
    return items;
  }
  note(value: unknown): void {
    this.log.push(value);
  }
  heard(): unknown[] {
    return this.log;
  }
  echo(value: unknown): unknown {
    return value;
  }
  size(value: { length: number }): number {
    return value.length;
  }
  big(length: number): string {
    return "x".repeat(length);
  }
  hugeError(): never {
    throw new pul.PulsingUnsupportedError("x".repeat(2_000_000));
  }
  trickyError(): never {
    throw new pul.PulsingBusinessError(1, "tricky", {
      get details() {
        throw new Error("getter");
      },
    });
  }
}

function* numbers(base: number): Generator<number> {
  for (let n = base; n < base + 3; n++) yield n;
}

/** A generator that says when its `finally` has run. */
function watched(): { items: AsyncGenerator<number>; state: { isOver: boolean } } {
  const state = { isOver: false };
  const items = (async function* () {
    try {
      for (let n = 0;; n++) yield n;
    } finally {
      state.isOver = true;
    }
  })();
  return { items, state };
}

async function pair(
  limits: Partial<pul.Limits> = {},
  transport: pul.Transport = pul.memory(new pul.MemoryNetwork(pul.systemClock)),
  gossip: Partial<pul.ClusterSettings> = {},
) {
  const common = { addr: "127.0.0.1:0", transport, limits, logger: pul.silentLogger };
  const options = { ...common, gossip };
  const stack = new AsyncDisposableStack();
  const server = stack.use(await pul.actorSystem(options));
  const client = stack.use(await pul.actorSystem({ ...options, seeds: [server.addr!] }));
  await server.spawnClass(Subject, { name: "subject" });
  const ref = await client.resolve("subject", { timeoutMs: 5_000 });
  const dispose = () => stack.disposeAsync();
  return { server, client, ref, subject: ref.asType(Subject), [Symbol.asyncDispose]: dispose };
}

test("an item that cannot be encoded ends its stream and nothing else on the link", async () => {
  await using both = await pair();
  const other = both.subject.slow();
  const items: unknown[] = [];
  await assert.rejects(async () => {
    for await (const item of both.subject.bad()) items.push(item);
  }, { kind: "not-encodable" });
  assert.deepEqual(items, [1]);
  Subject.gate.resolve();
  assert.equal(await other, "slow");
});

test("streams in the items of streams flow, in both directions", async () => {
  await using both = await pair();
  const all: number[] = [];
  for await (const { inner } of both.subject.nested()) {
    for await (const n of inner) all.push(n);
  }
  assert.deepEqual(all, [10, 11, 12, 20, 21, 22]);
  const streams = (function* () {
    for (const base of [1, 2]) yield { inner: numbers(base) };
  })();
  assert.equal(await both.subject.sumOfSums(streams as never), 15);
});

test("a producer whose finally throws harms nobody", async () => {
  await using both = await pair();
  const throwing = (function* () {
    try {
      for (let n = 0;; n++) yield n;
    } finally {
      // deno-lint-ignore no-unsafe-finally -- that is what a user may write
      throw new Error("finally");
    }
  })();
  assert.equal(await both.subject.first(throwing as never), 0);
  assert.equal(await both.subject.echo(1), 1);
});

test("a message whose getter sends another one on the same link arrives whole, and so does that", async () => {
  await using both = await pair();
  const { subject } = both;
  const tricky = {
    get field() {
      void subject.note("from a getter");
      return 1;
    },
    before: "x".repeat(100),
    items: {
      [Symbol.asyncIterator]() {
        void subject.note("from an iterable");
        return numbers(1) as unknown as AsyncIterator<number>;
      },
    },
  };
  const echoed = await subject.echo(tricky) as { field: number; items: AsyncIterable<number> };
  assert.equal(echoed.field, 1);
  assert.deepEqual(await Array.fromAsync(echoed.items), [1, 2, 3]);
  assert.deepEqual(await subject.heard(), ["from a getter", "from an iterable"]);
});

test("an error that is huge, or throws when it is looked at, is the caller's error", async () => {
  await using both = await pair();
  await assert.rejects(both.subject.hugeError(), (error) => error instanceof pul.PulsingError);
  await assert.rejects(both.subject.trickyError(), (error) => {
    return error instanceof pul.PulsingBusinessError && error.message === "tricky";
  });
  assert.equal(await both.subject.echo(1), 1);
});

test("arguments that are no list are refused, and nobody counts to a hundred million", async () => {
  await using both = await pair();
  const call = { __call__: "echo", args: { length: 1e8 } };
  assert.equal(await both.ref.ask(call), undefined);
});

test("a stream argument that nobody begins to read is stopped when the call is answered", async () => {
  await using both = await pair();
  const { items, state } = watched();
  assert.equal(await both.subject.ignore(items), 1);
  await eventually(() => state.isOver, { what: "the producer's finally" });
});

test("a stream argument that was begun stays open after the call", async () => {
  await using both = await pair();
  const { items, state } = watched();
  assert.equal(await both.subject.keep(items), 0);
  assert.deepEqual([await both.subject.next(), await both.subject.next()], [1, 2]);
  assert.equal(state.isOver, false);
  const given: number[] = [];
  for await (const n of await both.subject.giveBack(numbers(5) as never)) given.push(n);
  assert.deepEqual(given, [5, 6, 7]);
});

test("streams in the arguments of a large call that is given up are stopped", async () => {
  await using both = await pair({ maxBulkTransfers: 1 });
  const state = { isOver: false };
  const items = {
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.resolve({ done: false, value: 1 }),
      return: () => Promise.resolve({ done: state.isOver = true, value: undefined }),
    }),
  };
  const controller = new AbortController();
  const large = { bytes: new Uint8Array(20_000_000), items };
  const call = both.subject.$with({ signal: controller.signal }).ignore(large);
  controller.abort(new Error("no longer"));
  await assert.rejects(call, /no longer/);
  await eventually(() => state.isOver, { what: "the producer's finally" });
});

test("a call that is given up ends the streams in its arguments", async () => {
  await using both = await pair();
  const { items, state } = watched();
  const eat = async () => await both.subject.$with({ timeoutMs: 50 }).eat(items);
  await assert.rejects(eat, pul.PulsingTimeoutError);
  await eventually(() => state.isOver, { what: "the producer's finally" });
});

for (const transport of [undefined, pul.tcp(), pul.websocket()]) {
  const name = transport?.name ?? "memory";
  test(`${name}: marks below the transport's own do not stop what waits for room`, async () => {
    await using both = await pair({ outboxHighWaterBytes: 1_000, chunkBytes: 200_000 }, transport);
    for (let n = 0; n < 5; n++) {
      await both.ref.tell({ __call__: "note", args: ["x".repeat(2_000)] });
    }
    assert.equal(await both.subject.size(new Uint8Array(2_000_000)), 2_000_000);
  });

  test(`${name}: answers of one turn above any message size all arrive`, async () => {
    await using both = await pair({}, transport);
    const answers = await Promise.all(Array.from({ length: 700 }, () => both.subject.big(60_000)));
    assert.ok(answers.every((answer) => answer.length === 60_000));
  });

  test(`${name}: shutdown lets a large answer that is on its way arrive`, async () => {
    await using both = await pair({}, transport);
    const answer = both.subject.echo(new Uint8Array(30_000_000)) as Promise<Uint8Array>;
    await both.subject.heard(); // the call is there: it was sent before
    const { length } = await answer.catch((error) => error);
    assert.equal(length, 30_000_000);
  });
}

test("tells of large messages wait for each other, and are refused above the capacity", async () => {
  await using both = await pair({ outboxCapacityBytes: 3_000_000, maxBulkTransfers: 1 });
  const bytes = new Uint8Array(1_000_000);
  const message = { __call__: "size", args: [bytes] };
  const tells = await Promise.allSettled(Array.from({ length: 10 }, () => both.ref.tell(message)));
  const refused = tells.filter((tell) => tell.status === "rejected");
  assert.equal(refused.length, 7);
  assert.ok(refused.every(({ reason }) => reason.kind === "limit-exceeded" && reason.retryable));
  for (let n = 0; n < 10; n++) await both.ref.tell(message);
});

test("a reference to an own actor that has stopped says so when it comes back", async () => {
  await using both = await pair();
  const local = await both.client.spawn({ receive: () => 1 }, { name: "short" });
  const away = both.subject.slow; // keeps the subject's link in use
  assert.equal(typeof away, "function");
  await both.client.stop("short");
  const back = await both.subject.echo(local) as pul.ActorRef;
  await assert.rejects(back.ask(1), { kind: "actor-stopped" });
});

test("a link that only listens is not given up while it is sent to slowly", async () => {
  const transport = slow(pul.memory(new pul.MemoryNetwork(pul.systemClock)));
  // As by default, a member probes the others several times in linkTimeoutMs.
  const probes = { probeIntervalMs: 100, probeTimeoutMs: 90, suspicionMultiplier: 100 };
  await using both = await pair({ linkIdleMs: 100, linkTimeoutMs: 300 }, transport, probes);
  assert.equal(await both.subject.size("x".repeat(60_000)), 60_000);
});

/** Lets 4 KB pass every 50 ms, as a slow line with a deep buffer does. */
function slow(inner: pul.Transport): pul.Transport {
  const wrap = (connection: pul.Connection): pul.Connection => {
    const start = connection.start.bind(connection);
    connection.start = (handler) => {
      const queue: Uint8Array[] = [];
      let end: (() => void) | undefined;
      const timer = setInterval(() => {
        for (let room = 4_000; room > 0 && queue.length > 0;) {
          const [first = new Uint8Array(0)] = queue;
          const part = first.subarray(0, room);
          room -= part.length;
          if (part.length === first.length) queue.shift();
          else queue[0] = first.subarray(part.length);
          handler.onBytes(part);
        }
        if (end !== undefined && queue.length === 0) {
          clearInterval(timer);
          end();
        }
      }, 50);
      start({
        onBytes: (bytes) => void queue.push(bytes),
        onDrain: () => handler.onDrain(),
        onClose: (error) => end = () => handler.onClose(error),
      });
    };
    return connection;
  };
  return {
    name: "slow",
    listen: (options) =>
      inner.listen({ ...options, accept: (connection) => options.accept(wrap(connection)) }),
    dial: async (address, options) => wrap(await inner.dial(address, options)),
  };
}
