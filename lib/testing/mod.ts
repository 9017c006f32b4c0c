/**
 * Tools for testing actors without waiting: a clock that the test moves, and random numbers
 * that repeat.
 *
 * @example Times out without waiting
 * ```ts
 * import { ManualClock, seededRandom } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = new ManualClock();
 * const timer = clock.setTimer(() => {}, 30_000);
 * assert.equal(clock.pendingTimers, 1);
 * timer.cancel();
 * assert.equal(clock.pendingTimers, 0);
 * assert.equal(seededRandom(7).next(), seededRandom(7).next());
 * ```
 *
 * @module
 */

export { ManualClock, type ManualClockOptions } from "./manual_clock.ts";
export { type Random, seededRandom } from "../random.ts";
export type { Clock, Timer } from "../clock.ts";
