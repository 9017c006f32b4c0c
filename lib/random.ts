/**
 * The only place that draws random numbers.
 *
 * Every other file gets a {@link Random} handed in; a seeded one makes a run repeatable.
 *
 * @module
 */

/** A source of random 32-bit numbers. */
export interface Random {
  /** The next number, an integer from 0 to 2³² − 1, uniformly distributed. */
  next(): number;
}

const POOL_WORDS = 1024;
/** Filled anew by each {@link randomId}, which uses it up before it returns. */
const idBytes: Uint8Array = new Uint8Array(16);
const idWords: DataView = new DataView(idBytes.buffer);

/** Random numbers from the machine's cryptographic source, drawn in blocks of 4 KiB. */
export const systemRandom: Random = createSystemRandom();

/**
 * Creates a repeatable source: equal seeds give equal sequences on every runtime.
 *
 * Not for secrets.
 *
 * @param seed Any integer; the low 32 bits count.
 * @returns A source of its own, independent of all others.
 */
export function seededRandom(seed: number): Random {
  // sfc32, its state filled by splitmix32; the first words are dropped to mix small seeds.
  const mix = splitmix32(seed);
  let a = mix(), b = mix(), c = mix(), counter = 1;
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum | 0;
    return sum >>> 0;
  };
  for (let index = 0; index < 12; index++) next();
  return { next };
}

/**
 * Draws 128 bits as 32 lower-case hex digits: the form of node and actor ids.
 *
 * By `toHex`, a third of the time of character codes on both runtimes: an id is half of what an
 * actor costs (`bench/local_bench.ts`, spawn and stop).
 */
export function randomId(random: Random): string {
  for (let offset = 0; offset < 16; offset += 4) idWords.setUint32(offset, random.next());
  return idBytes.toHex();
}

/** Draws an integer from 0 up to but excluding `below`. */
export function randomInteger(random: Random, below: number): number {
  return Math.floor(randomFraction(random) * below);
}

/** Draws a fraction from 0 up to but excluding 1. */
export function randomFraction(random: Random): number {
  return random.next() / 0x1_0000_0000;
}

/** Returns a shuffled copy (Fisher–Yates). */
export function shuffled<T>(random: Random, items: Iterable<T>): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = randomInteger(random, last + 1);
    const item = result[last] as T; // `last` and `other` are below the length
    result[last] = result[other] as T;
    result[other] = item;
  }
  return result;
}

function createSystemRandom(): Random {
  const pool = new Uint32Array(POOL_WORDS);
  let used = POOL_WORDS;
  return {
    next() {
      if (used === POOL_WORDS) {
        crypto.getRandomValues(pool);
        used = 0;
      }
      return pool[used++] as number; // `used` was below the pool's length
    },
  };
}

function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let word = state ^ (state >>> 16);
    word = Math.imul(word, 0x21f0aaad);
    word ^= word >>> 15;
    word = Math.imul(word, 0x735a2d97);
    return word ^ (word >>> 15);
  };
}
