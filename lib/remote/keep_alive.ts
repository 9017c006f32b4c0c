/**
 * Notices links that went silent, with one timer for all links of a node.
 *
 * A look at a link costs nothing while the link is idle and its node is probed by the cluster part:
 * whoever has hundreds of links does not ping each of them to learn what the probes tell anyway.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";

/** What a look at a link comes to. */
export type Care = "none" | "ping" | "give-up";

/** The limits that the care for a link depends on. */
export type CareLimits = Pick<Limits, "linkIdleMs" | "linkTimeoutMs">;

/** How long nothing was heard on one link, in steps of `linkIdleMs`. */
export class Silence {
  #ms = 0;
  #sentBefore = 0;

  /** Something was heard. Called for every piece that arrives: one write, no clock. */
  heard(): void {
    this.#ms = 0;
  }

  /**
   * Looks at the link; called once every `linkIdleMs`.
   *
   * @param matters Whether somebody waits for this link; silence of the time before does not count.
   * @param sentBytes Bytes sent on it so far.
   */
  look(matters: boolean, sentBytes: number, { linkIdleMs, linkTimeoutMs }: CareLimits): Care {
    const silentMs = this.#ms;
    const isQuiet = sentBytes === this.#sentBefore;
    this.#sentBefore = sentBytes;
    this.#ms = matters ? silentMs + linkIdleMs : 0;
    if (!matters) return "none";
    if (silentMs >= linkTimeoutMs) return "give-up";
    // Whoever only listens says that it does: on a slow link the other side's own ping, and so
    // its answer, waits behind megabytes.
    return isQuiet || silentMs >= linkIdleMs ? "ping" : "none";
  }
}

/** A link that is cared for. */
export interface CaredLink {
  readonly nodeId: NodeId;
  /** Looks whether it went silent, asks for a sign of life, and gives it up in the end. */
  careFor(isProbed: boolean): void;
}

/** What the care for all links of a node needs. */
export interface KeepAliveOptions {
  readonly clock: Clock;
  readonly limits: CareLimits;
  /** All links of the node. */
  links(): Iterable<CaredLink>;
  /** Whether the cluster part probes a node. */
  isProbed(nodeId: NodeId): boolean;
}

/** Looks at each link of a node once every `linkIdleMs`, while there are any. */
export class KeepAlive {
  readonly #options: KeepAliveOptions;
  #timer: Timer | undefined = undefined;

  constructor(options: KeepAliveOptions) {
    this.#options = options;
  }

  /** There is a link. */
  start(): void {
    this.#timer ??= this.#next();
  }

  /** There are no links any more. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #next(): Timer {
    const { clock, limits } = this.#options;
    return clock.setTimer(() => {
      this.#timer = this.#next(); // the last link may be given up below, which stops it
      this.#lookAtAll();
    }, limits.linkIdleMs);
  }

  #lookAtAll(): void {
    const { links, isProbed } = this.#options;
    for (const link of links()) link.careFor(isProbed(link.nodeId));
  }
}
