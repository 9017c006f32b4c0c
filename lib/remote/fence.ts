/**
 * The fence around a cluster: who does not know its passphrase is linked to nobody in it.
 *
 * Both sides prove in the handshake that they know it. A proof covers the first frame of either
 * side to the last byte, and with it a number that each of them drew for this one handshake: no
 * proof can be used again, changed, or sent back.
 *
 * @module
 */

import type { Random } from "../random.ts";

/** Bytes of the number that a side draws for one handshake. */
export const NONCE_BYTES = 32;

/** Who proves; a proof of one side is none of the other. */
export type Side = "dialler" | "listener";

/** What both sides have said before they prove anything: two whole frames. */
export interface Opening {
  /** The dialler's `hello`. */
  readonly hello: Uint8Array;
  /** What the listener has answered. */
  readonly answer: Uint8Array;
}

/** Knows the passphrase of the cluster, and tells nobody. */
export interface Fence {
  /** Proves that this node knows the passphrase, in this one handshake. */
  prove(side: Side, opening: Opening): Uint8Array;
  /** Whether the other node has proven it; takes as long for a wrong proof as for a right one. */
  isProof(proof: Uint8Array, side: Side, opening: Opening): boolean;
}

type Cryptography = typeof import("./passphrase.ts");

let loaded: Cryptography | undefined;

/** Loads what {@link makeFence} computes with: only nodes with a passphrase need it. */
export async function loadFences(): Promise<Cryptography> {
  return loaded ??= await import("./passphrase.ts");
}

/**
 * Makes the fence of a passphrase; the first time for a passphrase it computes for about 0.1 s.
 *
 * @returns The fence itself once {@link loadFences} is done, so that a simulated node starts
 * without waiting for the world.
 */
export function makeFence(passphrase: string, cluster: string): Fence | Promise<Fence> {
  if (loaded !== undefined) return loaded.fenceOf(passphrase, cluster);
  return loadFences().then(({ fenceOf }) => fenceOf(passphrase, cluster));
}

/** Draws the number that makes a handshake this one. */
export function drawNonce(random: Random): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  const words = new DataView(nonce.buffer);
  for (let offset = 0; offset < NONCE_BYTES; offset += 4) words.setUint32(offset, random.next());
  return nonce;
}
