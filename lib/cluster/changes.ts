/**
 * Waiting for anything at all to change.
 *
 * @module
 */

import type { Clock } from "../clock.ts";

/** Wakes those who wait for a change; they look for themselves whether it is theirs. */
export class Changes {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something has changed. */
  changed(): void {
    for (const wake of [...this.#waiting]) wake();
  }

  /** Calls at each change until what it returns is called. */
  listen(wake: () => void): () => void {
    this.#waiting.add(wake);
    return () => void this.#waiting.delete(wake);
  }

  /**
   * Waits for the next change.
   *
   * @param timeoutMs How long at most, in milliseconds.
   * @throws The signal's reason when it aborts first.
   */
  next(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const stop = () => {
        this.#waiting.delete(wake);
        timer.cancel();
        signal?.removeEventListener("abort", onAbort);
      };
      const wake = () => {
        stop();
        resolve();
      };
      const onAbort = () => {
        stop();
        reject(signal?.reason);
      };
      const timer = this.#clock.setTimer(wake, timeoutMs);
      this.#waiting.add(wake);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}
