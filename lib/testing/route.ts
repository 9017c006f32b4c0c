/**
 * The way from one host of a virtual network to another one, and what is wrong with it.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import { type Random, randomFraction } from "../random.ts";

/** How long bytes are on their way; each write draws its own delay. */
export interface Delay {
  /** The shortest, in milliseconds. */
  readonly minMs: number;
  /** The longest, in milliseconds. */
  readonly maxMs: number;
}

/** What may be wrong with a route that lets everything through. */
export interface Weather {
  /** How long what is sent is on its way. */
  readonly delay: Delay;
  /** How likely a control frame is lost, and any other write late, from 0 to 1. */
  readonly lossRate: number;
  /** How likely a control frame comes twice, from 0 to 1. */
  readonly duplicateRate: number;
}

/** A local network on which nothing is lost. */
export const FAIR_WEATHER: Weather = Object.freeze({
  delay: Object.freeze({ minMs: 1, maxMs: 2 }),
  lossRate: 0,
  duplicateRate: 0,
});

/** What TCP waits before it sends again what was lost, in milliseconds; doubled each time. */
const RETRANSMISSION_MS = 200;

/** Losses in a row after which what is sent arrives all the same, so that all of it does. */
const MAX_LOSSES = 8;

/** Delays are multiples of a part of a millisecond whose sums are exact in floating point. */
const STEPS_PER_MS = 1_024;

/** One direction between two hosts. */
export class Route implements Weather {
  delay: Delay = FAIR_WEATHER.delay;
  lossRate: number = FAIR_WEATHER.lossRate;
  duplicateRate: number = FAIR_WEATHER.duplicateRate;
  readonly #clock: Clock;
  readonly #random: Random;
  #isCut = false;
  #isClogged = false;
  #waiting: (() => void)[] = [];

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Whether nothing arrives. */
  get isBlocked(): boolean {
    return this.#isCut || this.#isClogged;
  }

  /** Whether control frames are lost or doubled. */
  get isLossy(): boolean {
    return this.lossRate > 0 || this.duplicateRate > 0;
  }

  /** Nothing arrives until {@link Route.heal}. */
  cut(): void {
    this.#isCut = true;
  }

  /** Undoes {@link Route.cut}. */
  heal(): void {
    this.#isCut = false;
    this.#open();
  }

  /** Nothing arrives until {@link Route.unclog}. */
  clog(): void {
    this.#isClogged = true;
  }

  /** Undoes {@link Route.clog}. */
  unclog(): void {
    this.#isClogged = false;
    this.#open();
  }

  /** Calls back, once, when something can arrive again. */
  whenOpen(callback: () => void): void {
    this.#waiting.push(callback);
  }

  /** Brings something that belongs to no connection yet to the other host. */
  carry(callback: () => void): void {
    if (this.isBlocked) return this.whenOpen(() => this.carry(callback));
    this.#clock.setTimer(() => {
      if (this.isBlocked) this.whenOpen(() => this.carry(callback));
      else callback();
    }, this.drawDelayMs(true));
  }

  /**
   * Draws how long a write is on its way.
   *
   * @param isRepeated Whether it is sent again when it is lost, and late then.
   */
  drawDelayMs(isRepeated: boolean): number {
    const { minMs, maxMs } = this.delay;
    const extraMs = randomFraction(this.#random) * (maxMs - minMs);
    let delayMs = minMs + Math.floor(extraMs * STEPS_PER_MS) / STEPS_PER_MS;
    if (this.lossRate === 0 || !isRepeated) return delayMs;
    let waitMs = RETRANSMISSION_MS;
    for (let losses = 0; losses < MAX_LOSSES && this.#draws(this.lossRate); losses++) {
      delayMs += waitMs;
      waitMs *= 2;
    }
    return delayMs;
  }

  /** Draws how often a control frame arrives. */
  drawCopies(): number {
    if (this.#draws(this.lossRate)) return 0;
    return this.#draws(this.duplicateRate) ? 2 : 1;
  }

  #draws(rate: number): boolean {
    return rate > 0 && randomFraction(this.#random) < rate;
  }

  #open(): void {
    if (this.isBlocked) return;
    for (const callback of this.#waiting.splice(0)) callback();
  }
}
