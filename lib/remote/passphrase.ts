/**
 * The cryptography of the fence: passphrase to key, key to proof. Loaded only with a passphrase.
 *
 * ```text
 * key   = scrypt(passphrase in NFC, "pulsing/" cluster, N = 2^15, r = 8, p = 1)       32 bytes
 * proof = HMAC-SHA256(key, "pulsing handshake, " side 00 hello answer)                32 bytes
 * ```
 *
 * By `@noble/hashes`, which runs everywhere and at once: a key takes 0.11 s, with the scrypt of
 * Deno 0.10 s and of Bun 0.05 s. A guess costs an attacker as much, and 32 MiB of memory.
 *
 * @module
 */

import { hmac } from "@noble/hashes/hmac.js";
import { scrypt } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { Fence, Opening, Side } from "./fence.ts";

const COST = { N: 2 ** 15, r: 8, p: 1, dkLen: 32 };

/** Keys that are kept, so that the systems of one process, as in a simulation, derive one once. */
const MAX_KEYS = 4;

const keys = new Map<string, Uint8Array>();
const utf8 = new TextEncoder();

/** The fence of a passphrase. */
export function fenceOf(passphrase: string, cluster: string): Fence {
  return keyFence(keyOf(passphrase, cluster));
}

/** The fence of a key. */
export function keyFence(key: Uint8Array): Fence {
  const prove = (side: Side, { hello, answer }: Opening) =>
    hmac.create(sha256, key)
      .update(utf8.encode(`pulsing handshake, ${side}\0`))
      .update(hello)
      .update(answer)
      .digest();
  const isProof = (proof: Uint8Array, side: Side, opening: Opening) =>
    isEqual(proof, prove(side, opening));
  return { prove, isProof };
}

/** Derives the key; a text that looks the same gives the same key, however it was typed. */
export function deriveKey(passphrase: string, cluster: string): Uint8Array {
  const [secret, salt] = [passphrase.normalize("NFC"), `pulsing/${cluster}`];
  return scrypt(utf8.encode(secret), utf8.encode(salt), COST);
}

function keyOf(passphrase: string, cluster: string): Uint8Array {
  const name = JSON.stringify([passphrase, cluster]);
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = deriveKey(passphrase, cluster);
  const [oldest] = keys.keys();
  if (oldest !== undefined && keys.size === MAX_KEYS) keys.delete(oldest);
  keys.set(name, key);
  return key;
}

/** Looks at every byte, so that the time it takes does not tell where the first difference is. */
function isEqual(one: Uint8Array, other: Uint8Array): boolean {
  let differences = one.length ^ other.length;
  for (const [index, byte] of other.entries()) differences |= byte ^ (one[index] ?? 0);
  return differences === 0;
}
