/**
 * Words and their counts in one text, or in a part of it.
 *
 * @module
 */

import * as pul from "../../mod.ts";

/** A word and how often it occurs. */
export type Entry = readonly [term: string, count: number];

/**
 * Words and their counts as two columns.
 *
 * One string and one array cross the network in a fraction of the time that many pairs take.
 */
export interface Columns {
  /** The words, with spaces between. */
  readonly terms: string;
  /** How often each one occurs. */
  readonly counts: Uint32Array;
}

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

/** Puts counts into columns. */
export function columnsOf(entries: readonly Entry[]): Columns {
  return {
    terms: entries.map(([term]) => term).join(" "),
    counts: Uint32Array.from(entries, ([, count]) => count),
  };
}

/** Takes columns apart again. */
export function* entriesOf(batches: readonly Columns[]): Generator<Entry> {
  for (const { terms, counts } of batches) {
    if (counts.length === 0) continue;
    let at = 0;
    for (const term of terms.split(" ")) yield [term, counts[at++] ?? 0];
  }
}

/** Counts the words of one text that arrives as pieces of UTF-8, cut anywhere. */
export class WordCounter {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #carry = "";
  readonly #counts = new Map<string, number>();

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

  /** Counts what is left at the end of the text, and gives all counts. */
  end(): ReadonlyMap<string, number> {
    this.#count(this.#carry + this.#decode());
    this.#carry = "";
    return this.#counts;
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

function cut(word: string, length: number): string {
  if (word.length <= length) return word;
  const isPairCut = word.codePointAt(length - 1) !== word.charCodeAt(length - 1);
  return word.slice(0, isPairCut ? length - 1 : length);
}

function copyOf(term: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(term));
}
