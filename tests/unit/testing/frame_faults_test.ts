import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { FrameFaults } from "../../../lib/testing/frame_faults.ts";
import { FrameKind, MAGIC } from "../../../lib/wire/frame.ts";
import { test } from "../../harness.ts";

function frame(kind: number, payload: number): Uint8Array {
  const bytes = new Uint8Array(5 + payload).fill(payload & 0xff);
  new DataView(bytes.buffer).setUint32(0, payload + 1);
  bytes[4] = kind;
  return bytes;
}

const NEWS = FrameKind.control;
const TELL = FrameKind.tell;
const bytesOf = (...pieces: readonly Uint8Array[]) => Buffer.concat(pieces);

test("FrameFaults drops and doubles control frames among others of one write", () => {
  const [a, b, c, d] = [frame(TELL, 3), frame(NEWS, 9), frame(NEWS, 2), frame(TELL, 0)];
  const draws = [0, 2];
  const faults = new FrameFaults(false);
  const passed = faults.split(bytesOf(a, b, c, d), () => draws.shift()!);
  assert.deepEqual(bytesOf(...passed.pieces), bytesOf(a, c, c, d));
  assert.deepEqual([passed.hasOthers, faults.isHolding, draws], [true, false, []]);
  const lost = faults.split(b, () => 0);
  assert.deepEqual([lost.pieces, lost.hasOthers], [[], false]);
  assert.equal(faults.split(b, () => 1).hasOthers, false);
});

test("FrameFaults begins in the middle of a frame and of its length", () => {
  const all = bytesOf(MAGIC, frame(TELL, 100), frame(NEWS, 5), frame(TELL, 1));
  for (let cut = 0; cut < MAGIC.length + 105 + 4; cut++) {
    const faults = new FrameFaults(true);
    faults.follow(all.subarray(0, cut));
    const { pieces } = faults.split(all.subarray(cut), () => 0);
    const isSeen = cut <= MAGIC.length + 105; // then the length of the news has passed in part
    const rest = isSeen ? bytesOf(all.subarray(cut, 109), frame(TELL, 1)) : all.subarray(cut);
    assert.deepEqual(bytesOf(...pieces), bytesOf(rest), `cut at ${cut}`);
  }
});

test("FrameFaults treats frames alike however they are cut into writes (property)", () => {
  const frames = fc.array(fc.tuple(fc.constantFrom(NEWS, TELL), fc.nat(40)), { maxLength: 12 });
  const cuts = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 200 });
  const copies = fc.array(fc.nat(2), { minLength: 12, maxLength: 12 });
  fc.assert(fc.property(frames, cuts, copies, (frames, cuts, copies) => {
    const all = bytesOf(MAGIC, ...frames.map(([kind, size]) => frame(kind, size)));
    const draws = [...copies];
    const expected = frames.flatMap(([kind, size]) => {
      const times = kind === NEWS ? draws.shift()! : 1;
      return Array.from({ length: times }, () => frame(kind, size));
    });
    const faults = new FrameFaults(true);
    const [left, ends] = [[...copies], [...cuts]];
    const got: Uint8Array[] = [];
    for (let at = 0; at < all.length;) {
      const end = Math.min(all.length, at + (ends.shift() ?? all.length));
      got.push(...faults.split(all.subarray(at, end), () => left.shift()!).pieces);
      at = end;
    }
    assert.equal(faults.flush().length, 0);
    assert.deepEqual(bytesOf(...got), bytesOf(MAGIC, ...expected));
  }));
});
