// deno-lint-ignore-file no-console -- a progress bar shows itself
/** A progress bar: one line redrawn on a terminal, a line a second elsewhere. */

import process from "node:process";
import type { Worker } from "./workers.ts";

const WIDTH = 24;
const MIB = 1_048_576;

/** Shows how far the work is. */
export class Progress {
  readonly #workers: readonly Worker[];
  readonly #totalFiles: number;
  readonly #totalBytes: number;
  readonly #start = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;
  /** Files whose result is complete. */
  files = 0;
  /** Bytes of those files. */
  bytes = 0;
  /** Bytes handed to the workers, those of lost ones included. */
  sent = 0;

  constructor(workers: readonly Worker[], totalFiles: number, totalBytes: number) {
    this.#workers = workers;
    this.#totalFiles = totalFiles;
    this.#totalBytes = totalBytes;
    this.#timer = setInterval(() => this.#draw(), process.stdout.isTTY ? 100 : 1_000);
  }

  /** Prints a line of its own. */
  say(line: string): void {
    console.log(process.stdout.isTTY ? `\r\x1b[K${line}` : line);
  }

  /** Shows the end. */
  stop(): void {
    clearInterval(this.#timer);
    this.#draw();
    if (process.stdout.isTTY) process.stdout.write("\n");
  }

  #draw(): void {
    const share = this.#totalBytes === 0 ? 1 : this.bytes / this.#totalBytes;
    const filled = Math.round(share * WIDTH);
    const bar = "█".repeat(filled) + "░".repeat(WIDTH - filled);
    const seconds = Math.max(0.001, (performance.now() - this.#start) / 1_000);
    const speed = (this.sent / MIB / seconds).toFixed(1);
    const workers = this.#workers.map(({ name, inFlight, isLost }) =>
      `${name.replace("indexers/", "")} ${isLost ? "lost" : inFlight}`
    );
    const line = `${bar} ${this.files}/${this.#totalFiles} files  ${speed} MiB/s  in flight: ` +
      workers.join(", ");
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
    else console.log(line);
  }
}
