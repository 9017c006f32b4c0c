/** What a seed decides. */

import assert from "node:assert/strict";
import { type Random, randomInteger, seededRandom, shuffled } from "../../lib/random.ts";

/** Choices that follow from a seed and from what they are for. */
export class Draws {
  readonly seed: number;
  readonly #random: Random;

  /** @param purpose Equal seeds give other choices for another one. */
  constructor(seed: number, purpose: string) {
    this.seed = seed;
    let mixed = seed;
    for (const letter of purpose) mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x9e37_79b1);
    this.#random = seededRandom(mixed);
  }

  /** Draws an integer, both bounds included. */
  int(min: number, max: number): number {
    return min + randomInteger(this.#random, max - min + 1);
  }

  /** Draws some different ones, in a drawn order. */
  some<T>(items: Iterable<T>, count: number): readonly T[] {
    return shuffled(this.#random, items).slice(0, count);
  }

  /** Draws one. */
  pick<T>(items: Iterable<T>): T {
    const [item] = this.some(items, 1);
    assert.ok(item !== undefined, "there is nothing to choose from");
    return item;
  }
}
