/** The ring of envelopes behind every actor. */

import assert from "node:assert/strict";
import { Envelope } from "../../../lib/actor/envelope.ts";
import { Mailbox } from "../../../lib/actor/mailbox.ts";
import { seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";

function numbered(n: number, accepted: unknown[] = []): Envelope {
  const envelope = new Envelope(undefined, n);
  envelope.whenAccepted((refusal) => accepted.push(refusal ?? n));
  return envelope;
}

function payloads(envelopes: readonly (Envelope | undefined)[]): unknown[] {
  return envelopes.map((envelope) => envelope?.payload);
}

test("Mailbox gives envelopes back in their order, and nothing when it is empty", () => {
  const mailbox = new Mailbox(4, 0);
  for (let n = 0; n < 4; n++) assert.ok(mailbox.push(numbered(n)));
  assert.deepEqual([mailbox.length, mailbox.isFull], [4, true]);
  const taken = Array.from({ length: 5 }, () => mailbox.shift());
  assert.deepEqual(payloads(taken), [0, 1, 2, 3, undefined]);
  assert.deepEqual([mailbox.length, mailbox.isFull], [0, false]);
});

for (const overflow of ["reject", "drop-oldest"] as const) {
  test(`Mailbox has no places for waiting senders with overflow "${overflow}"`, () => {
    const mailbox = new Mailbox(2, 100, overflow);
    assert.deepEqual([0, 1, 2].map((n) => mailbox.push(numbered(n))), [true, true, false]);
    assert.equal(mailbox.length, 2);
  });
}

test("Mailbox tells waiting senders in their order as places become free", () => {
  const accepted: unknown[] = [];
  const mailbox = new Mailbox(2, 3);
  const pushed = Array.from({ length: 6 }, (_, n) => mailbox.push(numbered(n, accepted)));
  assert.deepEqual(pushed, [true, true, true, true, true, false]);
  assert.deepEqual(accepted, []);
  mailbox.shift();
  assert.deepEqual(accepted, [2]);
  mailbox.shift();
  mailbox.shift();
  assert.deepEqual(accepted, [2, 3, 4]);
  mailbox.shift();
  mailbox.shift();
  assert.deepEqual([accepted, mailbox.length], [[2, 3, 4], 0]);
});

test("Mailbox of one place holds one, and its waiting senders behind it", () => {
  const accepted: unknown[] = [];
  const mailbox = new Mailbox(1, 1);
  assert.ok(mailbox.push(numbered(0, accepted)) && mailbox.push(numbered(1, accepted)));
  assert.equal(mailbox.push(numbered(2, accepted)), false);
  assert.deepEqual(payloads([mailbox.shift(), mailbox.shift()]), [0, 1]);
  assert.deepEqual(accepted, [1]);
});

test("Mailbox that is drained tells nobody that it is in, and can be used again", () => {
  const accepted: unknown[] = [];
  const mailbox = new Mailbox(2, 8);
  for (let n = 0; n < 3; n++) mailbox.push(numbered(n));
  mailbox.shift();
  for (let n = 3; n < 8; n++) mailbox.push(numbered(n, accepted));
  assert.deepEqual(payloads(mailbox.drain()), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual([accepted, mailbox.length, mailbox.drain()], [[], 0, []]);
  mailbox.push(numbered(8));
  assert.equal(mailbox.shift()?.payload, 8);
});

test("Mailbox keeps the order of any mix of pushes and shifts, beyond every size of its ring", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = seededRandom(seed);
    const mailbox = new Mailbox(1 + random.next() % 40, random.next() % 40);
    const model: number[] = [];
    for (let n = 0; n < 2_000; n++) {
      if (random.next() % 5 < 3) {
        if (mailbox.push(numbered(n))) model.push(n);
      } else {
        assert.equal(mailbox.shift()?.payload, model.shift(), `seed ${seed}`);
      }
      assert.equal(mailbox.length, model.length, `seed ${seed}`);
    }
    assert.deepEqual(payloads(mailbox.drain()), model, `seed ${seed}`);
  }
});
