/**
 * The transport of systems whose options name none.
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";
import type { Transport } from "../transport.ts";

let makeTransport: (() => Transport) | undefined;

/** Names the transport; called once by `mod.ts`. */
export function setDefaultTransport(transport: () => Transport): void {
  makeTransport = transport;
}

/** @throws {PulsingRuntimeError} kind `"unsupported"`: none was named. */
export function defaultTransport(): Transport {
  if (makeTransport !== undefined) return makeTransport();
  throw new PulsingRuntimeError("Cannot make a system: no transport given", {
    kind: "unsupported",
  });
}
