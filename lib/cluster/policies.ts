/**
 * How one of several actors of a name is chosen.
 *
 * @module
 */

/** Chooses one of several candidates. */
export interface Policy {
  /**
   * Chooses.
   *
   * @param candidates In an order that is the same for the same candidates.
   * @returns One of them; `undefined` when there is none.
   */
  choose<T>(candidates: readonly T[]): T | undefined;
}

/** Each in turn. */
export class RoundRobinPolicy implements Policy {
  #turn = 0;

  choose<T>(candidates: readonly T[]): T | undefined {
    if (candidates.length === 0) return undefined;
    return candidates[this.#turn++ % candidates.length];
  }
}
