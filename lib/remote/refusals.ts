/**
 * Refusals that an operator has to end: which of them are worth a warning, and how often.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { asError, isPulsingError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { HandshakeRejected } from "./handshake.ts";

/** Time between two warnings of one reason; a peer tries several times in one. */
const WARN_EVERY_MS = 60_000;

/**
 * Why a link will be refused until somebody changes something; `undefined` when it may come up.
 *
 * That a node has met itself is nothing to be changed, and of two nodes of one id the cluster part
 * has told already.
 */
export function lastingRefusal(error: unknown): string | undefined {
  if (!isPulsingError(error, "handshake-failed") || error.retryable) return undefined;
  if (!(error instanceof HandshakeRejected)) return "no-node";
  return error.reason === "self" || error.reason === "taken" ? undefined : error.reason;
}

/** Tells of peers that this node refuses; what is kept is one time for each reason. */
export class RefusedPeers {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #quietUntil = new Map<string, number>();

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
  }

  /** An incoming connection became no link. */
  refused(thrown: unknown): void {
    const error = asError(thrown);
    if (!(error instanceof HandshakeRejected) || !this.#isNews(lastingRefusal(error))) {
      return this.#logger.debug("incoming link refused", { error });
    }
    const { reason, kind, address } = error;
    this.#logger.warn("incoming link refused", { reason, kind, address, error });
  }

  #isNews(reason: string | undefined): boolean {
    const now = this.#clock.now();
    if (reason === undefined || now < (this.#quietUntil.get(reason) ?? -Infinity)) return false;
    this.#quietUntil.set(reason, now + WARN_EVERY_MS);
    return true;
  }
}

/** Tells of seeds that refuse this node: one warning for each seed and reason. */
export class RefusingSeeds {
  readonly #logger: Logger;
  readonly #told = new Map<string, Set<string>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /**
   * A dial of a seed has failed.
   *
   * @param seed As the user wrote it: there are as many as were given.
   */
  failed(seed: string, error: Error): void {
    const reason = lastingRefusal(error);
    const told = this.#told.get(seed) ?? new Set();
    if (reason === undefined || told.has(reason)) return;
    this.#told.set(seed, told.add(reason));
    this.#logger.warn("seed refuses this node", { seed, reason, error });
  }
}
