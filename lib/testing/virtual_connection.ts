/**
 * One end of a connection in a virtual network.
 *
 * @module
 */

import type { Connection, ConnectionHandler } from "../transport.ts";
import type { NodeClock } from "./node_clock.ts";
import type { Pipe } from "./pipe.ts";

/** Bytes written and not taken from which a writer should wait. */
const HIGH_WATER_BYTES = 1_048_576;

/** What an end is made of. */
export interface ConnectionOptions {
  readonly remoteAddress: string;
  /** The event loop of the node that has this end. */
  readonly clock: NodeClock;
  readonly incoming: Pipe;
  readonly outgoing: Pipe;
  /** Called once when the end is over. */
  onOver(connection: VirtualConnection): void;
}

/** A connection as {@link Connection} promises it; its bytes wait while its node is frozen. */
export class VirtualConnection implements Connection {
  readonly remoteAddress: string;
  readonly #clock: NodeClock;
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  readonly #onOver: (connection: VirtualConnection) => void;
  #handler: ConnectionHandler | undefined = undefined;
  #highWaterBytes = HIGH_WATER_BYTES;
  #isPaused = false;
  #isFull = false;
  #isReading = false;
  /** This side sends nothing more and hears nothing more. */
  #isClosed = false;
  #isOver = false;
  readonly #read = (): void => this.#takeAll();

  constructor({ remoteAddress, clock, incoming, outgoing, onOver }: ConnectionOptions) {
    this.remoteAddress = remoteAddress;
    this.#clock = clock;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#onOver = onOver;
    incoming.onArrived = () => this.#arrived();
    outgoing.onTaken = () => this.#taken();
  }

  get bufferedBytes(): number {
    return this.#outgoing.bytes;
  }

  start(handler: ConnectionHandler, highWaterBytes: number = HIGH_WATER_BYTES): void {
    this.#handler = handler;
    this.#highWaterBytes = highWaterBytes;
    this.#readLater();
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed || bytes.length === 0) return true;
    this.#outgoing.send(bytes);
    this.#isFull = this.#outgoing.bytes >= this.#highWaterBytes;
    return !this.#isFull;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#readLater();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#outgoing.end(); // the other side ends its direction when it has taken everything
    this.#readLater();
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isClosed = true;
    this.#outgoing.clear();
    this.#outgoing.end();
    this.#over();
    this.#clock.defer(() => this.#handler?.onClose());
  }

  /** Its process is gone: what it wrote arrives, and then the news that the connection is reset. */
  reset(error: Error): void {
    this.#isClosed = true;
    this.#outgoing.end(error);
    this.#over();
  }

  #arrived(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#clock.arrive(this.#read);
  }

  #readLater(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    this.#clock.defer(this.#read);
  }

  #takeAll(): void {
    this.#isReading = false;
    while (this.#handler !== undefined && (!this.#isPaused || this.#isClosed)) {
      const segment = this.#incoming.take();
      if (segment === undefined) return;
      if (segment.bytes === undefined) return this.#end(segment.error);
      if (!this.#isClosed) this.#handler.onBytes(segment.bytes);
    }
  }

  /** The other side has ended the connection, or has heard that this one did. */
  #end(error: Error | undefined): void {
    if (this.#isOver) return;
    this.#isClosed = true;
    this.#outgoing.end();
    this.#over();
    this.#handler?.onClose(error);
  }

  #over(): void {
    this.#isOver = true;
    this.#incoming.sever();
    this.#onOver(this);
  }

  /** Runs in a turn of the other side. */
  #taken(): void {
    if (!this.#isFull || this.#outgoing.bytes >= this.#highWaterBytes) return;
    this.#isFull = false;
    this.#clock.defer(() => {
      if (!this.#isOver) this.#handler?.onDrain();
    });
  }
}
