/**
 * The actor that counts words, and the process it lives in.
 *
 * Run as a program it joins the cluster of the coordinator: `worker.ts <name> <seed>`.
 *
 * @module
 */

import process from "node:process";
import * as pul from "../../mod.ts";
import { type Columns, columnsOf, isNotText, WordCounter } from "./word_counter.ts";

/** A small file: its number and its bytes. */
export type SmallFile = readonly [file: number, bytes: Uint8Array];

/** The whole result of a small file, or why it is left out. */
export type SmallResult = readonly [file: number, counts: Columns | string];

const BATCH_ENTRIES = 4_096;

class IndexerActor {
  /** The process to kill; under a launcher it is not the one that was started. */
  pid(): number {
    return process.pid;
  }

  /** Counts one part of a large file; the counts come in batches. */
  async *countPart(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Columns> {
    const counter = new WordCounter();
    for await (const piece of pieces) counter.add(piece);
    yield* inBatches(counter.end());
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

function countOf(bytes: Uint8Array): Columns | string {
  try {
    const counter = new WordCounter();
    counter.add(bytes);
    return columnsOf([...counter.end()]);
  } catch (error) {
    if (isNotText(error)) return error.message;
    throw error;
  }
}

function* inBatches(counts: ReadonlyMap<string, number>): Generator<Columns> {
  const entries = [...counts];
  for (let at = 0; at < entries.length; at += BATCH_ENTRIES) {
    yield columnsOf(entries.slice(at, at + BATCH_ENTRIES));
  }
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
