/** Streams that are written into: order, room, ends, and what happens when one end is left. */

import assert from "node:assert/strict";
import { isPulsingError, PulsingActorError, PulsingBusinessError } from "../../../lib/errors.ts";
import { writtenStream } from "../../../lib/actor/stream_writer.ts";
import { MAX_WAITING_READS, MAX_WAITING_WRITES } from "../../../lib/limits.ts";
import { test } from "../../harness.ts";

const isKind = (kind: Parameters<typeof isPulsingError>[1]) => (error: unknown) =>
  isPulsingError(error, kind);

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  const first = await Promise.race([promise.catch(() => {}), Promise.resolve(pending)]);
  return first !== pending;
}

test("items arrive in order, then the end", async () => {
  const { stream, writer } = writtenStream<number>("n");
  for (const n of [1, 2, 3]) await writer.write(n);
  writer.close();
  assert.deepEqual(await Array.fromAsync(stream), [1, 2, 3]);
  assert.deepEqual(await Array.fromAsync(stream), []);
});

test("items arrive as they were", async () => {
  const { stream, writer } = writtenStream<unknown>("n");
  const item = { run: () => {} };
  await writer.write(item);
  await writer.write(undefined);
  writer.close();
  const [first, ...others] = await Array.fromAsync(stream);
  assert.equal(first, item);
  assert.deepEqual(others, [undefined]);
});

test("write waits when bufferSize items are not read, in the order of the writes", async () => {
  const { stream, writer } = writtenStream<number>("n", { bufferSize: 2 });
  await writer.write(0);
  await writer.write(1);
  const third = writer.write(2);
  const fourth = writer.write(3);
  assert.equal(await isSettled(third), false);
  const items = stream[Symbol.asyncIterator]();
  assert.equal((await items.next()).value, 0);
  await third;
  assert.equal(await isSettled(fourth), false);
  writer.close();
  const rest: unknown[] = [];
  for await (const item of stream) rest.push(item);
  await fourth;
  assert.deepEqual(rest, [1, 2, 3]);
});

test("32 items fit without bufferSize", async () => {
  const { stream, writer } = writtenStream<number>("n");
  for (let n = 0; n < 32; n++) await writer.write(n);
  const next = writer.write(32);
  assert.equal(await isSettled(next), false);
  await stream.cancel();
  await assert.rejects(next, isKind("stream-closed"));
});

test("a reader that waits gets the item, the end or the error", async () => {
  const { stream, writer } = writtenStream<number>("n");
  const items = stream[Symbol.asyncIterator]();
  const reads = [items.next(), items.next(), items.next()];
  await writer.write(7);
  writer.error("broken");
  assert.deepEqual(await reads[0], { done: false, value: 7 });
  await assert.rejects(async () => await reads[1], PulsingActorError);
  assert.deepEqual(await reads[2], { done: true, value: undefined });
});

test("write after close is refused, and later ends change nothing", async () => {
  const { stream, writer } = writtenStream<number>('"S"');
  writer.close();
  writer.close();
  writer.error("late");
  await assert.rejects(writer.write(1), /^PulsingRuntimeError: Cannot write to stream "S": it is/);
  await assert.rejects(writer.write(1), isKind("stream-closed"));
  assert.deepEqual(await Array.fromAsync(stream), []);
});

for (const leave of ["break", "cancel", "dispose"] as const) {
  test(`write is refused after the reader left by ${leave}`, async () => {
    const { stream, writer } = writtenStream<number>("n", { bufferSize: 1 });
    await writer.write(1);
    if (leave === "break") { for await (const _item of stream) break; }
    else if (leave === "cancel") await stream.cancel();
    else await stream[Symbol.asyncDispose]();
    await assert.rejects(writer.write(2), /its reader is gone/);
    assert.deepEqual(await Array.fromAsync(stream), []);
  });
}

test("a write that waits is refused when the reader leaves", async () => {
  const { stream, writer } = writtenStream<number>("n", { bufferSize: 1 });
  await writer.write(1);
  const refused = assert.rejects(writer.write(2), isKind("stream-closed"));
  await stream.cancel();
  await refused;
});

