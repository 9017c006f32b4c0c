/**
 * Large messages: cut into chunks that take turns with each other and with small frames.
 *
 * ```text
 * bulk  = id count length{count} kind head      what follows, and the head of the frame it is
 * chunk = id bytes                              the body, then the buffers, without gaps
 * drop  = id                                    nothing more will come
 * ```
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { FrameKind } from "../wire/frame.ts";
import type { HeadReader } from "./head_reader.ts";
import type { Outbox } from "./outbox.ts";
import { HEAD_ROOM, type Piece, type SlabPool } from "./slab_pool.ts";

/** A frame too large to be sent in one piece. */
export interface BulkMessage {
  readonly kind: FrameKind;
  /** The fields in front of the body. */
  readonly head: Uint8Array;
  /** Bytes of the body, then of each of its out-of-band buffers. */
  readonly lengths: readonly number[];
  /** The same bytes, copied, in the order in which they leave. */
  readonly pieces: readonly Piece[];
}

/** A large message on its way out. */
export interface BulkTransfer {
  /** Calls back once: `true` when the last chunk was sent, `false` when it never will be. */
  whenSettled(callback: (isSent: boolean) => void): void;
  /** Gives the message up, if chunks are left to be sent. */
  drop(): void;
}

interface Sending extends BulkTransfer {
  readonly id: number;
  readonly message: BulkMessage;
  readonly onSettled: ((isSent: boolean) => void)[];
  sent: number;
}

/** Sends large messages, a chunk of each in turn. */
export class BulkSender {
  readonly #outbox: Outbox;
  readonly #slabs: SlabPool;
  readonly #limits: Limits;
  readonly #active: Sending[] = [];
  readonly #waiting: Sending[] = [];
  #turn = 0;
  #lastId = 0;
  #queuedBytes = 0;
  #onIdle: (() => void) | undefined = undefined;

  constructor(outbox: Outbox, slabs: SlabPool, limits: Limits) {
    this.#outbox = outbox;
    this.#slabs = slabs;
    this.#limits = limits;
  }

  /**
   * Copies a message, whose parts may be written to again at once.
   *
   * @param segments The body, then its out-of-band buffers.
   */
  copy(kind: FrameKind, head: Uint8Array, segments: readonly Uint8Array[]): BulkMessage {
    const pieces: Piece[] = [];
    for (const segment of segments) this.#slabs.copy(segment, pieces);
    return { kind, head: head.slice(), lengths: segments.map(({ length }) => length), pieces };
  }

  /** Queues a large message; its place in the order of frames is taken now. */
  send(message: BulkMessage): BulkTransfer {
    const onSettled: Sending["onSettled"] = [];
    const sending: Sending = {
      id: ++this.#lastId,
      message,
      sent: 0,
      onSettled,
      whenSettled: (callback) => void onSettled.push(callback),
      drop: () => this.#drop(sending),
    };
    for (const { length } of message.pieces) this.#queuedBytes += length;
    this.#announce(sending);
    if (this.#active.length < this.#limits.maxBulkTransfers) this.#active.push(sending);
    else this.#waiting.push(sending);
    queueMicrotask(() => this.pump());
    return sending;
  }

  /** Sends chunks as long as the connection takes them. */
  pump(): void {
    while (this.#active.length > 0 && this.#outbox.bufferedBytes < this.#limits.chunkBytes) {
      this.#turn %= this.#active.length;
      const sending = this.#active[this.#turn] as Sending; // the turn is below the length
      this.#sendChunk(sending);
      if (sending.sent === sending.message.pieces.length) this.#remove(sending, true);
      else this.#turn++;
    }
  }

  /** Bytes of large messages that have not been sent. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Calls back once when nothing is left to be sent. */
  whenIdle(callback: () => void): void {
    if (this.#active.length === 0) callback();
    else this.#onIdle = callback;
  }

  /** Gives everything up because the link is gone. */
  close(): void {
    const all = [...this.#active.splice(0), ...this.#waiting.splice(0)];
    this.#queuedBytes = 0;
    for (const sending of all) settle(sending, false);
  }

  #announce({ id, message }: Sending): void {
    const mark = this.#outbox.begin(FrameKind.bulk);
    const { writer } = this.#outbox;
    writer.varint(id);
    writer.varint(message.lengths.length);
    for (const length of message.lengths) writer.varint(length);
    writer.byte(message.kind);
    writer.run(message.head);
    this.#outbox.end(mark);
  }

  #sendChunk(sending: Sending): void {
    const { slab, length } = sending.message.pieces[sending.sent++] as Piece; // one is left
    this.#queuedBytes -= length;
    const mark = this.#outbox.begin(FrameKind.chunk);
    this.#outbox.writer.varint(sending.id);
    this.#outbox.endWith(mark, slab, HEAD_ROOM, length, () => this.#slabs.giveBack(slab));
  }

  #remove(sending: Sending, isSent: boolean): void {
    this.#active.splice(this.#active.indexOf(sending), 1);
    const next = this.#waiting.shift();
    if (next !== undefined) this.#active.push(next);
    settle(sending, isSent);
    if (this.#active.length === 0) this.#onIdle?.();
  }

  #drop(sending: Sending): void {
    const waiting = this.#waiting.indexOf(sending);
    if (waiting >= 0) this.#waiting.splice(waiting, 1);
    else if (!this.#active.includes(sending)) return;
    const mark = this.#outbox.begin(FrameKind.drop);
    this.#outbox.writer.varint(sending.id);
    this.#outbox.end(mark);
    const left = sending.message.pieces.slice(sending.sent);
    for (const { length } of left) this.#queuedBytes -= length;
    if (waiting < 0) this.#remove(sending, false);
    else settle(sending, false);
  }
}

function settle({ onSettled }: Sending, isSent: boolean): void {
  for (const callback of onSettled.splice(0)) callback(isSent);
}

interface Receiving {
  readonly id: number;
  readonly kind: number;
  readonly head: Uint8Array;
  readonly lengths: readonly number[];
  readonly segments: Uint8Array[];
  offset: number;
}

/** A large message as it arrived. */
export interface BulkArrival {
  readonly id: number;
  readonly kind: number;
  readonly head: Uint8Array;
  readonly body: Uint8Array;
  readonly buffers: readonly Uint8Array[];
}

/** Puts large messages together again. */
export class BulkReceiver {
  readonly #limits: Limits;
  readonly #receiving = new Map<number, Receiving>();
  #arriving: Receiving | undefined = undefined;
  #claimed = 0;
  #headBytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  /** Large messages that were announced and are not complete. */
  get size(): number {
    return this.#receiving.size;
  }

