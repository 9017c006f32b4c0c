/**
 * A connection that leads nowhere: keeps what is written and hands on what a test says arrived.
 *
 * @module
 */

import type { Connection, ConnectionHandler } from "../../lib/transport.ts";

/** Records one side of a conversation. */
export class RecordingConnection implements Connection {
  readonly remoteAddress: string;
  readonly bufferedBytes = 0;
  /** Whether either side ended the connection. */
  isEnded = false;
  #written: Uint8Array[] = [];
  #handler: ConnectionHandler | undefined = undefined;

  constructor(remoteAddress = "recorded") {
    this.remoteAddress = remoteAddress;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  write(bytes: Uint8Array): boolean {
    this.#written.push(bytes);
    return true;
  }

  pause(): void {}

  resume(): void {}

  close(): void {
    this.abort();
  }

  abort(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.#handler?.onClose();
  }

  /** Lets bytes arrive. */
  receive(bytes: Uint8Array): void {
    this.#handler?.onBytes(bytes);
  }

  /** What was written since the last call. */
  take(): Uint8Array {
    const parts = this.#written;
    this.#written = [];
    return Uint8Array.from(parts.flatMap((part) => [...part]));
  }
}
