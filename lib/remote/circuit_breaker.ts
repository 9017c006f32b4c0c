/**
 * Whether a node is dialled: one that cannot be reached is left alone, then tried with one dial.
 *
 * ```text
 *   closed ──breakerFailures in a row──► open ──its time is over, a call comes──► half-open
 *     ▲                                   ▲                                         │
 *     │                                   └── the one dial fails, twice the time ───┤
 *     └────────── a link is up, whoever dialled; or the node has answered ──────────┘
 * ```
 *
 * Calls that come while it is half-open wait for the one dial and share its fate. To refuse them
 * would fail calls that can be sent a round trip later; they cost no dial, are counted by
 * `limits.maxPendingCalls`, and each may still set its own deadline.
 *
 * Membership probes do not wait for the time to be over: they are paced by themselves, and each is
 * the one dial.
 *
 * Only the way to the node counts: dials, handshakes that may succeed later, links that were cut.
 * What an actor answers, or a node refuses for good, says that the way is fine.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import type { Clock } from "../clock.ts";
import { PulsingError, PulsingRuntimeError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { HandshakeRejected, isRejected } from "./handshake.ts";

/** What is known of the way to one node. */
export type Circuit =
  /** It may be dialled. */
  | { readonly kind: "closed"; readonly failures: number }
  /** It is not dialled before a moment of the monotonic clock. */
  | { readonly kind: "open"; readonly until: number; readonly delayMs: number }
  /** One dial is under way, after the circuit was open for a time. */
  | { readonly kind: "half-open"; readonly delayMs: number };

/** The limits that a circuit depends on. */
export type CircuitLimits = Pick<Limits, "breakerFailures" | "reconnectMinMs" | "reconnectMaxMs">;

/** The circuit of a node without failures, and of one that was never met. */
export const HEALTHY: Circuit = Object.freeze({ kind: "closed", failures: 0 });

/** The circuit after a call wanted a link; the call dials when it `mayDial`. */
export function onAttempt(
  circuit: Circuit,
  now: number,
): { readonly circuit: Circuit; readonly mayDial: boolean } {
  switch (circuit.kind) {
    case "closed":
      return { circuit, mayDial: true };
    case "open":
      if (now < circuit.until) return { circuit, mayDial: false };
      return { circuit: { kind: "half-open", delayMs: circuit.delayMs }, mayDial: true };
    case "half-open":
      return { circuit, mayDial: false };
  }
}

/** The circuit after a dial that asks nobody: a probe, which is the trial an open one waits for. */
export function onProbe(circuit: Circuit): Circuit {
  return circuit.kind === "open" ? { kind: "half-open", delayMs: circuit.delayMs } : circuit;
}

/** The circuit after a dial failed or a link was cut. */
export function onFailure(circuit: Circuit, now: number, limits: CircuitLimits): Circuit {
  switch (circuit.kind) {
    case "closed": {
      const failures = circuit.failures + 1;
      if (failures < limits.breakerFailures) return { kind: "closed", failures };
      return openFor(limits.reconnectMinMs, now, limits);
    }
    case "open":
      return circuit; // the end of something that began before it opened: one outage, one wait
    case "half-open":
      return openFor(2 * circuit.delayMs, now, limits);
  }
}

/**
 * Whether an error says something about the way to a node.
 *
 * A node of another cluster or protocol has answered; one that is busy, shuts down, or has been
 * replaced at its address cannot be reached.
 */
export function isTransportFailure(error: Error): boolean {
  return !(error instanceof HandshakeRejected) || error.retryable;
}

interface Trouble {
  readonly circuit: Circuit;
  readonly error: Error;
}

/**
 * The circuits of all nodes that failed lately; healthy ones are not kept.
 *
 * Bounded by `limits.maxMembers`: above, the node whose failure is oldest is forgotten, and would
 * be dialled again at once.
 */
export class CircuitBreakers {
  readonly #clock: Clock;
  readonly #limits: Limits;
  /** By the time of the last failure, the oldest first. */
  readonly #troubles = new Map<NodeId, Trouble>();

  constructor(clock: Clock, limits: Limits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Nodes with failures that no link has made good yet. */
  get size(): number {
    return this.#troubles.size;
  }

  /**
   * Asks whether a node may be dialled now.
   *
   * @returns Why not, to be told to the caller; `undefined` when it may. Then the caller dials,
   * and says how it went with {@link CircuitBreakers.failed} or {@link CircuitBreakers.close}.
   */
  refusal(nodeId: NodeId): Error | undefined {
    const trouble = this.#troubles.get(nodeId);
    if (trouble === undefined) return undefined;
    const now = this.#clock.now();
    const { circuit, mayDial } = onAttempt(trouble.circuit, now);
    if (!mayDial) return circuitOpen(nodeId, { ...trouble, circuit }, now);
    this.#troubles.set(nodeId, { ...trouble, circuit });
    return undefined;
  }

  /** A node is dialled now, be its circuit open or not; how it went is said as after a call. */
  probed(nodeId: NodeId): void {
    const trouble = this.#troubles.get(nodeId);
    if (trouble === undefined) return;
    this.#troubles.set(nodeId, { ...trouble, circuit: onProbe(trouble.circuit) });
  }

  /** A dial has failed, or a link was cut. */
  failed(nodeId: NodeId, error: Error): void {
    const before = this.#troubles.get(nodeId)?.circuit ?? HEALTHY;
    const circuit = onFailure(before, this.#clock.now(), this.#limits);
    this.#troubles.delete(nodeId);
    this.#troubles.set(nodeId, { circuit, error });
    if (this.#troubles.size > this.#limits.maxMembers) this.#forgetOldest();
  }

  /** The node is reachable: its failures are forgotten. */
  close(nodeId: NodeId): void {
    this.#troubles.delete(nodeId);
  }

  #forgetOldest(): void {
    for (const oldest of this.#troubles.keys()) return void this.#troubles.delete(oldest);
  }
}

function openFor(delayMs: number, now: number, { reconnectMaxMs }: CircuitLimits): Circuit {
  const boundedMs = Math.min(delayMs, reconnectMaxMs);
  return { kind: "open", until: now + boundedMs, delayMs: boundedMs };
}

/** The error of a call that is refused; the last failure is its cause. */
function circuitOpen(nodeId: NodeId, { circuit, error }: Trouble, now: number): Error {
  const leftMs = circuit.kind === "open" ? Math.ceil(circuit.until - now) : 0;
  const why = `its circuit is open for ${leftMs} ms after a failure: ${error.message}`;
  const address = error instanceof PulsingError ? error.address : undefined;
  // Whoever looks for a node knows by this reason that another one has come after it.
  if (address !== undefined && isRejected(error, "other-node")) {
    return new HandshakeRejected({ reason: "other-node", message: why }, address);
  }
  return new PulsingRuntimeError(`Cannot link to node ${nodeId}: ${why}`, {
    kind: "node-unreachable",
    retryable: true,
    nodeId,
    cause: error,
    ...(address !== undefined && { address }),
  });
}