  /**
   * Takes a `bulk` frame; nothing is allocated before the first chunk.
   *
   * @throws {PulsingRuntimeError} kind `"protocol-violation"`: more than the limits allow.
   */
  announce(reader: HeadReader): { readonly id: number; readonly kind: number; head: Uint8Array } {
    const id = reader.varint();
    const count = reader.varint();
    if (count === 0 || count > reader.end - reader.position) throw violation("segment count");
    const lengths: number[] = [];
    for (let index = 0; index < count; index++) lengths.push(reader.varint());
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const kind = reader.byte();
    const head = reader.rest().slice();
    if (id === 0 || this.#receiving.has(id)) throw violation("id in use");
    if (total > this.#limits.maxMessageBytes) throw violation("size above maxMessageBytes");
    if (this.#receiving.size >= this.#limits.maxPendingCalls) throw violation("too many");
    // Announced messages wait at their sender: only their heads are here, and must not be a load.
    this.#headBytes += head.length + count * 8;
    if (this.#headBytes > this.#limits.outboxCapacityBytes) throw violation("heads too long");
    this.#receiving.set(id, { id, kind, head, lengths, segments: [], offset: 0 });
    return { id, kind, head };
  }

  /**
   * Takes a `chunk` frame, or a part of one.
   *
   * @param reader Stands at the fields of the frame or, for a further part, at its bytes.
   * @param left Bytes of the frame that are still to come.
   */
  chunk(reader: HeadReader, left = 0): BulkArrival | undefined {
    const transfer = this.#arriving ?? this.#openChunk(reader, left);
    const part = reader.rest();
    const segment = transfer.segments.at(-1) as Uint8Array; // opened with the chunk
    segment.set(part, transfer.offset);
    transfer.offset += part.length;
    this.#arriving = left > 0 ? transfer : undefined;
    const isComplete = transfer.segments.length === transfer.lengths.length &&
      transfer.offset === segment.length;
    return isComplete ? this.#finish(transfer) : undefined;
  }

  /** Takes a `drop` frame; what arrived of the message is incomplete. */
  drop(reader: HeadReader): BulkArrival | undefined {
    const id = reader.varint();
    const transfer = this.#receiving.get(id);
    if (transfer === undefined) return undefined;
    return this.#finish(transfer);
  }

  /** Reads the fields of a chunk and makes sure that there is room for its bytes. */
  #openChunk(reader: HeadReader, left: number): Receiving {
    const transfer = this.#receiving.get(reader.varint());
    if (transfer === undefined) throw violation("chunk of an unknown message");
    // A sender ends a chunk with its segment; empty segments have no chunk of their own.
    if (transfer.offset === (transfer.segments.at(-1)?.length ?? 0)) this.#openSegment(transfer);
    const room = (transfer.segments.at(-1)?.length ?? 0) - transfer.offset;
    if (reader.end - reader.position + left > room) throw violation("chunk too long");
    return transfer;
  }

  #openSegment(transfer: Receiving): void {
    const length = transfer.lengths[transfer.segments.length];
    if (length === undefined) throw violation("chunk after the end");
    this.#claimed += length;
    if (this.#claimed > this.#limits.maxMessageBytes * this.#limits.maxBulkTransfers) {
      throw violation("too many bytes under way");
    }
    transfer.segments.push(new Uint8Array(length));
    transfer.offset = 0;
  }

  #finish({ id, kind, head, lengths, segments }: Receiving): BulkArrival {
    this.#receiving.delete(id);
    this.#headBytes -= head.length + lengths.length * 8;
    for (const segment of segments) this.#claimed -= segment.length;
    const [body = new Uint8Array(0), ...buffers] = segments;
    return { id, kind, head, body, buffers };
  }
}

function violation(what: string): PulsingRuntimeError {
  return new PulsingRuntimeError(`Cannot take large message: ${what}`, {
    kind: "protocol-violation",
  });
}
