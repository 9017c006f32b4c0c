/**
 * The time of one node, in which it never stood still.
 *
 * A program that is stopped or busy for seconds finds all its waits over at once, with the answers
 * still unread. So the time in which it stood still is counted for nobody: its timers' lateness is
 * taken out, and whoever was waited for has as long as before.
 *
 * @module
 */

/** A clock's readings without the time in which the node stood still. */
export class OwnTime {
  readonly #thresholdMs: number;
  #now = 0;
  #stalledMs = 0;
  /** When the node will be woken, by the clock and in its own time. */
  #wakeAt = Infinity;
  #due = Infinity;

  /**
   * Begins at zero of the clock.
   *
   * @param thresholdMs How late a timer may be before the node has stood still.
   */
  constructor(thresholdMs: number) {
    this.#thresholdMs = thresholdMs;
  }

  /** The own time of the last event. */
  get now(): number {
    return this.#now;
  }

  /**
   * The clock's time for a moment of own time, at which the node wants to be woken; past is now.
   *
   * Whoever asks sets a timer for it: an event long after it shows that the node stood still.
   */
  awaited(ownTime: number): number {
    this.#due = Math.max(ownTime, this.#now);
    return this.#wakeAt = this.#due + this.#stalledMs;
  }

  /**
   * Takes the clock's time of an event.
   *
   * @returns How long the node has stood still before it, in milliseconds.
   */
  pass(at: number): number {
    const lateMs = at - this.#wakeAt;
    const stalledMs = lateMs > this.#thresholdMs ? lateMs : 0;
    this.#stalledMs += stalledMs;
    // What is due has come, though the difference of two sums may be a little short of it.
    const own = lateMs >= 0 ? Math.max(this.#due, at - this.#stalledMs) : at - this.#stalledMs;
    this.#now = Math.max(this.#now, own);
    if (stalledMs > 0) this.awaited(this.#now);
    return stalledMs;
  }
}
