/**
 * Nodes inside one isolate, for tests and simulation.
 *
 * @module
 */

import { formatHostPort, parseHostPort } from "../lib/address.ts";
import type { Clock } from "../lib/clock.ts";
import { PulsingRuntimeError } from "../lib/errors.ts";
import type {
  Connection,
  ConnectionHandler,
  Listener,
  ListenOptions,
  Transport,
} from "../lib/transport.ts";

/** Bytes in flight in one direction from which a writer should wait. */
const HIGH_WATER_BYTES = 1_048_576;
const FIRST_FREE_PORT = 40_000;

/**
 * A network that exists only in memory: everything arrives in a later turn of the clock, in order.
 *
 * @example Two nodes without a socket
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const network = new pul.MemoryNetwork(pul.systemClock);
 * const transport = pul.memory(network);
 * await using one = await pul.actorSystem({ addr: "a:0", transport });
 * await using two = await pul.actorSystem({ addr: "b:0", seeds: [one.addr ?? ""], transport });
 * assert.equal(two.members().length, 2);
 * ```
 *
 * @example A name for several nodes, and a load balancer in front of them
 * ```ts
 * import * as pul from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const network = new pul.MemoryNetwork(pul.systemClock);
 * const transport = pul.memory(network);
 * await using one = await pul.actorSystem({ addr: "10.0.0.1:1", transport });
 * network.name("nodes.test", ["10.0.0.1", "10.0.0.2"]);
 * network.balance("10.0.0.9:1", () => "10.0.0.1:1");
 * for (const seed of ["nodes.test:1", "10.0.0.9:1"]) {
 *   await using two = await pul.actorSystem({ addr: "10.0.0.3:0", seeds: [seed], transport });
 *   assert.equal(two.members().some(({ nodeId }) => nodeId === one.nodeId), true);
 * }
 * ```
 */
export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #listeners = new Map<string, ListenOptions>();
  readonly #names = new Map<string, readonly string[]>();
  readonly #balancers = new Map<string, () => string>();
  #lastPort = FIRST_FREE_PORT;

  /**
   * Makes an empty network.
   *
   * @param clock Decides when bytes arrive.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Binds an address of the network. */
  listen(options: ListenOptions): Listener {
    const address = options.address.replace(/:0$/, () => `:${++this.#lastPort}`);
    if (this.#listeners.has(address)) {
      throw new PulsingRuntimeError(`Cannot listen on ${address}: the address is in use`, {
        kind: "listen-failed",
        address,
      });
    }
    this.#listeners.set(address, options);
    const close = () => {
      // A second close must not take the address from whoever bound it since.
      if (this.#listeners.get(address) === options) this.#listeners.delete(address);
      return Promise.resolve();
    };
    return { address, close, [Symbol.asyncDispose]: close };
  }

  /**
   * Says what a host name stands for from now on, as a record of a name service would.
   *
   * A host that was never named stands for itself.
   *
   * @param host The name, without a port.
   * @param hosts The hosts it stands for; none: nobody knows the name.
   */
  name(host: string, hosts: readonly string[]): void {
    this.#names.set(host, [...hosts]);
  }

  /**
   * Puts a load balancer at an address: it takes the dials, whoever listens there.
   *
   * @param address `host:port`.
   * @param choose Called at each dial: the address of the listener that gets it.
   */
  balance(address: string, choose: () => string): void {
    this.#balancers.set(address, choose);
  }

  /** Finds what a host name stands for, in a later turn. */
  lookup(address: string, signal?: AbortSignal): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      parseHostPort(address); // a malformed one rejects here, not in a turn that nobody awaits
      this.#clock.defer(() => {
        if (signal?.aborted) return reject(signal.reason);
        const addresses = this.#addressesOf(address);
        if (addresses.length === 0) return reject(unknownName(address));
        resolve(addresses);
      });
    });
  }

  /** Connects to a bound address in a later turn; a name is tried with all its addresses. */
  dial(address: string, signal?: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      parseHostPort(address); // a malformed one rejects here, not in a turn that nobody awaits
      this.#clock.defer(() => {
        if (signal?.aborted) return reject(signal.reason);
        const listener = this.#listenerAt(address);
        if (listener === undefined) return reject(nobodyListens(address));
        const near = new MemoryConnection(this.#clock, address);
        const far = new MemoryConnection(this.#clock, "memory");
        near.join(far);
        far.join(near);
        resolve(near);
        listener.accept(far);
      });
    });
  }

  #addressesOf(address: string): readonly string[] {
    const { host, port } = parseHostPort(address);
    const hosts = this.#names.get(host) ?? [host];
    return [...new Set(hosts.map((one) => formatHostPort({ host: one, port })))];
  }

  #listenerAt(address: string): ListenOptions | undefined {
    return this.#addressesOf(address)
      .map((one) => this.#listeners.get(this.#balancers.get(one)?.() ?? one))
      .find((listener) => listener !== undefined);
  }
}

