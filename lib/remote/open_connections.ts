/**
 * All connections of one node, so that it can end when they have.
 *
 * @module
 */

import type { Clock } from "../clock.ts";
import type { Connection } from "../transport.ts";

/** The connections that have not ended, linked or not. */
export class OpenConnections {
  readonly #open = new Set<Connection>();
  #onNone: (() => void) | undefined = undefined;

  /** Takes note of a new connection. */
  add(connection: Connection): void {
    this.#open.add(connection);
  }

  /** Takes note that a connection has ended. */
  ended(connection: Connection): void {
    this.#open.delete(connection);
    if (this.#open.size === 0) this.#onNone?.();
  }

  /**
   * Waits for the end of those that have been told to close.
   *
   * @returns When every connection has ended; those left after the time are cut.
   */
  allEnded(clock: Clock, withinMs: number): Promise<void> {
    if (this.#open.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const cut = () => {
        for (const connection of this.#open) connection.abort();
        resolve();
      };
      const timer = clock.setTimer(cut, withinMs);
      this.#onNone = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
