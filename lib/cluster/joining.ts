/**
 * The way into a cluster: seeds are tried until there is a link to one of them.
 *
 * @module
 */

import type { CellNode } from "../actor/cell_node.ts";
import { asError, PulsingRuntimeError } from "../errors.ts";
import { type Random, shuffled } from "../random.ts";
import { isRejected } from "../remote/handshake.ts";
import type { Links } from "../remote/links.ts";
import type { Changes } from "./changes.ts";

/** What joining works with. */
export interface JoiningOptions {
  readonly node: CellNode;
  readonly links: Links;
  readonly random: Random;
  /** Tells of new links. */
  readonly changes: Changes;
  /** Ends the joining: the node is shut down. */
  readonly signal: AbortSignal;
}

/** Finds the others; one seed that is linked is enough, whichever side dialled. */
export class Joining {
  readonly #node: CellNode;
  readonly #links: Links;
  readonly #random: Random;
  readonly #changes: Changes;
  readonly #signal: AbortSignal;

  constructor({ node, links, random, changes, signal }: JoiningOptions) {
    this.#node = node;
    this.#links = links;
    this.#random = random;
    this.#changes = changes;
    this.#signal = signal;
  }

  /**
   * Joins through the seeds; the other members become known through the one that is linked.
   *
   * This node is no seed of its own: a list that names nobody else is done at once, which is how
   * the first node of a cluster starts with the list that all its nodes share.
   *
   * @param seeds `host:port` each.
   * @param timeoutMs How long to try; 0 returns at once and keeps trying.
   * @throws {PulsingRuntimeError} kind `"join-failed"`, naming each seed and its error.
   */
  async join(seeds: readonly string[], timeoutMs: number): Promise<void> {
    const others = new Set(seeds.filter((seed) => seed !== this.#node.address));
    if (timeoutMs > 0) return await this.#keepTrying(others, this.#node.clock.now() + timeoutMs);
    this.#keepTrying(others, Infinity).catch((error) =>
      this.#node.logger.debug("joining was ended", { error })
    );
  }

  async #keepTrying(seeds: Set<string>, deadline: number): Promise<void> {
    const { clock, limits } = this.#node;
    for (let delayMs = limits.reconnectMinMs; seeds.size > 0; delayMs *= 2) {
      const failures = await this.#tryEach(seeds, deadline);
      if (failures.size === 0) return;
      // The last try is shortly before the deadline, not a whole backoff before it.
      const remainingMs = deadline - clock.now() - limits.reconnectMinMs;
      if (remainingMs <= 0) throw joinFailed(failures);
      await this.#linkedOrAfter(seeds, Math.min(delayMs, limits.reconnectMaxMs, remainingMs));
    }
  }

  /**
   * Links to a seed, whichever can be reached; a seed that is this node itself is dropped.
   *
   * @returns Why it failed, by seed; nothing once one is linked or none is left.
   */
  async #tryEach(seeds: Set<string>, deadline: number): Promise<ReadonlyMap<string, Error>> {
    const failures = new Map<string, Error>();
    for (const seed of shuffled(this.#random, seeds)) {
      try {
        await this.#dial(seed, deadline);
        return new Map();
      } catch (error) {
        if (isRejected(error, "self")) seeds.delete(seed);
        else failures.set(seed, asError(error));
      }
    }
    return failures;
  }

  async #dial(seed: string, deadline: number): Promise<void> {
    const { clock } = this.#node;
    const timeout = new AbortController();
    const timer = deadline === Infinity ? undefined : clock.setTimer(
      () => timeout.abort(noAnswer(seed)),
      Math.max(0, deadline - clock.now()),
    );
    try {
      await this.#links.dial(seed, AbortSignal.any([timeout.signal, this.#signal]));
    } finally {
      timer?.cancel();
    }
  }

  /** Waits before the next try; shorter when a seed has dialled us meanwhile. */
  async #linkedOrAfter(seeds: ReadonlySet<string>, waitMs: number): Promise<void> {
    const { clock } = this.#node;
    const end = clock.now() + waitMs;
    const isLinked = () => [...seeds].some((seed) => this.#links.at(seed) !== undefined);
    while (!isLinked() && clock.now() < end) {
      await this.#changes.next(end - clock.now(), this.#signal);
    }
  }
}

function noAnswer(seed: string): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot join through ${seed}: it did not answer in time`, {
    kind: "node-unreachable",
    retryable: true,
    address: seed,
  });
}

function joinFailed(failures: ReadonlyMap<string, Error>): PulsingRuntimeError {
  const reasons = [...failures].map(([seed, error]) => `${seed} (${error.message})`).join(", ");
  return new PulsingRuntimeError(`Cannot join the cluster: no seed answered: ${reasons}`, {
    kind: "join-failed",
    retryable: true,
    cause: new AggregateError(failures.values(), "all seeds failed"),
  });
}
