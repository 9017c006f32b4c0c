/**
 * How one of several actors of a name is chosen.
 *
 * @module
 */

import type { ActorPath } from "../address.ts";
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

/** The policy of each name that has a choice to make. */
export class Policies {
  readonly #byPath = new Map<ActorPath, Policy>();

  /** Names whose turns are remembered. */
  get size(): number {
    return this.#byPath.size;
  }

  /** Chooses one of the candidates of a name; `undefined` when there is none. */
  choose<T>(path: ActorPath, candidates: readonly T[]): T | undefined {
    if (candidates.length < 2) return candidates[0];
    let policy = this.#byPath.get(path);
    if (policy === undefined) this.#byPath.set(path, policy = new RoundRobinPolicy());
    return policy.choose(candidates);
  }

  /** Forgets the names that are gone. */
  prune(isGone: (path: ActorPath) => boolean): void {
    for (const path of [...this.#byPath.keys()]) if (isGone(path)) this.#byPath.delete(path);
  }
}
