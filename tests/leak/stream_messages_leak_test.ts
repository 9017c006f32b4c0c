/** An end of a stream message that everybody has forgotten ends the other end. */

import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isPulsingError } from "../../lib/errors.ts";
import { StreamMessage } from "../../lib/system/messaging.ts";
import { eventually, test } from "../harness.ts";

const collect = collector();

function collector(): () => void {
  const { Bun } = globalThis as { Bun?: { gc(isFull: boolean): void } };
  if (Bun !== undefined) return () => Bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void; // what the flag exposes
}

/** Collects garbage until a promise has failed. */
async function failure(promise: Promise<unknown>): Promise<unknown> {
  const outcome: unknown[] = [];
  promise.then((value) => outcome.push(value), (error) => outcome.push(error));
  await eventually(() => {
    collect();
    return outcome.length > 0;
  }, { what: "the failure" });
  return outcome[0];
}

/** Makes one end; the other one is garbage when it returns. */
function onlyWriter() {
  return StreamMessage.create<number>("S", { bufferSize: 1 }).writer;
}

function onlyReader() {
  const { message, writer } = StreamMessage.create<number>("S");
  writer.write(1).catch(() => {});
  return message.stream()[Symbol.asyncIterator]();
}

test("a write that waits fails when its message was collected unread", async () => {
  const writer = onlyWriter();
  await writer.write(1);
  const error = await failure(writer.write(2));
  assert.ok(isPulsingError(error, "stream-closed"));
  assert.match(error.message, /its reader is gone/);
});

test("a read that waits fails when the writer was collected before its end", async () => {
  const items = onlyReader();
  assert.deepEqual(await items.next(), { done: false, value: 1 });
  const error = await failure(items.next());
  assert.ok(isPulsingError(error, "stream-closed"));
  assert.match(error.message, /its writer left before its end/);
});

test("a loop that waits keeps its stream although nobody else does", async () => {
  const got: number[] = [];
  const { writer, end } = (() => {
    const { message, writer } = StreamMessage.create<number>("S");
    const read = async () => {
      for await (const n of message.stream()) got.push(n as number);
    };
    return { writer, end: read() };
  })();
  for (const n of [1, 2, 3]) {
    collect();
    await writer.write(n);
    await eventually(() => got.length === n, { what: "the item" });
  }
  writer.close();
  await end;
});
