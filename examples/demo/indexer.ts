/** The actor that every worker runs: counts the words of files that are streamed to it. */

import * as pul from "../../mod.ts";
import { countWords, type TermCount } from "./word_index.ts";

/** A part of a file's result: terms, or that the file is no text. */
export type Part = { readonly file: number; readonly terms: readonly TermCount[] | undefined };

const TERMS_PER_PART = 512;

class IndexerActor {
  /** Counts small files whose bytes are all there. */
  async *indexSmall(
    files: readonly (readonly [file: number, bytes: Uint8Array])[],
  ): AsyncGenerator<Part> {
    for (const [file, bytes] of files) yield* parts(file, await countWords([bytes]));
  }

  /** Counts one file whose bytes are streamed. */
  async *indexLarge(file: number, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Part> {
    yield* parts(file, await countWords(pieces));
  }
}

/** The indexer as an actor class. */
export const Indexer: pul.RemoteClass<typeof IndexerActor> = pul.remote(IndexerActor, {
  name: "Indexer",
});

function* parts(file: number, counts: Map<string, number> | undefined): Generator<Part> {
  if (counts === undefined) return yield { file, terms: undefined };
  let terms: TermCount[] = [];
  for (const entry of counts) {
    if (terms.push(entry) < TERMS_PER_PART) continue;
    yield { file, terms };
    terms = [];
  }
  yield { file, terms };
}
