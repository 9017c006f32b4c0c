/**
 * Finds the control frames in a run of bytes, to lose or to double them.
 *
 * @module
 */

import { FrameKind, LENGTH_BYTES, MAGIC } from "../wire/frame.ts";

/** How often a control frame arrives: 0, 1 or 2 times. */
export type DrawCopies = () => number;

/** What is left of some bytes. */
export interface Passed {
  /** The parts that arrive, in their order. */
  readonly pieces: readonly Uint8Array[];
  /** Whether there is more in them than control frames. */
  readonly hasOthers: boolean;
}

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * Follows the frames of one direction of a connection.
 *
 * Without faults that is four bytes looked at per frame, so that faults can begin in the middle of
 * a connection. With them a control frame that is written in parts is kept back until it is whole.
 */
export class FrameFaults {
  /** Bytes up to the end of the frame under way. */
  #left: number;
  /** Bytes of a frame's length that have passed, and what they say. */
  #lengthSeen = 0;
  #length = 0;
  #held: Uint8Array = NOTHING;

  /** @param isDialler Whether the magic comes first. */
  constructor(isDialler: boolean) {
    this.#left = isDialler ? MAGIC.length : 0;
  }

  /** Whether the beginning of a control frame is kept back. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** Takes note of bytes that pass as they are; nothing may be kept back. */
  follow(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at = this.#pass(bytes, at);
  }

  /** Takes bytes and gives what arrives of them and of those that were kept back. */
  split(bytes: Uint8Array, drawCopies: DrawCopies): Passed {
    const all = this.isHolding ? joined(this.#held, bytes) : bytes;
    this.#held = NOTHING;
    const pieces: Uint8Array[] = [];
    let hasOthers = false;
    let from = 0;
    let at = 0;
    while (at < all.length) {
      const end = this.#left > 0 || this.#lengthSeen > 0 ? 0 : controlEnd(all, at);
      if (end > all.length) break;
      if (end === 0) {
        hasOthers = true;
        at = this.#pass(all, at);
        continue;
      }
      const copies = drawCopies();
      if (copies !== 1) {
        addPiece(pieces, all, from, copies === 0 ? at : end);
        from = copies === 0 ? end : at;
      }
      at = end;
    }
    addPiece(pieces, all, from, at);
    if (at < all.length) this.#held = all.subarray(at);
    return { pieces, hasOthers };
  }

  /** Gives up what is kept back: nothing will follow. */
  flush(): Uint8Array {
    const held = this.#held;
    this.#held = NOTHING;
    return held;
  }

  /** Passes the rest of a frame, or one byte of the next one's length. */
  #pass(bytes: Uint8Array, at: number): number {
    if (this.#left > 0) {
      const taken = Math.min(this.#left, bytes.length - at);
      this.#left -= taken;
      return at + taken;
    }
    this.#length = this.#length * 256 + (bytes[at] as number); // the index is below the length
    if (++this.#lengthSeen === LENGTH_BYTES) {
      this.#left = this.#length;
      this.#lengthSeen = 0;
      this.#length = 0;
    }
    return at + 1;
  }
}

/** Where a control frame ends; 0 for another frame, Infinity when that is not to be seen yet. */
function controlEnd(bytes: Uint8Array, at: number): number {
  const kindAt = at + LENGTH_BYTES;
  if (kindAt >= bytes.length) return Infinity;
  if (bytes[kindAt] !== FrameKind.control) return 0;
  let length = 0;
  for (let index = at; index < kindAt; index++) length = length * 256 + (bytes[index] as number);
  return kindAt + length;
}

function addPiece(pieces: Uint8Array[], bytes: Uint8Array, from: number, end: number): void {
  if (end > from) pieces.push(bytes.subarray(from, end));
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
