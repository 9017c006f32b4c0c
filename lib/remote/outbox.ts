/**
 * What one link has to send: frames written in one turn leave as one write.
 *
 * @module
 */

import type { Connection } from "../transport.ts";
import { ByteWriter } from "../wire/byte_writer.ts";
import { type FrameKind, LENGTH_BYTES } from "../wire/frame.ts";

/** Bytes that are written at once, also when the turn is not over. */
const MAX_WRITE_BYTES = 262_144;

/** Rounds of the microtask queue that a write waits for more frames of the same turn. */
const MAX_ROUNDS = 8;

/**
 * Collects frames and writes them together at the end of the turn.
 *
 * The end of a turn is found by looking: as long as each round of the microtask queue brought new
 * frames (answers resolve promises, whose owners send the next call) the write waits one more
 * round, up to eight. One write costs as much as encoding some twenty frames.
 *
 * Encoding a message may run code of the user (a getter, an iterable) that sends another one on
 * the same link: such a frame is kept apart and follows the one that was under way.
 */
export class Outbox {
  /** The frame under way is written here, after {@link Outbox.begin}. */
  writer: ByteWriter = new ByteWriter();
  readonly #connection: Connection;
  /** Writers of the frames around the one under way, and frames that wait for the outermost. */
  readonly #outer: ByteWriter[] = [];
  #inner: Uint8Array[] = [];
  #underWay = 0;
  #isBlocked = false;
  #sentBytes = 0;
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

  /** Whether the connection has said to wait and has not had room since. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Bytes handed to the connection so far. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Bytes not yet taken by the operating system. */
  get bufferedBytes(): number {
    return this.writer.pending + this.#connection.bufferedBytes;
  }

  /**
   * Begins a frame.
   *
   * @returns A mark for {@link Outbox.end} or {@link Outbox.abandon}, one of which must follow.
   */
  begin(kind: FrameKind): number {
    if (this.#underWay++ > 0) {
      this.#outer.push(this.writer);
      this.writer = new ByteWriter();
    }
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
    this.#leave();
    if (this.writer.pending >= MAX_WRITE_BYTES) this.flush();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#rounds = 0;
    this.#seen = 0;
    queueMicrotask(this.#settle);
  }

  /** Takes the frame begun at a mark back. */
  abandon(mark: number): void {
    this.writer.rewind(mark);
    this.#leave();
  }

  /**
   * Ends the frame begun at a mark with bytes that stand by themselves and are not copied, and
   * sends it after what was collected.
   *
   * @param slab Holds room and then the bytes; what was collected is put there when it fits.
   * @param onTaken Called when the slab may be written to again, if that moment is known.
   */
  endWith(
    mark: number,
    slab: Uint8Array,
    room: number,
    length: number,
    onTaken: () => void,
  ): void {
    const { writer } = this;
    writer.view.setUint32(writer.indexOf(mark), writer.mark() - mark - LENGTH_BYTES + length);
    this.#leave();
    const { pending } = writer;
    const begin = pending <= room ? room - pending : room;
    if (begin < room) slab.set(writer.take(), begin);
    else this.flush();
    this.#write(slab.subarray(begin, room + length), onTaken);
  }

  /** Sends what was collected, now, unless a frame is under way. */
  flush(): void {
    if (this.#underWay > 0 || this.writer.pending === 0) return;
    this.#write(this.writer.take());
  }

  /** The connection has room again. */
  drained(): void {
    this.#isBlocked = false;
    this.#onRoom();
  }

  /** Later frames go nowhere. */
  close(): void {
    this.#isOpen = false;
  }

  #write(bytes: Uint8Array, onTaken?: () => void): void {
    if (!this.#isOpen) return;
    this.#sentBytes += bytes.length;
    this.#isBlocked = !this.#connection.write(bytes, onTaken);
  }

  /** The frame under way is over: goes back to the one around it, or adds those inside it. */
  #leave(): void {
    if (--this.#underWay > 0) {
      if (this.writer.pending > 0) this.#inner.push(this.writer.take());
      this.writer = this.#outer.pop() as ByteWriter; // one for each frame around
    } else if (this.#inner.length > 0) {
      for (const frames of this.#inner) this.writer.run(frames);
      this.#inner = [];
    }
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
