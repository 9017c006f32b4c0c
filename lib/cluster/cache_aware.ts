/**
 * The policy that sends a text to the actor that has seen its beginning.
 *
 * @module
 */

import type { ActorId } from "../address.ts";
import type { Candidate, Policy, PolicyCall } from "./policies.ts";
import {
  checkPolicyNumber,
  checkPolicyOptions,
  type TextOf,
  textReader,
} from "./policy_options.ts";
import { PrefixTree } from "./prefix_tree.ts";

/** What a {@link CacheAwarePolicy} can be told. */
export interface CacheAwareOptions {
  /**
   * The text of a call, such as its prompt; what it throws is what the call fails with.
   *
   * @default the first argument of a method, or the message itself: a text, a number or a bigint
   */
  readonly textOf?: (call: PolicyCall) => string;
  /**
   * The part of a text, 0 to 1, that a candidate must have seen for more than; else the text goes
   * to the one that has seen least.
   *
   * @default 0.5
   */
  readonly cacheThreshold?: number;
  /**
   * Calls in flight that the busiest candidate may have above the idlest, 0 or more; above, and
   * above `balanceRel` as well, only load counts.
   *
   * @default 32
   */
  readonly balanceAbs?: number;
  /**
   * How many times the calls in flight of the idlest the busiest may have, 1 or more.
   *
   * @default 1.0001
   */
  readonly balanceRel?: number;
  /**
   * Characters remembered of each candidate; above, what was unused for longest is forgotten. Of a
   * longer text only so much of its beginning is looked at.
   *
   * @default 100_000
   */
  readonly maxTreeChars?: number;
}

/** What one candidate has seen. */
interface Memory {
  readonly tree: PrefixTree;
  /** When it was chosen last, counted in choices. */
  turn: number;
}

/** A candidate, and what its choice depends on. */
interface Prospect<C> {
  readonly candidate: C;
  readonly load: number;
  readonly memory: Memory;
}

type Measure = (prospect: Prospect<unknown>) => number;

const NAME = "CacheAwarePolicy";
const OPTION_NAMES: ReadonlySet<string> = new Set<keyof CacheAwareOptions>([
  "textOf",
  "cacheThreshold",
  "balanceAbs",
  "balanceRel",
  "maxTreeChars",
]);

/** What decides between candidates that are equal so far: load, then whose turn it is. */
const LOAD: readonly Measure[] = [({ load }) => load, ({ memory }) => memory.turn];

/**
 * A text goes to the candidate that has seen most of its beginning: for caches of prefixes.
 *
 * Remembers for each candidate the beginnings of the texts that were sent it by this policy, not
 * what other nodes sent. A text that is new goes to the candidate that remembers least. Of equal
 * candidates the one with fewer calls in flight is taken, then the one whose last turn is longest
 * ago. When the calls in flight are too uneven, only they count. What a candidate has seen is
 * forgotten when it is gone, and when another actor takes its place.
 *
 * @example Sends a conversation to the actor that has its beginning
 * ```ts
 * import { CacheAwarePolicy } from "@pulsing/core";
 * import assert from "node:assert/strict";
 *
 * const candidates = ["a", "b"].map((nodeId) => ({ nodeId, actorId: nodeId, inFlight: 0 }));
 * const policy = new CacheAwarePolicy();
 * const first = policy.choose(candidates, { method: "ask", payload: ["Who are you?"] });
 * const other = policy.choose(candidates, { method: "ask", payload: ["Tell me a story."] });
 * assert.notEqual(other, first);
 *
 * const next = { method: "ask", payload: ["Who are you? And who am I?"] };
 * assert.equal(policy.choose(candidates, next), first);
 * ```
 */
export class CacheAwarePolicy implements Policy {
  readonly #textOf: TextOf;
  readonly #cacheThreshold: number;
  readonly #balanceAbs: number;
  readonly #balanceRel: number;
  readonly #maxTreeChars: number;
  readonly #memories = new Map<ActorId, Memory>();
  #turn = 0;

