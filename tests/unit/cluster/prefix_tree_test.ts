/** What texts begin with, within a bound. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { PrefixTree } from "../../../lib/cluster/prefix_tree.ts";
import { randomInteger, seededRandom } from "../../../lib/random.ts";
import { test } from "../../harness.ts";

/** Short texts of few characters, so that they share beginnings; some are halves of a pair. */
const text = fc.string({
  unit: fc.constantFrom("a", "b", "ab", "😀", "😁", "\ud83d", "\ude00"),
  maxLength: 8,
});
const texts = fc.array(text, { maxLength: 30 });

test("PrefixTree counts the characters that a remembered text begins with", () => {
  const tree = treeOf(1_000, "hello world", "help", "");
  const cases: Readonly<Record<string, number>> = {
    "hello world": 11,
    "hello world!": 11,
    "hello": 5,
    "helsinki": 3,
    "help me": 4,
    "": 0,
    "x": 0,
  };
  for (const [asked, expected] of Object.entries(cases)) {
    assert.equal(tree.match(asked), expected, asked);
  }
  assert.equal(tree.chars, "hello world".length + 1, "shared beginnings count once");
  assert.equal(tree.pieces, 3, "hel, lo world and p");
});

test("PrefixTree agrees with a list of texts", () => {
  fc.assert(fc.property(texts, text, (inserted, asked) => {
    const tree = treeOf(10_000, ...inserted);
    const shared = inserted.map((one) => sharedLength(one, asked));
    assert.equal(tree.match(asked), wholeLength(asked, Math.max(0, ...shared)));
    assert.equal(tree.chars, beginnings(inserted).size);
    assert.ok(tree.pieces <= Math.min(tree.chars, 2 * inserted.length));
  }));
});

test("PrefixTree holds no more than its bound and forgets what was unused for longest", () => {
  fc.assert(
    fc.property(texts, fc.integer({ min: 1, max: 40 }), (inserted, maxChars) => {
      const tree = new PrefixTree(maxChars);
      inserted.forEach((one, index) => {
        tree.insert(one);
        assert.ok(tree.chars <= maxChars && tree.pieces <= tree.chars);
        const kept = recent(inserted.slice(0, index + 1), maxChars);
        assert.ok(tree.chars >= beginnings(kept).size);
        for (const each of kept) assert.equal(tree.match(each), each.length);
      });
    }),
    { numRuns: 300 },
  );
});

test("PrefixTree keeps only the beginning of a text above the bound", () => {
  const tree = treeOf(10, "0123456789 and more");
  assert.equal(tree.match("0123456789 and more"), 10);
  assert.equal(tree.chars, 10);
  tree.insert("0123456789 and other things");
  assert.deepEqual([tree.chars, tree.pieces], [10, 1]);
});

test("PrefixTree looking up a text does not keep it from being forgotten", () => {
  const tree = treeOf(6, "aaa", "bbb");
  tree.match("aaa");
  tree.insert("ccc");
  assert.deepEqual(["aaa", "bbb", "ccc"].map((one) => tree.match(one)), [0, 3, 3]);
});

test("PrefixTree keeps a shared beginning as long as one of its texts", () => {
  const tree = treeOf(10, "prefix-a", "prefix-b", "prefix-a", "xy");
  assert.equal(tree.match("prefix-a"), 8);
  assert.equal(tree.match("prefix-b"), 7, "its end was unused for longest");
  assert.equal(tree.chars, 10);
});

test("PrefixTree never counts half of a surrogate pair", () => {
  const tree = treeOf(1_000, "a😀b");
  assert.equal(tree.match("a😁b"), 1);
  assert.equal(tree.match("a😀c"), 3);
  assert.equal(tree.match("a\ud83d"), 2, "a lone half is a character of its own");
  tree.insert("a😁b");
  tree.insert("a😂b");
  for (const one of ["a😀b", "a😁b", "a😂b"]) assert.equal(tree.match(one), 4);
  assert.equal(treeOf(2, "a😀b").match("a😀b"), 1, "the bound cuts through the pair");
});

test("PrefixTree keeps a text that grows as one piece", () => {
  const tree = new PrefixTree(100_000);
  const whole = "turn ".repeat(400);
  for (let length = 1; length <= whole.length; length++) tree.insert(whole.slice(0, length));
  assert.deepEqual([tree.chars, tree.pieces], [whole.length, 1]);
});

test("PrefixTree stays within its bound over 10 000 texts", () => {
  const random = seededRandom(11);
  const tree = new PrefixTree(5_000);
  for (let number = 0; number < 10_000; number++) {
    const one = `system ${randomInteger(random, 20)} 😀 `.repeat(3) + `question ${number}`;
    tree.insert(one);
    assert.equal(tree.match(one), one.length);
    assert.ok(tree.chars <= 5_000);
  }
  assert.ok(tree.chars > 4_900, "and uses it");
  assert.ok(tree.pieces < tree.chars);
});

test("PrefixTree fill is what it holds, and the bound once something had to go", () => {
  const tree = treeOf(10, "12345");
  assert.equal(tree.fill, 5);
  tree.insert("abcde");
  assert.equal(tree.fill, 10);
  tree.insert("x");
  assert.deepEqual([tree.chars, tree.fill], [6, 10]);
});

test("PrefixTree has room for deep trees", () => {
  const tree = new PrefixTree(100_000);
  for (let depth = 0; depth < 1_000; depth++) tree.insert("a".repeat(depth) + "b");
  assert.equal(tree.match("a".repeat(999) + "b"), 1_000);
  assert.equal(tree.chars, 999 + 1_000);
  tree.insert("c".repeat(100_000));
  assert.deepEqual([tree.chars, tree.pieces], [100_000, 1], "all of it gave way");
});

function treeOf(maxChars: number, ...inserted: string[]): PrefixTree {
  const tree = new PrefixTree(maxChars);
  for (const one of inserted) tree.insert(one);
  return tree;
}

/** Every beginning of the texts: as many as a tree without compression has nodes. */
function beginnings(some: readonly string[]): Set<string> {
  const all = some.flatMap((one) => Array.from(one.split(""), (_, at) => one.slice(0, at + 1)));
  return new Set(all);
}

/** The last texts that fit together. */
function recent(inserted: readonly string[], maxChars: number): readonly string[] {
  let from = inserted.length;
  while (from > 0 && beginnings(inserted.slice(from - 1)).size <= maxChars) from--;
  const kept = inserted.slice(from);
  return kept.filter((one) => wholeLength(one, one.length) === one.length);
}

function sharedLength(one: string, other: string): number {
  let length = 0;
  while (length < Math.min(one.length, other.length) && one[length] === other[length]) length++;
  return length;
}

/** The length, less one within a surrogate pair of the text. */
function wholeLength(one: string, length: number): number {
  const around = one.slice(Math.max(0, length - 1), length + 1);
  return length > 0 && /^[\ud800-\udbff][\udc00-\udfff]$/.test(around) ? length - 1 : length;
}
