/**
 * What a worker is given in one call, and what it brings.
 *
 * @module
 */

import { type FilePart, partsOf, wholeFile } from "./parts.ts";
import { orSkip, readPieces, readSmall, skipReason, SMALL_FILE_BYTES } from "./scan.ts";
import type { Skipped, SourceFile } from "./scan.ts";
import { type Columns, entriesOf, type Entry } from "./word_counter.ts";
import type { SmallFile } from "./worker.ts";
import type { WorkerProcess } from "./workers.ts";

/** One part of a large file, or several small files. */
export type Job = readonly FilePart[];

/** What a job brings, taken over only when all of it has arrived. */
export type JobResult = readonly (readonly [part: FilePart, counts: Iterable<Entry> | string])[];

const BATCH_FILES = 256;

/** Cuts large files into parts and puts small ones together; large ones come first. */
export async function jobsOf(files: readonly SourceFile[], skipped: Skipped): Promise<Job[]> {
  const jobs: Job[] = [];
  const small: SourceFile[] = [];
  for (const file of files) {
    if (file.bytes <= SMALL_FILE_BYTES) small.push(file);
    else {for (const part of await orSkip(file.path, skipped, () => partsOf(file)) ?? []) {
        jobs.push([part]);
      }}
  }
  return [...jobs, ...batchesOf(small)];
}

function* batchesOf(files: readonly SourceFile[]): Generator<Job> {
  let batch: FilePart[] = [];
  let bytes = 0;
  for (const file of files) {
    if (bytes + file.bytes > SMALL_FILE_BYTES || batch.length === BATCH_FILES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(wholeFile(file));
    bytes += file.bytes;
  }
  if (batch.length > 0) yield batch;
}

/**
 * Has a worker do a job.
 *
 * @param sent Called with the bytes that go to the worker, as they go.
 * @returns The result, once all of it has arrived.
 */
export function resultOf(
  job: Job,
  worker: WorkerProcess,
  sent: (bytes: number) => void,
): Promise<JobResult> {
  const [first] = job;
  const isLarge = first !== undefined && first.file.bytes > SMALL_FILE_BYTES;
  return isLarge ? resultOfLarge(first, worker, sent) : resultOfSmall(job, worker, sent);
}

async function resultOfLarge(
  part: FilePart,
  { indexer }: WorkerProcess,
  sent: (bytes: number) => void,
): Promise<JobResult> {
  const batches: Columns[] = [];
  let readError: unknown;
  async function* pieces() {
    try {
      for await (const piece of readPieces(part.file, part)) {
        sent(piece.length);
        yield piece;
      }
    } catch (error) {
      readError = error;
      throw error;
    }
  }
  try {
    for await (const batch of indexer.countPart(pieces())) batches.push(batch);
  } catch (error) {
    const reason = skipReason(readError ?? error);
    if (reason === undefined) throw error;
    return [[part, reason]];
  }
  return [[part, entriesOf(batches)]];
}

async function resultOfSmall(
  job: Job,
  { indexer }: WorkerProcess,
  sent: (bytes: number) => void,
): Promise<JobResult> {
  const result: [FilePart, Iterable<Entry> | string][] = [];
  const batch: SmallFile[] = [];
  for (const [number, part] of job.entries()) {
    try {
      const bytes = await readSmall(part.file);
      sent(bytes.length);
      batch.push([number, bytes]);
    } catch (error) {
      const reason = skipReason(error);
      if (reason === undefined) throw error;
      result.push([part, reason]);
    }
  }
  if (batch.length === 0) return result;
  for await (const [number, counts] of indexer.countSmall(batch)) {
    const file = job[number];
    if (file !== undefined) {
      result.push([file, typeof counts === "string" ? counts : entriesOf([counts])]);
    }
  }
  if (result.length !== job.length) throw new Error("Cannot use a result: files are missing");
  return result;
}
