/**
 * Measures rows against controls and prints what came out.
 *
 * A comparison is a control and a measured row that do the same work. Both run in one process, in
 * turns, so that what the machine does meanwhile hits both; the first turn only warms up. The
 * ratio is the median of the ratios of single rounds, the spread is their range.
 *
 * @module
 */

// deno-lint-ignore-file no-console -- a command-line tool

import process from "node:process";

/** How long one row runs in one round, at least. */
const SAMPLE_MS = 300;
const DEFAULT_ROUNDS = 5;

/** Takes the time of one operation, in milliseconds. */
export type Record = (latencyMs: number) => void;

/** One way of doing the work. */
export interface Row {
  /** What is measured. */
  readonly name: string;
  /** Does some operations, checks that all of them completed and returns how many they were. */
  run(record: Record): number | Promise<number>;
}

/** A row, what it is compared with and how much of it should be reached. */
export interface Comparison {
  readonly control: Row;
  readonly measured: Row;
  /** The ratio to reach; absent when the row is only for information. */
  readonly target?: number;
}

/** What one row did over all rounds. */
export interface RowResult {
  readonly name: string;
  /** Operations per second, the median of the rounds. */
  readonly rate: number;
  /** Absent when the row has no latencies of single operations. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
}

/** What one comparison gave. */
export interface Result {
  readonly control: RowResult;
  readonly measured: RowResult;
  readonly target?: number;
  /** Rate of the measured row divided by that of the control, one for each round, ascending. */
  readonly ratios: readonly number[];
}

interface Sample {
  readonly rate: number;
  readonly latencies: readonly number[];
}

/** Runs comparisons one after the other, with the rounds that the command line asks for. */
export async function compare(comparisons: readonly Comparison[]): Promise<Result[]> {
  const results: Result[] = [];
  for (const comparison of comparisons) {
    results.push(await compareOne(comparison, requestedRounds(process.argv)));
  }
  return results;
}

/** Prints results: a table for people, or JSON for `run.ts` when `--json` is given. */
export function report(title: string, results: readonly Result[]): void {
  if (process.argv.includes("--json")) console.log(JSON.stringify(results));
  else console.log(table(title, results));
}

/**
 * The number after `--rounds`.
 *
 * @throws {RangeError} It is no positive whole number.
 */
export function requestedRounds(args: readonly string[]): number {
  const at = args.indexOf("--rounds");
  if (at < 0) return DEFAULT_ROUNDS;
  const rounds = Number(args[at + 1]);
  if (Number.isInteger(rounds) && rounds > 0) return rounds;
  throw new RangeError(`Cannot run "${args[at + 1]}" rounds: expected 1 or more`);
}

/** Does an operation `count` times, each after the one before; the answers are checked. */
export async function oneAtATime(
  count: number,
  operation: (index: number) => Promise<unknown>,
  record?: Record,
): Promise<number> {
  for (let index = 0; index < count; index++) {
    const startedAt = record === undefined ? 0 : performance.now();
    expectAnswer(await operation(index), index);
    record?.(performance.now() - startedAt);
  }
  return count;
}

/** Does an operation `count` times with `width` of them always under way. */
export async function inFlight(
  count: number,
  width: number,
  operation: (index: number) => Promise<unknown>,
  record?: Record,
): Promise<number> {
  let next = 0;
  let done = 0;
  const lane = async () => {
    while (next < count) {
      const index = next++;
      const startedAt = performance.now();
      expectAnswer(await operation(index), index);
      record?.(performance.now() - startedAt);
      done++;
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  expectCount(done, count);
  return done;
}

/** Fails the bench when fewer or more operations completed than were begun. */
export function expectCount(actual: number, expected: number): void {
  if (actual !== expected) {
    throw new Error(`Cannot trust the bench: ${actual} of ${expected} operations completed`);
  }
}

/** The table of one bench file: for each comparison the control and then the measured row. */
export function table(title: string, results: readonly Result[]): string {
  const lines = results.flatMap(({ control, measured, target, ratios }) => [
    cells(control, "", "", ""),
    cells(measured, ratioText(ratios, target), targetText(target), spreadText(ratios)),
  ]);
  const rows = [[title, "rate/s", "each", "p50", "p99", "ratio", "target", "spread"], ...lines];
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const line = (row: readonly string[]) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)
    ).join("  ").trimEnd();
  return rows.map(line).join("\n");
}

/** Whether the median ratio is at least the target. */
export function isReached({ ratios, target }: Result): boolean {
  return target === undefined || median(ratios) >= target;
}

async function compareOne(comparison: Comparison, rounds: number): Promise<Result> {
  const { control, measured, target } = comparison;
  const controls: Sample[] = [];
  const samples: Sample[] = [];
  await sample(control);
  await sample(measured);
  for (let round = 0; round < rounds; round++) {
    const isSwapped = round % 2 === 1; // whoever runs second inherits the other's garbage
    if (isSwapped) samples.push(await sample(measured));
    controls.push(await sample(control));
    if (!isSwapped) samples.push(await sample(measured));
  }
  const ratios = samples.map((one, round) => one.rate / (controls[round]?.rate ?? NaN));
  return {
    control: summary(control.name, controls),
    measured: summary(measured.name, samples),
    ...(target !== undefined && { target }),
    ratios: ratios.sort(ascending),
  };
}

async function sample(row: Row): Promise<Sample> {
  const latencies: number[] = [];
  const record = (latencyMs: number) => void latencies.push(latencyMs);
  const startedAt = performance.now();
  let count = 0;
  let elapsedMs = 0;
  do {
    count += await row.run(record);
    elapsedMs = performance.now() - startedAt;
  } while (elapsedMs < SAMPLE_MS);
  return { rate: count / elapsedMs * 1_000, latencies };
}

function summary(name: string, samples: readonly Sample[]): RowResult {
  const rate = median(samples.map((one) => one.rate).sort(ascending));
  const latencies = samples.flatMap((one) => one.latencies).sort(ascending);
  if (latencies.length === 0) return { name, rate };
  return { name, rate, p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) };
}

function cells(row: RowResult, ratio: string, target: string, spread: string): string[] {
  const { name, rate, p50Ms, p99Ms } = row;
  const isControl = ratio === "";
  return [
    isControl ? name : `  ${name}`,
    Math.round(rate).toLocaleString("en"),
    duration(1_000 / rate),
    p50Ms === undefined ? "" : duration(p50Ms),
    p99Ms === undefined ? "" : duration(p99Ms),
    ratio,
    target,
    spread,
  ];
}

function ratioText(ratios: readonly number[], target: number | undefined): string {
  const ratio = median(ratios);
  const mark = target === undefined ? "" : ratio >= target ? " ok" : " MISS";
  return `${ratio.toFixed(2)}x${mark}`;
}

function targetText(target: number | undefined): string {
  return target === undefined ? "-" : `>=${target}x`;
}

function spreadText(ratios: readonly number[]): string {
  return `${ratios[0]?.toFixed(2)}-${ratios.at(-1)?.toFixed(2)}`;
}

function duration(ms: number): string {
  if (ms >= 1) return `${ms.toFixed(2)} ms`;
  if (ms >= 0.001) return `${(ms * 1e3).toFixed(1)} us`;
  return `${(ms * 1e6).toFixed(0)} ns`;
}

function median(sorted: readonly number[]): number {
  return quantile(sorted, 0.5);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
}

function ascending(one: number, other: number): number {
  return one - other;
}

function expectAnswer(answer: unknown, index: number): void {
  if (answer !== index) {
    throw new Error(`Cannot trust the bench: operation ${index} answered "${answer}"`);
  }
}
