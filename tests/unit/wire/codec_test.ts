/** The codec keeps what structured clone keeps, and plain data is readable by any MessagePack. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { decode as libraryDecode, encode as libraryEncode } from "@msgpack/msgpack";
import fc from "fast-check";
import { isPulsingError, PulsingBusinessError } from "../../../lib/errors.ts";
import { DEFAULT_LIMITS, resolveLimits } from "../../../lib/limits.ts";
import { ByteWriter } from "../../../lib/wire/byte_writer.ts";
import { Decoder, decodeValue, Encoder, encodeValue } from "../../../lib/wire/codec.ts";
import { test } from "../../harness.ts";

const there = (value: unknown) => decodeValue(encodeValue(value));

const FAITHFUL: readonly (readonly [name: string, value: unknown])[] = [
  ["null", null],
  ["undefined", undefined],
  ["booleans", [true, false]],
  ["small integers", [0, 1, 127, 128, 255, 256, 65_535, 65_536, -1, -32, -33, -128, -40_000]],
  ["integers of 32 bits and more", [2 ** 31, 2 ** 32 - 1, 2 ** 32, -(2 ** 31), -(2 ** 33)]],
  ["safe integers", [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]],
  ["fractions and specials", [0.5, -0, NaN, Infinity, -Infinity, 5e-324]],
  ["bigints", [0n, 1n, -1n, 2n ** 64n, -(2n ** 100n), 255n, 256n]],
  ["text", ["", "a", "é", "日本", "😀", "x".repeat(31), "x".repeat(32), "é".repeat(300)]],
  ["long text", "x".repeat(70_000)],
  ["a leading U+FEFF", ["\uFEFFa", `\uFEFF${"x".repeat(60)}`]],
  ["dates", [new Date(0), new Date(-1.5e12), new Date(NaN)]],
  ["regular expressions", [/a+b/gi, /[/]\n/u]],
  ["maps", new Map<unknown, unknown>([[1, "a"], ["k", { v: 1 }], [{ a: 1 }, new Map()]])],
  ["sets", new Set<unknown>([1, "a", { b: 2 }, new Set([3])])],
  ["bytes", new Uint8Array([1, 2, 3])],
  ["empty bytes", new Uint8Array(0)],
  ["typed arrays", [new Float64Array([1.5, -2]), new Int16Array([-1, 2]), new BigInt64Array([1n])]],
  ["clamped bytes", new Uint8ClampedArray([0, 255])],
  ["nested records", { a: { b: [{ c: null }, { d: undefined }] }, "": 0, "ü": "ö" }],
  ["wide records", Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, i]))],
  ["long arrays", Array.from({ length: 70_000 }, (_, i) => i)],
];

for (const [name, value] of FAITHFUL) {
  test(`decodeValue(encodeValue(x)) keeps ${name}`, () => {
    assert.deepEqual(there(value), value);
  });
}

test("encodeValue keeps cycles and shared references", () => {
  const shared = { n: 1 };
  const value: Record<string, unknown> = {
    one: shared,
    two: [shared],
    map: new Map([[1, shared]]),
  };
  value.self = value;
  const copy = there(value) as Record<string, unknown>;
  assert.equal(copy.self, copy);
  assert.equal(copy.one, (copy.two as unknown[])[0]);
  assert.equal((copy.map as Map<number, unknown>).get(1), copy.one);
});

test("encodeValue keeps identity beyond the objects it looks for by a scan", () => {
  const items = Array.from({ length: 100 }, (_, n) => ({ n }));
  const copy = there([...items, ...items]) as unknown[];
  for (let index = 0; index < 100; index++) assert.equal(copy[index], copy[index + 100]);
});

test("encodeValue keeps buffers of every kind with their own range", () => {
  const whole = new Uint8Array([9, 1, 2, 3, 4, 5, 6, 7, 8, 9]).buffer;
  const view = there(new DataView(whole, 1, 4)) as DataView;
  assert.equal(view.byteLength, 4);
  assert.equal(view.getUint8(0), 1);
  const buffer = there(whole) as ArrayBuffer;
  assert.deepEqual(new Uint8Array(buffer), new Uint8Array(whole));
  assert.deepEqual(there(new Uint8Array(whole, 2, 3)), new Uint8Array([2, 3, 4]));
});

test("encodeValue keeps errors with class, message and cause", () => {
  const error = new RangeError("too far", { cause: new Error("inner", { cause: 7 }) });
  const copy = there(error) as RangeError;
  assert.ok(copy instanceof RangeError);
  assert.equal(copy.message, "too far");
  assert.equal((copy.cause as Error).message, "inner");
  assert.equal((copy.cause as Error).cause, 7);
  const business = there(new PulsingBusinessError(402, "no", { a: [1] })) as PulsingBusinessError;
  assert.ok(business instanceof PulsingBusinessError);
  assert.deepEqual([business.code, business.details, business.message], [402, { a: [1] }, "no"]);
});

test("encodeValue cuts a cyclic cause and ends", () => {
  const error = new Error("round");
  error.cause = error;
  assert.equal((there(error) as Error).message, "round");
});

test("encodeValue makes plain records of class instances and drops what is not data", () => {
  class Point {
    x = 1;
    get double() {
      return this.x * 2;
    }
  }
  assert.deepEqual(there(new Point()), { x: 1 });
  assert.deepEqual(there(Object.assign(Object.create(null), { a: 1 })), { a: 1 });
});

test("encodeValue refuses functions and symbols and names the place", () => {
  for (const bad of [() => 1, Symbol("s")]) {
    assert.throws(
      () => encodeValue({ items: [1, { callback: bad }] }),
      (error) =>
        isPulsingError(error, "not-encodable") && /value\.items\[1\]\.callback/.test(error.message),
    );
  }
});

test("encode rewinds the writer when a value cannot be encoded", () => {
  const writer = new ByteWriter();
  const encoder = new Encoder(DEFAULT_LIMITS);
  encoder.encode(1, writer);
  assert.throws(() => encoder.encode([1, () => 1], writer));
  encoder.encode("ok", writer);
  const bytes = writer.take();
  assert.equal(decodeValue(bytes.subarray(0, 1)), 1);
  assert.equal(decodeValue(bytes.subarray(1)), "ok");
});

test("encode refuses a depth above the limit and takes one at the limit", () => {
  const limits = resolveLimits({ maxDepth: 10 });
  const nest = (depth: number): unknown => depth === 0 ? 1 : [nest(depth - 1)];
  assert.deepEqual(decodeValue(encodeValue(nest(10), limits), limits), nest(10));
  assert.throws(() => encodeValue(nest(11), limits), /not-encodable|more than 10 levels/);
});

test("encode puts large buffers out of band as they are", () => {
  const limits = resolveLimits({ chunkThresholdBytes: 100 });
  const source = new Float64Array(50).fill(2.5);
  const writer = new ByteWriter();
  const value = { source, small: new Uint8Array(99) };
  const buffers = new Encoder(limits).encode(value, writer, "apart");
  assert.deepEqual(buffers.map(({ buffer }) => buffer), [source.buffer]);
  const body = writer.take();
  const copy = new Decoder(limits).decode(body, 0, body.length, buffers) as {
    source: Float64Array;
  };
  assert.deepEqual(copy.source, new Float64Array(50).fill(2.5));
});

test("encode forgets the buffers of a value that cannot be encoded", () => {
  const encoder = new Encoder(resolveLimits({ chunkThresholdBytes: 10 }));
  const value = [new Uint8Array(20), () => 1];
  assert.throws(() => encoder.encode(value, new ByteWriter(), "apart"));
  assert.deepEqual(encoder.encode(1, new ByteWriter(), "apart"), []);
});

test("decodeValue shares no memory with a socket's Buffer", () => {
  const socketBytes = Buffer.from(encodeValue([Uint8Array.of(1, 2), Uint8Array.of(3).buffer]));
  const [bytes, buffer] = decodeValue(socketBytes) as [Uint8Array, ArrayBuffer];
  socketBytes.fill(0);
  assert.deepEqual(bytes, Uint8Array.of(1, 2));
  assert.deepEqual(new Uint8Array(buffer), Uint8Array.of(3));
});

test("decode reads keys it has met and keys that look alike", () => {
  const records = ["name", "nime", "nbme", "", "n", "é", "name"].map((key) => ({ [key]: 1 }));
  const bytes = encodeValue(records);
  const decoder = new Decoder(DEFAULT_LIMITS);
  for (let round = 0; round < 3; round++) {
    assert.deepEqual(decoder.decode(bytes, 0, bytes.length), records);
  }
});

test("encodeValue refuses a bigint that no decoder takes", () => {
  const refused = (error: unknown) => isPulsingError(error, "not-encodable");
  assert.throws(() => encodeValue(1n << BigInt(8 * 1_048_577)), refused);
});

test("encodeValue agrees with the MessagePack library on plain data (property)", () => {
  // The library drops byte order marks and the sign of -0, and both refuse "__proto__".
  const plain = fc.jsonValue().filter((value) => !/__proto__|\uFEFF/.test(JSON.stringify(value)));
  fc.assert(fc.property(plain, (value) => {
    assert.deepEqual(libraryDecode(encodeValue(value)), value);
    assert.deepEqual(decodeValue(libraryEncode(value)), JSON.parse(JSON.stringify(value)));
  }));
});

test("decodeValue(encodeValue(x)) equals structuredClone(x) (property)", () => {
  const anything = fc.anything(
    {
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withUnicodeString: true,
    } as Parameters<typeof fc.anything>[0],
  );
  fc.assert(fc.property(anything, (value) => {
    let clone: unknown;
    try {
      clone = structuredClone(value);
      assert.deepEqual(there(value), clone);
    } catch (error) {
      // Keys "__proto__" are refused, everything else must agree.
      assert.ok(isPulsingError(error, "not-encodable"), String(error));
    }
  }));
});
