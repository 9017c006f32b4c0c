/** Hands files to the workers and puts their results together. */

import { readFile } from "node:fs/promises";
import * as pul from "../../mod.ts";
import type { Part } from "./indexer.ts";
import type { Progress } from "./progress.ts";
import { readPieces, type TextFile } from "./scan.ts";
import type { TermCount, WordIndex } from "./word_index.ts";
import type { Worker } from "./workers.ts";

const CALLS_PER_WORKER = 4;
const GROUP_BYTES = 262_144;
const GROUP_FILES = 64;

/** Files of one call: several small ones, or a single large one. */
type Job = readonly TextFile[];

/** What the work ended with. */
export interface Outcome {
  /** Files that turned out to be no text. */
  readonly notText: ReadonlySet<number>;
  /** Calls that were made again because their worker was lost. */
  readonly repeated: number;
}

/**
 * Indexes all files on the workers.
 *
 * A file counts when its whole result has arrived; the files of a lost worker are given to others.
 */
export async function indexOnWorkers(
  files: readonly TextFile[],
  workers: readonly Worker[],
  index: WordIndex,
  progress: Progress,
): Promise<Outcome> {
  const jobs = groupFiles(files);
  const notText = new Set<number>();
  let repeated = 0;
  let open = jobs.length;
  let wake: (() => void)[] = [];
  const changed = () => wake.splice(0).forEach((resolve) => resolve());

  const serve = async (worker: Worker): Promise<void> => {
    while (open > 0 && !worker.isLost) {
      const job = jobs.pop();
      if (job === undefined) {
        // Others are still at work; what they lose comes back here.
        await new Promise<void>((resolve) => wake = [...wake, resolve]);
        continue;
      }
      worker.inFlight++;
      try {
        for (const [file, terms] of await callWorker(worker, job, progress)) {
          if (terms === undefined) notText.add(file);
          else index.add(file, terms);
        }
        open--;
        progress.files += job.length;
        for (const file of job) progress.bytes += file.size;
      } catch (error) {
        if (!pul.isPulsingError(error) || !error.retryable) throw error;
        repeated++;
        jobs.push(job);
        worker.isLost = true;
      } finally {
        worker.inFlight--;
        changed();
      }
    }
  };
  const lanes = workers.flatMap((worker) =>
    Array.from({ length: CALLS_PER_WORKER }, () => serve(worker))
  );
  await Promise.all(lanes);
  if (open > 0) throw new Error(`${open} calls are left and no worker is`);
  return { notText, repeated };
}

/** Small files together, each large one by itself, the largest last and so handed out first. */
function groupFiles(files: readonly TextFile[]): Job[] {
  const jobs: TextFile[][] = [];
  let group: TextFile[] = [];
  let bytes = 0;
  for (const file of [...files].sort((a, b) => a.size - b.size)) {
    if (group.length > 0 && (bytes + file.size > GROUP_BYTES || group.length >= GROUP_FILES)) {
      jobs.push(group);
      group = [];
      bytes = 0;
    }
    group.push(file);
    bytes += file.size;
  }
  if (group.length > 0) jobs.push(group);
  return jobs;
}

async function callWorker(
  { indexer }: Worker,
  job: Job,
  progress: Progress,
): Promise<Map<number, TermCount[] | undefined>> {
  const results = new Map<number, TermCount[] | undefined>();
  const onPiece = (bytes: number) => progress.sent += bytes;
  for await (const part of await send(indexer, job, onPiece)) collect(results, part);
  return results;
}

async function send(
  indexer: Worker["indexer"],
  job: Job,
  onPiece: (bytes: number) => void,
): Promise<AsyncIterable<Part>> {
  const [first] = job;
  if (first !== undefined && first.size > GROUP_BYTES) {
    return indexer.indexLarge(first.id, readPieces(first.path, onPiece));
  }
  const contents = await Promise.all(job.map(async ({ id, path }) => {
    const bytes = await readFile(path);
    onPiece(bytes.length);
    return [id, new Uint8Array(bytes)] as const;
  }));
  return indexer.indexSmall(contents);
}

function collect(results: Map<number, TermCount[] | undefined>, { file, terms }: Part): void {
  const known = results.get(file);
  if (terms === undefined) results.set(file, undefined);
  else if (known === undefined) results.set(file, [...terms]);
  else known.push(...terms);
}
