/**
 * Words, their counts in one text, and the index of all of them.
 *
 * @module
 */

import * as pul from "../../mod.ts";

/** A word and how often it occurs. */
export type Entry = readonly [term: string, count: number];

const NOT_TEXT = "not-text";
const WORD = /[\p{L}\p{N}\p{M}_]+/gu;
const LAST_WORD = /[\p{L}\p{N}\p{M}_]+$/u;
const MAX_TERM_LENGTH = 128;
// Longer than a term, so that cutting the carry never changes the term it becomes.
const MAX_CARRY_LENGTH = 2 * MAX_TERM_LENGTH;
// V8 keeps the whole text alive behind a substring from this length on.
const SLICE_LENGTH = 13;

/** Says that a file cannot be indexed; the code survives the way from a worker. */
export function notText(why: string): Error {
  return new pul.PulsingBusinessError(NOT_TEXT, why);
}

/** Whether an error was made by {@link notText}, here or in a worker. */
export function isNotText(error: unknown): error is pul.PulsingBusinessError {
  return error instanceof pul.PulsingBusinessError && error.code === NOT_TEXT;
}

/** Counts the words of one text that arrives as pieces of UTF-8, cut anywhere. */
export class WordCounter {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #carry = "";
  #counts = new Map<string, number>();

  /** How many different words are counted and not taken yet. */
  get size(): number {
    return this.#counts.size;
  }

  /** Counts a piece; the word at its end waits for the next one. */
  add(bytes: Uint8Array): void {
    const text = this.#carry + this.#decode(bytes);
    this.#carry = LAST_WORD.exec(text.slice(-MAX_CARRY_LENGTH))?.[0] ?? "";
    if (this.#carry.length < MAX_CARRY_LENGTH - 1) {
      this.#count(text.slice(0, text.length - this.#carry.length));
    } else {
      this.#addLongWord(text);
    }
  }

  /** Counts what is left at the end of the text. */
  end(): void {
    this.#count(this.#carry + this.#decode());
    this.#carry = "";
  }

  /** Gives the counts so far and starts again from none. */
  take(): Map<string, number> {
    const counts = this.#counts;
    this.#counts = new Map();
    return counts;
  }

  /** The word at the end is longer than any term: only its beginning matters. */
  #addLongWord(text: string): void {
    const words = text.match(WORD) ?? [];
    const last = words.pop() ?? "";
    for (const word of words) this.#countWord(word);
    this.#carry = cut(last, MAX_CARRY_LENGTH);
  }

  #decode(bytes?: Uint8Array): string {
    try {
      return this.#decoder.decode(bytes, { stream: bytes !== undefined });
    } catch {
      throw notText("invalid UTF-8");
    }
  }

  #count(text: string): void {
    for (const word of text.match(WORD) ?? []) this.#countWord(word);
  }

  #countWord(word: string): void {
    const term = cut(word, MAX_TERM_LENGTH).toLowerCase();
    const count = this.#counts.get(term);
    if (count !== undefined) this.#counts.set(term, count + 1);
    else this.#counts.set(term.length < SLICE_LENGTH ? term : copyOf(term), 1);
  }
}

/** Which word occurs how often in which file. */
export class WordIndex {
  readonly #terms = new Map<string, Map<number, number>>();

  /** How many different words there are. */
  get size(): number {
    return this.#terms.size;
  }

  /** Takes in the whole result of one file. */
  add(file: number, counts: Iterable<Entry>): void {
    for (const [term, count] of counts) {
      const files = this.#terms.get(term);
      if (files === undefined) this.#terms.set(term, new Map([[file, count]]));
      else files.set(file, count);
    }
  }

  /** The words that occur most, most first; ties in alphabetical order. */
  top(howMany: number): readonly { term: string; count: number; files: number }[] {
    const totals = this.#terms.entries().map(([term, files]) => (
      { term, count: files.values().reduce((sum, count) => sum + count, 0), files: files.size }
    ));
    const order = [...totals].sort((a, b) => b.count - a.count || (a.term < b.term ? -1 : 1));
    return order.slice(0, howMany);
  }

  /** A word and file for which two indexes differ; files to ignore do not count. */
  differenceTo(other: WordIndex, ignored: ReadonlySet<number>): string | undefined {
    return this.#missingIn(other, ignored) ?? other.#missingIn(this, ignored);
  }

  #missingIn(other: WordIndex, ignored: ReadonlySet<number>): string | undefined {
    for (const [term, files] of this.#terms) {
      for (const [file, count] of files) {
        const there = other.#terms.get(term)?.get(file);
        if (there !== count && !ignored.has(file)) {
          return `"${term}" in file ${file}: ${count} and ${there ?? 0}`;
        }
      }
    }
    return undefined;
  }
}

function cut(word: string, length: number): string {
  if (word.length <= length) return word;
  const isPairCut = word.codePointAt(length - 1) !== word.charCodeAt(length - 1);
  return word.slice(0, isPairCut ? length - 1 : length);
}

function copyOf(term: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(term));
}
