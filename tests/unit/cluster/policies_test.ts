/** How one of several instances is chosen. */

import assert from "node:assert/strict";
import { Policies, RandomPolicy, RoundRobinPolicy } from "../../../lib/cluster/policies.ts";
import { seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";

test("RoundRobinPolicy takes each in turn and nothing of nothing", () => {
  const policy = new RoundRobinPolicy();
  assert.equal(policy.choose([]), undefined);
  assert.deepEqual([1, 2, 3, 4].map(() => policy.choose(["a", "b", "c"])), ["a", "b", "c", "a"]);
});

test("RandomPolicy reaches all, the same ones for the same seed, and nothing of nothing", () => {
  const choices = () => {
    const policy = new RandomPolicy(seededRandom(7));
    return Array.from({ length: 50 }, () => policy.choose(["a", "b", "c"]));
  };
  assert.deepEqual(new Set(choices()), new Set(["a", "b", "c"]));
  assert.deepEqual(choices(), choices());
  assert.equal(new RandomPolicy(seededRandom(7)).choose([]), undefined);
});

test("Policies remembers the turn of a name with a choice, until the name is gone", () => {
  const policies = new Policies();
  assert.equal(policies.choose("actors/none", []), undefined);
  assert.equal(policies.choose("actors/one", ["a"]), "a");
  assert.equal(policies.size, 0, "there is nothing to remember");
  const choose = () => policies.choose("actors/two", ["a", "b"]);
  assert.deepEqual([choose(), choose(), choose()], ["a", "b", "a"]);
  policies.prune(() => false);
  assert.equal(choose(), "b");
  policies.prune((path) => path === "actors/two");
  assert.equal(policies.size, 0);
  assert.equal(choose(), "a");
});
