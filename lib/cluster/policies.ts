/**
 * How one of several actors of a name is chosen.
 *
 * @module
 */

import type { ActorId, ActorPath, NodeId } from "../address.ts";
import { type Random, randomInteger, systemRandom } from "../random.ts";

/** One actor of a name, as a policy sees it. */
export interface Candidate {
  /** The node it lives on; a node has at most one actor of a name. */
  readonly nodeId: NodeId;
  /** The actor itself; another one that takes its place has another id. */
  readonly actorId: ActorId;
  /**
   * Calls of this node that wait for its answer.
   *
   * @default 0
   */
  readonly inFlight?: number;
}

/** The call an instance is chosen for; without both parts, a name is only resolved. */
export interface PolicyCall {
  /** The method that is called; absent for a message to a low-level actor. */
  readonly method?: string | undefined;
  /** The arguments of the method in a list, or the message. */
  readonly payload?: unknown;
}

/**
 * Chooses one of the actors of a name.
 *
 * A policy may remember what it chose, so each name needs one of its own. Choosing is synchronous
 * and on the path of every call: it waits for nothing and keeps what it remembers bounded.
 *
 * @example A policy of one's own: the first candidate that is not busy
 * ```ts
 * import type { Candidate, Policy } from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const idleFirst: Policy = {
 *   choose<C extends Candidate>(candidates: readonly C[]) {
 *     return candidates.find(({ inFlight = 0 }) => inFlight === 0) ?? candidates[0];
 *   },
 * };
 *
 * const busy = { nodeId: "a", actorId: "1", inFlight: 2 };
 * const idle = { nodeId: "b", actorId: "2", inFlight: 0 };
 * assert.equal(idleFirst.choose([busy, idle]), idle);
 * ```
 */
export interface Policy {
  /**
   * Chooses; what it throws is what the call fails with.
   *
   * @param candidates Only those that can be reached, in an order that is the same for the same
   * candidates.
   * @param call What the choice is for; absent when a name is only resolved.
   * @returns One of the candidates; `undefined` when there is none.
   */
  choose<C extends Candidate>(candidates: readonly C[], call?: PolicyCall): C | undefined;
}

/**
 * Each candidate in turn: what a name gets that was given no other policy.
 *
 * When candidates come or go the turn goes on at its place in the new list.
 *
 * @example Takes each in turn
 * ```ts
 * import { RoundRobinPolicy } from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const candidates = [{ nodeId: "a", actorId: "1" }, { nodeId: "b", actorId: "2" }];
 * const policy = new RoundRobinPolicy();
 * const turns = [1, 2, 3].map(() => policy.choose(candidates)?.nodeId);
 * assert.deepEqual(turns, ["a", "b", "a"]);
 * ```
 */
export class RoundRobinPolicy implements Policy {
  #turn = 0;

  /** Chooses the next. */
  choose<C extends Candidate>(candidates: readonly C[]): C | undefined {
    if (candidates.length === 0) return undefined;
    return candidates[this.#turn++ % candidates.length];
  }
}

/**
 * Any of the candidates, each as likely as the others.
 *
 * @example Repeats its choices for the same seed
 * ```ts
 * import { RandomPolicy, seededRandom } from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const candidates = [{ nodeId: "a", actorId: "1" }, { nodeId: "b", actorId: "2" }];
 * const [one, other] = [new RandomPolicy(seededRandom(7)), new RandomPolicy(seededRandom(7))];
 * assert.equal(one.choose(candidates), other.choose(candidates));
 * ```
 */
export class RandomPolicy implements Policy {
  readonly #random: Random;

  /**
   * Makes a policy.
   *
   * @param random Where its numbers come from; `seededRandom` makes the choices repeatable.
   */
  constructor(random: Random = systemRandom) {
    this.#random = random;
  }

  /** Chooses any. */
  choose<C extends Candidate>(candidates: readonly C[]): C | undefined {
    if (candidates.length === 0) return undefined;
    return candidates[randomInteger(this.#random, candidates.length)];
  }
}

/**
 * Of two random candidates the one with fewer calls in flight; the first drawn when they are equal.
 *
 * Spreads work about as evenly as asking all of them, but several callers that know only their own
 * calls do not all run to the same idle one.
 *
 * @example Prefers the one with fewer calls in flight
 * ```ts
 * import { PowerOfTwoPolicy } from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const busy = { nodeId: "a", actorId: "1", inFlight: 9 };
 * const idle = { nodeId: "b", actorId: "2", inFlight: 0 };
 * assert.equal(new PowerOfTwoPolicy().choose([busy, idle]), idle);
 * ```
 */
export class PowerOfTwoPolicy implements Policy {
  readonly #random: Random;

  /**
   * Makes a policy.
   *
   * @param random Where its numbers come from; `seededRandom` makes the choices repeatable.
   */
  constructor(random: Random = systemRandom) {
    this.#random = random;
  }

  /** Chooses the less busy of two. */
  choose<C extends Candidate>(candidates: readonly C[]): C | undefined {
    const { length } = candidates;
    if (length < 2) return candidates[0];
    const first = randomInteger(this.#random, length);
    // Any place but the first: as many steps ahead of it, around the end.
    const second = (first + 1 + randomInteger(this.#random, length - 1)) % length;
    const [one, other] = [candidates[first], candidates[second]];
    return (other?.inFlight ?? 0) < (one?.inFlight ?? 0) ? other : one;
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
  choose<C extends Candidate>(path: ActorPath, candidates: readonly C[]): C | undefined {
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
