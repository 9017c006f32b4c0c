import assert from "node:assert/strict";
import { DEFAULT_LIMITS, type Limits, resolveLimits } from "../../lib/limits.ts";
import { test } from "../harness.ts";

const names = Object.keys(DEFAULT_LIMITS) as (keyof Limits)[]; // exactly the interface's names

test("DEFAULT_LIMITS are positive integers, frozen, and pass their own check", () => {
  for (const name of names) {
    assert.ok(Number.isSafeInteger(DEFAULT_LIMITS[name]) && DEFAULT_LIMITS[name] > 0, name);
  }
  assert.ok(Object.isFrozen(DEFAULT_LIMITS));
  assert.deepEqual(resolveLimits(DEFAULT_LIMITS), DEFAULT_LIMITS);
});

test("resolveLimits fills what is left out and freezes the result", () => {
  const limits = resolveLimits({ mailboxCapacity: 10 });
  assert.deepEqual(limits, { ...DEFAULT_LIMITS, mailboxCapacity: 10 });
  assert.ok(Object.isFrozen(limits));
  assert.deepEqual(resolveLimits(), DEFAULT_LIMITS);
  assert.equal(DEFAULT_LIMITS.mailboxCapacity, 256);
});

test("resolveLimits takes 1 and refuses every other kind of number, for every limit", () => {
  for (const name of names) {
    for (const value of [0, -1, 1.5, NaN, Infinity, 2 ** 53]) {
      assert.throws(() => resolveLimits({ [name]: value }), (error) => {
        return error instanceof RangeError && error.message.includes(`"${name}" to "${value}"`);
      });
    }
  }
  assert.equal(resolveLimits({ mailboxCapacity: 1 }).mailboxCapacity, 1);
});

test("resolveLimits refuses values that are no numbers", () => {
  for (const value of ["5", null, {}, true, 5n]) {
    const overrides = { mailboxCapacity: value } as unknown as Partial<Limits>; // a user's mistake
    assert.throws(() => resolveLimits(overrides), RangeError);
  }
});

test("resolveLimits refuses names that are no limits, inherited ones included", () => {
  for (const name of ["mailboxSize", "toString", "constructor"]) {
    const overrides: object = { [name]: 5 };
    assert.throws(() => resolveLimits(overrides), (error) => {
      return error instanceof TypeError && error.message.includes(`"${name}"`);
    });
  }
});

test("resolveLimits refuses a link that times out before it counts as idle", () => {
  const { linkIdleMs, linkTimeoutMs } = DEFAULT_LIMITS;
  for (const overrides of [{ linkTimeoutMs: linkIdleMs }, { linkIdleMs: linkTimeoutMs }]) {
    assert.throws(() => resolveLimits(overrides), /"linkTimeoutMs": it must be above/);
  }
});

test("resolveLimits takes undefined for absent, and nothing that is no record", () => {
  const absent = { mailboxCapacity: undefined } as unknown as Partial<Limits>;
  assert.deepEqual(resolveLimits(absent), DEFAULT_LIMITS);
  for (const overrides of [5, [], null, "many"] as unknown as Partial<Limits>[]) {
    assert.throws(() => resolveLimits(overrides), /^TypeError: Cannot set limits to /);
  }
});
