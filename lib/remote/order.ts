/**
 * Keeps the order of messages when a large one is still arriving in chunks.
 *
 * @module
 */

interface Entry {
  readonly bulkId: number;
  run: (() => void) | undefined;
}

/**
 * Lanes of work that must be done in order: one per actor, one per stream.
 *
 * A lane exists only while one of its large messages is incomplete, so that the check costs
 * nothing in ordinary traffic.
 */
export class Order {
  readonly #lanes = new Map<string, Entry[]>();
  readonly #laneOfBulk = new Map<number, string>();
  #deferred = 0;

  /** Pieces of work that wait, large messages not counted. */
  get deferred(): number {
    return this.#deferred;
  }

  /** Whether any lane waits. */
  get isIdle(): boolean {
    return this.#lanes.size === 0;
  }

  /** Reserves the place of a large message that was announced. */
  reserve(lane: string, bulkId: number): void {
    this.#laneOfBulk.set(bulkId, lane);
    const entry = { bulkId, run: undefined };
    const entries = this.#lanes.get(lane);
    if (entries === undefined) this.#lanes.set(lane, [entry]);
    else entries.push(entry);
  }

  /** Puts work behind what its lane waits for; `false` when the lane waits for nothing. */
  defer(lane: string, run: () => void): boolean {
    const entries = this.#lanes.get(lane);
    if (entries === undefined) return false;
    entries.push({ bulkId: 0, run });
    this.#deferred++;
    return true;
  }

  /** Does the work of a large message that is complete, as soon as it is its turn. */
  complete(bulkId: number, run: () => void): void {
    const lane = this.#laneOfBulk.get(bulkId);
    const entries = lane === undefined ? undefined : this.#lanes.get(lane);
    const entry = entries?.find((candidate) => candidate.bulkId === bulkId);
    if (lane === undefined || entries === undefined || entry === undefined) return run(); // no lane
    this.#laneOfBulk.delete(bulkId);
    entry.run = run;
    for (let first = entries[0]; first?.run !== undefined; first = entries[0]) {
      entries.shift();
      if (first.bulkId === 0) this.#deferred--;
      first.run();
    }
    if (entries.length === 0) this.#lanes.delete(lane);
  }
}
