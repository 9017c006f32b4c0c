/** Who owns a key on the ring, and which keys move. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { HashRing } from "../../../lib/cluster/hash_ring.ts";
import { seededRandom, shuffled } from "../../../lib/random.ts";
import { test } from "../../harness.ts";

const WORKERS = ["http://w1:8000", "http://w2:8000", "http://w3:8000"];

const labels = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), {
  minLength: 2,
  maxLength: 6,
});
const keys = fc.array(fc.string(), { minLength: 1, maxLength: 50 });

test("HashRing agrees with the vectors", () => {
  const ring = new HashRing(WORKERS);
  const owners = ["user:alice", "user:bob", "session:abc", "header:x-session-id:s1"]
    .map((key) => ring.owner(key));
  assert.deepEqual(owners, [WORKERS[1], WORKERS[2], WORKERS[0], WORKERS[0]]);
});

test("HashRing has no owner without labels, and the one label owns all", () => {
  assert.equal(new HashRing([]).owner("a"), undefined);
  const ring = new HashRing(["only"], 1);
  for (let key = 0; key < 100; key++) assert.equal(ring.owner(`${key}`), "only", "it wraps");
});

test("HashRing gives a point to the key with its very hash", () => {
  const ring = new HashRing(WORKERS);
  for (const label of WORKERS) {
    for (let number = 0; number < 160; number++) {
      assert.equal(ring.owner(`${label}:${number}`), label);
    }
  }
});

test("HashRing depends neither on the order of the labels nor on repeated ones", () => {
  fc.assert(fc.property(labels, keys, fc.integer(), (some, texts, seed) => {
    const ring = new HashRing(some, 16);
    const other = new HashRing([...shuffled(seededRandom(seed), some), ...some], 16);
    for (const key of texts) assert.equal(other.owner(key), ring.owner(key));
  }));
});

test("HashRing moves only the keys of a label that goes, and to a label that comes", () => {
  fc.assert(fc.property(labels, keys, (some, texts) => {
    const [gone, ...stay] = some;
    const [before, after] = [new HashRing(some, 16), new HashRing(stay, 16)];
    for (const key of texts) {
      const owner = before.owner(key);
      if (owner === gone) assert.ok(stay.includes(after.owner(key) ?? ""));
      else assert.equal(after.owner(key), owner);
    }
  }));
});

test("HashRing scatters the keys of a label that goes over all that stay", () => {
  const all = Array.from({ length: 8 }, (_, index) => `node-${index}`);
  const [before, after] = [new HashRing(all), new HashRing(all.slice(1))];
  const heirs = new Map<string, number>();
  for (let number = 0; number < 8_000; number++) {
    const key = `session:${number}`;
    if (before.owner(key) !== all[0]) continue;
    const heir = after.owner(key) ?? "none";
    heirs.set(heir, (heirs.get(heir) ?? 0) + 1);
  }
  const counts = [...heirs.values()];
  const moved = counts.reduce((sum, count) => sum + count, 0);
  assert.equal(heirs.size, 7, "each of the others has some");
  assert.ok(moved > 700 && moved < 1_300, `about an eighth moved: ${moved} of 8000`);
  assert.ok(Math.max(...counts) < moved / 3, `none has most of them: ${counts} of ${moved}`);
});

test("HashRing shares keys out about evenly", () => {
  const ring = new HashRing(WORKERS);
  const shares = new Map(WORKERS.map((label) => [label, 0]));
  for (let number = 0; number < 9_000; number++) {
    const owner = ring.owner(`user:${number}`) ?? "none";
    shares.set(owner, (shares.get(owner) ?? 0) + 1);
  }
  for (const [label, share] of shares) {
    assert.ok(share > 2_100 && share < 3_900, `${label} has ${share} of 9000`);
  }
});

test("HashRing takes texts that are not well-formed", () => {
  const ring = new HashRing(WORKERS);
  assert.ok(ring.owner("\ud800"));
  assert.equal(ring.owner("\ud800"), ring.owner("\ufffd"), "as UTF-8 has it");
});
