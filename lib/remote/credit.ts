/**
 * How far a stream's producer may be ahead of its consumer: pure accounting for both sides.
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";

/** A number of items and of bytes. */
export interface Credit {
  readonly items: number;
  readonly bytes: number;
}

/** The producer's side: what it may still send. */
export class SendCredit {
  #items: number;
  #bytes: number;

  constructor(window: Credit) {
    this.#items = window.items;
    this.#bytes = window.bytes;
  }

  /** Whether one more item may go; it may be larger than the bytes that are left. */
  get isOpen(): boolean {
    return this.#items > 0 && this.#bytes > 0;
  }

  /** Takes note of an item that was sent. */
  spend(bytes: number): void {
    this.#items--;
    this.#bytes -= bytes;
  }

  /** Takes note of what the consumer gave back. */
  grant(credit: Credit): void {
    this.#items += credit.items;
    this.#bytes += credit.bytes;
  }
}

/** The consumer's side: what it has let in and what it can give back. */
export class ReceiveWindow {
  readonly #window: Credit;
  #items = 0;
  #bytes = 0;
  #freeItems = 0;
  #freeBytes = 0;

  constructor(window: Credit) {
    this.#window = window;
  }

  /**
   * Takes note of an item that arrived.
   *
   * @throws {PulsingRuntimeError} kind `"protocol-violation"`: the producer had no credit for it.
   */
  arrived(bytes: number): void {
    if (this.#items >= this.#window.items || this.#bytes >= this.#window.bytes) {
      throw new PulsingRuntimeError("Cannot take stream item: the producer has no credit left", {
        kind: "protocol-violation",
      });
    }
    this.#items++;
    this.#bytes += bytes;
  }

  /**
   * Takes note of an item that the consumer took.
   *
   * @returns What to give back now, in portions of half a window; `undefined` for nothing yet.
   */
  taken(bytes: number): Credit | undefined {
    this.#freeItems++;
    this.#freeBytes += bytes;
    const { items, bytes: size } = this.#window;
    if (this.#freeItems * 2 < items && this.#freeBytes * 2 < size) return undefined;
    const credit = { items: this.#freeItems, bytes: this.#freeBytes };
    this.#items -= credit.items;
    this.#bytes -= credit.bytes;
    this.#freeItems = 0;
    this.#freeBytes = 0;
    return credit;
  }
}
