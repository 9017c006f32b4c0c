/**
 * A clock that stands still until a test moves it.
 *
 * @module
 */

import { type Clock, systemClock, type Timer } from "../clock.ts";
import { TimerHeap } from "./timer_heap.ts";

/** Options of {@link ManualClock}. */
export interface ManualClockOptions {
  /**
   * The wall time at the start, in milliseconds since 1970.
   *
   * @default 946684800000, the first moment of the year 2000
   */
  readonly wallTimeMs?: number;
}

const START_WALL_TIME_MS = 946_684_800_000;

/** Turns without a step of time after which something is taken to run for ever. */
const MAX_TURNS_AT_REST = 100_000;

/**
 * A {@link Clock} whose time passes only in {@link ManualClock.advance}.
 *
 * Timers fire in the order of their times, those of the same time in the order of their
 * creation. After each callback everything that follows from it without time passing is done
 * before the next one runs, so equal runs are equal in every step. Promises that wait for real
 * I/O or real timers are not waited for.
 *
 * @example Fires a timer without waiting
 * ```ts
 * import { ManualClock } from "@pulsing/core/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = new ManualClock();
 * const fired: number[] = [];
 * clock.setTimer(() => fired.push(clock.now()), 1_000);
 * await clock.advance(999);
 * assert.deepEqual(fired, []);
 * await clock.advance(1);
 * assert.deepEqual(fired, [1_000]);
 * ```
 */
export class ManualClock implements Clock {
  readonly #startWallTimeMs: number;
  readonly #timers = new TimerHeap();
  #deferred: (() => void)[] = [];
  /** How many of the deferred callbacks have run. */
  #taken = 0;
  #nowMs = 0;
  #advancing = false;

  /**
   * Creates a clock that stands at 0.
   *
   * @param options The wall time to start from.
   */
  constructor(options: ManualClockOptions = {}) {
    this.#startWallTimeMs = options.wallTimeMs ?? START_WALL_TIME_MS;
  }

  /** Timers that are set and have neither fired nor been cancelled. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Milliseconds by which the clock was advanced so far. */
  now(): number {
    return this.#nowMs;
  }

  /** The wall time at the start plus {@link ManualClock.now}. */
  wallTime(): number {
    return this.#startWallTimeMs + this.#nowMs;
  }

  /**
   * Sets a timer; it fires while {@link ManualClock.advance} passes its time.
   *
   * @param callback What to run.
   * @param delayMs When, in milliseconds from now; below zero counts as zero, `Infinity` is never.
   * @returns The timer.
   * @throws {RangeError} When it is not a number.
   */
  setTimer(callback: () => void, delayMs: number): Timer {
    if (Number.isNaN(delayMs)) throw new RangeError("Cannot set timer: its delay is NaN");
    return this.#timers.add(this.#nowMs + Math.max(0, delayMs), callback);
  }

  /** Keeps a callback for the next turn: {@link ManualClock.settle} or `advance` runs it. */
  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /**
   * Lets time pass, firing every timer that becomes due, those set on the way included.
   *
   * @param ms How far, in milliseconds; `0` fires what is due now.
   * @returns When all that followed is done and the time is reached.
   * @throws {RangeError} When `ms` is negative or not finite.
   * @throws {Error} When an earlier call has not ended, when the code under test never comes to
   * rest, or what a callback threw; the clock then stands at that callback's time.
   */
  async advance(ms: number): Promise<void> {
    await this.#drive(ms, NEVER);
  }

  /**
   * Lets time pass until a condition holds, which is looked at after each callback.
   *
   * @param condition Cheap, because it is called often; what it throws ends the wait.
   * @param withinMs How far at most, in milliseconds.
   * @returns Whether it holds; the clock stands at the callback that made it so, or at the end.
   * @throws As {@link ManualClock.advance}.
   *
   * @example Finds out when a timer fires
   * ```ts
   * import { ManualClock } from "@pulsing/core/testing";
   * import assert from "node:assert/strict";
   *
   * const clock = new ManualClock();
   * let fired = false;
   * clock.setTimer(() => fired = true, 250);
   * assert.equal(await clock.advanceUntil(() => fired, 1_000), true);
   * assert.equal(clock.now(), 250);
   * ```
   */
  async advanceUntil(condition: () => boolean, withinMs: number): Promise<boolean> {
    return await this.#drive(withinMs, condition);
  }

  /**
   * Runs deferred callbacks and all promise reactions until none is left; no time passes.
   *
   * @returns When the code under test waits for a timer or for the outside.
   * @throws {Error} When it never comes to rest, or what a callback threw.
   */
  async settle(): Promise<void> {
    // A real turn of the event loop begins only after all promise reactions have run, however
    // long their chains are; counting awaits could stop in the middle of one. It costs 1 µs.
    await nextTurn();
    for (let turns = 0; this.#taken < this.#deferred.length; turns++) {
      if (turns > MAX_TURNS_AT_REST) throw restless("callbacks are deferred without end");
      this.#nextDeferred()();
      await nextTurn();
    }
  }

  async #drive(ms: number, isDone: () => boolean): Promise<boolean> {
    if (typeof ms !== "number" || !(ms >= 0 && ms < Infinity)) {
      throw new RangeError(`Cannot advance clock by ${ms} ms: expected a finite, positive number`);
    }
    if (this.#advancing) throw new Error("Cannot advance clock: it is already advancing");
    this.#advancing = true;
    try {
      return await this.#advanceTo(this.#nowMs + ms, isDone);
    } finally {
      this.#advancing = false;
    }
  }

  async #advanceTo(targetMs: number, isDone: () => boolean): Promise<boolean> {
    await this.settle();
    for (let fired = 0; !isDone();) {
      const timer = this.#timers.first;
      if (timer === undefined || timer.dueMs > targetMs) {
        this.#nowMs = targetMs;
        return isDone();
      }
      fired = timer.dueMs === this.#nowMs ? fired + 1 : 0;
      if (fired > MAX_TURNS_AT_REST) throw restless("timers without delay are set without end");
      this.#nowMs = timer.dueMs;
      timer.cancel();
      timer.callback();
      await nextTurn();
      if (this.#taken < this.#deferred.length) await this.settle();
    }
    return true;
  }

  #nextDeferred(): () => void {
    const callback = this.#deferred[this.#taken++] as () => void; // one is left
    if (this.#taken === this.#deferred.length) {
      this.#deferred = [];
      this.#taken = 0;
    }
    return callback;
  }
}

const NEVER = (): boolean => false;

function nextTurn(): Promise<void> {
  return new Promise((resolve) => systemClock.defer(resolve));
}

function restless(why: string): Error {
  return new Error(`Cannot settle clock: ${why}`);
}
