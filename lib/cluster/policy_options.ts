/**
 * What a user can tell a policy, checked when it is made: names, numbers, and what a call is about.
 *
 * @module
 */

import type { PolicyCall } from "./policies.ts";

/** Makes the text that decides from a call. */
export type TextOf = (call: PolicyCall) => string;

/** A range of numbers, both ends included. */
export interface NumberRange {
  readonly from: number;
  /** @default Infinity */
  readonly to?: number;
  /** @default "number" */
  readonly kind?: "number" | "integer";
}

/**
 * A misspelt option must not be silently without effect.
 *
 * @throws {TypeError} When a name is not among the known ones.
 */
export function checkPolicyOptions(
  policy: string,
  options: object,
  names: ReadonlySet<string>,
): void {
  for (const name in options) {
    if (names.has(name)) continue;
    const known = [...names].join(", ");
    throw new TypeError(`Cannot set option "${name}" of ${policy}: expected one of ${known}`);
  }
}

/**
 * Checks one number.
 *
 * @throws {RangeError} When it is none, or not in the range.
 */
export function checkPolicyNumber(
  policy: string,
  name: string,
  value: unknown,
  { from, to = Infinity, kind = "number" }: NumberRange,
): void {
  const isInRange = typeof value === "number" && value >= from && value <= to;
  if (isInRange && (kind === "number" || Number.isSafeInteger(value))) return;
  const range = to === Infinity ? `from ${from} on` : `from ${from} to ${to}`;
  throw new RangeError(
    `Cannot set option "${name}" of ${policy} to ${String(value)}: expected a ${kind} ${range}`,
  );
}

/**
 * Decides how the text of a call is found: as the user says, else the first argument of a method
 * or the message itself when that is a text, a number or a bigint.
 *
 * @param option The name of the user's option, for errors.
 * @returns Throws a `TypeError` for a call that has no text.
 * @throws {TypeError} When what the user gave is no function.
 */
export function textReader(policy: string, option: string, given: TextOf | undefined): TextOf {
  if (given === undefined) return (call) => plainText(policy, option, call);
  if (typeof given !== "function") {
    throw new TypeError(
      `Cannot set option "${option}" of ${policy} to ${String(given)}: expected a function`,
    );
  }
  return (call) => {
    const text: unknown = given(call);
    if (typeof text === "string") return text;
    throw new TypeError(
      `Cannot choose an instance with ${policy}: "${option}" returned ${kindOf(text)}, ` +
        "expected a text",
    );
  };
}

function plainText(policy: string, option: string, { method, payload }: PolicyCall): string {
  const value = method !== undefined && Array.isArray(payload) ? payload[0] : payload;
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  if (method === undefined && value === undefined) {
    throw new TypeError(
      `Cannot choose an instance with ${policy}: there is no call to take a text from, ` +
        `choose for each call or pass "${option}"`,
    );
  }
  const what = method === undefined ? "the message" : `the first argument of "${method}"`;
  throw new TypeError(
    `Cannot choose an instance with ${policy}: ${what} is ${kindOf(value)}, ` +
      `pass "${option}" to make a text of the call`,
  );
}

function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