const ERRORS: Readonly<Record<string, readonly [given: unknown, name: string, text: string]>> = {
  "a text": ["broken", "PulsingActorError", "broken"],
  "a foreign error": [new RangeError("too far"), "PulsingActorError", "too far"],
  "an error of the family": [new PulsingBusinessError(7, "no"), "PulsingBusinessError", "no"],
};

for (const [what, [given, name, text]] of Object.entries(ERRORS)) {
  test(`error with ${what} arrives after the items, once`, async () => {
    const { stream, writer } = writtenStream<number>("n");
    await writer.write(1);
    writer.error(given);
    const items = stream[Symbol.asyncIterator]();
    assert.equal((await items.next()).value, 1);
    await assert.rejects(items.next(), (error: Error) => {
      assert.equal(error.name, name);
      assert.ok(error.message.includes(text));
      return true;
    });
    assert.equal((await items.next()).done, true);
  });
}

test("a writer that is disposed before its end fails the reader, after its end it does not", async () => {
  const cut = writtenStream<number>("n");
  const whole = writtenStream<number>("n");
  {
    await using one = cut.writer;
    await using other = whole.writer;
    await one.write(1);
    other.close();
  }
  const items = cut.stream[Symbol.asyncIterator]();
  assert.equal((await items.next()).value, 1);
  await assert.rejects(items.next(), /its writer left before its end/);
  assert.deepEqual(await Array.fromAsync(whole.stream), []);
});

test("a signal ends both sides with its reason and is let go at the end", async () => {
  const controller = new AbortController();
  const { stream, writer } = writtenStream<number>("n", {
    bufferSize: 1,
    signal: controller.signal,
  });
  await writer.write(1);
  const waiting = assert.rejects(writer.write(2), isKind("stream-closed"));
  controller.abort(new Error("enough"));
  await waiting;
  await assert.rejects(Array.fromAsync(stream), /enough/);
  const late = writtenStream<number>("n", { signal: controller.signal });
  await assert.rejects(late.writer.write(1), isKind("stream-closed"));
  await assert.rejects(Array.fromAsync(late.stream), /enough/);
});

test("more waiting writes than the bound are refused", async () => {
  const { stream, writer } = writtenStream<number>("n", { bufferSize: 1 });
  await writer.write(0);
  const waiting = Array.from({ length: MAX_WAITING_WRITES }, (_, n) => writer.write(n));
  await assert.rejects(writer.write(1), isKind("limit-exceeded"));
  const settled = Promise.allSettled(waiting);
  await stream.cancel();
  assert.ok((await settled).every(({ status }) => status === "rejected"));
});

test("more waiting reads than the bound are refused, and the others get their items", async () => {
  const { stream, writer } = writtenStream<number>("n");
  const reader = stream[Symbol.asyncIterator]();
  const waiting = Array.from({ length: MAX_WAITING_READS }, () => reader.next());
  await assert.rejects(reader.next(), isKind("limit-exceeded"));
  for (let n = 0; n < MAX_WAITING_READS; n++) await writer.write(n);
  const values = (await Promise.all(waiting)).map(({ value }) => value);
  assert.deepEqual(values, Array.from({ length: MAX_WAITING_READS }, (_, n) => n));
  await writer.write(-1);
  assert.deepEqual(await reader.next(), { done: false, value: -1 });
  await stream.cancel();
});

test("a bufferSize that is no integer above 0 is refused", () => {
  for (const bufferSize of [0, -1, 1.5, NaN, Infinity, "8" as unknown as number]) {
    assert.throws(() => writtenStream("n", { bufferSize }), RangeError);
  }
});

test("a written stream can be read as a web stream", async () => {
  const { stream, writer } = writtenStream<number>("n");
  await writer.write(1);
  writer.close();
  assert.deepEqual(await Array.fromAsync(stream.toReadableStream()), [1]);
});
