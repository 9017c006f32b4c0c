/**
 * Work for the workers: handed out with a bound, and handed out again when a worker is lost.
 *
 * @module
 */

import * as pul from "../../mod.ts";
import { type Job, type JobResult, jobsOf, resultOf } from "./jobs.ts";
import { FileResults } from "./parts.ts";
import type { Skipped, SourceFile } from "./scan.ts";
import { WordIndex } from "./word_index.ts";
import type { WorkerProcess } from "./workers.ts";

// One is counted while the next ones are read and sent; more only makes the last ones late.
const JOBS_PER_WORKER = 3;
const LOSSES: ReadonlySet<string> = new Set<pul.ErrorKind>([
  "node-lost",
  "node-unreachable",
  "no-instance",
  "call-interrupted",
  "node-not-found",
  "actor-stopped",
  "actor-not-found",
  "stream-closed",
  "shutdown",
]);

/** What others want to know while it goes on. */
export interface DispatchEvents {
  /** Bytes were handed to a worker. */
  sent(): void;
  /** A worker is lost; its jobs go to the others. */
  lost(worker: WorkerProcess, error: pul.PulsingError): void;
}

/** Counts files on the workers. */
export class Dispatch {
  /** What the files whose whole result arrived contain. */
  readonly index: WordIndex = new WordIndex();
  /** Files that are done. */
  doneFiles = 0;
  /** Bytes of the files that are done. */
  doneBytes = 0;
  /** How many jobs were taken from a lost worker and given to another one. */
  redone = 0;
  readonly #skipped: Skipped;
  readonly #events: DispatchEvents;
  readonly #files: readonly SourceFile[];
  readonly #results = new FileResults();
  #jobs: Job[] = [];
  #running = 0;
  #settled: PromiseWithResolvers<void> = Promise.withResolvers();

  /**
   * @param files What to count.
   * @param skipped Gets the files that are left out.
   * @param events Told while it goes on.
   */
  constructor(files: readonly SourceFile[], skipped: Skipped, events: DispatchEvents) {
    this.#skipped = skipped;
    this.#events = events;
    this.#files = files;
  }

  /**
   * Has everything counted.
   *
   * @throws {Error} Every worker is lost, or one failed in a way that another would repeat.
   */
  async run(workers: readonly WorkerProcess[]): Promise<void> {
    this.#jobs = (await jobsOf(this.#files, this.#skipped)).reverse();
    const lanes = workers.flatMap((worker) => Array(JOBS_PER_WORKER).fill(worker));
    await Promise.all(lanes.map((worker) => this.#lane(worker)));
    if (this.#jobs.length > 0) throw new Error("Cannot go on: every worker is lost");
  }

  async #lane(worker: WorkerProcess): Promise<void> {
    while (!worker.isLost) {
      const job = this.#jobs.pop();
      if (job !== undefined) await this.#run(job, worker);
      else if (this.#running > 0) await this.#settled.promise; // its work may come back
      else return;
    }
  }

  async #run(job: Job, worker: WorkerProcess): Promise<void> {
    const run = { sentBytes: 0 };
    this.#running++;
    worker.inFlight++;
    const sent = (bytes: number) => {
      run.sentBytes += bytes;
      worker.inFlightBytes += bytes;
      this.#events.sent();
    };
    try {
      this.#take(await resultOf(job, worker, sent));
    } catch (error) {
      if (!pul.isPulsingError(error) || !LOSSES.has(error.kind)) throw error;
      if (!worker.isLost) this.#events.lost(worker, error);
      worker.isLost = true;
      this.#jobs.push(job);
      this.redone++;
    } finally {
      worker.inFlight--;
      worker.inFlightBytes -= run.sentBytes;
      this.#running--;
      this.#settled.resolve();
      this.#settled = Promise.withResolvers();
    }
  }

  #take(result: JobResult): void {
    for (const [part, counts] of result) {
      const { file } = part;
      this.doneBytes += part.to - part.from;
      if (typeof counts === "string") {
        if (!this.#skipped.has(file.path)) this.doneFiles++;
        this.#skipped.set(file.path, counts);
        continue;
      }
      const whole = this.#results.add(part, counts);
      if (whole === undefined) continue; // other parts are to come
      this.index.add(file.index, whole);
      this.doneFiles++;
    }
  }
}
