/**
 * A worker's way to its head: dialled until it answers, and again whenever it is lost.
 *
 * @module
 */

import type { CellNode } from "../actor/cell_node.ts";
import type { NodeId } from "../address.ts";
import { sleep } from "../clock.ts";
import { asError, PulsingRuntimeError } from "../errors.ts";
import { type Random, randomFraction } from "../random.ts";
import type { Association } from "../remote/association.ts";
import { isRejected } from "../remote/handshake.ts";
import type { Links } from "../remote/links.ts";
import { RefusingSeeds } from "../remote/refusals.ts";
import type { Changes } from "./changes.ts";
import { lookUpSeeds } from "./seeds.ts";

/** What the way to a head works with. */
export interface HeadLinkOptions {
  readonly node: CellNode;
  readonly links: Links;
  readonly random: Random;
  /** Tells of what happens to the head. */
  readonly changes: Changes;
  /** Ends it: the node is shut down. */
  readonly signal: AbortSignal;
  /** `host:port`. */
  readonly headAddr: string;
  /** Whether the head is believed to be there. */
  isAlive(nodeId: NodeId): boolean;
  /** The head has answered; it may be another one than before. */
  onHead(link: Association): void;
}

/** One run of tries. */
interface Attempt {
  readonly deadline: number;
  readonly signal: AbortSignal;
  /** Hears of a head that refuses this node; not needed when the caller is told by an error. */
  readonly refusing?: RefusingSeeds;
}

/** Keeps one link to whoever is the head at an address. */
export class HeadLink {
  readonly #options: HeadLinkOptions;

  constructor(options: HeadLinkOptions) {
    this.#options = options;
  }

  /**
   * Links to the head, and keeps at it until the node is shut down.
   *
   * Each try looks the name up afresh. Before a try, but the very first one, is a random part of a
   * time that is doubled from `reconnectMinMs` to `reconnectMaxMs`, so that a head that comes back
   * is not met by all at once.
   *
   * @param timeoutMs How long to wait for the first answer; 0 returns at once.
   * @throws {PulsingRuntimeError} kind `"join-failed"`, with the last error; at once when the
   * address leads back to this node.
   * @throws The signal's reason.
   */
  async keep(timeoutMs: number): Promise<void> {
    const first = timeoutMs > 0 ? await this.#within(timeoutMs) : undefined;
    const { node: { logger } } = this.#options;
    this.#run(first).catch((error) => logger.debug("looking for the head was ended", { error }));
  }

  async #run(first: Association | undefined): Promise<never> {
    const { node: { clock, limits, logger }, headAddr, signal } = this.#options;
    const refusing = new RefusingSeeds(logger);
    let link = first ?? await this.#linked({ deadline: Infinity, signal, refusing });
    for (;;) {
      await this.#ended(link);
      signal.throwIfAborted();
      logger.warn("head is lost", { headAddr, nodeId: link.nodeId });
      await sleep(clock, this.#part(limits.reconnectMinMs), signal);
      link = await this.#linked({ deadline: Infinity, signal, refusing });
      logger.info("head is back", { headAddr, nodeId: link.nodeId });
    }
  }

  async #within(timeoutMs: number): Promise<Association> {
    const { clock } = this.#options.node;
    const limit = new AbortController();
    const timer = clock.setTimer(() => limit.abort(silent("link to")), timeoutMs);
    const signal = AbortSignal.any([limit.signal, this.#options.signal]);
    try {
      return await this.#linked({ deadline: clock.now() + timeoutMs, signal });
    } finally {
      timer.cancel();
    }
  }

  async #linked(attempt: Attempt): Promise<Association> {
    const { node: { clock, limits, logger }, headAddr, signal } = this.#options;
    for (let delayMs = limits.reconnectMinMs;; delayMs *= 2) {
      const found = await this.#try(attempt.signal);
      signal.throwIfAborted();
      if (!(found instanceof Error)) {
        this.#options.onHead(found);
        return found;
      }
      attempt.refusing?.failed(headAddr, found);
      logger.debug("the head does not answer", { headAddr, error: found });
      // The last try is shortly before the deadline, not a whole backoff before it.
      const remainingMs = attempt.deadline - clock.now() - limits.reconnectMinMs;
      const isHopeless = remainingMs < Infinity && isRejected(found, "self");
      if (remainingMs <= 0 || isHopeless) throw joinFailed(headAddr, found);
      delayMs = Math.min(delayMs, limits.reconnectMaxMs);
      await sleep(clock, Math.min(this.#part(delayMs), remainingMs), signal);
    }
  }

  /** Half of a time at least. */
  #part(ms: number): number {
    return ms * (1 + randomFraction(this.#options.random)) / 2;
  }

  /** Dials the addresses of the head, one after the other. */
  async #try(signal: AbortSignal): Promise<Association | Error> {
    const { links, headAddr } = this.#options;
    const lookup = { ...this.#options, seeds: [headAddr], own: undefined, signal };
    const { candidates, failures } = await lookUpSeeds(lookup);
    let failure = failures.get(headAddr) ?? notFound(headAddr);
    for (const { target } of candidates) {
      try {
        const link = await links.dial(target, signal);
        if (link.peer.role === "head") return link;
        failure = noHead(target);
      } catch (error) {
        failure = asError(error);
      }
    }
    return failure;
  }

  /** Waits until the link is lost, or the head was suspect for `linkTimeoutMs` and it is cut. */
  async #ended(link: Association): Promise<void> {
    const { node: { clock, limits }, links, changes, isAlive, signal } = this.#options;
    const { linkTimeoutMs } = limits;
    let end = Infinity;
    while (link.isOpen) {
      end = isAlive(link.nodeId) ? Infinity : Math.min(end, clock.now() + linkTimeoutMs);
      if (end <= clock.now()) return links.cut(link.nodeId, silent("use link to"));
      await changes.next(Math.min(linkTimeoutMs, end - clock.now()), signal);
    }
  }
}

function silent(use: string): PulsingRuntimeError {
  return unreachable(`Cannot ${use} the head: it did not answer in time`);
}

function noHead(address: string): PulsingRuntimeError {
  return unreachable(`Cannot register with ${address}: it is a worker, not the head`);
}

function notFound(headAddr: string): PulsingRuntimeError {
  return unreachable(`Cannot find the head: "${headAddr}" has no address`);
}

function unreachable(message: string): PulsingRuntimeError {
  return new PulsingRuntimeError(message, { kind: "node-unreachable", retryable: true });
}

function joinFailed(headAddr: string, cause: Error): PulsingRuntimeError {
  return new PulsingRuntimeError(
    `Cannot join the cluster: the head at "${headAddr}" did not answer: ${cause.message}`,
    { kind: "join-failed", retryable: true, address: headAddr, cause },
  );
}
