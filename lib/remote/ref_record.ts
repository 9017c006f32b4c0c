/**
 * What a reference from the wire must look like before anything is made of it.
 *
 * @module
 */

import { isId, parseHostPort, parsePath } from "../address.ts";
import type { RefRecord } from "../wire/codec.ts";

/** Longest `host:port` that is taken from the wire, in UTF-16 units; a host name has 253. */
const MAX_ADDRESS = 256;

/** What is malformed about a reference; `undefined` when nothing is. */
export function faultOf({ actorId, nodeId, address, path }: RefRecord): string | undefined {
  if (!isId(actorId)) return "the actor id is not 32 hex digits";
  if (!isId(nodeId)) return "the node id is not 32 hex digits";
  if (address !== undefined && !isAddress(address)) return 'the address is not "host:port"';
  if (path !== undefined && !isPath(path)) return "the path breaks the grammar";
  return undefined;
}

/** Whether a text from the wire is a `host:port` of bounded length. */
export function isAddress(text: string): boolean {
  return text.length <= MAX_ADDRESS && doesNotThrow(() => parseHostPort(text));
}

/** Whether a text from the wire is an actor path in its normal form. */
function isPath(text: string): boolean {
  let path: string | undefined;
  return doesNotThrow(() => path = parsePath(text)) && path === text;
}

function doesNotThrow(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
