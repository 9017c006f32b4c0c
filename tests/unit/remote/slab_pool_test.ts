/** Memory for outgoing copies: pieces, reuse, bounds. */

import assert from "node:assert/strict";
import { resolveLimits } from "../../../lib/limits.ts";
import { HEAD_ROOM, type Piece, SlabPool } from "../../../lib/remote/slab_pool.ts";
import { test } from "../../harness.ts";

const CHUNK_BYTES = 1_000;

function copy(pool: SlabPool, length: number): Piece[] {
  const pieces: Piece[] = [];
  pool.copy(Uint8Array.from({ length }, (_, index) => index % 251), pieces);
  return pieces;
}

function payload({ slab, length }: Piece): Uint8Array {
  return slab.subarray(HEAD_ROOM, HEAD_ROOM + length);
}

test("SlabPool cuts a copy into chunks and keeps every byte", () => {
  const pool = new SlabPool(resolveLimits({ chunkBytes: CHUNK_BYTES }));
  for (const length of [0, 1, 999, 1_000, 1_001, 2_500]) {
    const pieces = copy(pool, length);
    assert.equal(pieces.length, Math.ceil(length / CHUNK_BYTES));
    const bytes = pieces.flatMap((piece) => [...payload(piece)]);
    assert.deepEqual(bytes, Array.from({ length }, (_, index) => index % 251));
  }
});

test("SlabPool uses a slab again, keeps no more than maxSpareBytes and no small ones", () => {
  const pool = new SlabPool(resolveLimits({ chunkBytes: CHUNK_BYTES, maxSpareBytes: 2_000 }));
  const slabs = [1_000, 1_000, 1_000].map((length) => copy(pool, length)[0]!.slab);
  for (const slab of slabs) pool.giveBack(slab);
  const again = [1_000, 700, 1_000].map((length) => copy(pool, length)[0]!.slab);
  assert.deepEqual(again.map((slab) => slabs.indexOf(slab)), [1, 0, -1]);
  const small = copy(pool, 400)[0]!.slab;
  assert.equal(small.length, HEAD_ROOM + 400);
  pool.giveBack(small);
  assert.notEqual(copy(pool, 1_000)[0]!.slab, small);
});
