/** Readers of dead letters: what they get, what they lose, how they end. */

import assert from "node:assert/strict";
import { type DeadLetter, DeadLetters } from "../../../lib/actor/dead_letters.ts";
import { test } from "../../harness.ts";

function letter(n: number): () => DeadLetter {
  return () => ({ actor: "actors/a", actorId: "0", payload: n, reason: "actor-stopped" });
}

function fill(letters: DeadLetters, from: number, to: number): void {
  for (let n = from; n < to; n++) letters.add(letter(n));
}

async function rest(reader: AsyncIterator<DeadLetter, undefined>): Promise<unknown[]> {
  const payloads: unknown[] = [];
  for (let one = await reader.next(); !one.done; one = await reader.next()) {
    payloads.push(one.value.payload);
  }
  return payloads;
}

test("DeadLetters counts without a reader, and makes no letter then", () => {
  const letters = new DeadLetters(4);
  letters.add(() => {
    throw new Error("nobody reads it");
  });
  assert.equal(letters.count, 1);
});

test("DeadLetters gives each of several readers all letters from its begin on", async () => {
  const letters = new DeadLetters(100);
  fill(letters, 0, 2);
  const one = letters[Symbol.asyncIterator]();
  fill(letters, 2, 4);
  const two = letters[Symbol.asyncIterator]();
  fill(letters, 4, 6);
  letters.close();
  assert.deepEqual([await rest(one), await rest(two)], [[2, 3, 4, 5], [4, 5]]);
  assert.equal(letters.count, 6);
});

test("DeadLetters lets a slow reader lose the oldest beyond the capacity, and no other", async () => {
  const letters = new DeadLetters(3);
  const slow = letters[Symbol.asyncIterator]();
  const quick = letters[Symbol.asyncIterator]();
  const read: unknown[] = [];
  for (let n = 0; n < 10; n++) {
    letters.add(letter(n));
    read.push((await quick.next()).value?.payload);
  }
  letters.close();
  assert.deepEqual(await rest(slow), [7, 8, 9]);
  assert.deepEqual(read, [...Array(10).keys()]);
  assert.equal(letters.count, 10);
});

test("DeadLetters answers several waiting nexts of one reader in their order", async () => {
  const letters = new DeadLetters(3);
  const reader = letters[Symbol.asyncIterator]();
  const nexts = [reader.next(), reader.next(), reader.next()];
  fill(letters, 0, 2);
  letters.close();
  const results = await Promise.all(nexts);
  assert.deepEqual(results.map(({ done, value }) => done ? "end" : value.payload), [0, 1, "end"]);
});

test("DeadLetters that are closed end every reader, a later one at once", async () => {
  const letters = new DeadLetters(3);
  const reader = letters[Symbol.asyncIterator]();
  fill(letters, 0, 2);
  letters.close();
  letters.close();
  fill(letters, 2, 3);
  assert.deepEqual(await rest(reader), [0, 1]);
  assert.deepEqual(await rest(letters[Symbol.asyncIterator]()), []);
  assert.equal(letters.count, 3);
});

test("DeadLetters reader that leaves ends its waiting next and keeps nothing", async () => {
  const letters = new DeadLetters(3);
  const reader = letters[Symbol.asyncIterator]();
  const waiting = reader.next();
  assert.deepEqual(await reader.return?.(), { done: true, value: undefined });
  assert.deepEqual(await waiting, { done: true, value: undefined });
  letters.add(() => {
    throw new Error("nobody reads it any more");
  });
  assert.deepEqual(await rest(reader), []);
});
