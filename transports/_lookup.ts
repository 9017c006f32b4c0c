/**
 * Host names into addresses, for the transports on real sockets.
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { formatHostPort, parseHostPort } from "../lib/address.ts";
import { asError, PulsingRuntimeError } from "../lib/errors.ts";
import type { DialOptions } from "../lib/transport.ts";

/** {@link Transport.lookup} by the resolver of the machine, its hosts file included. */
export async function lookupAddresses(
  address: string,
  { signal }: DialOptions = {},
): Promise<readonly string[]> {
  signal?.throwIfAborted();
  const { host, port } = parseHostPort(address);
  if (isIP(host) !== 0) return [formatHostPort({ host, port })];
  const records = await abortable(address, lookup(host, { all: true }), signal);
  // Some resolvers name an address once for each kind of socket.
  return [...new Set(records.map((record) => formatHostPort({ host: record.address, port })))];
}

/** The runtimes cannot end a look-up; whoever waits for it can go. */
function abortable<T>(address: string, looking: Promise<T>, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    looking.then(resolve, (error) => reject(unknown(address, asError(error))))
      .finally(() => signal?.removeEventListener("abort", onAbort));
  });
}

function unknown(address: string, cause: Error): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot look up ${address}: ${cause.message}`, {
    kind: "node-unreachable",
    retryable: true,
    address,
    cause,
  });
}
