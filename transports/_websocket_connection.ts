/**
 * A connection on a WebSocket of `ws`, client or server side.
 *
 * @module
 */

import type { Connection, ConnectionHandler } from "../lib/transport.ts";
import type { WebSocketLike } from "./_ws.ts";

/** Bytes in the send buffer from which a writer should wait. */
const HIGH_WATER_BYTES = 1_048_576;

/** Bytes in WebSocket messages: one message per write. */
export class WebSocketConnection implements Connection {
  readonly remoteAddress: string;
  readonly #socket: WebSocketLike;
  #handler: ConnectionHandler | undefined = undefined;
  #early: Uint8Array[] = [];
  #isClosed = false;
  #isFull = false;
  #error: Error | undefined = undefined;
  readonly #onSent = (): void => this.#lookForRoom();

  constructor(socket: WebSocketLike, remoteAddress: string) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    socket.on("message", (data) => {
      if (this.#handler === undefined) this.#early.push(data);
      else this.#handler.onBytes(data);
    });
    socket.on("error", (error) => this.#error = error);
    socket.on("close", () => {
      this.#isClosed = true;
      this.#handler?.onClose(this.#error);
    });
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  start(handler: ConnectionHandler): void {
    this.#handler = handler;
    for (const bytes of this.#early.splice(0)) handler.onBytes(bytes);
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed) return true;
    this.#socket.send(bytes, this.#onSent);
    this.#isFull = this.#socket.bufferedAmount >= HIGH_WATER_BYTES;
    return !this.#isFull;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close(1000);
  }

  abort(): void {
    this.#isClosed = true;
    this.#socket.terminate();
  }

  #lookForRoom(): void {
    if (!this.#isFull || this.#socket.bufferedAmount >= HIGH_WATER_BYTES) return;
    this.#isFull = false;
    this.#handler?.onDrain();
  }
}
