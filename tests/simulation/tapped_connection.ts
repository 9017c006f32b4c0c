/** A connection around another one, for tests that look at or change what passes. */

import type { Connection, ConnectionHandler } from "../../lib/transport.ts";

/** What is done with what passes a connection; the default is to pass it on. */
export interface Tap {
  write?(bytes: Uint8Array): Uint8Array;
  onClose?(handler: ConnectionHandler, error?: Error): void;
}

/** A connection around another one. */
export class TappedConnection implements Connection {
  readonly #inner: Connection;
  readonly #tap: Tap;

  constructor(inner: Connection, tap: Tap) {
    this.#inner = inner;
    this.#tap = tap;
  }

  get remoteAddress(): string {
    return this.#inner.remoteAddress;
  }

  get bufferedBytes(): number {
    return this.#inner.bufferedBytes;
  }

  start(handler: ConnectionHandler, highWaterBytes?: number): void {
    const { onClose } = this.#tap;
    const tapped: ConnectionHandler = {
      onBytes: (bytes) => handler.onBytes(bytes),
      onDrain: () => handler.onDrain(),
      onClose: (error) => onClose === undefined ? handler.onClose(error) : onClose(handler, error),
    };
    this.#inner.start(tapped, highWaterBytes);
  }

  write(bytes: Uint8Array, onTaken?: () => void): boolean {
    const { write } = this.#tap;
    if (write === undefined) return this.#inner.write(bytes, onTaken);
    return this.#inner.write(write(bytes)); // other bytes: those that were given are simply kept
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  close(): void {
    this.#inner.close();
  }

  abort(): void {
    this.#inner.abort();
  }
}
