/**
 * What the verbs of the kit are called with: a mistake must not look like a result.
 *
 * @module
 */

/**
 * @param what What the number is, for the error.
 * @returns The number of milliseconds: 0 or more, and finite.
 * @throws {TypeError} It is no number.
 * @throws {RangeError} It is another one.
 */
export function checkMs(what: string, ms: unknown): number {
  const number = checkNumber(what, ms);
  if (number >= 0 && number < Infinity) return number;
  throw new RangeError(`Cannot set ${what} to ${number}: expected 0 ms or more`);
}

/**
 * @param what What is counted, for the error.
 * @param least The smallest that makes sense.
 * @returns The whole number.
 * @throws {TypeError} It is no number.
 * @throws {RangeError} It is another one.
 */
export function checkCount(what: string, count: unknown, least: number): number {
  const number = checkNumber(what, count);
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new RangeError(`Cannot set ${what} to ${number}: expected a whole number from ${least} on`);
}

/**
 * @returns The probability, from 0 to 1.
 * @throws {TypeError} It is no number.
 * @throws {RangeError} It is another one.
 */
export function checkRate(rate: unknown): number {
  const number = checkNumber("rate", rate);
  if (number >= 0 && number <= 1) return number;
  throw new RangeError(`Cannot set rate to ${number}: expected 0 to 1`);
}

function checkNumber(what: string, value: unknown): number {
  if (typeof value === "number") return value;
  const text = typeof value === "string" ? `"${value}"` : String(value);
  throw new TypeError(`Cannot set ${what} to ${text}: expected a number`);
}
