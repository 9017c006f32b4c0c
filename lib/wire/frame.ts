/**
 * The outermost layer of the wire: the magic, frame kinds and how frames stand in a run of bytes.
 *
 * ```text
 * connection = magic frame*
 * frame      = length:u32be kind:u8 payload        length counts kind and payload
 * ```
 *
 * @module
 */

import { PulsingRuntimeError } from "../errors.ts";

/**
 * The first bytes a dialling node sends.
 *
 * 0xf0 begins no HTTP method and no TLS record, so one byte tells a node from a browser.
 */
export const MAGIC: Uint8Array = Uint8Array.of(0xf0, 0x50, 0x55, 0x4c);

/** Bytes of a frame's length field. */
export const LENGTH_BYTES = 4;

/** Bytes of a chunk's kind and fields at most: one number. */
const CHUNK_FIELD_BYTES = 9;

/** What a frame is; the number is on the wire and never reused. */
export const FrameKind = {
  /** Opens the handshake, dialler to listener. */
  hello: 0x01,
  /** Accepts it, listener to dialler. */
  welcome: 0x02,
  /** Refuses it, with the reason. */
  reject: 0x03,
  /** Asks for a sign of life. */
  ping: 0x04,
  /** Gives it. */
  pong: 0x05,
  /** This side will send nothing more and closes when its answers are out. */
  goodbye: 0x06,
  /** Answers a frame of a kind that this side does not know. */
  unknown: 0x07,
  /** Proves in the handshake that this side knows the passphrase. */
  confirm: 0x08,
  /** Gives a name a number on this link. */
  intern: 0x10,
  /** Asks an actor and wants the answer. */
  ask: 0x11,
  /** Tells an actor. */
  tell: 0x12,
  /** Answers an ask. */
  reply: 0x13,
  /** Answers an ask with an error. */
  failure: 0x14,
  /** The asker no longer wants the answer. */
  cancel: 0x15,
  /** Answers an ask that no actor has handled and none will. */
  refusal: 0x16,
  /** One item of a stream. */
  item: 0x20,
  /** The stream has ended. */
  end: 0x21,
  /** The stream has failed. */
  fault: 0x22,
  /** The consumer lets the producer send more. */
  credit: 0x23,
  /** The consumer wants no more. */
  stop: 0x24,
  /** Announces a large frame that follows in chunks. */
  bulk: 0x30,
  /** A part of it. */
  chunk: 0x31,
  /** The sender gave up a large frame. */
  drop: 0x32,
  /** News between the cluster parts of two nodes. */
  control: 0x40,
  /** Asks to be told of an actor's end. */
  watch: 0x50,
  /** Does not want to be told any more. */
  unwatch: 0x51,
  /** Tells of the end of a watched actor. */
  terminated: 0x52,
  /** Does not watch an actor for the other side, which watches too many. */
  unwatched: 0x53,
} as const;

/** A frame's kind as it stands on the wire. */
export type FrameKind = typeof FrameKind[keyof typeof FrameKind];

/** A whole frame. */
export function frameOf(kind: FrameKind, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(LENGTH_BYTES + 1 + payload.length);
  new DataView(frame.buffer).setUint32(0, payload.length + 1);
  frame[LENGTH_BYTES] = kind;
  frame.set(payload, LENGTH_BYTES + 1);
  return frame;
}

/** Receives the frames found by a {@link FrameReader}. */
export interface FrameSink {
  /**
   * One whole frame.
   *
   * @param kind The kind byte, possibly one this version does not know.
   * @param bytes The array that holds the payload, never written to again.
   * @param start Where the payload begins.
   * @param end Where it ends.
   */
  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): void;
  /**
   * A part of a `chunk` frame that is still arriving: its bytes go where they belong at once.
   *
   * @param bytes The array that holds the part, as for {@link FrameSink.onFrame}; the first part
   * of a frame holds all its fields.
   * @param left Bytes of the frame that are still to come; the part with 0 is the last.
   */
  onChunkPart(bytes: Uint8Array, start: number, end: number, left: number): void;
}

