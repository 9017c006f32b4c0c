/**
 * Memory for copies of large buffers on their way out, used again once they have left.
 *
 * @module
 */

import type { Limits } from "../limits.ts";

/** Bytes in front of a copy's payload, for the frames that leave in the same write. */
export const HEAD_ROOM = 512;

/** A part of a large message that leaves as one chunk. */
export interface Piece {
  /** {@link HEAD_ROOM} bytes to write into, then the payload. */
  readonly slab: Uint8Array;
  /** Bytes of the payload. */
  readonly length: number;
}

/**
 * Copies what is to be sent, so that its owner may go on writing to it.
 *
 * One pool per node: a copy of a megabyte into memory that was used before costs a third of one
 * into new memory and leaves nothing to collect; the echo of 1 MiB went from 0.70 to 0.80 of the
 * bare socket's (`bench/wire_bench.ts`).
 */
export class SlabPool {
  readonly #chunkBytes: number;
  readonly #maxSpare: number;
  readonly #spare: Uint8Array[] = [];

  constructor({ chunkBytes, maxSpareBytes }: Limits) {
    this.#chunkBytes = chunkBytes;
    this.#maxSpare = Math.floor(maxSpareBytes / chunkBytes);
  }

  /** Copies bytes into pieces of a chunk each. */
  copy(source: Uint8Array, pieces: Piece[]): void {
    for (let offset = 0; offset < source.length; offset += this.#chunkBytes) {
      const part = source.subarray(offset, offset + this.#chunkBytes);
      const slab = this.#take(part.length);
      slab.set(part, HEAD_ROOM);
      pieces.push({ slab, length: part.length });
    }
  }

  /** Takes a slab back that nobody reads any more. */
  giveBack(slab: Uint8Array): void {
    const isWhole = slab.length === HEAD_ROOM + this.#chunkBytes;
    if (isWhole && this.#spare.length < this.#maxSpare) this.#spare.push(slab);
  }

  #take(length: number): Uint8Array {
    // A small part in a large slab would waste memory for as long as it waits.
    if (length < this.#chunkBytes / 2) return new Uint8Array(HEAD_ROOM + length);
    return this.#spare.pop() ?? new Uint8Array(HEAD_ROOM + this.#chunkBytes);
  }
}
