/**
 * Seeds are looked at for as long as the node lives: that is how a partition heals.
 *
 * @module
 */

import type { CellNode } from "../actor/cell_node.ts";
import { sleep } from "../clock.ts";
import { asError } from "../errors.ts";
import { type Random, randomInteger } from "../random.ts";
import type { Links } from "../remote/links.ts";
import type { RefusingSeeds } from "../remote/refusals.ts";
import { type Candidate, lookUpSeeds } from "./seeds.ts";

/** What probing works with. */
export interface SeedProbingOptions {
  readonly node: CellNode;
  readonly links: Links;
  readonly random: Random;
  /** Ends the probing. */
  readonly signal: AbortSignal;
  /** `host:port` each. */
  readonly seeds: readonly string[];
  /** Time between two dials, in milliseconds. */
  readonly probeIntervalMs: number;
  /** Hears of seeds that refuse this node. */
  readonly refusing: RefusingSeeds;
  /** Whether a member that can be reached has an address. */
  isKnown(address: string): boolean;
}

/**
 * Dials one address at a time at which nobody is known; a link brings the two sides together.
 *
 * One dial in each interval, at a random moment of it. Every address has its turn before one has a
 * second one, in a new random order each round.
 */
export class SeedProbing {
  readonly #options: SeedProbingOptions;
  /** Those whose turn in this round is to come. */
  #round: Candidate[] = [];

  constructor(options: SeedProbingOptions) {
    this.#options = options;
  }

  /** @throws The signal's reason; it ends in no other way. */
  async run(): Promise<never> {
    const { node: { clock }, probeIntervalMs, random, signal } = this.#options;
    for (;;) {
      // Nodes that keep step with each other and with a balancer would each meet itself for ever.
      const beforeMs = randomInteger(random, probeIntervalMs);
      await sleep(clock, beforeMs, signal);
      await this.#probe();
      await sleep(clock, probeIntervalMs - beforeMs, signal);
    }
  }

  async #probe(): Promise<void> {
    const { node, links, signal, refusing } = this.#options;
    const candidate = this.#next() ?? (await this.#newRound(), this.#next());
    if (candidate === undefined) return;
    const { seed, target } = candidate;
    try {
      await links.dial(target, signal);
    } catch (error) {
      refusing.failed(seed, asError(error));
      node.logger.debug("no new member at a seed", { seed, target, error });
    }
  }

  async #newRound(): Promise<void> {
    const { node } = this.#options;
    const { candidates, failures } = await lookUpSeeds({ ...this.#options, own: node.address });
    this.#round = [...candidates];
    for (const [seed, error] of failures) node.logger.debug("seed not found", { seed, error });
  }

  #next(): Candidate | undefined {
    const { isKnown } = this.#options;
    for (;;) {
      const candidate = this.#round.pop();
      if (candidate === undefined) return undefined;
      if (!isKnown(candidate.seed) && !isKnown(candidate.address)) return candidate;
    }
  }
}
