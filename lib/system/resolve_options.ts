/**
 * How names are resolved.
 *
 * @module
 */

import { checkTimeout } from "../actor/call_options.ts";
import type { NodeId } from "../address.ts";
import { checkNames } from "../option_names.ts";

/** How a name is resolved. */
export interface ResolveOptions {
  /** Only an instance on this node will do. */
  readonly nodeId?: NodeId;
  /**
   * How long to wait for the name to appear, in milliseconds; 0 is one look.
   *
   * @default 0
   */
  readonly timeoutMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

const RESOLVE_NAMES: ReadonlySet<string> = new Set(["nodeId", "timeoutMs", "signal", "cls"]);

/**
 * Checks how a name is to be resolved.
 *
 * @throws {TypeError} An option is unknown.
 * @throws {RangeError} The timeout is out of range.
 */
export function checkResolveOptions(options: ResolveOptions): void {
  checkNames("resolve", options, RESOLVE_NAMES);
  checkTimeout(options.timeoutMs);
}
