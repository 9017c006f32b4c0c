/** Keys and proofs are those of the standards, as the runtimes' own cryptography makes them. */

import assert from "node:assert/strict";
import { createHmac, scryptSync } from "node:crypto";
import { seededRandom } from "../../../lib/random.ts";
import { drawNonce, makeFence, type Side } from "../../../lib/remote/fence.ts";
import { deriveKey, fenceOf, keyFence } from "../../../lib/remote/passphrase.ts";
import { test } from "../../harness.ts";

const HELLO = Uint8Array.of(1, 2, 3);
const ANSWER = Uint8Array.of(4, 5);
const OPENING = { hello: HELLO, answer: ANSWER };

test("deriveKey is scrypt with the name of the cluster as salt", () => {
  const cost = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 2 ** 20 };
  for (const [passphrase, cluster] of [["secret", "pulsing"], ["grün ☃", "größe"]] as const) {
    const expected = scryptSync(passphrase, `pulsing/${cluster}`, 32, cost);
    assert.equal(deriveKey(passphrase, cluster).toHex(), expected.toString("hex"));
  }
});

test("deriveKey takes texts that look the same for the same", () => {
  const [composed, decomposed] = ["gr\u00fcn", "gru\u0308n"];
  assert.notEqual(composed, decomposed);
  assert.deepEqual(deriveKey(composed, "a"), deriveKey(decomposed, "a"));
});

test("a proof is HMAC-SHA256 of the side and both frames", () => {
  const key = Uint8Array.from({ length: 32 }, (_, index) => index);
  for (const side of ["dialler", "listener"] satisfies Side[]) {
    const expected = createHmac("sha256", key)
      .update(`pulsing handshake, ${side}\0`).update(HELLO).update(ANSWER).digest("hex");
    assert.equal(keyFence(key).prove(side, OPENING).toHex(), expected);
  }
});

test("a proof is valid for its side, its frames, its passphrase and its cluster only", () => {
  const fence = fenceOf("secret", "pulsing");
  const proof = fence.prove("dialler", OPENING);
  assert.ok(fence.isProof(proof, "dialler", OPENING));
  assert.ok(fenceOf("secret", "pulsing").isProof(proof, "dialler", OPENING));
  assert.ok(!fence.isProof(proof, "listener", OPENING));
  assert.ok(!fence.isProof(proof, "dialler", { hello: ANSWER, answer: HELLO }));
  assert.ok(!fenceOf("Secret", "pulsing").isProof(proof, "dialler", OPENING));
  assert.ok(!fenceOf("secret", "other").isProof(proof, "dialler", OPENING));
  for (let index = 0; index < 32; index++) {
    const wrong = proof.slice();
    wrong[index]! ^= 0x80;
    assert.ok(!fence.isProof(wrong, "dialler", OPENING), `byte ${index}`);
  }
  for (const length of [0, 31]) {
    assert.ok(!fence.isProof(proof.subarray(0, length), "dialler", OPENING), `${length} bytes`);
  }
  assert.ok(!fence.isProof(Uint8Array.of(...proof, 0), "dialler", OPENING));
});

test("keys are forgotten, and derived again", () => {
  const proofs = ["a", "b", "c", "d", "e", "a"].map((passphrase) =>
    fenceOf(passphrase, "pulsing").prove("dialler", OPENING).toHex()
  );
  assert.equal(new Set(proofs).size, 5);
  assert.equal(proofs[0], proofs[5]);
});

test("makeFence gives the fence at once when the cryptography is loaded", async () => {
  const first = await makeFence("secret", "pulsing");
  const again = makeFence("secret", "pulsing");
  assert.ok(!(again instanceof Promise));
  assert.ok(again.isProof(first.prove("dialler", OPENING), "dialler", OPENING));
});

test("drawNonce draws 32 bytes, others each time, the same from the same seed", () => {
  const random = seededRandom(3);
  const [one, two] = [drawNonce(random), drawNonce(random)];
  assert.deepEqual([one.length, two.length], [32, 32]);
  assert.notDeepEqual(one, two);
  assert.deepEqual(drawNonce(seededRandom(3)), one);
});
