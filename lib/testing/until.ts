/**
 * Waiting for what a cluster brings about, in its own time.
 *
 * @module
 */

import { type Clock, endsWithin, sleep } from "../clock.ts";
import { PulsingRuntimeError } from "../errors.ts";

/** How long to wait. */
export interface WithinOptions {
  /**
   * The longest wait, in milliseconds of the cluster's time.
   *
   * @default 60_000 in a {@link TestCluster}, 10_000 in a {@link ProcessCluster}
   */
  readonly withinMs?: number;
}

/** How long to wait, and for what. */
export interface UntilOptions extends WithinOptions {
  /**
   * What is waited for, in words for the error.
   *
   * @default the condition's source
   */
  readonly what?: string;
  /**
   * How often to look, in milliseconds of the cluster's time.
   *
   * @default 10 in a {@link TestCluster}, 20 in a {@link ProcessCluster}
   */
  readonly stepMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

/** One look at a condition. */
interface Look<T> {
  readonly value?: T;
  readonly error?: unknown;
  readonly state: string;
}

/**
 * Waits until a condition holds.
 *
 * @param clock Measures the wait.
 * @param condition Returns something truthy once it holds; may throw until then.
 * @param options How long to wait.
 * @param diagnose What else to tell when it does not hold in time.
 * @throws {PulsingRuntimeError} kind `"timeout"`.
 */
export async function until<T>(
  clock: Clock,
  condition: () => T | Promise<T>,
  { withinMs = 10_000, stepMs = 20, what = condition.toString(), signal }: UntilOptions,
  diagnose: () => Promise<string>,
): Promise<T> {
  const deadline = clock.now() + withinMs;
  const aborted = Promise.withResolvers<Look<T>>();
  const onAbort = () => aborted.resolve({ state: "given up" });
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for (let looks = 1;; looks++) {
      signal?.throwIfAborted();
      const looking = Promise.race([look(condition), aborted.promise]);
      // A look that never ends must not hold up the deadline.
      const isInTime = await endsWithin(clock, looking, Math.max(0, deadline - clock.now()));
      const last: Look<T> = isInTime ? await looking : { state: "the last look did not end" };
      if (last.value) return last.value;
      if (clock.now() >= deadline) throw timeout(last, await diagnose(), { withinMs, what, looks });
      await sleep(clock, Math.min(stepMs, deadline - clock.now()), signal);
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

async function look<T>(condition: () => T | Promise<T>): Promise<Look<T>> {
  try {
    const value = await condition();
    return { value, state: `still ${String(value)}` };
  } catch (error) {
    return { error, state: `still throwing ${String(error)}` };
  }
}

function timeout(
  { state, error }: Look<unknown>,
  diagnosis: string,
  { what, withinMs, looks }: { what: string; withinMs: number; looks: number },
): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot see ${what}: ${state} after ${withinMs} ms and ${looks} looks; ${diagnosis}`,
    { kind: "timeout", cause: error },
  );
}
