/**
 * Whose turn it is to be probed: round robin in an order that is shuffled for each round.
 *
 * @module
 */

import type { NodeId } from "../address.ts";
import { type Random, randomInteger, shuffled } from "../random.ts";

/**
 * The other members that have not gone.
 *
 * Promise: each member that is there when a round begins, or comes during it, has exactly one turn
 * in it, however others come and go; so a dead one is met within two rounds.
 */
export class ProbeRing {
  readonly #random: Random;
  #order: NodeId[] = [];
  readonly #known = new Set<NodeId>();
  /** The next one's place; those before it had their turn in this round. */
  #next = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** How many there are. */
  get size(): number {
    return this.#order.length;
  }

  /** Adds a member at a random place of those to come, so that nobody is met by all at once. */
  add(nodeId: NodeId): void {
    if (this.#known.has(nodeId)) return;
    this.#known.add(nodeId);
    const place = this.#next + randomInteger(this.#random, this.#order.length - this.#next + 1);
    this.#order.splice(place, 0, nodeId);
  }

  /** Takes a member out. */
  remove(nodeId: NodeId): void {
    if (!this.#known.delete(nodeId)) return;
    const place = this.#order.indexOf(nodeId);
    this.#order.splice(place, 1);
    if (place < this.#next) this.#next--;
  }

  /** The member whose turn it is. */
  turn(): NodeId | undefined {
    if (this.#next >= this.#order.length) {
      this.#order = shuffled(this.#random, this.#order);
      this.#next = 0;
    }
    const nodeId = this.#order[this.#next];
    if (nodeId !== undefined) this.#next++;
    return nodeId;
  }

  /**
   * Some members at random, each once.
   *
   * @param count How many at most.
   * @param except One that is not wanted.
   */
  some(count: number, except?: NodeId): readonly NodeId[] {
    const order = this.#order;
    if (order.length <= 2 * count + 1) {
      return shuffled(this.#random, order).filter((nodeId) => nodeId !== except).slice(0, count);
    }
    const chosen = new Set<NodeId>();
    while (chosen.size < count) {
      const nodeId = order[randomInteger(this.#random, order.length)];
      if (nodeId !== undefined && nodeId !== except) chosen.add(nodeId);
    }
    return [...chosen];
  }
}
