/** Texts go to the instance that has seen their beginning, unless the load is too uneven. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type CacheAwareOptions, CacheAwarePolicy } from "../../../lib/cluster/cache_aware.ts";
import type { Candidate, PolicyCall } from "../../../lib/cluster/policies.ts";
import { test } from "../../harness.ts";

const [a, b, c] = [candidate("a"), candidate("b"), candidate("c")];

test("CacheAwarePolicy sends a text to the one that has seen its beginning", () => {
  const policy = new CacheAwarePolicy();
  const stories = ["Once upon a time", "It was a dark night", "Call me Ishmael."];
  const first = stories.map((payload) => policy.choose([a, b, c], { payload }));
  assert.deepEqual(first, [a, b, c], "new texts go to the one that has seen least");
  for (const round of [1, 2, 3]) {
    const again = stories.map((story) =>
      policy.choose([a, b, c], { method: "tell", payload: [story + "x".repeat(round)] })
    );
    assert.deepEqual(again, first);
  }
});

test("CacheAwarePolicy compares the part seen with the threshold", () => {
  const chosen = (payload: string, options: CacheAwareOptions = {}) => {
    const policy = new CacheAwarePolicy(options);
    policy.choose([a, b], { payload: "12345" });
    return policy.choose([a, b], { payload });
  };
  assert.equal(chosen("12345----"), a, "5 of 9 is above a half");
  assert.equal(chosen("12345-----"), b, "5 of 10 is not");
  assert.equal(chosen("12345-----", { cacheThreshold: 0.4 }), a);
  assert.equal(chosen("1--------", { cacheThreshold: 0 }), a);
  assert.equal(chosen("---------", { cacheThreshold: 0 }), b, "nothing seen");
  assert.equal(chosen("12345", { cacheThreshold: 1 }), b, "nothing is above all of it");
});

test("CacheAwarePolicy counts a long text as far as it can be remembered", () => {
  const policy = new CacheAwarePolicy({ maxTreeChars: 10 });
  const long = "0123456789".repeat(10);
  const first = policy.choose([a, b], { payload: long });
  assert.equal(policy.choose([a, b], { payload: long }), first);
  assert.equal(policy.rememberedChars, 10);
});

test("CacheAwarePolicy lets load decide between those that have seen equally much", () => {
  const policy = new CacheAwarePolicy();
  assert.equal(policy.choose([busy(a, 1), b], { payload: "shared text" })?.nodeId, "b");
  assert.equal(policy.choose([busy(a, 0), busy(b, 40)], { payload: "shared text" })?.nodeId, "a");
  for (const [one, other] of [[3, 2], [2, 3]] as const) {
    const chosen = policy.choose([busy(a, one), busy(b, other)], { payload: "shared text" });
    assert.equal(chosen?.nodeId, one < other ? "a" : "b");
  }
});

test("CacheAwarePolicy gives equal ones their turns, when they are idle and when they are full", () => {
  const policy = new CacheAwarePolicy({ maxTreeChars: 4 });
  const turns = (...texts: string[]) =>
    texts.map((payload) => policy.choose([a, b, c], { payload })?.nodeId).join("");
  assert.equal(turns("1111", "2222", "3333"), "abc");
  assert.equal(turns("4", "55", "666", "7", "88", "999"), "abcabc", "full trees are equal");
  assert.equal(turns("", "", ""), "abc");
});

test("CacheAwarePolicy spreads a text that all have seen", () => {
  const policy = new CacheAwarePolicy();
  for (const one of [a, b, c]) {
    policy.choose([a, b, c].map((each) => busy(each, each === one ? 0 : 99)), {
      payload: "the prompt",
    });
  }
  const next = [1, 2, 3, 4].map(() => policy.choose([a, b, c], { payload: "the prompt" }));
  assert.deepEqual(next, [a, b, c, a]);
});

test("CacheAwarePolicy looks at load only when it is uneven by both measures", () => {
  const chosen = (loads: readonly [number, number], options: CacheAwareOptions = {}) => {
    const policy = new CacheAwarePolicy(options);
    policy.choose([a, b], { payload: "text" });
    return policy.choose([busy(a, loads[0]), busy(b, loads[1])], { payload: "text" })?.nodeId;
  };
  assert.equal(chosen([32, 0]), "a", "32 more is not above 32");
  assert.equal(chosen([33, 0]), "b");
  assert.equal(chosen([0, 33]), "a");
  assert.equal(chosen([1_033, 1_000], { balanceRel: 1.5 }), "a", "not so uneven in proportion");
  assert.equal(chosen([1_533, 1_000], { balanceRel: 1.5 }), "b");
  assert.equal(chosen([1, 0], { balanceAbs: 0 }), "b");
  assert.equal(chosen([9_999, 0], { balanceAbs: Infinity }), "a", "never");
  assert.equal(chosen([9_999, 0], { balanceRel: Infinity }), "a", "never");
});

test("CacheAwarePolicy remembers a text for the one it went to for its load, too", () => {
  const policy = new CacheAwarePolicy();
  policy.choose([busy(a, 99), b], { payload: "the text" });
  assert.equal(policy.choose([a, b], { payload: "the text" }), b);
});

test("CacheAwarePolicy forgets what one that is gone has seen", () => {
  const policy = new CacheAwarePolicy();
  policy.choose([a, b], { payload: "12345" });
  policy.choose([a, b], { payload: "abc" });
  assert.equal(policy.rememberedChars, 8);
  policy.choose([b, c], { payload: "abcd" });
  assert.equal(policy.rememberedChars, 4, "a's went with it");
  const other: Candidate = { ...b, actorId: "another" };
  assert.equal(policy.choose([other], { payload: "x" }), other);
  assert.equal(policy.rememberedChars, 1, "another actor in its place has seen nothing");
  assert.equal(policy.choose([]), undefined);
  assert.equal(policy.rememberedChars, 0);
});

test("CacheAwarePolicy uses textOf for every call, and says what to do without a text", () => {
  const policy = new CacheAwarePolicy({
    textOf: ({ payload }) => (payload as { prompt: string }).prompt,
  });
  const first = policy.choose([a, b], { payload: { prompt: "Why?" } });
  assert.equal(policy.choose([a, b], { payload: { prompt: "Why??" } }), first);
  const plain = new CacheAwarePolicy();
  const calls: PolicyCall[] = [{}, { payload: {} }, { method: "m", payload: [] }];
  for (const call of calls) {
    assert.throws(() => plain.choose([a, b], call), /CacheAwarePolicy: .*pass "textOf"/);
  }
  assert.ok(plain.choose([a, b], { payload: "" }), "an empty text is one");
});

test("CacheAwarePolicy refuses options that are unknown or out of range", () => {
  const make = (options: object) => () => new CacheAwarePolicy(options as CacheAwareOptions);
  assert.throws(make({ threshold: 1 }), TypeError);
  assert.throws(make({ textOf: "prompt" }), TypeError);
  const wrong: Readonly<Record<string, readonly unknown[]>> = {
    cacheThreshold: [-0.1, 1.1, NaN, "0.5"],
    balanceAbs: [-1, NaN, null],
    balanceRel: [0.9, NaN],
    maxTreeChars: [0, 1.5, NaN, Infinity],
  };
  for (const [name, values] of Object.entries(wrong)) {
    for (const value of values) assert.throws(make({ [name]: value }), RangeError, name);
  }
  make({ cacheThreshold: 1, balanceAbs: Infinity, balanceRel: 1, textOf: undefined })();
});

test("CacheAwarePolicy stays within its bound over 10 000 texts and shares them out", () => {
  const policy = new CacheAwarePolicy({ maxTreeChars: 2_000 });
  const counts = new Map<Candidate | undefined, number>();
  for (let number = 0; number < 10_000; number++) {
    const payload = `${number * 7_919 % 10_007} is question 😀 number ${number}`;
    const chosen = policy.choose([a, b, c], { payload });
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    assert.ok(policy.rememberedChars <= 3 * 2_000);
  }
  assert.ok(policy.rememberedChars > 3 * 1_900, "and uses it");
  for (const one of [a, b, c]) {
    assert.ok((counts.get(one) ?? 0) > 3_000, [...counts.values()].join());
  }
});

test("CacheAwarePolicy makes the same choices for the same calls, always of the candidates", () => {
  const call = fc.record({
    payload: fc.string({ unit: fc.constantFrom("a", "b", "😀"), maxLength: 12 }),
    loads: fc.array(fc.nat(60), { maxLength: 4 }),
  });
  fc.assert(fc.property(fc.array(call, { maxLength: 40 }), (calls) => {
    const run = () => {
      const policy = new CacheAwarePolicy({ maxTreeChars: 20 });
      return calls.map(({ payload, loads }) => {
        const some = loads.map((load, index) => busy(candidate(`${index}`), load));
        const chosen = policy.choose(some, { payload });
        assert.equal(chosen === undefined, some.length === 0);
        assert.ok(chosen === undefined || some.includes(chosen));
        return chosen?.nodeId;
      });
    };
    assert.deepEqual(run(), run());
  }));
});

function candidate(nodeId: string): Candidate {
  return { nodeId, actorId: `actor of ${nodeId}` };
}

function busy(one: Candidate, inFlight: number): Candidate {
  return { ...one, inFlight };
}