  /**
   * Makes a policy that remembers nothing yet.
   *
   * @throws {TypeError} An option is unknown, or `textOf` is no function.
   * @throws {RangeError} A number is out of range.
   */
  constructor(options: CacheAwareOptions = {}) {
    checkPolicyOptions(NAME, options, OPTION_NAMES);
    const { cacheThreshold = 0.5, balanceAbs = 32, balanceRel = 1.0001 } = options;
    const { maxTreeChars = 100_000 } = options;
    checkPolicyNumber(NAME, "cacheThreshold", cacheThreshold, { from: 0, to: 1 });
    checkPolicyNumber(NAME, "balanceAbs", balanceAbs, { from: 0 });
    checkPolicyNumber(NAME, "balanceRel", balanceRel, { from: 1 });
    checkPolicyNumber(NAME, "maxTreeChars", maxTreeChars, { from: 1, kind: "integer" });
    this.#textOf = textReader(NAME, "textOf", options.textOf);
    this.#cacheThreshold = cacheThreshold;
    this.#balanceAbs = balanceAbs;
    this.#balanceRel = balanceRel;
    this.#maxTreeChars = maxTreeChars;
  }

  /** Characters remembered of all candidates: at most `maxTreeChars` of each. */
  get rememberedChars(): number {
    return [...this.#memories.values()].reduce((sum, { tree }) => sum + tree.chars, 0);
  }

  /**
   * Chooses, and remembers that the candidate has now seen the text.
   *
   * @throws {TypeError} The call has no text: its first argument, or the message, is neither a text
   * nor a number, and `textOf` was not given.
   */
  choose<C extends Candidate>(candidates: readonly C[], call: PolicyCall = {}): C | undefined {
    const prospects = candidates.map((candidate) => this.#prospect(candidate));
    this.#forgetOthers(candidates);
    if (prospects.length === 0) return undefined;
    const text = this.#textOf(call);
    const chosen = this.#isUneven(prospects)
      ? leastOf(prospects, LOAD)
      : this.#byText(prospects, text);
    if (chosen === undefined) return undefined;
    chosen.memory.tree.insert(text);
    chosen.memory.turn = ++this.#turn;
    return chosen.candidate;
  }

  #prospect<C extends Candidate>(candidate: C): Prospect<C> {
    const { actorId, inFlight: load = 0 } = candidate;
    let memory = this.#memories.get(actorId);
    if (memory === undefined) {
      memory = { tree: new PrefixTree(this.#maxTreeChars), turn: 0 };
      this.#memories.set(actorId, memory);
    }
    return { candidate, load, memory };
  }

  /** Drops the memories of candidates that are gone; each of those here has one. */
  #forgetOthers(candidates: readonly Candidate[]): void {
    if (this.#memories.size === candidates.length) return;
    const here = new Set(candidates.map(({ actorId }) => actorId));
    for (const actorId of [...this.#memories.keys()]) {
      if (!here.has(actorId)) this.#memories.delete(actorId);
    }
  }

  #isUneven(prospects: readonly Prospect<unknown>[]): boolean {
    let [least, most] = [Infinity, 0];
    for (const { load } of prospects) {
      least = Math.min(least, load);
      most = Math.max(most, load);
    }
    return most - least > this.#balanceAbs && most > this.#balanceRel * least;
  }

  #byText<C>(prospects: readonly Prospect<C>[], text: string): Prospect<C> | undefined {
    const matches = new Map(prospects.map(({ memory }) => [memory, memory.tree.match(text)]));
    const seen: Measure = ({ memory }) => matches.get(memory) ?? 0;
    const best = leastOf(prospects, [(prospect) => -seen(prospect), ...LOAD]);
    const length = Math.min(text.length, this.#maxTreeChars);
    if (best !== undefined && seen(best) > this.#cacheThreshold * length) return best;
    return leastOf(prospects, [({ memory }) => memory.tree.fill, ...LOAD]);
  }
}

/** The one with the least of a measure; of those with equally little, by the next measure. */
function leastOf<C>(
  prospects: readonly Prospect<C>[],
  measures: readonly Measure[],
): Prospect<C> | undefined {
  let least: Prospect<C> | undefined;
  for (const prospect of prospects) {
    if (least === undefined || isLess(prospect, least, measures)) least = prospect;
  }
  return least;
}

function isLess(
  one: Prospect<unknown>,
  other: Prospect<unknown>,
  measures: readonly Measure[],
): boolean {
  for (const measure of measures) {
    const difference = measure(one) - measure(other);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