/**
 * Cuts a run of bytes into frames.
 *
 * A frame that arrives in one piece is handed on without a copy, and so are the parts of a chunk;
 * any other frame that arrives in several pieces is put together in an array of exactly its
 * length, which is allocated only when the length has passed the limit.
 */
export class FrameReader {
  /** The longest frame allowed; raised once the handshake is done. */
  maxFrameBytes: number;
  readonly #sink: FrameSink;
  #partial: Uint8Array | undefined;
  #filled = 0;
  readonly #header = new Uint8Array(LENGTH_BYTES);
  #headerFilled = 0;
  #chunkLeft = 0;

  constructor(sink: FrameSink, maxFrameBytes: number) {
    this.#sink = sink;
    this.maxFrameBytes = maxFrameBytes;
  }

  /**
   * Takes the next bytes and hands on every frame that is complete.
   *
   * @throws {PulsingRuntimeError} kind `"protocol-violation"` for a length of 0 or above the
   * limit; the connection cannot be used any more.
   */
  push(bytes: Uint8Array): void {
    let offset = this.#chunkLeft > 0 ? this.#takeChunkPart(bytes) : this.#finishPartial(bytes);
    while (offset < bytes.length) {
      if (this.#headerFilled > 0 || bytes.length - offset < LENGTH_BYTES) {
        offset = this.#takeHeader(bytes, offset);
        if (this.#headerFilled < LENGTH_BYTES) return;
        this.#headerFilled = 0;
        offset = this.#takeBody(bytes, offset, readLength(this.#header, 0));
      } else {
        offset = this.#takeBody(bytes, offset + LENGTH_BYTES, readLength(bytes, offset));
      }
    }
  }

  #takeChunkPart(bytes: Uint8Array): number {
    const taken = Math.min(this.#chunkLeft, bytes.length);
    this.#chunkLeft -= taken;
    this.#sink.onChunkPart(bytes, 0, taken, this.#chunkLeft);
    return taken;
  }

  #finishPartial(bytes: Uint8Array): number {
    const partial = this.#partial;
    if (partial === undefined) return 0;
    const taken = Math.min(partial.length - this.#filled, bytes.length);
    partial.set(taken === bytes.length ? bytes : bytes.subarray(0, taken), this.#filled);
    this.#filled += taken;
    if (this.#filled === partial.length) {
      this.#partial = undefined;
      this.#sink.onFrame(partial[0] as number, partial, 1, partial.length); // length is above 0
    }
    return taken;
  }

  #takeHeader(bytes: Uint8Array, offset: number): number {
    while (this.#headerFilled < LENGTH_BYTES && offset < bytes.length) {
      this.#header[this.#headerFilled++] = bytes[offset++] as number; // both are in range
    }
    return offset;
  }

  #takeBody(bytes: Uint8Array, offset: number, length: number): number {
    if (length === 0 || length > this.maxFrameBytes) {
      throw new PulsingRuntimeError(
        `Cannot read frame of ${length} bytes: expected 1 to ${this.maxFrameBytes}`,
        { kind: "protocol-violation" },
      );
    }
    const end = offset + length;
    if (end <= bytes.length) {
      this.#sink.onFrame(bytes[offset] as number, bytes, offset + 1, end); // length is above 0
      return end;
    }
    if (bytes[offset] === FrameKind.chunk && bytes.length - offset > CHUNK_FIELD_BYTES) {
      this.#chunkLeft = end - bytes.length;
      this.#sink.onChunkPart(bytes, offset + 1, bytes.length, this.#chunkLeft);
      return bytes.length;
    }
    this.#partial = new Uint8Array(length);
    this.#partial.set(bytes.subarray(offset));
    this.#filled = bytes.length - offset;
    return bytes.length;
  }
}

function readLength(bytes: Uint8Array, offset: number): number {
  // The four bytes are in range: both callers checked.
  return ((bytes[offset] as number) * 0x1000000) +
    (((bytes[offset + 1] as number) << 16) | ((bytes[offset + 2] as number) << 8) |
      (bytes[offset + 3] as number));
}
