/**
 * The options that say where nodes are.
 *
 * @module
 */

import { type HostPort, parseHostPort } from "../address.ts";
import type { NodeRole } from "../remote/handshake.ts";
import type { InitOptions } from "./options.ts";

/**
 * Checks every address that a user has given.
 *
 * @throws {TypeError} One is malformed, cannot be dialled, or "addr" is missing.
 */
export function checkAddresses(options: InitOptions, role: NodeRole | undefined): void {
  const { addr, seeds = [], headAddr, advertise } = options;
  if (addr !== undefined) endpointOf("addr", addr);
  for (const seed of seeds) checkDialable("seeds", seed);
  for (const [name, address] of Object.entries({ headAddr, advertise })) {
    if (address !== undefined) checkDialable(name, address);
  }
  const isAlone = seeds.length === 0 && advertise === undefined && role === undefined;
  if (addr !== undefined || isAlone) return;
  throw new TypeError(
    'Cannot join a cluster without "addr": the other nodes must reach this one, set for ' +
      'example "127.0.0.1:0"',
  );
}

/** The option's address in its parts. */
function endpointOf(name: string, address: unknown): HostPort {
  if (typeof address === "string") return parseHostPort(address);
  throw new TypeError(
    `Cannot set option "${name}" to "${String(address)}": expected "host:port", for example ` +
      '"127.0.0.1:7000"',
  );
}

function checkDialable(name: string, address: unknown): void {
  if (endpointOf(name, address).port > 0) return;
  throw new TypeError(`Cannot set option "${name}" to "${address}": nobody listens on port 0`);
}

/** @throws {TypeError} When a worker is to be its own head. */
export function checkHead({ addr, advertise, headAddr }: InitOptions): void {
  if (headAddr === undefined || (headAddr !== addr && headAddr !== advertise)) return;
  throw new TypeError(
    `Cannot set option "headAddr" to "${headAddr}": it is the address of this node itself, set ` +
      '"isHeadNode" to be the head',
  );
}
