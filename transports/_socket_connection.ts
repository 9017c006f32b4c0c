/**
 * A connection on a `node:net` socket.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { Connection, ConnectionHandler } from "../lib/transport.ts";

/** Bytes in the send buffer from which a writer should wait. */
const HIGH_WATER_BYTES = 1_048_576;

/** How long a closed connection waits for the other side to read to the end and close too. */
const LINGER_MS = 1_000;

/** Bytes on a socket: what arrives is handed on as it is, what is written goes out as it is. */
export class SocketConnection implements Connection {
  readonly remoteAddress: string;
  readonly #socket: Socket;
  #handler: ConnectionHandler | undefined = undefined;
  #early: Uint8Array[] = [];
  #isPaused = false;
  #isClosed = false;
  #isFull = false;
  #highWaterBytes = HIGH_WATER_BYTES;
  readonly #onSent = (): void => this.#lookForRoom();
  #error: Error | undefined = undefined;

  /**
   * @param socket A connected socket without listeners for data.
   * @param remoteAddress The other end for log lines.
   * @param early Bytes that were read from the socket before.
   */
  constructor(socket: Socket, remoteAddress: string, early?: Uint8Array) {
    this.#socket = socket;
    this.remoteAddress = remoteAddress;
    if (early !== undefined) this.#early.push(early);
    // Without a listener an error would end the process; the close that follows reports it.
    socket.on("error", (error) => this.#error = error);
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength;
  }

  start(handler: ConnectionHandler, highWaterBytes: number = HIGH_WATER_BYTES): void {
    const socket = this.#socket;
    this.#handler = handler;
    this.#highWaterBytes = highWaterBytes;
    socket.on("data", (bytes: Uint8Array) => {
      if (!this.#isClosed) handler.onBytes(bytes);
    });
    socket.on("end", () => this.close());
    socket.on("close", () => {
      this.#isClosed = true;
      handler.onClose(this.#error);
    });
    for (const bytes of this.#early.splice(0)) handler.onBytes(bytes);
    if (!this.#isPaused) socket.resume();
  }

  write(bytes: Uint8Array, onTaken?: () => void): boolean {
    if (this.#isClosed || this.#socket.destroyed) return true;
    const socket = this.#socket;
    this.#isFull = socket.writableLength + bytes.length >= this.#highWaterBytes;
    if (onTaken !== undefined) {
      socket.write(bytes, (error) => {
        if (!error) onTaken();
        this.#lookForRoom();
      });
    } else if (this.#isFull) socket.write(bytes, this.#onSent);
    else socket.write(bytes);
    return !this.#isFull;
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket.resume();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const socket = this.#socket;
    let linger: ReturnType<typeof setTimeout> | undefined;
    socket.once("close", () => clearTimeout(linger));
    socket.end(() => {
      if (!socket.destroyed) linger = setTimeout(() => socket.destroy(), LINGER_MS);
    });
    // Unread bytes in the socket would turn the close into a reset, which takes what was just
    // written with it (seen with 8 MB on both runtimes): read and drop them.
    socket.resume();
  }

  #lookForRoom(): void {
    if (!this.#isFull || this.#socket.writableLength >= this.#highWaterBytes) return;
    this.#isFull = false;
    this.#handler?.onDrain();
  }

  abort(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }
}
