/**
 * A connection on a WebSocket of `ws`, client or server side.
 *
 * @module
 */

import type { Connection, ConnectionHandler } from "../lib/transport.ts";
import { MAX_PAYLOAD_BYTES, type WebSocketLike } from "./_ws.ts";

/** Bytes in the send buffer from which a writer should wait. */
const HIGH_WATER_BYTES = 1_048_576;

/** How long a closed connection waits for the other side's half of the closing handshake. */
const LINGER_MS = 1_000;

/** Bytes in WebSocket messages: one message per write. */
export class WebSocketConnection implements Connection {
  readonly remoteAddress: string;
  readonly #socket: WebSocketLike;
  #handler: ConnectionHandler | undefined = undefined;
  #early: Uint8Array[] = [];
  #isPaused = false;
  #isClosed = false;
  #isEnded = false;
  #isReported = false;
  #isFull = false;
  #highWaterBytes = HIGH_WATER_BYTES;
  #lingering: ReturnType<typeof setTimeout> | undefined = undefined;
  #error: Error | undefined = undefined;
  readonly #onSent = (): void => this.#lookForRoom();

  constructor(socket: WebSocketLike, remoteAddress: string) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    socket.on("message", (data) => this.#take(data));
    socket.on("error", (error) => this.#error = error);
    socket.on("close", () => this.#end());
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  start(handler: ConnectionHandler, highWaterBytes?: number): void {
    this.#handler = handler;
    this.#highWaterBytes = highWaterBytes ?? HIGH_WATER_BYTES;
    this.#deliverKept();
  }

  write(bytes: Uint8Array, onTaken?: () => void): boolean {
    if (this.#isClosed || this.#isEnded) return true;
    const onSent = onTaken === undefined ? this.#onSent : (error?: Error) => {
      if (!error) onTaken();
      this.#lookForRoom();
    };
    let rest = bytes;
    for (; rest.length > MAX_PAYLOAD_BYTES; rest = rest.subarray(MAX_PAYLOAD_BYTES)) {
      this.#socket.send(rest.subarray(0, MAX_PAYLOAD_BYTES), this.#onSent);
    }
    this.#socket.send(rest, onSent);
    this.#isFull = this.#socket.bufferedAmount >= this.#highWaterBytes;
    return !this.#isFull;
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
    this.#deliverKept();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#drop();
    this.#socket.close(1000);
    this.#linger();
    // A paused socket would never see the other side's half of the closing handshake.
    this.#socket.resume();
  }

  abort(): void {
    this.#drop();
    this.#socket.terminate();
    // Not every runtime reports the end of a socket that was terminated while it was closing.
    queueMicrotask(() => this.#end());
  }

  /** Keeps messages that `ws` had already cut out of its buffer when it was paused. */
  #take(bytes: Uint8Array): void {
    if (this.#isClosed || bytes.length === 0) return;
    if (this.#handler === undefined || this.#isPaused) this.#early.push(bytes);
    else this.#handler.onBytes(bytes);
  }

  #deliverKept(): void {
    const handler = this.#handler;
    if (handler === undefined) return;
    while (!this.#isPaused) {
      const bytes = this.#early.shift();
      if (bytes === undefined) break;
      handler.onBytes(bytes);
    }
    if (!this.#isEnded || this.#isReported || this.#early.length > 0) return;
    this.#isReported = true;
    handler.onClose(this.#error);
  }

  #end(): void {
    clearTimeout(this.#lingering);
    this.#isEnded = true;
    this.#deliverKept();
  }

  #linger(): void {
    this.#lingering = setTimeout(() => {
      if (this.#socket.bufferedAmount > 0) this.#linger();
      else this.abort();
    }, LINGER_MS);
  }

  #drop(): void {
    this.#isClosed = true;
    this.#early = [];
  }

  #lookForRoom(): void {
    if (!this.#isFull || this.#socket.bufferedAmount >= this.#highWaterBytes) return;
    this.#isFull = false;
    this.#handler?.onDrain();
  }
}
