/**
 * The only place that reads time and sets timers.
 *
 * Every other file gets a {@link Clock} handed in, which is what lets a whole cluster run on a
 * manual clock in one isolate.
 *
 * @module
 */

/** A timer that has not fired yet. */
export interface Timer {
  /** Stops the timer; does nothing when it has fired or was cancelled before. */
  cancel(): void;
}

/**
 * Time, timers and turns of the event loop.
 *
 * Promises: `now()` never goes backwards. Callbacks of `setTimer` and `defer` never run inside
 * the call that registers them. A callback that throws is the caller's bug and is not caught.
 */
export interface Clock {
  /** Monotonic milliseconds since an arbitrary start; only differences mean something. */
  now(): number;
  /** Milliseconds since 1970 for showing to people; never compared between machines. */
  wallTime(): number;
  /**
   * Runs `callback` once after `delayMs` milliseconds; below zero counts as zero, and infinitely
   * many never pass.
   */
  setTimer(callback: () => void, delayMs: number): Timer;
  /** Runs `callback` in a later turn of the event loop, after pending I/O had its chance. */
  defer(callback: () => void): void;
}

/** What `setTimeout` takes; it fires at once for more. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  setTimer(callback, delayMs) {
    if (delayMs > LONGEST_TIMEOUT_MS) return setLongTimer(callback, delayMs);
    // A deadline may pass between two readings of the clock; the runtimes warn of that.
    const handle = setTimeout(callback, Math.max(0, delayMs));
    return { cancel: () => clearTimeout(handle) };
  },
  defer: (callback) => void setImmediate(callback),
};

/** A timer in steps that the runtimes can take. */
function setLongTimer(callback: () => void, delayMs: number): Timer {
  let left = delayMs;
  const step = (): ReturnType<typeof setTimeout> => {
    const stepMs = Math.min(left, LONGEST_TIMEOUT_MS);
    left -= stepMs;
    return setTimeout(() => left > 0 ? handle = step() : callback(), stepMs);
  };
  let handle = step();
  return { cancel: () => clearTimeout(handle) };
}

/**
 * Waits for work that may never end.
 *
 * @param clock The clock that measures the wait.
 * @param work A promise that does not reject.
 * @param timeoutMs How long to wait, in milliseconds.
 * @returns Whether the work has ended.
 */
export function endsWithin(
  clock: Clock,
  work: Promise<unknown>,
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(() => resolve(false), timeoutMs);
    void work.then(() => {
      timer.cancel();
      resolve(true);
    });
  });
}

/**
 * Waits on a clock.
 *
 * @param clock The clock that measures the wait.
 * @param delayMs How long, in milliseconds.
 * @param signal Ends the wait early.
 * @returns When the time has passed.
 * @throws The signal's reason when it aborts first; the timer is cancelled.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.setTimer(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
