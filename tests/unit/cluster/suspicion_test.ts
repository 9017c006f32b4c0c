/** How long a suspect has to refute: memberlist's formula. */

import assert from "node:assert/strict";
import { Suspicion, suspicionBounds, suspicionTimeoutMs } from "../../../lib/cluster/suspicion.ts";
import { CLUSTER_PRESETS } from "../../../lib/cluster/settings.ts";
import { test } from "../../harness.ts";
import { id } from "./cast.ts";

const LAN = CLUSTER_PRESETS.lan;

test("suspicionBounds are those of memberlist", () => {
  // memberlist, util.go: suspicionTimeout(4, n, 1 s); state.go: k = 4 - 2, 0 when n - 2 < k.
  const table: [members: number, minMs: number, maxMs: number, expected: number][] = [
    [1, 4_000, 4_000, 0],
    [2, 4_000, 4_000, 0],
    [3, 4_000, 4_000, 0],
    [4, 4_000, 24_000, 2],
    [10, 4_000, 24_000, 2],
    [50, 6_796, 40_776, 2],
    [100, 8_000, 48_000, 2],
    [1_000, 12_000, 72_000, 2],
  ];
  for (const [members, minMs, maxMs, expected] of table) {
    assert.deepEqual(suspicionBounds(members, LAN), { minMs, maxMs, expected }, `${members}`);
  }
});

test("suspicionBounds with a multiplier of 2 or less await nobody", () => {
  for (const suspicionMultiplier of [1, 2]) {
    const bounds = suspicionBounds(100, { ...LAN, suspicionMultiplier });
    assert.equal(bounds.expected, 0);
    assert.equal(bounds.maxMs, bounds.minMs);
  }
});

test("confirmations shorten the suspicion as in memberlist's suspicion_test.go", () => {
  // k = 3, 2 s to 30 s; memberlist cuts the third one off to 7 810.
  const bounds = { minMs: 2_000, maxMs: 30_000, expected: 3 };
  assert.deepEqual([0, 1, 2, 3, 4].map((n) => suspicionTimeoutMs(bounds, n)), [
    30_000,
    16_000,
    7_811,
    2_000,
    2_000,
  ]);
  assert.equal(suspicionTimeoutMs({ minMs: 2_000, maxMs: 2_000, expected: 0 }, 0), 2_000);
});

test("Suspicion counts each accuser once and no more than it awaits", () => {
  const suspicion = new Suspicion({ minMs: 1_000, maxMs: 9_000, expected: 2 }, id(1), 500);
  assert.equal(suspicion.endsAt, 9_500);
  assert.equal(suspicion.confirm(id(1)), false, "the first accuser confirms nothing");
  assert.equal(suspicion.confirm(id(2)), true);
  const afterOne = suspicion.endsAt;
  assert.ok(afterOne < 9_500 && afterOne > 1_500);
  assert.equal(suspicion.confirm(id(2)), false);
  assert.equal(suspicion.confirm(id(3)), true);
  assert.equal(suspicion.endsAt, 1_500);
  assert.equal(suspicion.confirm(id(4)), false, "enough");
  assert.equal(suspicion.endsAt, 1_500);
});

test("Suspicion that begins anew keeps its accusers", () => {
  const suspicion = new Suspicion({ minMs: 1_000, maxMs: 9_000, expected: 1 }, id(1), 0);
  suspicion.confirm(id(2));
  suspicion.isOver = true;
  suspicion.restart(5_000);
  assert.deepEqual([suspicion.isOver, suspicion.endsAt], [false, 6_000]);
});
