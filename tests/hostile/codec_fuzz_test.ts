/** Whatever a peer sends, decoding ends in a value or in a typed error, and allocates little. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { isPulsingError } from "../../lib/errors.ts";
import { DEFAULT_LIMITS } from "../../lib/limits.ts";
import { Decoder, decodeValue, encodeValue } from "../../lib/wire/codec.ts";
import { FrameReader } from "../../lib/wire/frame.ts";
import { Message } from "../../lib/wire/message.ts";
import { FrameCollector } from "../frame_collector.ts";
import { test } from "../harness.ts";

const SAMPLE = {
  id: 7,
  text: "grüße",
  big: -(2n ** 70n),
  when: new Date(5),
  map: new Map([["a", [1, 2]]]),
  set: new Set([1]),
  bytes: new Uint8Array([1, 2, 3]),
  floats: new Float32Array([1, 2]),
  error: new TypeError("bad", { cause: 1 }),
  pattern: /x/g,
  nothing: undefined,
  packed: Message.pack("Ping", { n: 1 }),
  bare: Message.single("TypeV1", new Uint8Array([1, 2])),
};

function decodeSafely(bytes: Uint8Array): void {
  try {
    decodeValue(bytes);
  } catch (error) {
    assert.ok(isPulsingError(error, "not-decodable"), String(error));
  }
}

test("decoder ends in a typed error for every truncation of a message", () => {
  const bytes = encodeValue(SAMPLE);
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(
      () => decodeValue(bytes.slice(0, length)),
      (error) => isPulsingError(error, "not-decodable"),
    );
  }
});

test("decoder survives every flipped bit of a message", () => {
  const bytes = encodeValue(SAMPLE);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const copy = bytes.slice();
    copy[bit >> 3]! ^= 1 << (bit & 7);
    decodeSafely(copy);
  }
});

test("decoder survives random bytes (property)", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decodeSafely), { numRuns: 5_000 });
});

test("decoder refuses hostile lengths of every header without allocating them", () => {
  const headers = [0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf];
  for (const header of headers) {
    const bytes = new Uint8Array([header, 0xff, 0xff, 0xff, 0xff, 8, 2, 0]);
    assert.throws(() => decodeValue(bytes), (error) => isPulsingError(error, "not-decodable"));
  }
});

test("decoder refuses nesting above the limit", () => {
  const bytes = new Uint8Array(DEFAULT_LIMITS.maxDepth + 2).fill(0x91);
  bytes[bytes.length - 1] = 1;
  assert.throws(() => decodeValue(bytes), /nested too deeply/);
});

test("decoder and encoder refuse a key __proto__", () => {
  const key = new TextEncoder().encode("__proto__");
  const bytes = new Uint8Array([0x81, 0xa0 | key.length, ...key, 0x80]);
  assert.throws(() => decodeValue(bytes), /__proto__/);
  assert.throws(() => encodeValue(JSON.parse('{"__proto__": 1}')), /__proto__/);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test("decoder refuses a back reference that leads nowhere", () => {
  const bytes = new Uint8Array(10);
  bytes[0] = 0xd7;
  bytes[1] = 2;
  new DataView(bytes.buffer).setFloat64(2, 1e9);
  assert.throws(() => decodeValue(bytes), /back reference/);
});

test("decoder refuses a buffer beside the body that is claimed twice", () => {
  const claim = [0xc7, 9, 12, 0, 0, 0, 0, 0, 0, 0, 0, 8];
  const bytes = Uint8Array.from([0x92, ...claim, ...claim]);
  assert.throws(
    () => new Decoder(DEFAULT_LIMITS).decode(bytes, 0, bytes.length, [new Uint8Array(8)]),
    (error) => isPulsingError(error, "not-decodable"),
  );
});

test("decoder ends in a value for errors whose fields are no text", () => {
  const hostile = { toString: 1, valueOf: 1 };
  for (const type of ["PulsingBusinessError", "PulsingTimeoutError", "PulsingUnsupportedError"]) {
    const list = encodeValue([{ type, code: hostile, operation: hostile, durationMs: hostile }]);
    assert.ok(decodeValue(Uint8Array.from([0xc7, list.length, 9, ...list])) instanceof Error);
  }
});

test("frame reader gives the same frames however the bytes are cut (property)", () => {
  const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 20 });
  const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 50 });
  fc.assert(fc.property(frames, cuts, (payloads, sizes) => {
    const run = payloads.flatMap((payload) => [0, 0, 0, payload.length, ...payload]);
    const found = new FrameCollector();
    const reader = new FrameReader(found, 64);
    for (let offset = 0, turn = 0; offset < run.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1;
      reader.push(Uint8Array.from(run.slice(offset, offset + size)));
      offset += size;
    }
    assert.deepEqual(found.lists(), payloads.map((payload) => [...payload]));
  }));
});

test("frame reader refuses lengths of 0 and above its limit before allocating", () => {
  for (const header of [[0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff], [0, 0, 1, 0]]) {
    const reader = new FrameReader(new FrameCollector(), 64);
    assert.throws(
      () => reader.push(Uint8Array.from(header)),
      (error) => isPulsingError(error, "protocol-violation"),
    );
  }
});
