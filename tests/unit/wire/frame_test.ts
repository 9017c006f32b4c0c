/** Frames are found however the bytes are cut, and written bytes stay what they were (AC-60). */

import assert from "node:assert/strict";
import { ByteWriter } from "../../../lib/wire/byte_writer.ts";
import { FrameReader } from "../../../lib/wire/frame.ts";
import { FrameCollector } from "../../frame_collector.ts";
import { test } from "../../harness.ts";

const CHUNK = [0x31, ...Array(14).keys()];
const FRAMES = [[0x12, 7, 8], CHUNK, [0x04], CHUNK, [0x13, 9]];
const RUN = Uint8Array.from(FRAMES.flatMap((frame) => [0, 0, 0, frame.length, ...frame]));

function framesOf(...pieces: Uint8Array[]): number[][] {
  const found = new FrameCollector();
  const reader = new FrameReader(found, 64);
  for (const piece of pieces) reader.push(piece);
  return found.lists();
}

test("FrameReader finds the same frames when cut at every pair of bytes", () => {
  for (let first = 0; first <= RUN.length; first++) {
    for (let second = first; second <= RUN.length; second++) {
      const pieces = [RUN.slice(0, first), RUN.slice(first, second), RUN.slice(second)];
      assert.deepEqual(framesOf(...pieces), FRAMES);
    }
  }
});

test("FrameReader finds frames in single bytes", () => {
  assert.deepEqual(framesOf(...Array.from(RUN, (byte) => Uint8Array.of(byte))), FRAMES);
});

test("FrameReader hands a chunk on in parts, without putting it together", () => {
  const parts: (readonly [Uint8Array, number])[] = [];
  const reader = new FrameReader({
    onFrame: () => assert.fail("a whole frame"),
    onChunkPart: (bytes, start, end, left) => parts.push([bytes.subarray(start, end), left]),
  }, 64);
  const pieces = [[0, 0, 0, 15, ...CHUNK.slice(0, 11)], CHUNK.slice(11, 13), CHUNK.slice(13)]
    .map((piece) => Uint8Array.from(piece));
  for (const piece of pieces) reader.push(piece);
  assert.deepEqual(parts.map(([part, left]) => [part.length, left]), [[10, 4], [2, 2], [2, 0]]);
  assert.ok(parts.every(([part], index) => part.buffer === pieces[index]?.buffer));
});

test("FrameReader takes a frame at its limit and refuses one above", () => {
  const reader = new FrameReader(new FrameCollector(), 4);
  reader.push(Uint8Array.of(0, 0, 0, 4, 1, 2, 3, 4));
  assert.throws(() => reader.push(Uint8Array.of(0, 0, 0, 5)), /expected 1 to 4/);
});

test("ByteWriter never writes again to what was taken, also when it grows", () => {
  const writer = new ByteWriter();
  writer.run(new Uint8Array(10_000).fill(1));
  const first = writer.take();
  writer.run(new Uint8Array(100_000).fill(2));
  assert.ok(first.every((byte) => byte === 1));
  assert.ok(writer.take().every((byte) => byte === 2));
  assert.equal(writer.pending, 0);
});

test("ByteWriter rewinds to a mark across growth", () => {
  const writer = new ByteWriter();
  writer.byte(5);
  const mark = writer.mark();
  writer.run(new Uint8Array(50_000));
  writer.rewind(mark);
  writer.byte(6);
  assert.deepEqual([...writer.take()], [5, 6]);
});

test("ByteWriter writes varints low bits first up to the largest safe integer", () => {
  for (const value of [0, 127, 128, 16_384, 2 ** 31, 2 ** 35 + 3, Number.MAX_SAFE_INTEGER]) {
    const writer = new ByteWriter();
    writer.varint(value);
    const bytes = writer.take();
    assert.equal(bytes.reduceRight((sum, byte) => sum * 128 + (byte & 0x7f), 0), value);
    assert.ok((bytes.at(-1) as number) < 0x80);
  }
});
