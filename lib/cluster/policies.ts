/**
 * How one of several actors of a name is chosen.
 *
 * @module
 */

import { type Random, randomInteger } from "../random.ts";

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

/** Any of them, each as likely as the others. */
export class RandomPolicy implements Policy {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  choose<T>(candidates: readonly T[]): T | undefined {
    if (candidates.length === 0) return undefined;
    return candidates[randomInteger(this.#random, candidates.length)];
  }
}
