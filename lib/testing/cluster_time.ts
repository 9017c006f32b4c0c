/**
 * How a test lets the time of its cluster pass.
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";
import type { ManualClock } from "./manual_clock.ts";
import { checkUntil, checkWithin, until, type UntilOptions, type WithinOptions } from "./until.ts";
import type { Driver } from "./virtual_systems.ts";

/** How long is waited unless a test says otherwise, in milliseconds of the cluster. */
export const WITHIN_MS = 60_000;
const STEP_MS = 10;

/** Something that lets time pass. */
interface Drive {
  promise?: Promise<unknown>;
}

/** Moves a clock for a test, until the cluster is disposed. */
export class ClusterTime implements Driver {
  readonly where: () => string;
  readonly #clock: ManualClock;
  /** What lets time pass now: one, and those that are refused because of it. */
  readonly #drives = new Set<Drive>();
  #isOver = false;

  /** @param where Says where in which run this is, for errors. */
  constructor(clock: ManualClock, where: () => string) {
    this.#clock = clock;
    this.where = where;
  }

  now(): number {
    return this.#clock.now();
  }

  /** Lets time pass; see `TestCluster.advance`. */
  advance(ms: number): Promise<void> {
    return this.#drive(async () => void await this.#advance(() => false, ms));
  }

  /** Lets time pass until a condition holds, which is looked at after each callback. */
  advanceUntil(isDone: () => boolean, withinMs: number): Promise<boolean> {
    return this.#drive(() => this.#advance(isDone, withinMs));
  }

  /** Lets time pass until a promise settles; see `TestCluster.run`. */
  run<T>(promise: PromiseLike<T>, options: WithinOptions): Promise<T> {
    return this.#drive(async () => {
      checkWithin(options);
      if (typeof promise?.then !== "function") {
        throw new TypeError(`Cannot run ${String(promise)}: expected a promise`);
      }
      return await this.#settled(promise, options.withinMs ?? WITHIN_MS);
    });
  }

  /** Lets time pass until a condition holds; see `TestCluster.until`. */
  until<T>(condition: () => T | Promise<T>, options: UntilOptions): Promise<T> {
    return this.#drive(async () => {
      checkUntil(condition, options); // before the sum of the two times
      const { withinMs = WITHIN_MS, stepMs = STEP_MS } = options;
      const where = () => Promise.resolve(this.where());
      const seen = until(this.#clock, condition, { ...options, withinMs, stepMs }, where);
      return await this.#settled(seen, withinMs + stepMs);
    });
  }

  /**
   * Ends what lets time pass: it rejects, and nobody has to take note of that. An error of the kit
   * would hide the one for which a test disposes of its cluster.
   */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.allSettled([...this.#drives].map(({ promise }) => promise));
  }

  async #settled<T>(promise: PromiseLike<T>, withinMs: number): Promise<T> {
    let isPending = true;
    const over = () => void (isPending = false);
    promise.then(over, over);
    if (await this.#advance(() => !isPending, withinMs)) return await promise;
    const state = `it took more than ${withinMs} ms, ${this.where()}`;
    throw new PulsingRuntimeError(`Cannot run promise: ${state}`, { kind: "timeout" });
  }

  async #advance(isDone: () => boolean, withinMs: number): Promise<boolean> {
    const isDoneNow = await this.#clock.advanceUntil(() => isDone() || this.#isOver, withinMs);
    if (isDone() || !this.#isOver) return isDoneNow;
    const text = `Cannot let time pass: the cluster is disposed, ${this.where()}`;
    throw new PulsingRuntimeError(text, { kind: "shutdown" });
  }

  /** Keeps what lets time pass for the end. */
  #drive<T>(work: () => Promise<T>): Promise<T> {
    const drive: Drive = {};
    const promise = (async () => {
      try {
        return await work();
      } finally {
        this.#drives.delete(drive);
      }
    })();
    drive.promise = promise;
    this.#drives.add(drive);
    return promise;
  }
}
