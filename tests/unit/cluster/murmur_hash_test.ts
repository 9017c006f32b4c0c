/** MurmurHash64A in halves of 32 bits, against vectors and against the algorithm in bigints. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { compareHashes, type Hash64, murmurHash64A } from "../../../lib/cluster/murmur_hash.ts";
import { test } from "../../harness.ts";

const SEED = 4_193_360_111;

const vectors: Readonly<Record<string, string>> = {
  "": "4d408de62dee109a",
  "a": "3d6961c699914c7b",
  "user:alice": "2efaeaa910d1b5ee",
  "session:abc": "5606a3723829b48c",
  "http://w1:8000:0": "c7335c5ef26a7009",
};

const encoder = new TextEncoder();

test("murmurHash64A agrees with the vectors", () => {
  for (const [text, expected] of Object.entries(vectors)) {
    assert.equal(hex(murmurHash64A(encoder.encode(text), SEED)), expected, text);
    assert.equal(wide(encoder.encode(text), SEED).toString(16), expected, "so does the reference");
  }
});

test("murmurHash64A agrees with the algorithm in bigints for any bytes and seed", () => {
  const seeds = fc.nat(2 ** 32 - 1);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), seeds, (bytes, seed) => {
      assert.equal(valueOf(murmurHash64A(bytes, seed)), wide(bytes, seed));
    }),
    { numRuns: 1_000 },
  );
  for (const fill of [0, 0x7f, 0x80, 0xff]) {
    for (let length = 0; length <= 17; length++) {
      const bytes = new Uint8Array(length).fill(fill);
      assert.equal(valueOf(murmurHash64A(bytes, 2 ** 32 - 1)), wide(bytes, 2 ** 32 - 1));
    }
  }
});

test("murmurHash64A reads a part of a buffer as the bytes it is", () => {
  const all = encoder.encode("xyuser:alicez");
  assert.equal(hex(murmurHash64A(all.subarray(2, 12), SEED)), vectors["user:alice"]);
});

test("compareHashes orders as the numbers do", () => {
  const word = fc.oneof(fc.nat(2 ** 32 - 1), fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1));
  const hash = fc.record({ high: word, low: word });
  fc.assert(fc.property(hash, hash, (one, other) => {
    const [first, second] = [valueOf(one), valueOf(other)];
    const expected = Number(first > second) - Number(first < second);
    assert.equal(Math.sign(compareHashes(one, other)), expected);
    assert.equal(compareHashes(one, { ...one }), 0);
  }));
});

function hex(hash: Hash64): string {
  return valueOf(hash).toString(16).padStart(16, "0");
}

function valueOf({ high, low }: Hash64): bigint {
  return BigInt(high) << 32n | BigInt(low);
}

/** The published algorithm, word for word. */
function wide(bytes: Uint8Array, seed: number): bigint {
  const factor = 0xc6a4a7935bd1e995n;
  const cut = (value: bigint) => BigInt.asUintN(64, value);
  const fold = (value: bigint) => value ^ value >> 47n;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hash = cut(BigInt(seed) ^ BigInt(bytes.length) * factor);
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    const block = cut(view.getBigUint64(at, true) * factor);
    hash = cut((hash ^ cut(fold(block) * factor)) * factor);
  }
  if (at < bytes.length) {
    let rest = 0n;
    for (let last = bytes.length - 1; last >= at; last--) {
      rest = rest << 8n | BigInt(view.getUint8(last));
    }
    hash = cut((hash ^ rest) * factor);
  }
  return fold(cut(fold(hash) * factor));
}
