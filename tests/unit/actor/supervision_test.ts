/** Restart decisions as pure functions: AC-41, windows, budgets, and the options that set them. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  backoffMs,
  decideRestart,
  resolveSupervision,
  type Supervision,
} from "../../../lib/actor/supervision.ts";
import { PulsingActorError, PulsingBusinessError } from "../../../lib/errors.ts";
import { type Random, seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";

const NOMINAL: Random = { next: () => 0x8000_0000 }; // the middle of the jitter
const LOWEST: Random = { next: () => 0 };
const HIGHEST: Random = { next: () => 0xffff_ffff };

function specOf(overrides: Partial<Supervision> = {}): Supervision {
  const spec = resolveSupervision({ restartPolicy: "on-failure" });
  assert.ok(spec !== undefined);
  return { ...spec, ...overrides };
}

/** Fails as soon as the actor is up again, until the restarts are used up. */
function delaysOf(spec: Supervision, failures: number, everyMs = 0): readonly (number | string)[] {
  const delays: (number | string)[] = [];
  let restarts: readonly number[] = [];
  for (let failure = 0; failure < failures; failure++) {
    const decision = decideRestart(spec, restarts, failure * everyMs, NOMINAL);
    delays.push(decision.kind === "restart" ? decision.delayMs : decision.kind);
    if (decision.kind === "restart") restarts = decision.restarts;
  }
  return delays;
}

test("AC-41 backoff doubles from 100 ms and stays within 20 % of it", () => {
  const spec = specOf({ maxRestarts: 5 });
  assert.deepEqual(delaysOf(spec, 6), [100, 200, 400, 800, 1_600, "give-up"]);
  for (const [earlier, nominal] of [100, 200, 400, 800, 1_600].entries()) {
    assert.ok(Math.abs(backoffMs(spec, earlier, LOWEST) - nominal * 0.8) < 0.001);
    assert.ok(Math.abs(backoffMs(spec, earlier, HIGHEST) - nominal * 1.2) < 0.001);
  }
});

test("AC-41 backoff is never above its cap, whatever the jitter", () => {
  const spec = specOf({ maxBackoffMs: 300 });
  assert.equal(backoffMs(spec, 2, HIGHEST), 300);
  assert.equal(backoffMs(spec, 9, HIGHEST), 300);
  assert.ok(Math.abs(backoffMs(spec, 9, LOWEST) - 240) < 0.001);
  assert.equal(backoffMs(specOf({ minBackoffMs: 0 }), 5_000, NOMINAL), 0);
  assert.equal(backoffMs(specOf(), 5_000, NOMINAL), 30_000);
});

test("AC-41 backoff is a wait between 80 % and the cap, for any numbers (property)", () => {
  const sizes = fc.tuple(fc.nat(100_000), fc.nat(10_000_000));
  fc.assert(
    fc.property(sizes, fc.nat(5_000), fc.integer(), ([one, more], earlier, seed) => {
      const limits = { minBackoffMs: one, maxBackoffMs: one + more };
      const nominal = one === 0 ? 0 : Math.min(one * 2 ** earlier, one + more);
      const delayMs = backoffMs(limits, earlier, seededRandom(seed));
      assert.ok(delayMs <= one + more, `${delayMs} is above the cap`);
      assert.ok(delayMs >= nominal * 0.8 - 0.001 && delayMs <= nominal * 1.2 + 0.001);
    }),
    { numRuns: 500 },
  );
});

test("maxRestarts 0 gives up at the first failure, Infinity never does", () => {
  assert.deepEqual(delaysOf(specOf({ maxRestarts: 0 }), 2), ["give-up", "give-up"]);
  const endless = delaysOf(specOf({ maxRestarts: Infinity }), 3_000);
  assert.equal(endless.at(-1), 30_000);
  assert.ok(!endless.includes("give-up"));
});

test("an actor that is restarted without end keeps a bounded memory of it", () => {
  const spec = specOf({ maxRestarts: Infinity, minBackoffMs: 0 });
  let restarts: readonly number[] = [];
  for (let failure = 0; failure < 5_000; failure++) {
    const decision = decideRestart(spec, restarts, failure, NOMINAL);
    assert.ok(decision.kind === "restart" && decision.delayMs === 0);
    restarts = decision.restarts;
  }
  assert.ok(restarts.length <= 1_024, `${restarts.length} times are kept`);
});

