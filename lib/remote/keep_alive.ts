/**
 * Notices a link that went silent.
 *
 * @module
 */

import type { Clock, Timer } from "../clock.ts";
import type { Limits } from "../limits.ts";

/** Asks a silent link for a sign of life, and gives it up when none comes. */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #ping: () => void;
  readonly #giveUp: () => void;
  #timer: Timer | undefined;
  #silentMs = 0;

  /**
   * @param ping Asks for a sign of life.
   * @param giveUp Called once after `linkTimeoutMs` of silence.
   */
  constructor(clock: Clock, limits: Limits, ping: () => void, giveUp: () => void) {
    this.#clock = clock;
    this.#limits = limits;
    this.#ping = ping;
    this.#giveUp = giveUp;
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
      if (this.#silentMs >= linkTimeoutMs) return this.#giveUp();
      if (this.#silentMs >= linkIdleMs) this.#ping();
      this.#silentMs += linkIdleMs;
      this.#timer = this.#next();
    }, linkIdleMs);
  }
}
