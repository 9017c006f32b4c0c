/**
 * Promises where none was expected.
 *
 * @module
 */

import { isThenable } from "./methods.ts";

/**
 * Takes a value that is not used: when it is a promise, its rejection must not end the process.
 *
 * @returns Whether it is a promise.
 */
export function isDisowned(value: unknown): boolean {
  if (typeof value !== "object" || value === null || !isThenable(value)) return false;
  Promise.resolve(value).catch(() => {}); // whoever gave it is told what was expected instead
  return true;
}
