/**
 * The actor that counts words, and the process it lives in.
 *
 * Run as a program it joins the cluster of the coordinator: `worker.ts <name> <seed>`.
 *
 * @module
 */

import process from "node:process";
import * as pul from "../../mod.ts";
import { type Entry, isNotText, WordCounter } from "./word_index.ts";

/** A small file: its number and its bytes. */
export type SmallFile = readonly [file: number, bytes: Uint8Array];

/** The whole result of a small file, or why it is left out. */
export type SmallResult = readonly [file: number, counts: readonly Entry[] | string];

const BATCH_ENTRIES = 512;
// Above, a large file's counts leave as partial ones, so that memory stays flat here.
const MAX_DISTINCT_TERMS = 20_000;

class IndexerActor {
  /** The process to kill; under a launcher it is not the one that was started. */
  pid(): number {
    return process.pid;
  }

  /** Counts one large file; the same word may come again in a later batch. */
  async *countFile(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<readonly Entry[]> {
    const counter = new WordCounter();
    for await (const piece of pieces) {
      counter.add(piece);
      if (counter.size >= MAX_DISTINCT_TERMS) yield* inBatches(counter.take());
    }
    counter.end();
    yield* inBatches(counter.take());
  }

  /** Counts several small files, one item for each. */
  async *countSmall(files: readonly SmallFile[]): AsyncGenerator<SmallResult> {
    for (const [file, bytes] of files) yield [file, countOf(bytes)];
  }
}

/** The actor class of the workers. */
export const Indexer: pul.RemoteClass<typeof IndexerActor> = pul.remote(IndexerActor);

/** A worker's actor as the coordinator sees it. */
export type IndexerProxy = pul.ActorProxy<IndexerActor>;

function countOf(bytes: Uint8Array): readonly Entry[] | string {
  try {
    const counter = new WordCounter();
    counter.add(bytes);
    counter.end();
    return [...counter.take()];
  } catch (error) {
    if (isNotText(error)) return error.message;
    throw error;
  }
}

function* inBatches(counts: ReadonlyMap<string, number>): Generator<readonly Entry[]> {
  let batch: Entry[] = [];
  for (const entry of counts) {
    batch.push(entry);
    if (batch.length < BATCH_ENTRIES) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

async function main([name = "", seed = ""]: readonly string[]): Promise<void> {
  // The pipe ends with the coordinator, however that one ended.
  process.stdin.on("end", () => process.exit(0)).on("error", () => process.exit(0)).resume();
  const system = await pul.actorSystem({
    addr: "127.0.0.1:0",
    seeds: [seed],
    logger: pul.silentLogger, // a lost neighbour is no news here
  });
  await Indexer.spawn({ system, name });
}

if (import.meta.main) await main(process.argv.slice(2));
