/** Equal keys go to the same instance. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type ConsistentHashOptions,
  ConsistentHashPolicy,
} from "../../../lib/cluster/consistent_hash.ts";
import type { Candidate, PolicyCall } from "../../../lib/cluster/policies.ts";
import { test } from "../../harness.ts";

const three = candidates("http://w1:8000", "http://w2:8000", "http://w3:8000");

test("ConsistentHashPolicy agrees with the vectors, the node ids as labels", () => {
  const policy = new ConsistentHashPolicy();
  const nodes = ["user:alice", "user:bob", "session:abc", "header:x-session-id:s1"]
    .map((payload) => policy.choose(three, { payload })?.nodeId);
  assert.deepEqual(nodes, [2, 3, 1, 1].map((number) => `http://w${number}:8000`));
});

test("ConsistentHashPolicy takes a method's first argument or the message for the key", () => {
  const policy = new ConsistentHashPolicy();
  const same: readonly PolicyCall[] = [
    { payload: "7" },
    { payload: 7 },
    { payload: 7n },
    { method: "m", payload: ["7", "x"] },
    { method: "m", payload: [7] },
    { method: "m", payload: [7n, 8n] },
  ];
  const chosen = new Set(same.map((call) => policy.choose(three, call)));
  assert.equal(chosen.size, 1);
  assert.ok(policy.choose(three, { payload: "" }), "an empty text is a key");
});

test("ConsistentHashPolicy says what to do about a call without a key", () => {
  const policy = new ConsistentHashPolicy();
  const cases: readonly (readonly [PolicyCall | undefined, RegExp])[] = [
    [undefined, /there is no call to take a text from, .*pass "keyOf"/],
    [{}, /there is no call to take a text from/],
    [{ payload: { id: 1 } }, /the message is an object, pass "keyOf"/],
    [{ payload: ["a"] }, /the message is an object/],
    [{ payload: null }, /the message is null/],
    [{ method: "m", payload: [] }, /the first argument of "m" is undefined/],
    [{ method: "m", payload: [true, "a"] }, /the first argument of "m" is a boolean/],
    [{ method: "m" }, /the first argument of "m" is undefined/],
  ];
  for (const [call, message] of cases) {
    const isExpected = (error: unknown) =>
      error instanceof TypeError && message.test(error.message);
    assert.throws(() => policy.choose(three, call), isExpected);
    assert.throws(() => policy.choose(three.slice(1), call), isExpected, "one candidate or many");
    assert.equal(policy.choose([], call), undefined);
  }
});

test("ConsistentHashPolicy uses keyOf for every call, and fails as it does", () => {
  const calls: PolicyCall[] = [];
  const policy = new ConsistentHashPolicy({
    keyOf: (call) => {
      calls.push(call);
      return (call.payload as { id: string }).id;
    },
  });
  const call = { payload: { id: "user:bob" } };
  assert.equal(policy.choose(three, call)?.nodeId, "http://w3:8000");
  assert.equal(calls[0], call);
  assert.throws(() => policy.choose(three), TypeError);
  const bad = new ConsistentHashPolicy({ keyOf: () => 7 as unknown as string });
  assert.throws(() => bad.choose(three, call), /"keyOf" returned a number, expected a text/);
});

test("ConsistentHashPolicy refuses options that are unknown or out of range", () => {
  const make = (options: object) => () =>
    new ConsistentHashPolicy(options as ConsistentHashOptions);
  assert.throws(make({ virtualNode: 3 }), /Cannot set option "virtualNode" of Consis.*: expected/);
  assert.throws(make({ keyOf: "id" }), TypeError);
  for (const virtualNodes of [0, -1, 1.5, NaN, Infinity, 10_001, "160"]) {
    assert.throws(make({ virtualNodes }), RangeError);
  }
  make({ virtualNodes: 1, keyOf: undefined })();
});

test("ConsistentHashPolicy moves only the keys of a candidate that goes, and moves them back", () => {
  const scenes = fc.record({
    count: fc.integer({ min: 2, max: 6 }),
    gone: fc.nat(),
    keys: fc.array(fc.string(), { minLength: 1, maxLength: 40 }),
  });
  fc.assert(fc.property(scenes, ({ count, gone, keys }) => {
    const all = candidates(...Array.from({ length: count }, (_, index) => `node-${index}`));
    const lost = all[gone % count];
    const stay = all.filter((candidate) => candidate !== lost);
    const policy = new ConsistentHashPolicy({ virtualNodes: 16 });
    const owners = (some: readonly Candidate[]) =>
      keys.map((payload) => policy.choose(some, { payload }));
    const [before, during] = [owners(all), owners(stay)];
    during.forEach((owner, index) => {
      assert.ok(owner !== undefined && stay.includes(owner));
      if (before[index] !== lost) assert.equal(owner, before[index]);
    });
    assert.deepEqual(owners(all), before);
  }));
});

test("ConsistentHashPolicy scatters the keys of a candidate that goes", () => {
  const all = candidates(...Array.from({ length: 6 }, (_, index) => `node-${index}`));
  const policy = new ConsistentHashPolicy();
  const keys = Array.from({ length: 3_000 }, (_, number) => `session:${number}`);
  const orphans = keys.filter((payload) => policy.choose(all, { payload }) === all[0]);
  const heirs = new Set(orphans.map((payload) => policy.choose(all.slice(1), { payload })));
  assert.ok(orphans.length > 300);
  assert.equal(heirs.size, 5, "each of the others has some");
});

test("ConsistentHashPolicy chooses among the candidates it is given, not those it remembers", () => {
  const policy = new ConsistentHashPolicy();
  const before = policy.choose(three, { payload: "user:alice" });
  const restarted = three.map(({ nodeId }) => ({ nodeId, actorId: "new" }));
  const after = policy.choose(restarted, { payload: "user:alice" });
  assert.equal(after?.nodeId, before?.nodeId);
  assert.equal(after?.actorId, "new");
});

test("ConsistentHashPolicy places its points only once while the candidates stay the same", () => {
  const policy = new ConsistentHashPolicy({ virtualNodes: 10_000 });
  policy.choose(three, { payload: "a" });
  // Each would take milliseconds if the points were placed anew.
  for (let number = 0; number < 5_000; number++) policy.choose([...three], { payload: number });
});

function candidates(...nodeIds: string[]): Candidate[] {
  return nodeIds.map((nodeId) => ({ nodeId, actorId: `actor of ${nodeId}` }));
}
