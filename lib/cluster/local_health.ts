/**
 * How far a node trusts itself: Lifeguard's local health.
 *
 * A node that stands still, loses what others answer or is wrongly suspected is the likelier fault
 * than those it probes, so it gives them more time.
 *
 * @module
 */

/** The doubts of one node about itself, from 0 (healthy) up to a bound. */
export class LocalHealth {
  readonly #maxMultiplier: number;
  #score = 0;

  /**
   * Makes it healthy.
   *
   * @param maxMultiplier How many times longer waits become at most.
   */
  constructor(maxMultiplier: number) {
    this.#maxMultiplier = maxMultiplier;
  }

  /** How many times longer this node waits than its settings say; 1 is healthy. */
  get multiplier(): number {
    return this.#score + 1;
  }

  /** Takes evidence: above 0 speaks against this node, below 0 for it. */
  note(delta: number): void {
    this.#score = Math.max(0, Math.min(this.#maxMultiplier - 1, this.#score + delta));
  }
}