test("restarts outside the window are forgotten, also by the backoff", () => {
  const spec = specOf({ maxRestarts: 2, restartWindowMs: 1_000 });
  assert.deepEqual(delaysOf(spec, 4, 500), [100, 200, 200, 200]);
  assert.deepEqual(delaysOf(spec, 3, 499), [100, 200, "give-up"]);
  assert.deepEqual(delaysOf(spec, 4, 1_000), [100, 100, 100, 100]);
});

test("no window ever holds more restarts than maxRestarts (property)", () => {
  const gaps = fc.array(fc.nat(300), { maxLength: 60 });
  const spec = fc.record({
    maxRestarts: fc.nat(5),
    restartWindowMs: fc.integer({ min: 1, max: 999 }),
  });
  fc.assert(fc.property(spec, gaps, (limits, gapsMs) => {
    let now = 0;
    let restarts: readonly number[] = [];
    const all: number[] = [];
    for (const gapMs of gapsMs) {
      now += gapMs;
      const decision = decideRestart(specOf(limits), restarts, now, NOMINAL);
      const inWindow = all.filter((time) => now - time < limits.restartWindowMs).length;
      assert.equal(decision.kind, inWindow < limits.maxRestarts ? "restart" : "give-up");
      if (decision.kind === "give-up") continue;
      restarts = decision.restarts;
      all.push(now);
    }
  }));
});

test("resolveSupervision: never, absent and empty mean no restarts", () => {
  assert.equal(resolveSupervision({}), undefined);
  assert.equal(resolveSupervision({ restartPolicy: "never", maxRestarts: 9 }), undefined);
  assert.equal(resolveSupervision({ maxRestarts: 9 }), undefined);
  assert.equal(
    resolveSupervision({ restartPolicy: "never" }, { restartPolicy: "always" }),
    undefined,
  );
});

test("resolveSupervision fills in 3 restarts, for life, 100 ms to 30 s, no business errors", () => {
  const { restartOn, ...spec } = specOf();
  assert.deepEqual(spec, {
    restartPolicy: "on-failure",
    maxRestarts: 3,
    restartWindowMs: Infinity,
    minBackoffMs: 100,
    maxBackoffMs: 30_000,
  });
  assert.equal(restartOn(new PulsingBusinessError(1, "no")), false);
  for (const thrown of [new Error("x"), new PulsingActorError("x"), undefined, null, "x"]) {
    assert.equal(restartOn(thrown), true);
  }
});

test('resolveSupervision takes "on_failure", and options of the actor before those of its class', () => {
  assert.equal(resolveSupervision({ restartPolicy: "on_failure" })?.restartPolicy, "on-failure");
  const defaults = { restartPolicy: "always", maxRestarts: 7, minBackoffMs: 5 } as const;
  const spec = resolveSupervision({ maxRestarts: 8, minBackoffMs: undefined as never }, defaults);
  assert.deepEqual([spec?.restartPolicy, spec?.maxRestarts, spec?.minBackoffMs], ["always", 8, 5]);
});

for (
  const [options, expected] of [
    [{ restartPolicy: "sometimes" }, TypeError],
    [{ restartPolicy: "On-Failure" }, TypeError],
    [{ restartPolicy: 1 }, TypeError],
    [{ restartPolicy: "always", restartOn: true }, TypeError],
    [{ restartPolicy: "always", maxRestarts: -1 }, RangeError],
    [{ restartPolicy: "always", maxRestarts: 1.5 }, RangeError],
    [{ restartPolicy: "always", maxRestarts: NaN }, RangeError],
    [{ restartPolicy: "always", maxRestarts: "3" }, RangeError],
    [{ restartPolicy: "always", restartWindowMs: 0 }, RangeError],
    [{ restartPolicy: "always", restartWindowMs: NaN }, RangeError],
    [{ restartPolicy: "always", minBackoffMs: Infinity }, RangeError],
    [{ restartPolicy: "always", minBackoffMs: 10, maxBackoffMs: 9 }, RangeError],
    [{ restartPolicy: "always", maxBackoffMs: NaN }, RangeError],
    [{ maxRestarts: -1 }, RangeError],
  ] as const
) {
  test(`resolveSupervision refuses ${JSON.stringify(options)} as a ${expected.name}`, () => {
    assert.throws(() => resolveSupervision(options as never), expected);
    assert.throws(() => resolveSupervision({}, options as never), expected);
  });
}
