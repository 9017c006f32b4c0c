/** Waiting for a condition: when it ends, and what it says when it does not come true. */

import assert from "node:assert/strict";
import { until } from "../../../lib/testing/until.ts";
import { ManualClock } from "../../../lib/testing/mod.ts";
import { test } from "../../harness.ts";

const diagnose = () => Promise.resolve("nothing else is known");

/** Waits on a clock that a test moves; the outcome is a value or an error. */
function waiting<T>(condition: () => T | Promise<T>, signal?: AbortSignal) {
  const clock = new ManualClock();
  const options = { withinMs: 100, what: "the light", ...(signal && { signal }) };
  let outcome: unknown = "pending";
  until(clock, condition, options, diagnose).then(
    (value) => outcome = value,
    (error) => outcome = error,
  );
  return { clock, outcome: () => outcome };
}

test("until: the truthy value comes as soon as it is seen, after throws too", async () => {
  let light: unknown = undefined;
  const { clock, outcome } = waiting(() => {
    if (light === undefined) throw new Error("dark");
    return light;
  });
  await clock.advance(60);
  light = 0;
  await clock.advance(20);
  assert.equal(outcome(), "pending");
  light = "bright";
  await clock.advance(20);
  assert.equal(outcome(), "bright");
  assert.equal(clock.pendingTimers, 0);
});

const failures: Readonly<Record<string, [() => unknown, string, looks: number]>> = {
  "a value": [() => 0, "still 0", 6],
  "an error": [() => Promise.reject(new Error("dark")), "still throwing Error: dark", 6],
  "a look without end": [() => new Promise(() => {}), "the last look did not end", 1],
};

for (const [title, [condition, state, looks]] of Object.entries(failures)) {
  test(`until: the deadline ends the wait for ${title} and tells what is known`, async () => {
    const { clock, outcome } = waiting(condition);
    await clock.advance(99);
    assert.equal(outcome(), "pending");
    await clock.advance(1);
    const error = outcome();
    assert.ok(error instanceof Error, String(error));
    assert.equal(
      error.message,
      `Cannot see the light: ${state} after 100 ms and ${looks} looks; nothing else is known`,
    );
    assert.equal(clock.pendingTimers, 0);
  });
}

const conditions = { "between two looks": () => false, "in a look": () => new Promise(() => {}) };

for (const [when, condition] of Object.entries(conditions)) {
  test(`until: an abort ${when} ends the wait with its reason`, async () => {
    const stop = new AbortController();
    const { clock, outcome } = waiting<unknown>(condition, stop.signal);
    await clock.advance(10);
    const reason = new Error("enough");
    stop.abort(reason);
    await clock.settle();
    assert.equal(outcome(), reason);
    assert.equal(clock.pendingTimers, 0);
  });
}
