/** How far a node trusts itself. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { LocalHealth } from "../../../lib/cluster/local_health.ts";
import { test } from "../../harness.ts";

test("LocalHealth rises with doubts and falls with answers, within its bounds", () => {
  const health = new LocalHealth(8);
  assert.equal(health.multiplier, 1, "healthy at first");
  health.note(-1);
  assert.equal(health.multiplier, 1);
  health.note(3);
  assert.equal(health.multiplier, 4);
  health.note(99);
  assert.equal(health.multiplier, 8);
  health.note(-1);
  assert.equal(health.multiplier, 7, "a good sign counts at once, however bad it was");
});

test("LocalHealth with a multiplier of 1 never waits longer", () => {
  const health = new LocalHealth(1);
  health.note(5);
  assert.equal(health.multiplier, 1);
});

test("LocalHealth stays between 1 and its bound (property)", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), fc.array(fc.integer()), (most, deltas) => {
      const health = new LocalHealth(most);
      for (const delta of deltas) {
        health.note(delta);
        assert.ok(health.multiplier >= 1 && health.multiplier <= most);
      }
    }),
  );
});
