/**
 * How long a suspect has to refute: pure arithmetic, Lifeguard's.
 *
 * A suspicion that nobody else shares may be the accuser's own fault, so it lasts long; each other
 * member that could not reach the suspect either makes it shorter, down to a floor that grows with
 * the cluster, since the refutation must reach everybody first.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import type { ClusterSettings } from "./settings.ts";

/** Between which times the end of a suspicion lies. */
export interface SuspicionBounds {
  /** With all confirmations, in milliseconds. */
  readonly minMs: number;
  /** With none, in milliseconds. */
  readonly maxMs: number;
  /** Confirmations by further members from which the shortest time holds. */
  readonly expected: number;
}

/** What {@link suspicionBounds} looks at. */
export type SuspicionSettings = Pick<
  ClusterSettings,
  "suspicionMultiplier" | "suspicionMaxMultiplier" | "probeIntervalMs"
>;

/**
 * The bounds in a cluster.
 *
 * @param members Its members, the suspect and this node included.
 */
export function suspicionBounds(members: number, settings: SuspicionSettings): SuspicionBounds {
  const { suspicionMultiplier, suspicionMaxMultiplier, probeIntervalMs } = settings;
  const scale = Math.max(1, Math.log10(Math.max(1, members)));
  // Rounded: the runtimes' logarithms differ in the last digit.
  const minMs = Math.round(suspicionMultiplier * scale * probeIntervalMs);
  const wanted = suspicionMultiplier - 2;
  const expected = members - 2 < wanted ? 0 : Math.max(0, wanted);
  const maxMs = expected === 0 ? minMs : minMs * suspicionMaxMultiplier;
  return { minMs, maxMs, expected };
}

/** How long a suspicion lasts in all, in milliseconds. */
export function suspicionTimeoutMs(bounds: SuspicionBounds, confirmations: number): number {
  const { minMs, maxMs, expected } = bounds;
  if (confirmations >= expected) return minMs;
  const share = Math.log(confirmations + 1) / Math.log(expected + 1);
  return Math.round(maxMs - share * (maxMs - minMs));
}

/** One suspicion as one node holds it. */
export class Suspicion {
  /** Whether its end was acted on. */
  isOver = false;
  readonly #bounds: SuspicionBounds;
  readonly #accusers: Set<NodeId>;
  #startedAt: number;

  constructor(bounds: SuspicionBounds, accuser: NodeId, now: number) {
    this.#bounds = bounds;
    this.#startedAt = now;
    this.#accusers = new Set([accuser]);
  }

  /** When the suspect is dead, unless it refutes. */
  get endsAt(): number {
    return this.#startedAt + suspicionTimeoutMs(this.#bounds, this.#accusers.size - 1);
  }

  /** Begins anew: the suspect has answered, and refutes this time. */
  restart(now: number): void {
    this.#startedAt = now;
    this.isOver = false;
  }

  /**
   * Another member suspects it too.
   *
   * @returns Whether that was news that still counts.
   */
  confirm(accuser: NodeId): boolean {
    if (this.#accusers.size > this.#bounds.expected || this.#accusers.has(accuser)) return false;
    this.#accusers.add(accuser);
    return true;
  }
}
