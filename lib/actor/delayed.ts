/**
 * Calls that an actor makes to itself later.
 *
 * @module
 */

import type { Timer } from "../clock.ts";
import { PulsingRuntimeError } from "../errors.ts";
import { checkTimeout } from "./call_options.ts";
import type { CellNode } from "./cell_node.ts";
import type { MethodName } from "./proxy.ts";
import { currentEnvelope, enterTurn, leaveTurn } from "./context.ts";

/**
 * The actor itself, whose calls are told after a time.
 *
 * Each call gives a timer: cancelled, the call is never made. Calls end with the actor, and with
 * the instance when it is restarted. Nobody hears of the answer or of an error, as with `tell`.
 *
 * @typeParam T The actor's class; without it every name is a method.
 */
// deno-lint-ignore no-explicit-any -- without a class, and checked index access lets any be called
export type DelayedCalls<T = any> = 0 extends 1 & T ? Readonly<Record<string, any>>
  : {
    readonly [K in MethodName<T>]: T[K] extends (...args: infer A) => unknown
      ? (...args: A) => Timer
      : never;
  };

/**
 * Makes the calls of an actor to itself that come later.
 *
 * @param tellLater Sets the timer of one call.
 */
export function delayedCalls<T>(
  tellLater: (method: string, args: unknown[]) => Timer,
): DelayedCalls<T> {
  const get = (_target: object, name: string | symbol): unknown => {
    if (typeof name === "symbol" || name === "then") return undefined;
    return (...args: unknown[]) => tellLater(name, args);
  };
  return new Proxy({}, { get }) as DelayedCalls<T>; // `get` answers every name
}

/** The delayed calls of one actor whose time has not come. */
export class DelayedTimers {
  readonly #timers = new Set<Timer>();

  /**
   * Sets a timer.
   *
   * @throws {PulsingRuntimeError} kind `"limit-exceeded"`: too many wait already.
   */
  add({ clock, limits }: CellNode, actor: string, delayMs: number, run: () => void): Timer {
    if (delayMs === undefined) throw new RangeError("Cannot delay call: the time is missing");
    checkTimeout(delayMs);
    const timers = this.#timers;
    if (timers.size >= limits.delayedCalls) throw tooManyTimers(actor);
    const told = duringThisMessage(run);
    const timer = clock.setTimer(() => {
      timers.delete(timer);
      told();
    }, delayMs);
    timers.add(timer);
    const cancel = () => {
      timers.delete(timer);
      timer.cancel();
    };
    return { cancel };
  }

  /** Cancels all. */
  clear(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}

/** What comes later belongs to the chain of the message that is handled now. */
function duringThisMessage(run: () => void): () => void {
  const envelope = currentEnvelope();
  if (envelope === undefined) return run;
  return () => {
    const previous = enterTurn(envelope);
    try {
      run();
    } finally {
      leaveTurn(previous);
    }
  };
}

function tooManyTimers(actor: string): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot delay call to actor "${actor}": too many wait for their time`,
    { kind: "limit-exceeded", retryable: true, actor },
  );
}
