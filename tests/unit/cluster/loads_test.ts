/** How much the nodes carry, and when a node tells of it. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Load, Loads, readLoad } from "../../../lib/cluster/loads.ts";
import { test } from "../../harness.ts";
import { id } from "./cast.ts";

const load = (n: number, seq: number, actors = seq): Load => ({ nodeId: id(n), seq, actors });

test("Loads tells of a change by a quarter, 4 actors at least", () => {
  const loads = new Loads(id(1));
  assert.equal(loads.measure(3), undefined);
  assert.deepEqual(loads.measure(4), load(1, 1, 4));
  assert.equal(loads.measure(7), undefined);
  assert.deepEqual(loads.measure(100), load(1, 2, 100));
  assert.equal(loads.measure(124), undefined);
  assert.equal(loads.measure(76), undefined);
  assert.deepEqual(loads.measure(75), load(1, 3, 75), "also of less");
  assert.deepEqual(loads.get(id(1)), load(1, 3, 75));
});

test("Loads that grow one by one are told a few times for each doubling", () => {
  const loads = new Loads(id(1));
  let told = 0;
  for (let actors = 0; actors <= 10_000; actors++) {
    if (loads.measure(actors) !== undefined) told++;
  }
  assert.ok(told < 40, `${told} times`);
});

test("Loads believes the highest number of each node, and nobody about itself", () => {
  const loads = new Loads(id(1));
  assert.equal(loads.hear(load(2, 2)), true);
  assert.equal(loads.hear(load(2, 1)), false);
  assert.equal(loads.hear(load(2, 2)), false);
  assert.equal(loads.hear(load(1, 99)), false);
  assert.equal(loads.get(id(1)), undefined);
  loads.forget(id(2));
  assert.equal(loads.get(id(2)), undefined);
});

test("readLoad checks field by field and never throws (property)", () => {
  assert.deepEqual(readLoad({ ...load(2, 1), later: 1 }), load(2, 1));
  for (const bad of [{ nodeId: 1 }, { seq: 0 }, { seq: 1.5 }, { actors: -1 }, { actors: "2" }]) {
    assert.equal(readLoad({ ...load(2, 1), ...bad }), undefined);
  }
  fc.assert(fc.property(fc.anything(), (value) => void readLoad(value)));
});
