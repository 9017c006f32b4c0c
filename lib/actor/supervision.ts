/**
 * Who is restarted, when and how often: decided purely.
 *
 * @module
 */

import { isPulsingError } from "../errors.ts";
import { type Random, randomFraction } from "../random.ts";

/** What a failure does to an actor. */
export type RestartPolicy =
  /** Nothing: a throw is the caller's error, and the instance lives on. */
  | "never"
  /** A new instance takes the place of one that failed. */
  | "on-failure"
  /** As `"on-failure"`, and also after a stop of the actor's own. */
  | "always";

/** How an actor is restarted; all of it can be said of a class and of one actor. */
export interface SupervisionOptions {
  /**
   * What a failure does; `"on_failure"` is the same as `"on-failure"`.
   *
   * @default "never"
   */
  readonly restartPolicy?: RestartPolicy | "on_failure";
  /**
   * Restarts within the window; with one more failure the actor stops for good.
   *
   * @default 3
   */
  readonly maxRestarts?: number;
  /**
   * Milliseconds in which restarts are counted.
   *
   * @default Infinity: the actor's whole life
   */
  readonly restartWindowMs?: number;
  /**
   * Milliseconds before the first restart; each further one waits twice as long, ± 20 %.
   *
   * @default 100
   */
  readonly minBackoffMs?: number;
  /**
   * Longest wait before a restart, in milliseconds; no jitter goes above it.
   *
   * @default 30_000
   */
  readonly maxBackoffMs?: number;
  /**
   * Whether an error that left a method is a failure of the actor. A throw of it is logged and
   * counts as a yes.
   *
   * @default every error but a `PulsingBusinessError`
   */
  readonly restartOn?: (error: unknown) => boolean;
}

/** {@link SupervisionOptions} with every default filled in. */
export interface Supervision {
  readonly restartPolicy: Exclude<RestartPolicy, "never">;
  readonly maxRestarts: number;
  readonly restartWindowMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly restartOn: (error: unknown) => boolean;
}

/** The names of the options of supervision. */
export const SUPERVISION_NAMES: readonly (keyof SupervisionOptions)[] = Object.freeze([
  "restartPolicy",
  "maxRestarts",
  "restartWindowMs",
  "minBackoffMs",
  "maxBackoffMs",
  "restartOn",
]);

/** What to do about a failure. */
export type RestartDecision =
  | {
    readonly kind: "restart";
    /** How long to wait first, in milliseconds. */
    readonly delayMs: number;
    /** The times of the restarts that count from now on, this one included. */
    readonly restarts: readonly number[];
  }
  /** The restarts are used up. */
  | { readonly kind: "give-up" };

const JITTER = 0.2;

/** Doublings after which any backoff is at its cap; twice as many would be infinitely many. */
const MAX_DOUBLINGS = 1_023;

/**
 * Decides whether an actor that failed starts anew.
 *
 * @param spec How the actor is restarted.
 * @param restarts When it was restarted before, on the clock of `now`.
 * @param now The time of the failure.
 * @param random Draws the jitter.
 */
export function decideRestart(
  spec: Supervision,
  restarts: readonly number[],
  now: number,
  random: Random,
): RestartDecision {
  const recent = restarts.filter((time) => now - time < spec.restartWindowMs);
  if (recent.length >= spec.maxRestarts) return { kind: "give-up" };
  const delayMs = backoffMs(spec, recent.length, random);
  // Without a limit nothing but the backoff counts them, and that only up to its cap.
  if (spec.maxRestarts === Infinity) recent.splice(0, recent.length - MAX_DOUBLINGS);
  return { kind: "restart", delayMs, restarts: [...recent, now] };
}

/**
 * How long to wait before a restart, in milliseconds.
 *
 * @param spec The shortest and the longest wait.
 * @param earlier Restarts before this one that count.
 * @param random Draws the jitter of ± 20 %.
 */
export function backoffMs(
  { minBackoffMs, maxBackoffMs }: Pick<Supervision, "minBackoffMs" | "maxBackoffMs">,
  earlier: number,
  random: Random,
): number {
  const nominal = Math.min(minBackoffMs * 2 ** Math.min(earlier, MAX_DOUBLINGS), maxBackoffMs);
  const factor = 1 + JITTER * (2 * randomFraction(random) - 1);
  return Math.min(nominal * factor, maxBackoffMs);
}

/**
 * Checks options and fills in the defaults.
 *
 * @param options What was said of one actor.
 * @param defaults What was said of its class.
 * @returns `undefined` when the actor is never restarted.
 * @throws {TypeError} The policy is none of the three, or `restartOn` is no function.
 * @throws {RangeError} A number is out of range.
 */
export function resolveSupervision(
  options: SupervisionOptions,
  defaults: SupervisionOptions = {},
): Supervision | undefined {
  if (!saysAnything(options) && !saysAnything(defaults)) return undefined;
  const policy = options.restartPolicy ?? defaults.restartPolicy ?? "never";
  const restartPolicy = policy === "on_failure" ? "on-failure" : policy;
  if (!isPolicy(restartPolicy)) {
    throw new TypeError(
      `Cannot set option "restartPolicy" to "${String(policy)}": expected "never", ` +
        '"on-failure" or "always"',
    );
  }
  const said = { ...defaults, ...withoutUndefined(options) };
  const { maxRestarts = 3, restartWindowMs = Infinity, minBackoffMs = 100 } = said;
  const { maxBackoffMs = Math.max(30_000, minBackoffMs) } = said;
  const restartOn = options.restartOn ?? defaults.restartOn ?? isFailure;
  const isCount = Number.isSafeInteger(maxRestarts) || maxRestarts === Infinity;
  const isWindow = typeof restartWindowMs === "number" && restartWindowMs > 0;
  if (!isCount || maxRestarts < 0) throw outOfRange("maxRestarts", maxRestarts, "0 or more");
  if (!isWindow) throw outOfRange("restartWindowMs", restartWindowMs, "above 0");
  if (!Number.isFinite(minBackoffMs) || minBackoffMs < 0) {
    throw outOfRange("minBackoffMs", minBackoffMs, "0 or more");
  }
  if (typeof maxBackoffMs !== "number" || !(maxBackoffMs >= minBackoffMs)) {
    throw outOfRange("maxBackoffMs", maxBackoffMs, `minBackoffMs, ${minBackoffMs}, or more`);
  }
  if (typeof restartOn !== "function") {
    throw new TypeError(
      `Cannot set option "restartOn" to "${String(restartOn)}": expected a function`,
    );
  }
  if (restartPolicy === "never") return undefined;
  return { restartPolicy, maxRestarts, restartWindowMs, minBackoffMs, maxBackoffMs, restartOn };
}

/** Most actors say nothing about it, and their numbers need no check. */
function saysAnything(options: SupervisionOptions): boolean {
  return options.restartPolicy !== undefined || options.maxRestarts !== undefined ||
    options.restartWindowMs !== undefined || options.minBackoffMs !== undefined ||
    options.maxBackoffMs !== undefined || options.restartOn !== undefined;
}

/** A refusal that the actor meant is no failure of it. */
function isFailure(error: unknown): boolean {
  return !isPulsingError(error, "business");
}

function isPolicy(policy: unknown): policy is RestartPolicy {
  return policy === "never" || policy === "on-failure" || policy === "always";
}

function outOfRange(name: string, value: unknown, expected: string): RangeError {
  return new RangeError(
    `Cannot set option "${name}" to ${String(value)}: expected a number, ${expected}`,
  );
}

function withoutUndefined(options: SupervisionOptions): SupervisionOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
