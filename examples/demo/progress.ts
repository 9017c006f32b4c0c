/**
 * One line that says how far the work is.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a demo shows its output

import process from "node:process";
import type { Dispatch } from "./dispatch.ts";
import type { SourceFile } from "./scan.ts";
import type { WorkerProcess } from "./workers.ts";

const BAR_WIDTH = 24;
const REDRAW_MS = 100;
const LINE_MS = 1_000;
const CLEAR_LINE = "\r\x1b[2K";
const MIB = 1_048_576;

/** Shows the line until it is disposed: redrawn on a terminal, else one line every second. */
export class Progress implements Disposable {
  readonly #dispatch: Dispatch;
  readonly #workers: readonly WorkerProcess[];
  readonly #files: number;
  readonly #bytes: number;
  readonly #startedAt = performance.now();
  readonly #isTerminal = process.stdout.isTTY === true;
  readonly #timer: ReturnType<typeof setInterval>;

  /**
   * @param files All there is to do.
   * @param dispatch Knows what is done.
   * @param workers Know what they work on.
   */
  constructor(
    files: readonly SourceFile[],
    dispatch: Dispatch,
    workers: readonly WorkerProcess[],
  ) {
    this.#files = files.length;
    this.#bytes = files.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#dispatch = dispatch;
    this.#workers = workers;
    this.#timer = setInterval(() => this.#draw(), this.#isTerminal ? REDRAW_MS : LINE_MS);
  }

  /** Bytes done and on their way, of all bytes: 0 to 1. */
  get share(): number {
    const moving = this.#workers.reduce((sum, { inFlightBytes }) => sum + inFlightBytes, 0);
    return this.#bytes === 0 ? 1 : Math.min(1, (this.#dispatch.doneBytes + moving) / this.#bytes);
  }

  /** Writes a line of its own above the progress. */
  say(text: string): void {
    if (this.#isTerminal) process.stdout.write(CLEAR_LINE);
    console.log(text);
  }

  /** Shows the last state and ends. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#draw();
    if (this.#isTerminal) process.stdout.write("\n");
  }

  #draw(): void {
    const line = this.#line();
    if (!this.#isTerminal) return console.log(line);
    // A line that wraps could not be cleared.
    process.stdout.write(CLEAR_LINE + line.slice(0, (process.stdout.columns || 80) - 1));
  }

  #line(): string {
    const share = this.share;
    const full = Math.floor(share * BAR_WIDTH);
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    const rate = (share * this.#bytes / MIB / seconds).toFixed(1);
    const workers = this.#workers.map(({ name, inFlight, isLost }) => (
      `${name} ${isLost ? "lost" : inFlight}`
    ));
    return `[${
      "#".repeat(full).padEnd(BAR_WIDTH, ".")
    }] ${this.#dispatch.doneFiles}/${this.#files}` +
      ` files  ${rate} MiB/s  in flight: ${workers.join(", ")}`;
  }
}
