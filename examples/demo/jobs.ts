/**
 * What a worker is given in one call, and what it brings.
 *
 * @module
 */

import { readPieces, readSmall, skipReason, SMALL_FILE_BYTES, type SourceFile } from "./scan.ts";
import type { Entry } from "./word_index.ts";
import type { SmallFile } from "./worker.ts";
import type { WorkerProcess } from "./workers.ts";

/** One large file, or several small ones. */
export type Job = readonly SourceFile[];

/** What a job brings, taken over only when all of it has arrived. */
export type JobResult = readonly (readonly [file: SourceFile, counts: Iterable<Entry> | string])[];

/** Puts small files together and leaves each large one alone. */
export function jobsOf(files: readonly SourceFile[]): Job[] {
  const jobs: Job[] = [];
  let batch: SourceFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (file.bytes > SMALL_FILE_BYTES) jobs.push([file]);
    else {
      if (bytes + file.bytes > SMALL_FILE_BYTES) {
        jobs.push(batch);
        batch = [];
        bytes = 0;
      }
      batch.push(file);
      bytes += file.bytes;
    }
  }
  if (batch.length > 0) jobs.push(batch);
  return jobs;
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
  const isLarge = first !== undefined && first.bytes > SMALL_FILE_BYTES;
  return isLarge ? resultOfLarge(first, worker, sent) : resultOfSmall(job, worker, sent);
}

async function resultOfLarge(
  file: SourceFile,
  { indexer }: WorkerProcess,
  sent: (bytes: number) => void,
): Promise<JobResult> {
  const counts = new Map<string, number>();
  let readError: unknown;
  async function* pieces() {
    try {
      for await (const piece of readPieces(file)) {
        sent(piece.length);
        yield piece;
      }
    } catch (error) {
      readError = error;
      throw error;
    }
  }
  try {
    for await (const batch of indexer.countFile(pieces())) {
      for (const [term, count] of batch) counts.set(term, (counts.get(term) ?? 0) + count);
    }
  } catch (error) {
    const reason = skipReason(readError ?? error);
    if (reason === undefined) throw error;
    return [[file, reason]];
  }
  return [[file, counts]];
}

async function resultOfSmall(
  job: Job,
  { indexer }: WorkerProcess,
  sent: (bytes: number) => void,
): Promise<JobResult> {
  const result: [SourceFile, Iterable<Entry> | string][] = [];
  const batch: SmallFile[] = [];
  for (const [number, file] of job.entries()) {
    try {
      const bytes = await readSmall(file);
      sent(bytes.length);
      batch.push([number, bytes]);
    } catch (error) {
      const reason = skipReason(error);
      if (reason === undefined) throw error;
      result.push([file, reason]);
    }
  }
  if (batch.length === 0) return result;
  for await (const [number, counts] of indexer.countSmall(batch)) {
    const file = job[number];
    if (file !== undefined) result.push([file, counts]);
  }
  if (result.length !== job.length) throw new Error("Cannot use a result: files are missing");
  return result;
}
