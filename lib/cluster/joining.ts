/**
 * The way into a cluster: seeds are tried until one has answered, and looked at ever after.
 *
 * @module
 */

import type { CellNode } from "../actor/cell_node.ts";
import { asError, PulsingRuntimeError } from "../errors.ts";
import type { Random } from "../random.ts";
import { isRejected } from "../remote/handshake.ts";
import type { Links } from "../remote/links.ts";
import { RefusingSeeds } from "../remote/refusals.ts";
import type { Changes } from "./changes.ts";
import { SeedProbing } from "./seed_probing.ts";
import { type Candidate, lookUpSeeds } from "./seeds.ts";

/** What joining works with. */
export interface JoiningOptions {
  readonly node: CellNode;
  readonly links: Links;
  readonly random: Random;
  /** Tells of new links. */
  readonly changes: Changes;
  /** Ends the joining: the node is shut down. */
  readonly signal: AbortSignal;
  /** Time between two dials of seeds once this node has joined, in milliseconds. */
  readonly probeIntervalMs: number;
  /** Whether a member that can be reached has an address. */
  isKnown(address: string): boolean;
}

/** One run of tries. */
interface Attempt {
  readonly seeds: readonly string[];
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** Hears of seeds that refuse this node; not needed when the caller is told by an error. */
  readonly refusing?: RefusingSeeds;
}

/** What one look at all seeds came to. */
interface Outcome {
  readonly candidates: readonly Candidate[];
  /** Why it failed, by seed; nothing once one has answered, or when this node is all there is. */
  readonly failures: ReadonlyMap<string, readonly Error[]>;
}

/** Finds the others; one seed that is linked is enough, whichever side dialled. */
export class Joining {
  readonly #options: JoiningOptions;

  constructor(options: JoiningOptions) {
    this.#options = options;
  }

  /**
   * Joins through the seeds; the other members become known through the one that is linked.
   *
   * Each try looks names up afresh and takes all their addresses. This node is no seed of its own:
   * it is joined at once when every address leads back to it, which is how the first node of a
   * cluster starts with the list, or the name, that all its nodes share. The seeds are probed from
   * then on until the node is shut down.
   *
   * @param seeds `host:port` each.
   * @param timeoutMs How long to try; 0 returns at once and keeps trying.
   * @throws {PulsingRuntimeError} kind `"join-failed"`, naming each seed and its error.
   * @throws The signal's reason.
   */
  async join(seeds: readonly string[], timeoutMs: number): Promise<void> {
    const refusing = new RefusingSeeds(this.#options.node.logger);
    const probe = () => new SeedProbing({ ...this.#options, seeds, refusing }).run();
    if (timeoutMs > 0) {
      await this.#within(seeds, timeoutMs);
      return this.#inBackground(probe);
    }
    const { signal } = this.#options;
    const attempt = { seeds, deadline: Infinity, signal, refusing };
    this.#inBackground(() => this.#keepTrying(attempt).then(probe));
  }

  #inBackground(work: () => Promise<never>): void {
    const { logger } = this.#options.node;
    work().catch((error) => logger.debug("looking at seeds was ended", { error }));
  }

  async #within(seeds: readonly string[], timeoutMs: number): Promise<void> {
    const { clock } = this.#options.node;
    const limit = new AbortController();
    const timer = clock.setTimer(() => limit.abort(noAnswer()), timeoutMs);
    const signal = AbortSignal.any([limit.signal, this.#options.signal]);
    try {
      await this.#keepTrying({ seeds, deadline: clock.now() + timeoutMs, signal });
    } finally {
      timer.cancel();
    }
  }

  async #keepTrying(attempt: Attempt): Promise<void> {
    const { clock, limits } = this.#options.node;
    for (let delayMs = limits.reconnectMinMs;; delayMs *= 2) {
      const { candidates, failures } = await this.#tryEach(attempt);
      if (failures.size === 0) return;
      // The last try is shortly before the deadline, not a whole backoff before it.
      const remainingMs = attempt.deadline - clock.now() - limits.reconnectMinMs;
      if (remainingMs <= 0) throw joinFailed(failures);
      const waitMs = Math.min(delayMs, limits.reconnectMaxMs, remainingMs);
      if (await this.#isLinkedWithin(waitMs, candidates)) return;
    }
  }

  /**
   * Links to a seed, whichever can be reached.
   *
   * An address that leads back to this node is no failure, and is dialled again at the next try:
   * behind a load balancer it may lead to another node then.
   */
  async #tryEach({ seeds, signal, refusing }: Attempt): Promise<Outcome> {
    const { node, links } = this.#options;
    const found = await lookUpSeeds({ ...this.#options, seeds, own: node.address, signal });
    const { candidates } = found;
    const failures = new Map<string, Error[]>();
    for (const [seed, error] of found.failures) failures.set(seed, [error]);
    for (const { seed, target } of candidates) {
      this.#options.signal.throwIfAborted();
      try {
        await links.dial(target, signal);
        return { candidates, failures: new Map() };
      } catch (thrown) {
        if (isRejected(thrown, "self")) continue;
        const error = asError(thrown);
        refusing?.failed(seed, error);
        failures.set(seed, [...failures.get(seed) ?? [], error]);
      }
    }
    this.#options.signal.throwIfAborted();
    return { candidates, failures };
  }

  /** Waits before the next try; shorter when a seed has dialled us meanwhile. */
  async #isLinkedWithin(waitMs: number, candidates: readonly Candidate[]): Promise<boolean> {
    const { node: { clock }, links, changes, signal } = this.#options;
    const end = clock.now() + waitMs;
    const isLinked = () =>
      candidates.some(({ seed, address }) => (links.at(seed) ?? links.at(address)) !== undefined);
    while (!isLinked()) {
      if (clock.now() >= end) return false;
      await changes.next(end - clock.now(), signal);
    }
    return true;
  }
}

function noAnswer(): PulsingRuntimeError {
  return new PulsingRuntimeError("Cannot join through the seed: it did not answer in time", {
    kind: "node-unreachable",
    retryable: true,
  });
}

function joinFailed(failures: ReadonlyMap<string, readonly Error[]>): PulsingRuntimeError {
  const reasons = [...failures].map(([seed, [first, ...others]]) => {
    const more = others.length === 0 ? "" : `, and ${others.length} more of its addresses failed`;
    return `${seed} (${first?.message}${more})`;
  });
  return new PulsingRuntimeError(
    `Cannot join the cluster: no seed answered: ${reasons.join(", ")}`,
    {
      kind: "join-failed",
      retryable: true,
      cause: new AggregateError([...failures.values()].flat(), "all seeds failed"),
    },
  );
}
