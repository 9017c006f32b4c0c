/**
 * Waiting for what a cluster brings about, in its own time.
 *
 * @module
 */

import { type Clock, endsWithin, sleep } from "../clock.ts";
import { PulsingRuntimeError } from "../errors.ts";
import { checkNames } from "../option_names.ts";
import { checkMs } from "./arguments.ts";

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
 * @throws {TypeError | RangeError} As {@link checkUntil}.
 */
export async function until<T>(
  clock: Clock,
  condition: () => T | Promise<T>,
  options: UntilOptions,
  diagnose: () => Promise<string>,
): Promise<T> {
  checkUntil(condition, options);
  const { withinMs = 10_000, stepMs = 20, what = condition.toString(), signal } = options;
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

const WITHIN_NAMES: ReadonlySet<string> = new Set<keyof WithinOptions>(["withinMs"]);
const UNTIL_NAMES: ReadonlySet<string> = new Set<keyof UntilOptions>([
  "withinMs",
  "what",
  "stepMs",
  "signal",
]);

/** @throws {TypeError | RangeError} An option is unknown or malformed. */
export function checkWithin(options: WithinOptions): void {
  checkNames("the wait", options, WITHIN_NAMES);
  if (options.withinMs !== undefined) checkMs("withinMs", options.withinMs);
}

/** @throws {TypeError | RangeError} The condition is none, or an option is unknown or malformed. */
export function checkUntil(condition: unknown, options: UntilOptions): void {
  if (typeof condition !== "function") {
    throw new TypeError(`Cannot wait for ${String(condition)}: expected a function`);
  }
  const { stepMs, ...others } = options;
  checkNames("the wait", others, UNTIL_NAMES);
  if (others.withinMs !== undefined) checkMs("withinMs", others.withinMs);
  if (stepMs === undefined || checkMs("stepMs", stepMs) > 0) return;
  throw new RangeError("Cannot set stepMs to 0: the wait would not get on");
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
