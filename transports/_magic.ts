/**
 * Tells from the first bytes whether a node dials.
 *
 * @module
 */

import { MAGIC } from "../lib/wire/frame.ts";

/** What the first bytes say so far. */
export type FirstBytes = "node" | "other" | "unclear";

/** Compares what has arrived with the magic; too few matching bytes leave it unclear. */
export function judge(bytes: Uint8Array): FirstBytes {
  const length = Math.min(bytes.length, MAGIC.length);
  for (let index = 0; index < length; index++) {
    if (bytes[index] !== MAGIC[index]) return "other";
  }
  return length === MAGIC.length ? "node" : "unclear";
}

/** The head and the piece after it; without a head the piece itself, uncopied. */
export function join(head: Uint8Array | undefined, piece: Uint8Array): Uint8Array {
  if (head === undefined) return piece;
  const both = new Uint8Array(head.length + piece.length);
  both.set(head);
  both.set(piece, head.length);
  return both;
}
