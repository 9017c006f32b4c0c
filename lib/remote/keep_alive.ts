/**
 * Notices a link that went silent.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";

/** The link that is watched. */
export interface WatchedLink {
  /** Asks for a sign of life. */
  ping(): void;
  /** Called once after `linkTimeoutMs` of silence. */
  giveUp(): void;
  /** Bytes sent so far. */
  sentBytes(): number;
}

/** Gives signs of life on a quiet link, asks for them, and gives up a link that is silent. */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #link: WatchedLink;
  #timer: Timer | undefined;
  #silentMs = 0;
  #sentBefore = 0;

  constructor(clock: Clock, limits: Limits, link: WatchedLink) {
    this.#clock = clock;
    this.#limits = limits;
    this.#link = link;
    this.#timer = this.#next();
  }

  /** Something was heard. */
  heard(): void {
    this.#silentMs = 0;
  }

  /** Stops watching. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #next(): Timer {
    const { linkIdleMs, linkTimeoutMs } = this.#limits;
    return this.#clock.setTimer(() => {
      if (this.#silentMs >= linkTimeoutMs) return this.#link.giveUp();
      // Whoever only listens says that it does: on a slow link the other side's own ping, and so
      // its answer, waits behind megabytes.
      const isQuiet = this.#link.sentBytes() === this.#sentBefore;
      if (isQuiet || this.#silentMs >= linkIdleMs) this.#link.ping();
      this.#sentBefore = this.#link.sentBytes();
      this.#silentMs += linkIdleMs;
      this.#timer = this.#next();
    }, linkIdleMs);
  }
}
