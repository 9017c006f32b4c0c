/**
 * The way to a link from this side: connect, shake hands, give way, refute.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import { type Clock, sleep, type Timer } from "../clock.ts";
import { PulsingRuntimeError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { Connection, Transport } from "../transport.ts";
import type { Association } from "./association.ts";
import { type Introduction, isRejected } from "./handshake.ts";

/** Time for the other side's dial to come through when both dialled at once, in milliseconds. */
const CROSSING_MS = 250;

/** Whom to dial. */
export interface Dial {
  readonly address: string;
  /** The node that must answer; without it any will do. */
  readonly expects?: NodeId;
  readonly signal?: AbortSignal;
}

/** What dialling needs from the node. */
export interface DiallerHost {
  readonly transport: Transport;
  readonly limits: Limits;
  readonly clock: Clock;
  /** What this node says about itself. */
  introduce(): Introduction;
  /** Another node has declared an incarnation of this one dead. */
  onAccused(incarnation: number): void;
}

/** What a dialler is made of. */
export interface DiallerOptions {
  readonly host: DiallerHost;
  /** Ends all dials: the node is shut down. */
  readonly signal: AbortSignal;
  /** The link that is up already to whom a dial is for. */
  met(dial: Dial): Association | undefined;
  /** Makes a link of a connection. */
  open(
    connection: Connection,
    introduction: Introduction,
    signal: AbortSignal,
  ): Promise<Association>;
}

/** What an introduction says about one dial. */
type Hello = Partial<Pick<Introduction, "isOnlyLink" | "expects">>;

/** Dials nodes; who else dials them, and how often, is not its business. */
export class Dialler {
  readonly #options: DiallerOptions;
  readonly #toAnybody = new Set<Dial>();

  constructor(options: DiallerOptions) {
    this.#options = options;
  }

  /** Whether a dial to whoever listens at an address is under way. */
  isDialling(address: string | undefined): boolean {
    return [...this.#toAnybody].some((dial) => dial.address === address);
  }

  /** Dials, and waits for the other side's dial instead when that one has precedence. */
  async dial(dial: Dial): Promise<Association> {
    if (dial.expects !== undefined) return await this.#dialOrMeet(dial);
    this.#toAnybody.add(dial);
    try {
      return await this.#dialOrMeet(dial);
    } finally {
      this.#toAnybody.delete(dial);
    }
  }

  async #dialOrMeet(dial: Dial): Promise<Association> {
    const { address, expects } = dial;
    const signals = dial.signal === undefined ? [] : [dial.signal];
    const signal = AbortSignal.any([this.#options.signal, ...signals]);
    let met = expects;
    try {
      return await this.#dialRefuting(address, expecting(met), signal);
    } catch (error) {
      if (!isRejected(error, "duplicate")) throw error;
      met ??= error.nodeId;
    }
    for (let waited = 0; waited < CROSSING_MS; waited += CROSSING_MS / 10) {
      const link = this.#options.met({ address, ...expecting(met) });
      if (link !== undefined) return link;
      await sleep(this.#options.host.clock, CROSSING_MS / 10, signal);
    }
    // Only the node that refused may end its older link, whoever answers at the address by now.
    return await this.#dialRefuting(address, { ...expecting(met), isOnlyLink: true }, signal);
  }

  /**
   * All addresses that a host name stands for; the address itself when it is none.
   *
   * @throws As {@link Transport.lookup}; it takes as long as a dial at most.
   */
  async lookup(address: string, signal: AbortSignal): Promise<readonly string[]> {
    const { transport } = this.#options.host;
    if (transport.lookup === undefined) return [address];
    const limit = this.#limit(address, signal);
    try {
      return await transport.lookup(address, { signal: limit.signal });
    } finally {
      limit.timer.cancel();
    }
  }

  /** Dials, and once more when this node was declared dead there and can refute it. */
  async #dialRefuting(address: string, hello: Hello, signal: AbortSignal): Promise<Association> {
    const { host } = this.#options;
    try {
      return await this.#dialOnce(address, hello, signal);
    } catch (error) {
      if (!isRejected(error, "dead")) throw error;
      const { incarnation = 0 } = error; // it is there with this reason
      host.onAccused(incarnation);
      // A node that has left stays what it was.
      if (host.introduce().incarnation <= incarnation) throw error;
    }
    return await this.#dialOnce(address, hello, signal);
  }

  async #dialOnce(address: string, hello: Hello, signal: AbortSignal): Promise<Association> {
    const { host, open } = this.#options;
    const limit = this.#limit(address, signal);
    try {
      const connection = await host.transport.dial(address, { signal: limit.signal });
      limit.timer.cancel();
      return await open(connection, { ...host.introduce(), ...hello }, signal);
    } finally {
      limit.timer.cancel();
    }
  }

  /** The time that the transport has. */
  #limit(address: string, signal: AbortSignal): { signal: AbortSignal; timer: Timer } {
    const { clock, limits } = this.#options.host;
    const timeout = new AbortController();
    const timer = clock.setTimer(
      () => timeout.abort(unreachable(address, "it did not accept in time")),
      limits.dialTimeoutMs,
    );
    return { signal: AbortSignal.any([timeout.signal, signal]), timer };
  }
}

function expecting(nodeId: NodeId | undefined): Pick<Dial, "expects"> {
  return nodeId === undefined ? {} : { expects: nodeId };
}

/** The error of a node that cannot be linked to. */
export function unreachable(node: string, why: string): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot link to node ${node}: ${why}`, {
    kind: "node-unreachable",
    retryable: true,
    nodeId: node,
  });
}
