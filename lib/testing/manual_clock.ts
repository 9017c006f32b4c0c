/**
 * A clock that stands still until a test moves it.
 *
 * @module
 */

import { type Clock, systemClock, type Timer } from "../clock.ts";

/** Options of {@link ManualClock}. */
export interface ManualClockOptions {
  /**
   * The wall time at the start, in milliseconds since 1970.
   *
   * @default 946684800000, the first moment of the year 2000
   */
  readonly wallTimeMs?: number;
}

interface Entry {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

const START_WALL_TIME_MS = 946_684_800_000;
const MAX_DELAY_MS = 0x7fff_ffff; // above this the timers of both runtimes fire at once

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
  /** By due time, then by creation. */
  readonly #timers: Entry[] = [];
  readonly #deferred: (() => void)[] = [];
  #nowMs = 0;
  #created = 0;
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
    return this.#timers.length;
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
   * @param delayMs When, in milliseconds from now; below zero counts as zero.
   * @returns The timer.
   * @throws {RangeError} When real timers could not wait that long: not a number, or above 2³¹ − 1.
   */
  setTimer(callback: () => void, delayMs: number): Timer {
    if (!(delayMs <= MAX_DELAY_MS)) {
      throw new RangeError(`Cannot set timer: a delay of ${delayMs} ms is above ${MAX_DELAY_MS}`);
    }
    const dueMs = this.#nowMs + Math.max(0, delayMs);
    const entry = { dueMs, order: this.#created++, callback };
    this.#timers.splice(this.#indexOf(entry), 0, entry);
    return { cancel: () => this.#remove(entry) };
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
    if (!(ms >= 0 && ms < Infinity)) {
      throw new RangeError(`Cannot advance clock by ${ms} ms: expected a finite, positive number`);
    }
    if (this.#advancing) throw new Error("Cannot advance clock: it is already advancing");
    this.#advancing = true;
    try {
      await this.#advanceTo(this.#nowMs + ms);
    } finally {
      this.#advancing = false;
    }
  }

  /**
   * Runs deferred callbacks and all promise reactions until none is left; no time passes.
   *
   * @returns When the code under test waits for a timer or for the outside.
   * @throws {Error} When it never comes to rest, or what a callback threw.
   */
  async settle(): Promise<void> {
    // A real turn of the event loop begins only after all promise reactions have run, however
    // long their chains are; counting awaits could stop in the middle of one.
    await nextTurn();
    for (let turns = 0; turns < MAX_TURNS_AT_REST; turns++) {
      const callback = this.#deferred.shift();
      if (callback === undefined) return;
      callback();
      await nextTurn();
    }
    throw restless("callbacks are deferred without end");
  }

  async #advanceTo(targetMs: number): Promise<void> {
    await this.settle();
    let fired = 0;
    while (true) {
      const timer = this.#timers[0];
      if (timer === undefined || timer.dueMs > targetMs) break;
      fired = timer.dueMs === this.#nowMs ? fired + 1 : 0;
      if (fired > MAX_TURNS_AT_REST) throw restless("timers without delay are set without end");
      this.#nowMs = timer.dueMs;
      this.#timers.shift();
      timer.callback();
      await this.settle();
    }
    this.#nowMs = targetMs;
  }

  #remove(entry: Entry): void {
    const index = this.#indexOf(entry);
    if (this.#timers[index] === entry) this.#timers.splice(index, 1);
  }

  /** Where an entry is, or belongs. */
  #indexOf(entry: Entry): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#timers[middle];
      if (other !== undefined && isBefore(other, entry)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs === b.dueMs ? a.order < b.order : a.dueMs < b.dueMs;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => systemClock.defer(resolve));
}

function restless(why: string): Error {
  return new Error(`Cannot settle clock: ${why}`);
}
