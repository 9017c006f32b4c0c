/**
 * What one link has to send: frames written in one turn leave as one write.
 *
 * @module
 */

import type { Connection } from "../transport.ts";
import { ByteWriter } from "../wire/byte_writer.ts";
import { type FrameKind, LENGTH_BYTES } from "../wire/frame.ts";

/** Rounds of the microtask queue that a write waits for more frames of the same turn. */
const MAX_ROUNDS = 8;

/**
 * Collects frames and writes them together at the end of the turn.
 *
 * The end of a turn is found by looking: as long as each round of the microtask queue brought new
 * frames (answers resolve promises, whose owners send the next call) the write waits one more
 * round, up to eight. One write costs as much as encoding some twenty frames.
 */
export class Outbox {
  /** Frames are written here between {@link Outbox.begin} and {@link Outbox.end}. */
  readonly writer: ByteWriter = new ByteWriter();
  readonly #connection: Connection;
  #isScheduled = false;
  #isOpen = true;
  readonly #onRoom: () => void;
  #rounds = 0;
  #seen = 0;
  readonly #settle = (): void => this.#writeWhenQuiet();

  /**
   * @param connection Takes what is written.
   * @param onRoom Called after each write and each drain: those who hold back may look again.
   */
  constructor(connection: Connection, onRoom: () => void) {
    this.#connection = connection;
    this.#onRoom = onRoom;
  }

  /** Bytes not yet taken by the operating system. */
  get bufferedBytes(): number {
    return this.writer.pending + this.#connection.bufferedBytes;
  }

  /**
   * Begins a frame.
   *
   * @returns A mark for {@link Outbox.end} or for `writer.rewind`.
   */
  begin(kind: FrameKind): number {
    const { writer } = this;
    const mark = writer.mark();
    writer.reserve(LENGTH_BYTES + 1);
    writer.position += LENGTH_BYTES;
    writer.bytes[writer.position++] = kind;
    return mark;
  }

  /** Ends the frame begun at a mark; it is sent with the others of this turn. */
  end(mark: number): void {
    const { writer } = this;
    writer.view.setUint32(writer.indexOf(mark), writer.mark() - mark - LENGTH_BYTES);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#rounds = 0;
    this.#seen = 0;
    queueMicrotask(this.#settle);
  }

  /** Sends what was collected, now. */
  flush(): void {
    if (!this.#isOpen || this.writer.pending === 0) return;
    this.#connection.write(this.writer.take());
  }

  /**
   * Sends bytes that stand by themselves, after what was collected, without copying them.
   *
   * @param slab Holds room and then the bytes; what was collected is put there when it fits.
   * @param onTaken Called when the slab may be written to again, if that moment is known.
   */
  writeThrough(slab: Uint8Array, room: number, length: number, onTaken: () => void): void {
    const { pending } = this.writer;
    const begin = pending <= room ? room - pending : room;
    if (begin < room) slab.set(this.writer.take(), begin);
    else this.flush();
    if (this.#isOpen) this.#connection.write(slab.subarray(begin, room + length), onTaken);
  }

  /** Drops what was collected; later frames go nowhere. */
  close(): void {
    this.#isOpen = false;
    this.writer.take();
  }

  #writeWhenQuiet(): void {
    const pending = this.writer.pending;
    if (pending !== this.#seen && this.#rounds < MAX_ROUNDS) {
      this.#seen = pending;
      this.#rounds++;
      return queueMicrotask(this.#settle);
    }
    this.#isScheduled = false;
    this.flush();
    this.#onRoom();
  }
}
