/**
 * Nodes over TCP: framed traffic on the bare socket of the sniffing port.
 *
 * `node:net` on both runtimes: one code path, and faster with pipelined small frames than either
 * runtime's own API.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { parseHostPort } from "../lib/address.ts";
import { PulsingRuntimeError } from "../lib/errors.ts";
import type { Connection, DialOptions, Transport } from "../lib/transport.ts";
import { listenSniffing } from "./_listener.ts";
import { lookupAddresses } from "./_lookup.ts";
import { SocketConnection } from "./_socket_connection.ts";

/**
 * The default transport between nodes.
 *
 * The same port answers HTTP and lets nodes in over WebSocket as well.
 *
 * @example Two nodes over TCP
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * await using node = await pul.actorSystem({ addr: "127.0.0.1:0", transport: pul.tcp() });
 * const health = await fetch(`http://${node.addr}/health`);
 * assert.equal((await health.json()).status, "ok");
 * ```
 */
export function tcp(): Transport {
  return { name: "tcp", listen: listenSniffing, dial: dialTcp, lookup: lookupAddresses };
}

function dialTcp(address: string, { signal }: DialOptions = {}): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const { host, port } = parseHostPort(address);
    // All addresses of a host name are tried, the next one while the first is silent.
    const socket: Socket = connect({ host, port, autoSelectFamily: true });
    socket.setNoDelay(true);
    const onAbort = () => {
      settle();
      socket.destroy();
      reject(signal?.reason);
    };
    const onError = (error: Error) => {
      settle();
      socket.destroy();
      reject(unreachable(address, error));
    };
    const settle = () => {
      signal?.removeEventListener("abort", onAbort);
      socket.off("error", onError);
    };
    socket.on("error", onError);
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => {
      settle();
      resolve(new SocketConnection(socket, address));
    });
  });
}

/** The error for a node that cannot be reached. */
export function unreachable(address: string, cause: Error): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot reach node at ${address}: ${cause.message}`, {
    kind: "node-unreachable",
    retryable: true,
    address,
    cause,
  });
}
