/**
 * Keeps the frames of a connection for tests to look at.
 *
 * @module
 */

import { FrameKind, type FrameSink } from "../lib/wire/frame.ts";

/** A frame that arrived. */
export interface CollectedFrame {
  readonly kind: number;
  readonly payload: Uint8Array;
}

/** Collects whole frames; chunks that arrive in parts are put together. */
export class FrameCollector implements FrameSink {
  readonly frames: CollectedFrame[] = [];
  #parts: number[] = [];

  onFrame(kind: number, bytes: Uint8Array, start: number, end: number): void {
    this.frames.push({ kind, payload: bytes.slice(start, end) });
  }

  onChunkPart(bytes: Uint8Array, start: number, end: number, left: number): void {
    for (const byte of bytes.subarray(start, end)) this.#parts.push(byte);
    if (left > 0) return;
    this.frames.push({ kind: FrameKind.chunk, payload: Uint8Array.from(this.#parts) });
    this.#parts = [];
  }

  /** The frames as lists of numbers, the kind first. */
  lists(): number[][] {
    return this.frames.map(({ kind, payload }) => [kind, ...payload]);
  }
}
