/** Streaming replies and uploads on one node: AC-12 to AC-14. */

import assert from "node:assert/strict";
import * as pul from "../../mod.ts";
import { eventually, test } from "../harness.ts";

class Producer {
  produced = 0;
  finished = 0;
  *countSync(n: number): Generator<number> {
    try {
      for (let i = 0; i < n; i++) {
        this.produced++;
        yield i;
      }
    } finally {
      this.finished++;
    }
  }
  async *count(n: number): AsyncGenerator<number> {
    try {
      for (let i = 0; i < n; i++) {
        await Promise.resolve();
        this.produced++;
        yield i;
      }
    } finally {
      this.finished++;
    }
  }
  async countLater(n: number): Promise<AsyncGenerator<number>> {
    await Promise.resolve();
    return this.count(n);
  }
  asReadable(n: number): ReadableStream<number> {
    return ReadableStream.from(this.count(n));
  }
  async *failAt(n: number): AsyncGenerator<number> {
    for (let i = 0; i < n; i++) yield await Promise.resolve(i);
    throw new Error(`stream error at ${n}`);
  }
  async *untilAborted(): AsyncGenerator<string> {
    const { signal } = pul.context();
    yield "first";
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.finished++;
  }
  async sum(numbers: AsyncIterable<number>): Promise<number> {
    let sum = 0;
    for await (const n of numbers) sum += n;
    return sum;
  }
  state(): { produced: number; finished: number } {
    return { produced: this.produced, finished: this.finished };
  }
}

for (const method of ["count", "countSync", "countLater", "asReadable"] as const) {
  const open = async (producer: pul.ActorProxy<Producer>, n: number) => {
    const stream: AsyncIterable<number> = await producer[method](n);
    return stream;
  };

  test(`AC-12 "${method}" gives 5 items in order, and none for 0`, async () => {
    await using system = await pul.actorSystem();
    const producer = await system.spawnClass(Producer);
    assert.deepEqual(await Array.fromAsync(await open(producer, 5)), [0, 1, 2, 3, 4]);
    assert.deepEqual(await Array.fromAsync(await open(producer, 0)), []);
  });

  test(`AC-13 break after 2 of 10 items of "${method}" runs the producer's finally`, async () => {
    await using system = await pul.actorSystem();
    const producer = await system.spawnClass(Producer);
    const taken: number[] = [];
    for await (const item of await open(producer, 10)) {
      taken.push(item);
      if (taken.length === 2) break;
    }
    assert.deepEqual(taken, [0, 1]);
    await eventually(async () => (await producer.state()).finished === 1, { what: "the finally" });
    assert.ok((await producer.state()).produced < 10);
  });
}

test("AC-12 a generator method is sent when iterated or awaited, not before", async () => {
  await using system = await pul.actorSystem();
  const producer = await system.spawnClass(Producer);
  producer.count(3);
  assert.equal((await producer.state()).produced, 0);
  assert.deepEqual(await Array.fromAsync(producer.count(2)), [0, 1]);
  const stream = await producer.count(2);
  assert.ok(stream instanceof pul.ReplyStream);
  assert.deepEqual(await Array.fromAsync(stream), [0, 1]);
});

test("AC-12 an untyped call can be iterated or awaited", async () => {
  await using system = await pul.actorSystem();
  const producer = (await system.spawnClass(Producer)).$any();
  assert.deepEqual(await Array.fromAsync(producer.count!(3)), [0, 1, 2]);
  assert.deepEqual(await Array.fromAsync(await producer.count!(3)), [0, 1, 2]);
  await assert.rejects(Array.fromAsync(producer.state!()), /not a stream/);
});

for (const end of ["cancel", "dispose", "web stream cancel"] as const) {
  test(`AC-13 ${end} runs the producer's finally before it resolves`, async () => {
    await using system = await pul.actorSystem();
    const producer = await system.spawnClass(Producer);
    const stream = await producer.count(10);
    if (end === "web stream cancel") {
      const reader = stream.toReadableStream().getReader();
      assert.deepEqual(await reader.read(), { done: false, value: 0 });
      await reader.cancel();
    } else {
      await stream[Symbol.asyncIterator]().next();
      await (end === "cancel" ? stream.cancel() : stream[Symbol.asyncDispose]());
      assert.deepEqual(await Array.fromAsync(stream), []);
    }
    assert.deepEqual(await producer.state(), { produced: 1, finished: 1 });
  });
}

test("AC-13 a signal ends a stream: the consumer gets the reason, the producer the abort", async () => {
  await using system = await pul.actorSystem();
  const producer = await system.spawnClass(Producer);
  const controller = new AbortController();
  const stream = await producer.$with({ signal: controller.signal }).untilAborted();
  const iterator = stream[Symbol.asyncIterator]();
  assert.deepEqual(await iterator.next(), { done: false, value: "first" });
  const next = iterator.next();
  const reason = new Error("enough");
  controller.abort(reason);
  await assert.rejects(next, reason);
  await eventually(async () => (await producer.state()).finished === 1, { what: "the abort" });
});

test("AC-13 a producer on the same node is never ahead of its consumer", async () => {
  await using system = await pul.actorSystem();
  const producer = await system.spawnClass(Producer);
  const iterator = producer.count(100)[Symbol.asyncIterator]();
  for (let taken = 1; taken <= 10; taken++) {
    await iterator.next();
    assert.equal((await producer.state()).produced, taken);
  }
  await iterator.return?.();
});

test("AC-14 a generator that fails gives its items, then the error", async () => {
  await using system = await pul.actorSystem();
  const producer = await system.spawnClass(Producer);
  const items: number[] = [];
  const error = await (async () => {
    for await (const item of producer.failAt(3)) items.push(item);
  })().catch((error: unknown) => error);
  assert.deepEqual(items, [0, 1, 2]);
  assert.ok(error instanceof pul.PulsingActorError, String(error));
  assert.match(error.message, /stream error at 3/);
  assert.equal((await producer.state()).produced, 0);
});

test("AC-14 opening a stream of a stopped actor fails with actor-stopped", async () => {
  await using system = await pul.actorSystem();
  const producer = await system.spawnClass(Producer, { name: "gone" });
  await system.stop("gone");
  await assert.rejects(Array.fromAsync(producer.count(3)), { kind: "actor-stopped" });
});

test("AC-14 stopping the actor ends its open streams with an error and runs the finally", async () => {
  await using system = await pul.actorSystem();
  const instance = new Producer();
  class Shared {
    count(n: number): AsyncGenerator<number> {
      return instance.count(n);
    }
  }
  const producer = await system.spawnClass(Shared, { name: "p" });
  const iterator = producer.count(10)[Symbol.asyncIterator]();
  await iterator.next();
  await system.stop("p");
  await assert.rejects(iterator.next(), { kind: "actor-stopped" });
  assert.equal(instance.finished, 1);
});

test("a generator, a web stream and a reply stream can be uploaded", async () => {
  await using system = await pul.actorSystem({ isolate: "clone" });
  const producer = await system.spawnClass(Producer);
  const source = new Producer();
  assert.equal(await producer.sum(source.count(100)), 4_950);
  assert.equal(await producer.sum(source.asReadable(100)), 4_950);
  assert.equal(await producer.sum(await producer.count(100)), 4_950);
});
