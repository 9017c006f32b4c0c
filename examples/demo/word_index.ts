/**
 * The index of all words.
 *
 * @module
 */

import type { Entry } from "./word_counter.ts";

/** Which word occurs how often in which file. */
export class WordIndex {
  // For each word a file, its count, the next file and so on: a map here takes three times as long.
  readonly #terms = new Map<string, number[]>();

  /** How many different words there are. */
  get size(): number {
    return this.#terms.size;
  }

  /** Takes in the whole result of one file; each file comes once. */
  add(file: number, counts: Iterable<Entry>): void {
    for (const [term, count] of counts) {
      const pairs = this.#terms.get(term);
      if (pairs === undefined) this.#terms.set(term, [file, count]);
      else pairs.push(file, count);
    }
  }

  /** The words that occur most, most first; ties in alphabetical order. */
  top(howMany: number): readonly { term: string; count: number; files: number }[] {
    const totals = Array.from(this.#terms, ([term, pairs]) => (
      { term, count: sumOfCounts(pairs), files: pairs.length / 2 }
    ));
    totals.sort((a, b) => b.count - a.count || (a.term < b.term ? -1 : 1));
    return totals.slice(0, howMany);
  }

  /** A word and file for which two indexes differ; files to ignore do not count. */
  differenceTo(other: WordIndex, ignored: ReadonlySet<number>): string | undefined {
    return this.#missingIn(other, ignored) ?? other.#missingIn(this, ignored);
  }

  #missingIn(other: WordIndex, ignored: ReadonlySet<number>): string | undefined {
    for (const [term, pairs] of this.#terms) {
      const there = mapOf(other.#terms.get(term) ?? []);
      for (const [file, count] of mapOf(pairs)) {
        if (there.get(file) !== count && !ignored.has(file)) {
          return `"${term}" in file ${file}: ${count} and ${there.get(file) ?? 0}`;
        }
      }
    }
    return undefined;
  }
}

function sumOfCounts(pairs: readonly number[]): number {
  return pairs.reduce((sum, value, at) => at % 2 === 1 ? sum + value : sum, 0);
}

function mapOf(pairs: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (let at = 0; at < pairs.length; at += 2) counts.set(pairs[at] ?? 0, pairs[at + 1] ?? 0);
  return counts;
}
