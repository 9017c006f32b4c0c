/**
 * MurmurHash64A: fast, spreads well, the same on every machine; not for secrets.
 *
 * @module
 */

/** An unsigned 64-bit number in two halves: several times as fast as a bigint. */
export interface Hash64 {
  /** The upper 32 bits, unsigned. */
  readonly high: number;
  /** The lower 32 bits, unsigned. */
  readonly low: number;
}

/** The multiplier of the algorithm, 0xc6a4a793_5bd1e995. */
const FACTOR: Hash64 = { high: 0xc6a4a793, low: 0x5bd1e995 };
const BLOCK_BYTES = 8;

/**
 * Hashes bytes, read as little-endian whatever the machine is.
 *
 * @param seed An unsigned 32-bit number.
 */
export function murmurHash64A(bytes: Uint8Array, seed: number): Hash64 {
  let hash = xor({ high: 0, low: seed }, scaled({ high: 0, low: bytes.length }));
  const tail = bytes.length - bytes.length % BLOCK_BYTES;
  for (let at = 0; at < tail; at += BLOCK_BYTES) {
    hash = scaled(xor(hash, scaled(folded(scaled(blockAt(bytes, at))))));
  }
  if (tail < bytes.length) hash = scaled(xor(hash, blockAt(bytes, tail)));
  return folded(scaled(folded(hash)));
}

/** Orders hashes as the numbers they are. */
export function compareHashes(one: Hash64, other: Hash64): number {
  return one.high - other.high || one.low - other.low;
}

/** Eight bytes; what is behind the end is 0. */
function blockAt(bytes: Uint8Array, at: number): Hash64 {
  return { high: wordAt(bytes, at + 4), low: wordAt(bytes, at) };
}

function wordAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0] = [bytes[at], bytes[at + 1]];
  const [c = 0, d = 0] = [bytes[at + 2], bytes[at + 3]];
  return (a | b << 8 | c << 16 | d << 24) >>> 0;
}

function xor(one: Hash64, other: Hash64): Hash64 {
  return { high: (one.high ^ other.high) >>> 0, low: (one.low ^ other.low) >>> 0 };
}

/** `value ^ (value >>> 47)` */
function folded({ high, low }: Hash64): Hash64 {
  return { high, low: (low ^ high >>> 15) >>> 0 };
}

/** `value * FACTOR`, of which the lower 64 bits are kept; products of 16 bits stay exact. */
function scaled({ high, low }: Hash64): Hash64 {
  const [a1, a0] = [low >>> 16, low & 0xffff];
  const [b1, b0] = [FACTOR.low >>> 16, FACTOR.low & 0xffff];
  const bottom = a0 * b0;
  const middle = a0 * b1 + a1 * b0 + (bottom >>> 16);
  const carried = a1 * b1 + Math.floor(middle / 0x1_0000);
  return {
    high: (carried + Math.imul(high, FACTOR.low) + Math.imul(low, FACTOR.high)) >>> 0,
    low: (middle << 16 | bottom & 0xffff) >>> 0,
  };
}
