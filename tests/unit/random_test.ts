import assert from "node:assert/strict";
import fc from "fast-check";
import { isId } from "../../lib/address.ts";
import {
  type Random,
  randomFraction,
  randomId,
  randomInteger,
  seededRandom,
  shuffled,
  systemRandom,
} from "../../lib/random.ts";
import { test } from "../harness.ts";

/** Computed independently, from the published definitions of splitmix32 and sfc32. */
const vectors: readonly (readonly [seed: number, draws: readonly number[]])[] = [
  [0, [2899526011, 769844623, 220372281, 4270301181]],
  [1, [2420951833, 2513034076, 3847892949, 4064752930]],
  [42, [1959603763, 2423114712, 2466933512, 4144396390]],
  [-1, [2300869303, 3917632794, 3726809994, 1136427174]],
  [0x7fff_ffff, [3833588335, 1704302681, 3485079413, 2067868840]],
];

test("seededRandom repeats the frozen sequences on every runtime", () => {
  for (const [seed, expected] of vectors) assert.deepEqual(draw(seededRandom(seed), 4), expected);
});

test("randomId, randomInteger and shuffled repeat from a seed on every runtime", () => {
  const random = seededRandom(42);
  assert.equal(randomId(random), "74cd2e33906dcbd8930a6b08f7067866");
  assert.deepEqual(Array.from({ length: 8 }, () => randomInteger(random, 10)), [
    8,
    6,
    4,
    1,
    4,
    9,
    0,
    1,
  ]);
  assert.deepEqual(shuffled(random, "abcdefgh"), [..."acbdhegf"]);
});

test("seededRandom sources are independent, and the low 32 bits of the seed count", () => {
  const one = seededRandom(7), other = seededRandom(7);
  draw(one, 100);
  assert.deepEqual(draw(other, 4), draw(seededRandom(7), 4));
  assert.deepEqual(draw(seededRandom(7 + 2 ** 32), 4), draw(seededRandom(7), 4));
  assert.notDeepEqual(draw(seededRandom(8), 4), draw(seededRandom(7), 4));
});

for (const [name, random] of Object.entries({ systemRandom, seededRandom: seededRandom(1) })) {
  test(`${name} draws integers of 32 bits, each bit set about half the time`, () => {
    const draws = 20_000;
    const ones = Array<number>(32).fill(0);
    for (const word of draw(random, draws)) {
      assert.ok(Number.isInteger(word) && word >= 0 && word <= 0xffff_ffff);
      for (let bit = 0; bit < 32; bit++) ones[bit]! += (word >>> bit) & 1;
    }
    // 8 standard deviations: a false alarm is not to be expected in the life of the project
    const slack = 8 * Math.sqrt(draws / 4);
    for (const count of ones) assert.ok(Math.abs(count - draws / 2) < slack, String(ones));
  });

  test(`${name} fills sixteen buckets evenly`, () => {
    const draws = 32_000, buckets = Array<number>(16).fill(0);
    for (let round = 0; round < draws; round++) buckets[randomInteger(random, 16)]! += 1;
    const slack = 8 * Math.sqrt(draws / 16);
    for (const count of buckets) assert.ok(Math.abs(count - draws / 16) < slack, String(buckets));
  });
}

test("randomId has the form of an id and does not repeat", () => {
  const ids = Array.from({ length: 10_000 }, () => randomId(systemRandom));
  assert.ok(ids.every(isId));
  assert.equal(new Set(ids).size, ids.length);
});

test("randomId keeps leading zeros", () => {
  assert.equal(randomId({ next: () => 0 }), "0".repeat(32));
  assert.equal(randomId({ next: () => 0xffff_ffff }), "f".repeat(32));
});

test("randomFraction and randomInteger reach their lowest value and never the bound", () => {
  const highest: Random = { next: () => 0xffff_ffff };
  const lowest: Random = { next: () => 0 };
  assert.ok(randomFraction(highest) < 1);
  assert.deepEqual([randomFraction(lowest), randomInteger(lowest, 6)], [0, 0]);
  assert.deepEqual([randomInteger(highest, 6), randomInteger(highest, 1)], [5, 0]);
});

test("shuffled returns a permutation and leaves its argument alone (property)", () => {
  fc.assert(fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
    const before = [...items];
    const result = shuffled(seededRandom(seed), items);
    assert.deepEqual(items, before);
    assert.deepEqual(result.toSorted(), items.toSorted());
  }));
});

test("shuffled reaches every order of three", () => {
  const random = seededRandom(3);
  const orders = Array.from({ length: 200 }, () => shuffled(random, "abc").join(""));
  assert.equal(new Set(orders).size, 6);
});

function draw(random: Random, count: number): number[] {
  return Array.from({ length: count }, () => random.next());
}
