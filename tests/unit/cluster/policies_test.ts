/** How one of several instances is chosen. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Candidate,
  Policies,
  PowerOfTwoPolicy,
  RandomPolicy,
  RoundRobinPolicy,
} from "../../../lib/cluster/policies.ts";
import { type Random, seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";

const [a, b, c] = ["a", "b", "c"].map((nodeId) => ({ nodeId, actorId: `${nodeId}1` })) as [
  Candidate,
  Candidate,
  Candidate,
];

test("RoundRobinPolicy takes each in turn and nothing of nothing", () => {
  const policy = new RoundRobinPolicy();
  assert.equal(policy.choose([]), undefined);
  assert.deepEqual([1, 2, 3, 4].map(() => policy.choose([a, b, c])), [a, b, c, a]);
});

test("RoundRobinPolicy goes on when candidates come and go", () => {
  const policy = new RoundRobinPolicy();
  policy.choose([a, b, c]);
  const turns = [1, 2, 3, 4].map(() => policy.choose([a, b]));
  assert.deepEqual(turns, [b, a, b, a]);
});

test("RandomPolicy reaches all, the same ones for the same seed, and nothing of nothing", () => {
  const choices = () => {
    const policy = new RandomPolicy(seededRandom(7));
    return Array.from({ length: 50 }, () => policy.choose([a, b, c]));
  };
  assert.deepEqual(new Set(choices()), new Set([a, b, c]));
  assert.deepEqual(choices(), choices());
  assert.equal(new RandomPolicy(seededRandom(7)).choose([]), undefined);
  assert.ok(new RandomPolicy().choose([a, b]), "the system's numbers are the default");
});

test("PowerOfTwoPolicy prefers the one with fewer calls in flight, and the first of equals", () => {
  const [busy, idle] = [{ ...a, inFlight: 2 }, { ...b, inFlight: 1 }];
  for (const first of [0, 1]) {
    assert.equal(new PowerOfTwoPolicy(numbers(first / 2, 0)).choose([busy, idle]), idle);
    const equals = [{ ...a, inFlight: 1 }, idle];
    assert.equal(new PowerOfTwoPolicy(numbers(first / 2, 0)).choose(equals), equals[first]);
  }
  assert.equal(new PowerOfTwoPolicy(numbers(0, 0)).choose([busy, c]), c, "none is 0");
});

test("PowerOfTwoPolicy draws nothing for one candidate, and takes nothing of nothing", () => {
  const policy = new PowerOfTwoPolicy(numbers());
  assert.equal(policy.choose([]), undefined);
  assert.equal(policy.choose([a]), a);
});

test("PowerOfTwoPolicy draws every pair of distinct candidates, each as often", () => {
  const policy = new PowerOfTwoPolicy(seededRandom(1));
  const drawn = new Map<string, number>();
  for (let round = 0; round < 6_000; round++) {
    const looked: string[] = [];
    const spies = ["a", "b", "c"].map((nodeId) => ({
      nodeId,
      actorId: nodeId,
      get inFlight() {
        looked.push(nodeId);
        return 0;
      },
    }));
    const chosen = policy.choose(spies)?.nodeId;
    const pair = [chosen, ...looked.filter((nodeId) => nodeId !== chosen)].join("");
    drawn.set(pair, (drawn.get(pair) ?? 0) + 1);
  }
  assert.deepEqual([...drawn.keys()].sort(), ["ab", "ac", "ba", "bc", "ca", "cb"]);
  for (const count of drawn.values()) assert.ok(count > 850 && count < 1_150, `${count} of 1000`);
});

test("PowerOfTwoPolicy never takes the only busiest of several", () => {
  const scenes = fc.tuple(fc.integer(), fc.array(fc.nat(9), { minLength: 1, maxLength: 8 }));
  fc.assert(fc.property(scenes, ([seed, loads]) => {
    const candidates = [...loads, 10].map((inFlight, index) => ({
      nodeId: `${index}`,
      actorId: `${index}`,
      inFlight,
    }));
    const chosen = new PowerOfTwoPolicy(seededRandom(seed)).choose(candidates);
    assert.ok(chosen !== undefined && chosen.inFlight < 10);
  }));
});

test("Policies remembers the turn of a name with a choice, until the name is gone", () => {
  const policies = new Policies();
  assert.equal(policies.choose("actors/none", []), undefined);
  assert.equal(policies.choose("actors/one", [a]), a);
  assert.equal(policies.size, 0, "there is nothing to remember");
  const choose = () => policies.choose("actors/two", [a, b]);
  assert.deepEqual([choose(), choose(), choose()], [a, b, a]);
  policies.prune(() => false);
  assert.equal(choose(), b);
  policies.prune((path) => path === "actors/two");
  assert.equal(policies.size, 0);
  assert.equal(choose(), a);
});

/** Draws these fractions, then fails. */
function numbers(...fractions: number[]): Random {
  return {
    next() {
      const fraction = fractions.shift();
      assert.ok(fraction !== undefined, "more was drawn than expected");
      return fraction * 2 ** 32;
    },
  };
}
