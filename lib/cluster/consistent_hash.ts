/**
 * The policy that sends equal keys to the same actor.
 *
 * @module
 */

import { DEFAULT_VIRTUAL_NODES, HashRing } from "./hash_ring.ts";
import type { Candidate, Policy, PolicyCall } from "./policies.ts";
import {
  checkPolicyNumber,
  checkPolicyOptions,
  type TextOf,
  textReader,
} from "./policy_options.ts";

/** What a {@link ConsistentHashPolicy} can be told. */
export interface ConsistentHashOptions {
  /**
   * The key of a call; what it throws is what the call fails with.
   *
   * @default the first argument of a method, or the message itself: a text, a number or a bigint
   */
  readonly keyOf?: (call: PolicyCall) => string;
  /**
   * Points of one candidate on the ring, 1 to 10 000: more share the keys out more evenly and take
   * longer to place when candidates change.
   *
   * @default 160
   */
  readonly virtualNodes?: number;
}

const NAME = "ConsistentHashPolicy";
const OPTION_NAMES: ReadonlySet<string> = new Set<keyof ConsistentHashOptions>([
  "keyOf",
  "virtualNodes",
]);
const MOST_VIRTUAL_NODES = 10_000;

/**
 * Equal keys go to the same candidate, for as long as it is there: for sessions and caches.
 *
 * Every node chooses the same for the same candidates, without talking to the others. When a
 * candidate goes only its keys move, scattered over those that stay; when one comes it takes its
 * share from all. While nodes learn of the change they may choose differently for the keys that
 * move. Load is not looked at: a key that is called very often makes its candidate busy.
 *
 * A key that is used as a number, a bigint or a text is the same key when it reads the same.
 *
 * @example Sends a user's calls to one actor
 * ```ts
 * import { ConsistentHashPolicy } from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const candidates = ["a", "b", "c"].map((nodeId) => ({ nodeId, actorId: nodeId }));
 * const policy = new ConsistentHashPolicy();
 * const first = policy.choose(candidates, { method: "login", payload: ["alice", 1] });
 * assert.equal(policy.choose(candidates, { method: "logout", payload: ["alice"] }), first);
 *
 * const others = candidates.filter((candidate) => candidate !== first);
 * const heir = policy.choose(others, { payload: "alice" });
 * assert.ok(heir !== undefined && heir !== first);
 * ```
 */
export class ConsistentHashPolicy implements Policy {
  readonly #keyOf: TextOf;
  readonly #virtualNodes: number;
  #ring: HashRing;

  /**
   * Makes a policy.
   *
   * @throws {TypeError} An option is unknown, or `keyOf` is no function.
   * @throws {RangeError} The number of points is out of range.
   */
  constructor(options: ConsistentHashOptions = {}) {
    checkPolicyOptions(NAME, options, OPTION_NAMES);
    const { keyOf, virtualNodes = DEFAULT_VIRTUAL_NODES } = options;
    checkPolicyNumber(NAME, "virtualNodes", virtualNodes, {
      from: 1,
      to: MOST_VIRTUAL_NODES,
      kind: "integer",
    });
    this.#keyOf = textReader(NAME, "keyOf", keyOf);
    this.#virtualNodes = virtualNodes;
    this.#ring = new HashRing([], virtualNodes);
  }

  /**
   * Chooses the owner of the call's key.
   *
   * @throws {TypeError} The call has no key: its first argument, or the message, is neither a text
   * nor a number, and `keyOf` was not given.
   */
  choose<C extends Candidate>(candidates: readonly C[], call: PolicyCall = {}): C | undefined {
    if (candidates.length === 0) return undefined;
    const owner = this.#ringOf(candidates).owner(this.#keyOf(call));
    return candidates.find(({ nodeId }) => nodeId === owner);
  }

  /** The ring of the candidates; the last one, when they are the same. */
  #ringOf(candidates: readonly Candidate[]): HashRing {
    const { labels } = this.#ring;
    const isSame = labels.length === candidates.length &&
      candidates.every(({ nodeId }, index) => labels[index] === nodeId);
    if (isSame) return this.#ring;
    return this.#ring = new HashRing(candidates.map(({ nodeId }) => nodeId), this.#virtualNodes);
  }
}
