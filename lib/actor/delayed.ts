/**
 * Calls that an actor makes to itself later.
 *
 * @module
 */

import type { Timer } from "../clock.ts";

/**
 * The actor itself, whose calls are told after a time.
 *
 * Each call gives a timer: cancelled, the call is never made. Calls end with the actor. Nobody
 * hears of the answer or of an error, as with `tell`.
 */
export type DelayedCalls = { readonly [method: string]: (...args: unknown[]) => Timer };

/**
 * Makes the calls of an actor to itself that come later.
 *
 * @param tellLater Sets the timer of one call.
 */
export function delayedCalls(
  tellLater: (method: string, args: unknown[]) => Timer,
): DelayedCalls {
  const get = (_target: object, name: string | symbol): unknown => {
    if (typeof name === "symbol" || name === "then") return undefined;
    return (...args: unknown[]) => tellLater(name, args);
  };
  return new Proxy({}, { get }) as DelayedCalls; // `get` answers every name
}