/**
 * A transport on a network in memory.
 *
 * @param network The network; systems that are to reach each other share one.
 */
export function memory(network: MemoryNetwork): Transport {
  return {
    name: "memory",
    listen: (options) => Promise.resolve(network.listen(options)),
    dial: (address, options) => network.dial(address, options?.signal),
    lookup: (address, options) => network.lookup(address, options?.signal),
  };
}

class MemoryConnection implements Connection {
  readonly remoteAddress: string;
  readonly #clock: Clock;
  #far: MemoryConnection | undefined = undefined;
  #handler: ConnectionHandler | undefined = undefined;
  #arrived: Uint8Array[] = [];
  #inFlight = 0;
  #highWaterBytes = HIGH_WATER_BYTES;
  #isPaused = false;
  #isScheduled = false;
  #isFull = false;
  #isClosed = false;
  #isEnding = false;
  #isOver = false;

  constructor(clock: Clock, remoteAddress: string) {
    this.#clock = clock;
    this.remoteAddress = remoteAddress;
  }

  get bufferedBytes(): number {
    return this.#inFlight;
  }

  join(far: MemoryConnection): void {
    this.#far = far;
  }

  start(handler: ConnectionHandler, highWaterBytes: number = HIGH_WATER_BYTES): void {
    this.#handler = handler;
    this.#highWaterBytes = highWaterBytes;
    this.#schedule();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || this.#far === undefined || bytes.length === 0) return true;
    this.#inFlight += bytes.length;
    this.#isFull = this.#inFlight >= this.#highWaterBytes;
    if (this.#far.#isClosed) return !this.#isFull; // dropped: the end is on its way
    this.#far.#arrived.push(bytes);
    this.#far.#schedule();
    return !this.#isFull;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#drop();
    this.#end();
    if (this.#far !== undefined) this.#far.#end();
  }

  abort(): void {
    this.#isClosed = true;
    this.#drop();
    this.#end();
    if (this.#far === undefined) return;
    this.#far.#drop();
    this.#far.#end();
  }

  /** What has arrived is nobody's any more. */
  #drop(): void {
    this.#arrived = [];
  }

  #end(): void {
    this.#isEnding = true;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.defer(() => {
      this.#isScheduled = false;
      this.#deliver();
    });
  }

  #deliver(): void {
    while (this.#handler !== undefined) {
      if (this.#isPaused && this.#arrived.length > 0) return;
      const bytes = this.#arrived.shift();
      if (bytes === undefined) return this.#finish();
      if (this.#far !== undefined) this.#far.#taken(bytes.length);
      this.#handler.onBytes(bytes);
    }
  }

  #finish(): void {
    if (!this.#isEnding || this.#isOver) return;
    this.#isOver = true;
    this.#isClosed = true;
    this.#handler?.onClose();
  }

  #taken(bytes: number): void {
    this.#inFlight -= bytes;
    if (this.#isOver || !this.#isFull || this.#inFlight >= this.#highWaterBytes) return;
    this.#isFull = false;
    this.#handler?.onDrain();
  }
}

function unknownName(address: string): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot look up ${address}: nobody knows the name`, {
    kind: "node-unreachable",
    retryable: true,
    address,
  });
}

function nobodyListens(address: string): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot reach node at ${address}: nobody listens there`, {
    kind: "node-unreachable",
    retryable: true,
    address,
  });
}
